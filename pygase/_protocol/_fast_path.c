/* fast_path.py in C: the same two functions, on the same Python objects, with the same results.
 *
 * Nothing else is here. Whatever is unusual goes to the Python methods, as fast_path.py has it; that file says what each
 * step is for. Where this module was not built, fast_path.py does the work itself.
 *
 * Bytes that come from the network are read only after their length was. Objects that come from Python are looked at
 * before they are used: a slot that is empty or of another type raises. What is borrowed from an object is not used any
 * more once Python code may have run, which is also when memory for a tuple is taken (the collector may start) and when
 * a value of an unknown type is let go of; what is still needed then is owned.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <structmember.h>

#define REVISION 2          /* as fast_path._REVISION */
#define TOKEN_BYTES 8
#define HEADER_BYTES 23     /* "!B8sHHIHI": wire.CLIENT_HEADER and wire.SERVER_HEADER */
#define FIRST_BODY 26       /* that, and "!BH": wire.MESSAGE_HEADER */

/* -- what configure() brings from Python ----------------------------------------------------------------------------- */

typedef struct {
    long data, event, ack_soon, few, times_mask, no_ack_delay, max_message_room;
    double time_unit;
} Constants;

static int configured;
static Constants constants;
static PyObject *full_mask;

static PyObject *empty_bytes, *infinity, *minus_infinity, *zero;
static PyObject *name_advance, *name_append, *name_by_report, *name_frame_for, *name_sent, *name_tick;

/* -- reading and writing slots ---------------------------------------------------------------------------------------
 * The classes have __slots__, so each attribute is a pointer at a fixed place in its object, also in those of
 * subclasses; the class's descriptors tell where.
 */

typedef struct {
    PyTypeObject *type;
    int count;
    const char *const *names;
    Py_ssize_t *offsets;
} Layout;

enum {
    ADDRESS, TOKEN, NOTE, NEXT_AT, BYTES_RECEIVED, LAST_RECEIVED_AT, SNAPSHOTS,
    WINDOW, SENT, BUCKET, BUSY, UNACKNOWLEDGED, LATEST_RECEIVED_AT, ACKS_AT, REPORTED_TICK, ACK_DUE_AT, LAST_SENT_AT,
    PEER_SLOTS
};
static const char *const peer_names[PEER_SLOTS] = {
    "address", "token", "note", "next_at", "bytes_received", "last_received_at", "snapshots",
    "_window", "_sent", "_bucket", "_busy", "_unacknowledged", "_latest_received_at", "_acks_at", "_reported_tick",
    "_ack_due_at", "_last_sent_at",
};
enum { LATEST, MASK, WINDOW_SLOTS };
static const char *const window_names[WINDOW_SLOTS] = {"latest", "mask"};
enum { NEXT_SEQUENCE, OUTSTANDING, TIMES, SENT_SLOTS };
static const char *const sent_names[SENT_SLOTS] = {"next_sequence", "outstanding", "times"};
enum { SPENT, LIMIT, BUCKET_SLOTS };
static const char *const bucket_names[BUCKET_SLOTS] = {"spent", "limit"};
enum { SENT_TICK, SENT_AT, SNAPSHOTS_SLOTS };
static const char *const snapshots_names[SNAPSHOTS_SLOTS] = {"sent_tick", "sent_at"};

#define LAYOUT(name, slots) \
    static Py_ssize_t name##_offsets[slots]; \
    static Layout name##_layout = {NULL, slots, name##_names, name##_offsets};

LAYOUT(peer, PEER_SLOTS)
LAYOUT(window, WINDOW_SLOTS)
LAYOUT(sent, SENT_SLOTS)
LAYOUT(bucket, BUCKET_SLOTS)
LAYOUT(snapshots, SNAPSHOTS_SLOTS)

static int
learn_layout(Layout *layout, PyTypeObject *type)
{
    Py_ssize_t offsets[PEER_SLOTS];
    for (int i = 0; i < layout->count; i++) {
        PyObject *descriptor = PyObject_GetAttrString((PyObject *)type, layout->names[i]);
        if (descriptor == NULL)
            return -1;
        int is_slot = Py_IS_TYPE(descriptor, &PyMemberDescr_Type)
                      && PyType_IsSubtype(type, PyDescr_TYPE(descriptor))
                      && ((PyMemberDescrObject *)descriptor)->d_member->type == T_OBJECT_EX;
        if (is_slot)
            offsets[i] = ((PyMemberDescrObject *)descriptor)->d_member->offset;
        Py_DECREF(descriptor);
        if (!is_slot) {
            PyErr_Format(PyExc_TypeError, "%s.%s must be a slot", type->tp_name, layout->names[i]);
            return -1;
        }
    }
    memcpy(layout->offsets, offsets, sizeof(Py_ssize_t) * (size_t)layout->count);
    Py_INCREF(type);
    Py_XSETREF(layout->type, type);
    return 0;
}

static inline int
check_type(const Layout *layout, PyObject *object)
{
    if (Py_IS_TYPE(object, layout->type) || PyType_IsSubtype(Py_TYPE(object), layout->type))
        return 0;
    PyErr_Format(PyExc_TypeError, "%s expected, got %s", layout->type->tp_name, Py_TYPE(object)->tp_name);
    return -1;
}

static inline PyObject **
slot(const Layout *layout, PyObject *object, int index)
{
    return (PyObject **)((char *)object + layout->offsets[index]);
}

/* Return what is in a slot (borrowed), or NULL with an exception. */
static inline PyObject *
get(const Layout *layout, PyObject *object, int index)
{
    PyObject *value = *slot(layout, object, index);
    if (value == NULL)
        PyErr_SetString(PyExc_AttributeError, layout->names[index]);
    return value;
}

/* Return the object in a slot, of the class whose layout is given (a new reference), or NULL with an exception. */
static inline PyObject *
own(const Layout *layout, PyObject *object, int index, const Layout *its_layout)
{
    PyObject *value = get(layout, object, index);
    if (value == NULL || check_type(its_layout, value) < 0)
        return NULL;
    return Py_NewRef(value);
}

/* Put a new reference into a slot; NULL, with an exception set, is -1. */
static inline int
put(const Layout *layout, PyObject *object, int index, PyObject *value)
{
    if (value == NULL)
        return -1;
    PyObject **place = slot(layout, object, index);
    PyObject *old = *place;
    *place = value;
    Py_XDECREF(old);
    return 0;
}

static inline void
put_shared(const Layout *layout, PyObject *object, int index, PyObject *value)
{
    put(layout, object, index, Py_NewRef(value));
}

static int
no_number(const Layout *layout, int index, PyObject *value)
{
    PyErr_Format(PyExc_TypeError, "%s must be a plain number, got %s", layout->names[index], Py_TYPE(value)->tp_name);
    return -1;
}

/* Numbers are taken from ints and floats alone, and not from subclasses: so no Python code runs here. */
static inline int
get_long(const Layout *layout, PyObject *object, int index, long long *result)
{
    PyObject *value = get(layout, object, index);
    if (value == NULL)
        return -1;
    if (!PyLong_CheckExact(value))
        return no_number(layout, index, value);
    *result = PyLong_AsLongLong(value);
    return *result == -1 && PyErr_Occurred() ? -1 : 0;
}

static inline int
get_double(const Layout *layout, PyObject *object, int index, double *result)
{
    PyObject *value = get(layout, object, index);
    if (value == NULL)
        return -1;
    if (PyFloat_CheckExact(value)) {
        *result = PyFloat_AS_DOUBLE(value);
        return 0;
    }
    if (!PyLong_CheckExact(value))
        return no_number(layout, index, value);
    *result = PyLong_AsDouble(value);
    return *result == -1.0 && PyErr_Occurred() ? -1 : 0;
}

/* Return the int after that of a count, which is not negative. */
static inline PyObject *
plus(long long count, Py_ssize_t more)
{
    return PyLong_FromUnsignedLongLong((unsigned long long)count + (unsigned long long)more);
}

/* -- big-endian numbers ---------------------------------------------------------------------------------------------- */

static inline uint32_t
read_16(const unsigned char *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t
read_32(const unsigned char *at)
{
    return read_16(at) << 16 | read_16(at + 2);
}

static inline unsigned char *
write_16(unsigned char *at, uint32_t value)
{
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
    return at + 2;
}

static inline unsigned char *
write_32(unsigned char *at, uint32_t value)
{
    return write_16(write_16(at, value >> 16), value);
}

static inline unsigned char *
write_bytes(unsigned char *at, PyObject *bytes)
{
    memcpy(at, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    return at + PyBytes_GET_SIZE(bytes);
}

/* -- receive --------------------------------------------------------------------------------------------------------- */

typedef struct {
    PyObject *by_token, *deliver, *now, *ack_due_at;  /* borrowed */
    double now_seconds, ack_due_at_seconds;
    double next_at;
    PyObject *reported;                               /* the report seen last, since most say the same; owned */
} Receiving;

/* Let the peer look at a packet's acknowledgement. */
static int
take_acks(Receiving *receiving, PyObject *peer, const unsigned char *bytes)
{
    double next_at;
    PyObject *nothing = PyObject_CallMethod(
        peer, "take_acks", "IIIO", read_16(bytes + 11), read_32(bytes + 13), read_16(bytes + 17), receiving->now);
    if (nothing == NULL)
        return -1;
    Py_DECREF(nothing);
    if (get_double(&peer_layout, peer, NEXT_AT, &next_at) < 0)
        return -1;
    receiving->next_at = fmin(receiving->next_at, next_at);
    return 0;
}

static int
note_report(Receiving *receiving, PyObject *peer, uint32_t reported)
{
    if (receiving->reported == NULL || PyLong_AsUnsignedLongMask(receiving->reported) != reported) {
        PyObject *number = PyLong_FromUnsignedLong(reported);
        if (number == NULL)
            return -1;
        Py_XSETREF(receiving->reported, number);
    }
    put_shared(&peer_layout, peer, REPORTED_TICK, receiving->reported);
    return 0;
}

static int
deliver(Receiving *receiving, PyObject *peer, const unsigned char *body, Py_ssize_t size)
{
    PyObject *payload = PyBytes_FromStringAndSize((const char *)body, size);
    PyObject *delivered = payload != NULL ? PyTuple_Pack(2, peer, payload) : NULL;
    PyObject *nothing = delivered != NULL ? PyObject_CallOneArg(receiving->deliver, delivered) : NULL;
    Py_XDECREF(payload);
    Py_XDECREF(delivered);
    Py_XDECREF(nothing);
    return nothing == NULL ? -1 : 0;
}

/* Take in a packet with one event, from this peer (both owned by the caller, as the window is by take_in). */
static int
take_event(Receiving *receiving, PyObject *peer, PyObject *window, const unsigned char *bytes, Py_ssize_t size)
{
    uint32_t sequence = read_16(bytes + 9), reported = read_32(bytes + 19);
    PyObject *busy, *mask;
    long long latest, unacknowledged, bytes_received, its_report;
    double acks_at, its_ack_due_at, next_at;
    if ((busy = get(&peer_layout, peer, BUSY)) == NULL
        || (mask = get(&window_layout, window, MASK)) == NULL
        || get_long(&window_layout, window, LATEST, &latest) < 0
        || get_long(&peer_layout, peer, UNACKNOWLEDGED, &unacknowledged) < 0
        || get_long(&peer_layout, peer, BYTES_RECEIVED, &bytes_received) < 0
        || get_long(&peer_layout, peer, REPORTED_TICK, &its_report) < 0
        || get_double(&peer_layout, peer, ACKS_AT, &acks_at) < 0
        || get_double(&peer_layout, peer, ACK_DUE_AT, &its_ack_due_at) < 0)
        return -1;
    if (latest < 0 || ((sequence - (uint32_t)latest) & 0xFFFF) != 1 || busy != Py_False
        || unacknowledged >= constants.ack_soon)
        return 0;

    if (mask == full_mask) {
        if (put(&window_layout, window, LATEST, plus(latest, 1)) < 0)
            return -1;
    }
    else {
        PyObject *nothing = PyObject_CallMethodNoArgs(window, name_advance);
        if (nothing == NULL)
            return -1;
        Py_DECREF(nothing);
    }
    if (put(&peer_layout, peer, BYTES_RECEIVED, plus(bytes_received, size)) < 0)
        return -1;
    put_shared(&peer_layout, peer, LATEST_RECEIVED_AT, receiving->now);
    put_shared(&peer_layout, peer, LAST_RECEIVED_AT, receiving->now);
    if ((receiving->now_seconds >= acks_at && take_acks(receiving, peer, bytes) < 0)
        || (its_report != (long long)reported && note_report(receiving, peer, reported) < 0)
        || deliver(receiving, peer, bytes + FIRST_BODY, size - FIRST_BODY) < 0
        || put(&peer_layout, peer, UNACKNOWLEDGED, plus(unacknowledged, 1)) < 0)
        return -1;
    if (receiving->ack_due_at_seconds < its_ack_due_at) {
        put_shared(&peer_layout, peer, ACK_DUE_AT, receiving->ack_due_at);
        if (get_double(&peer_layout, peer, NEXT_AT, &next_at) < 0)
            return -1;
        if (receiving->ack_due_at_seconds < next_at) {
            put_shared(&peer_layout, peer, NEXT_AT, receiving->ack_due_at);
            receiving->next_at = fmin(receiving->next_at, receiving->ack_due_at_seconds);
        }
    }
    return 1;
}

/* Tell whether a peer is at this address: 1, 0, or -1 with an exception. */
static int
is_at(PyObject *peer, PyObject *address)
{
    PyObject *its_address = get(&peer_layout, peer, ADDRESS);
    if (its_address == NULL)
        return -1;
    Py_INCREF(its_address);  /* comparing may run Python code */
    int result = PyObject_RichCompareBool(its_address, address, Py_EQ);
    Py_DECREF(its_address);
    return result;
}

/* Take in one datagram: 1 if that is done, 0 if it is none of the usual ones and nothing has been touched, -1 with an
 * exception. */
static int
take_in(Receiving *receiving, PyObject *data, PyObject *address)
{
    if (!PyBytes_CheckExact(data) || PyBytes_GET_SIZE(data) < FIRST_BODY)
        return 0;
    const unsigned char *bytes = (const unsigned char *)PyBytes_AS_STRING(data);
    Py_ssize_t size = PyBytes_GET_SIZE(data);
    if (bytes[0] != constants.data || bytes[23] != constants.event || !read_32(bytes + 19)
        || (Py_ssize_t)read_16(bytes + 24) != size - FIRST_BODY)
        return 0;

    PyObject *token = PyBytes_FromStringAndSize((const char *)bytes + 1, TOKEN_BYTES);
    if (token == NULL)
        return -1;
    PyObject *peer = PyDict_GetItemWithError(receiving->by_token, token);
    Py_XINCREF(peer);  /* Python code may run from here on, which may forget it */
    Py_DECREF(token);
    if (peer == NULL)
        return PyErr_Occurred() ? -1 : 0;
    int result = check_type(&peer_layout, peer) < 0 ? -1 : is_at(peer, address);
    if (result > 0) {
        PyObject *window = own(&peer_layout, peer, WINDOW, &window_layout);
        result = window != NULL ? take_event(receiving, peer, window, bytes, size) : -1;
        Py_XDECREF(window);
    }
    Py_DECREF(peer);
    return result;
}

static int
check_configured(void)
{
    if (!configured)
        PyErr_SetString(PyExc_RuntimeError, "configure() comes first");
    return configured ? 0 : -1;
}

PyDoc_STRVAR(receive_doc,
"receive(datagrams, by_token, inbox, now, ack_due_at, otherwise)\n--\n\nSee fast_path.receive.");

static PyObject *
receive(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *datagrams, *by_token, *inbox, *otherwise;
    Receiving receiving = {.next_at = INFINITY};
    if (check_configured() < 0
        || !PyArg_ParseTuple(args, "OO!OOOO:receive", &datagrams, &PyDict_Type, &by_token, &inbox, &receiving.now,
                             &receiving.ack_due_at, &otherwise))
        return NULL;
    receiving.by_token = by_token;
    receiving.now_seconds = PyFloat_AsDouble(receiving.now);
    receiving.ack_due_at_seconds = PyFloat_AsDouble(receiving.ack_due_at);
    if (PyErr_Occurred())
        return NULL;
    PyObject *iterator = PyObject_GetIter(datagrams);
    if (iterator == NULL)
        return NULL;
    receiving.deliver = PyObject_GetAttr(inbox, name_append);
    PyObject *item = NULL, *result = NULL;
    if (receiving.deliver == NULL)
        goto done;
    while ((item = PyIter_Next(iterator)) != NULL) {
        if (!PyTuple_CheckExact(item) || PyTuple_GET_SIZE(item) != 2) {
            PyErr_SetString(PyExc_TypeError, "datagrams must be tuples (data, address)");
            goto done;
        }
        PyObject *data = PyTuple_GET_ITEM(item, 0), *address = PyTuple_GET_ITEM(item, 1);
        int taken = take_in(&receiving, data, address);
        if (taken < 0)
            goto done;
        if (!taken) {
            PyObject *nothing = PyObject_CallFunctionObjArgs(otherwise, data, address, receiving.now, NULL);
            if (nothing == NULL)
                goto done;
            Py_DECREF(nothing);
        }
        Py_CLEAR(item);
    }
    if (!PyErr_Occurred())
        result = PyFloat_FromDouble(receiving.next_at);
done:
    Py_XDECREF(item);
    Py_XDECREF(receiving.deliver);
    Py_XDECREF(receiving.reported);
    Py_DECREF(iterator);
    return result;
}

/* -- state_datagrams ------------------------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    PyObject *peers;               /* an iterator */
    PyObject *others, *ring, *by_report, *tick, *now, *soon;
    double now_seconds;
    uint32_t wire_now;
    int running;
    PyObject *framed;              /* for the report below; NULL before the first */
    long long report;              /* of the peer before: most have the same */
    double received_at;            /* the same of when it was last heard, and what follows from that */
    uint32_t held;
} StateDatagrams;

static int
StateDatagrams_traverse(StateDatagrams *self, visitproc visit, void *arg)
{
    Py_VISIT(self->peers);
    Py_VISIT(self->others);
    Py_VISIT(self->ring);
    Py_VISIT(self->by_report);
    Py_VISIT(self->tick);
    Py_VISIT(self->now);
    Py_VISIT(self->soon);
    Py_VISIT(self->framed);
    return 0;
}

static int
StateDatagrams_clear(StateDatagrams *self)
{
    Py_CLEAR(self->peers);  /* without which it does nothing any more */
    Py_CLEAR(self->others);
    Py_CLEAR(self->ring);
    Py_CLEAR(self->by_report);
    Py_CLEAR(self->tick);
    Py_CLEAR(self->now);
    Py_CLEAR(self->soon);
    Py_CLEAR(self->framed);
    return 0;
}

static void
StateDatagrams_dealloc(StateDatagrams *self)
{
    PyObject_GC_UnTrack(self);
    StateDatagrams_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* Raise unless it is bytes (and so many, unless that is negative). */
static int
check_bytes(PyObject *object, Py_ssize_t size)
{
    if (PyBytes_CheckExact(object) && (size < 0 || PyBytes_GET_SIZE(object) == size))
        return 0;
    PyErr_Format(PyExc_TypeError, "not the bytes that were expected, but %s", Py_TYPE(object)->tp_name);
    return -1;
}

/* Look up the framed message for all with this report. */
static int
turn_to_report(StateDatagrams *self, long long report)
{
    PyObject *number = PyLong_FromLongLong(report);
    if (number == NULL)
        return -1;
    PyObject *framed = PyDict_GetItemWithError(self->by_report, number);
    if (framed != NULL)
        Py_INCREF(framed);
    else if (!PyErr_Occurred())
        framed = PyObject_CallMethodOneArg(self->ring, name_frame_for, number);
    Py_DECREF(number);
    if (framed == NULL || (framed != Py_None && check_bytes(framed, -1) < 0)) {
        Py_XDECREF(framed);
        return -1;
    }
    self->report = report;
    Py_XSETREF(self->framed, framed);
    return 0;
}

/* Note that a packet leaves; fetch its number. */
static int
note_sent(StateDatagrams *self, PyObject *peer, PyObject *sent, long long *sequence)
{
    PyObject *outstanding = get(&sent_layout, sent, OUTSTANDING);
    if (outstanding == NULL || get_long(&sent_layout, sent, NEXT_SEQUENCE, sequence) < 0)
        return -1;
    if (!PyLong_CheckExact(outstanding))
        return no_number(&sent_layout, OUTSTANDING, outstanding);
    int overflow;
    long long under_way = PyLong_AsLongLongAndOverflow(outstanding, &overflow);
    if (overflow || under_way < 0 || under_way > (constants.few - 1) >> 1) {  /* more than FEW, with this one */
        PyObject *number = PyObject_CallMethodObjArgs(sent, name_sent, Py_None, self->now, NULL);
        if (number == NULL)
            return -1;
        Py_DECREF(number);
        put_shared(&peer_layout, peer, ACKS_AT, minus_infinity);
        return 0;
    }
    PyObject *times = get(&sent_layout, sent, TIMES);
    if (times == NULL || put(&sent_layout, sent, NEXT_SEQUENCE, plus(*sequence, 1)) < 0)
        return -1;
    if (PyList_SetItem(times, (Py_ssize_t)(*sequence & constants.times_mask), Py_NewRef(self->now)) < 0)
        return -1;
    return put(&sent_layout, sent, OUTSTANDING, plus(under_way << 1, 1));
}

/* How long the newest packet of this peer has been held, in units of the wire. */
static uint32_t
held_for(StateDatagrams *self, double received_at)
{
    if (received_at != self->received_at) {
        double units = floor((self->now_seconds - received_at) / constants.time_unit + 0.5);
        self->received_at = received_at;
        self->held = (uint32_t)constants.no_ack_delay;
        if (units < (double)constants.no_ack_delay)
            self->held = units > 0.0 ? (uint32_t)units : 0;
    }
    return self->held;
}

/* Put a datagram together: (data, address), or NULL with an exception. No Python code runs before all is written. */
static PyObject *
assemble(StateDatagrams *self, PyObject *peer, PyObject *bucket, long long sequence)
{
    PyObject *window = own(&peer_layout, peer, WINDOW, &window_layout);
    if (window == NULL)
        return NULL;
    PyObject *mask = get(&window_layout, window, MASK);
    uint32_t ack_bits = 0xFFFFFFFF;
    long long latest = 0;
    int failed = mask == NULL || (!PyLong_CheckExact(mask) && no_number(&window_layout, MASK, mask) < 0)
                 || get_long(&window_layout, window, LATEST, &latest) < 0;
    if (!failed && mask != full_mask)
        ack_bits = (uint32_t)(PyLong_AsUnsignedLongLongMask(mask) >> 1);
    Py_DECREF(window);

    PyObject *token, *note, *address;
    double received_at;
    long long spent;
    if (failed
        || get_double(&peer_layout, peer, LATEST_RECEIVED_AT, &received_at) < 0
        || get_long(&bucket_layout, bucket, SPENT, &spent) < 0
        || (token = get(&peer_layout, peer, TOKEN)) == NULL || check_bytes(token, TOKEN_BYTES) < 0
        || (note = get(&peer_layout, peer, NOTE)) == NULL || check_bytes(note, -1) < 0
        || (address = get(&peer_layout, peer, ADDRESS)) == NULL)
        return NULL;
    Py_ssize_t note_bytes = PyBytes_GET_SIZE(note), size = HEADER_BYTES + note_bytes + PyBytes_GET_SIZE(self->framed);
    PyObject *datagram = PyBytes_FromStringAndSize(NULL, size);
    if (datagram == NULL)
        return NULL;
    unsigned char *at = (unsigned char *)PyBytes_AS_STRING(datagram);
    *at++ = (unsigned char)constants.data;
    at = write_bytes(at, token);
    at = write_16(at, (uint32_t)sequence);
    at = write_16(at, (uint32_t)latest);
    at = write_32(at, ack_bits);
    at = write_16(at, latest >= 0 ? held_for(self, received_at) : (uint32_t)constants.no_ack_delay);
    at = write_32(at, self->wire_now);
    at = write_bytes(at, note);
    write_bytes(at, self->framed);
    if (put(&bucket_layout, bucket, SPENT, plus(spent, size)) < 0) {
        Py_DECREF(datagram);
        return NULL;
    }
    Py_INCREF(address);
    if (note_bytes)
        put_shared(&peer_layout, peer, NOTE, empty_bytes);
    PyObject *result = PyTuple_Pack(2, datagram, address);
    Py_DECREF(address);
    Py_DECREF(datagram);
    return result;
}

/* Note that a datagram with the current state leaves for a peer, and return it; NULL with an exception. The bucket is
 * owned by the caller. */
static PyObject *
send_state(StateDatagrams *self, PyObject *peer, PyObject *bucket)
{
    long long sequence;
    PyObject *sent = own(&peer_layout, peer, SENT, &sent_layout);
    if (sent == NULL)
        return NULL;
    int failed = note_sent(self, peer, sent, &sequence) < 0;
    Py_DECREF(sent);
    PyObject *snapshots = failed ? NULL : own(&peer_layout, peer, SNAPSHOTS, &snapshots_layout);
    if (snapshots == NULL)
        return NULL;
    PyObject *datagram = assemble(self, peer, bucket, sequence);
    if (datagram != NULL) {
        put_shared(&snapshots_layout, snapshots, SENT_TICK, self->tick);
        put_shared(&snapshots_layout, snapshots, SENT_AT, self->now);
        put_shared(&peer_layout, peer, LAST_SENT_AT, self->now);
        put_shared(&peer_layout, peer, ACK_DUE_AT, infinity);
        put_shared(&peer_layout, peer, UNACKNOWLEDGED, zero);
        put_shared(&peer_layout, peer, NEXT_AT, self->soon);
    }
    Py_DECREF(snapshots);
    return datagram;
}

/* Make the datagram for a peer: NULL without an exception if there is more, or nothing, to do for it. */
static PyObject *
datagram_for(StateDatagrams *self, PyObject *peer)
{
    PyObject *note, *busy;
    long long report;
    double spent, limit;
    if (check_type(&peer_layout, peer) < 0 || get_long(&peer_layout, peer, REPORTED_TICK, &report) < 0)
        return NULL;
    if ((self->framed == NULL || report != self->report) && turn_to_report(self, report) < 0)
        return NULL;
    if (self->framed == Py_None
        || (busy = get(&peer_layout, peer, BUSY)) == NULL || busy != Py_False
        || (note = get(&peer_layout, peer, NOTE)) == NULL || check_bytes(note, -1) < 0
        || PyBytes_GET_SIZE(note) + PyBytes_GET_SIZE(self->framed) > constants.max_message_room)
        return NULL;
    PyObject *bucket = own(&peer_layout, peer, BUCKET, &bucket_layout), *result = NULL;
    if (bucket == NULL)
        return NULL;
    if (get_double(&bucket_layout, bucket, SPENT, &spent) == 0
        && get_double(&bucket_layout, bucket, LIMIT, &limit) == 0 && spent < limit)
        result = send_state(self, peer, bucket);
    Py_DECREF(bucket);
    return result;
}

static PyObject *
StateDatagrams_next(StateDatagrams *self)
{
    if (self->running) {
        PyErr_SetString(PyExc_ValueError, "this iterator is being asked already");
        return NULL;
    }
    PyObject *peer, *datagram = NULL;
    self->running = 1;
    while (datagram == NULL && self->peers != NULL && (peer = PyIter_Next(self->peers)) != NULL) {
        datagram = datagram_for(self, peer);
        int failed = datagram == NULL && (PyErr_Occurred() || PyList_Append(self->others, peer) < 0);
        Py_DECREF(peer);
        if (failed)
            break;
    }
    self->running = 0;
    return datagram;
}

static PyTypeObject StateDatagrams_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pygase._protocol._fast_path.StateDatagrams",
    .tp_doc = PyDoc_STR("What state_datagrams returns."),
    .tp_basicsize = sizeof(StateDatagrams),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)StateDatagrams_dealloc,
    .tp_traverse = (traverseproc)StateDatagrams_traverse,
    .tp_clear = (inquiry)StateDatagrams_clear,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)StateDatagrams_next,
};

PyDoc_STRVAR(state_datagrams_doc,
"state_datagrams(peers, others, ring, now, soon, wire_now)\n--\n\nSee fast_path.state_datagrams.");

static PyObject *
state_datagrams(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *peers, *others, *ring, *now, *soon;
    unsigned int wire_now;
    if (check_configured() < 0
        || !PyArg_ParseTuple(args, "OO!OOOI:state_datagrams", &peers, &PyList_Type, &others, &ring, &now, &soon, &wire_now))
        return NULL;
    double now_seconds = PyFloat_AsDouble(now);
    if (now_seconds == -1.0 && PyErr_Occurred())
        return NULL;
    StateDatagrams *self = (StateDatagrams *)StateDatagrams_Type.tp_alloc(&StateDatagrams_Type, 0);
    if (self == NULL)
        return NULL;
    self->others = Py_NewRef(others);
    self->ring = Py_NewRef(ring);
    self->now = Py_NewRef(now);
    self->soon = Py_NewRef(soon);
    self->now_seconds = now_seconds;
    self->wire_now = wire_now;
    self->received_at = -INFINITY;
    self->peers = PyObject_GetIter(peers);
    self->by_report = PyObject_GetAttr(ring, name_by_report);
    self->tick = PyObject_GetAttr(ring, name_tick);
    if (self->peers != NULL && self->by_report != NULL && self->tick != NULL) {
        if (PyDict_CheckExact(self->by_report))
            return (PyObject *)self;
        PyErr_SetString(PyExc_TypeError, "ring.by_report must be a dict");
    }
    Py_DECREF(self);
    return NULL;
}

/* -- the module ------------------------------------------------------------------------------------------------------ */

PyDoc_STRVAR(configure_doc,
"configure(*, classes, full_mask, data, event, ack_soon, few, times_mask, no_ack_delay, max_message_room, time_unit)\n"
"--\n\n"
"Take over the constants, which have their one place in Python, and the classes: ServerProtocol, ReceiveWindow,\n"
"SentPackets, TokenBucket, SnapshotSender.");

static PyObject *
configure(PyObject *Py_UNUSED(module), PyObject *args, PyObject *keywords)
{
    static char *names[] = {"classes", "full_mask", "data", "event", "ack_soon", "few", "times_mask", "no_ack_delay",
                            "max_message_room", "time_unit", NULL};
    PyTypeObject *peer, *window, *sent, *bucket, *snapshots;
    PyObject *mask;
    Constants given;
    if (!PyArg_ParseTupleAndKeywords(
            args, keywords, "$(O!O!O!O!O!)O!llllllld:configure", names, &PyType_Type, &peer, &PyType_Type, &window,
            &PyType_Type, &sent, &PyType_Type, &bucket, &PyType_Type, &snapshots, &PyLong_Type, &mask, &given.data,
            &given.event, &given.ack_soon, &given.few, &given.times_mask, &given.no_ack_delay,
            &given.max_message_room, &given.time_unit))
        return NULL;
    configured = 0;
    if (learn_layout(&peer_layout, peer) < 0 || learn_layout(&window_layout, window) < 0
        || learn_layout(&sent_layout, sent) < 0 || learn_layout(&bucket_layout, bucket) < 0
        || learn_layout(&snapshots_layout, snapshots) < 0)
        return NULL;
    constants = given;
    Py_INCREF(mask);
    Py_XSETREF(full_mask, mask);
    configured = 1;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"configure", (PyCFunction)(void (*)(void))configure, METH_VARARGS | METH_KEYWORDS, configure_doc},
    {"receive", receive, METH_VARARGS, receive_doc},
    {"state_datagrams", state_datagrams, METH_VARARGS, state_datagrams_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pygase._protocol._fast_path",
    .m_doc = "fast_path.py in C, where it could be built.",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit__fast_path(void)
{
    if (PyType_Ready(&StateDatagrams_Type) < 0
        || (empty_bytes = PyBytes_FromStringAndSize(NULL, 0)) == NULL
        || (infinity = PyFloat_FromDouble(INFINITY)) == NULL
        || (minus_infinity = PyFloat_FromDouble(-INFINITY)) == NULL
        || (zero = PyLong_FromLong(0)) == NULL
        || (name_advance = PyUnicode_InternFromString("advance")) == NULL
        || (name_append = PyUnicode_InternFromString("append")) == NULL
        || (name_by_report = PyUnicode_InternFromString("by_report")) == NULL
        || (name_frame_for = PyUnicode_InternFromString("frame_for")) == NULL
        || (name_sent = PyUnicode_InternFromString("sent")) == NULL
        || (name_tick = PyUnicode_InternFromString("tick")) == NULL)
        return NULL;
    PyObject *result = PyModule_Create(&module);
    if (result != NULL && PyModule_AddIntMacro(result, REVISION) < 0)
        Py_CLEAR(result);
    return result;
}
