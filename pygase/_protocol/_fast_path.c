/* fast_path.py in C: the same two functions, on the same Python objects, with the same results.
 *
 * Nothing else is here. Whatever is unusual goes to the Python methods, as fast_path.py has it; that file says what each
 * step is for. Where this module was not built, fast_path.py does the work itself.
 *
 * Objects that come from Python are looked at before they are used: a slot that is empty or of another type raises.
 * Bytes that come from the network are read only after their length was.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <structmember.h>

#define REVISION 1          /* as fast_path._REVISION */
#define TOKEN_BYTES 8
#define HEADER_BYTES 23     /* "!B8sHHIHI": wire.CLIENT_HEADER and wire.SERVER_HEADER */
#define FIRST_BODY 26       /* that, and "!BH": wire.MESSAGE_HEADER */

/* -- what configure() brings from Python ----------------------------------------------------------------------------- */

static struct {
    int is_set;
    long data, event, ack_soon, few, times_mask, no_ack_delay, max_message_room;
    double time_unit;
    PyObject *full_mask;
} constants;

static PyObject *empty_bytes, *infinity, *minus_infinity, *zero;
static PyObject *name_advance, *name_append, *name_by_report, *name_frame_for, *name_sent, *name_tick;

/* -- reading and writing slots ---------------------------------------------------------------------------------------
 * The classes have __slots__, so each attribute is a pointer at a fixed place in its object; the class's descriptors
 * tell where. Looked up once for each class, and again if another class comes along (as a test's subclass).
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
know_layout(Layout *layout, PyObject *object)
{
    return Py_IS_TYPE(object, layout->type) ? 0 : learn_layout(layout, Py_TYPE(object));
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

/* Put a new reference into a slot; NULL, with an exception set, stays one. */
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

static inline int
put_shared(const Layout *layout, PyObject *object, int index, PyObject *value)
{
    Py_INCREF(value);
    return put(layout, object, index, value);
}

static inline int
get_long(const Layout *layout, PyObject *object, int index, long long *value)
{
    PyObject *number = get(layout, object, index);
    if (number == NULL)
        return -1;
    *value = PyLong_AsLongLong(number);
    return *value == -1 && PyErr_Occurred() ? -1 : 0;
}

static inline int
get_double(const Layout *layout, PyObject *object, int index, double *value)
{
    PyObject *number = get(layout, object, index);
    if (number == NULL)
        return -1;
    *value = PyFloat_CheckExact(number) ? PyFloat_AS_DOUBLE(number) : PyFloat_AsDouble(number);
    return *value == -1.0 && PyErr_Occurred() ? -1 : 0;
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

/* Take in one datagram: 1 if that is done, 0 if it is none of the usual ones and nothing has been touched, -1 with an
 * exception. */
static int
take_in(Receiving *receiving, PyObject *data, PyObject *address)
{
    if (!PyBytes_CheckExact(data) || PyBytes_GET_SIZE(data) < FIRST_BODY)
        return 0;
    const unsigned char *bytes = (const unsigned char *)PyBytes_AS_STRING(data);
    Py_ssize_t size = PyBytes_GET_SIZE(data);
    uint32_t sequence = read_16(bytes + 9), reported = read_32(bytes + 19);
    if (bytes[0] != constants.data || bytes[23] != constants.event || read_16(bytes + 24) != (uint32_t)(size - FIRST_BODY)
        || !reported)
        return 0;

    PyObject *token = PyBytes_FromStringAndSize((const char *)bytes + 1, TOKEN_BYTES);
    if (token == NULL)
        return -1;
    PyObject *peer = PyDict_GetItemWithError(receiving->by_token, token);
    Py_DECREF(token);
    if (peer == NULL)
        return PyErr_Occurred() ? -1 : 0;
    Py_INCREF(peer);  /* for as long as Python code may run below */

    int result = -1;
    PyObject *window, *its_address, *busy, *mask;
    long long latest, unacknowledged, bytes_received, its_report;
    double acks_at, its_ack_due_at, next_at;
    if (know_layout(&peer_layout, peer) < 0
        || (window = get(&peer_layout, peer, WINDOW)) == NULL || know_layout(&window_layout, window) < 0
        || (its_address = get(&peer_layout, peer, ADDRESS)) == NULL
        || (busy = get(&peer_layout, peer, BUSY)) == NULL
        || (mask = get(&window_layout, window, MASK)) == NULL
        || get_long(&window_layout, window, LATEST, &latest) < 0
        || get_long(&peer_layout, peer, UNACKNOWLEDGED, &unacknowledged) < 0
        || get_long(&peer_layout, peer, BYTES_RECEIVED, &bytes_received) < 0
        || get_long(&peer_layout, peer, REPORTED_TICK, &its_report) < 0
        || get_double(&peer_layout, peer, ACKS_AT, &acks_at) < 0
        || get_double(&peer_layout, peer, ACK_DUE_AT, &its_ack_due_at) < 0)
        goto done;

    if (latest < 0 || ((sequence - (uint32_t)latest) & 0xFFFF) != 1 || busy != Py_False
        || unacknowledged >= constants.ack_soon) {
        result = 0;
        goto done;
    }
    int same = PyObject_RichCompareBool(its_address, address, Py_EQ);
    if (same <= 0) {
        result = same;
        goto done;
    }

    if (put(&peer_layout, peer, BYTES_RECEIVED, PyLong_FromLongLong(bytes_received + size)) < 0)
        goto done;
    if (mask == constants.full_mask) {
        if (put(&window_layout, window, LATEST, PyLong_FromLongLong(latest + 1)) < 0)
            goto done;
    }
    else {
        PyObject *nothing = PyObject_CallMethodNoArgs(window, name_advance);
        if (nothing == NULL)
            goto done;
        Py_DECREF(nothing);
    }
    put_shared(&peer_layout, peer, LATEST_RECEIVED_AT, receiving->now);
    put_shared(&peer_layout, peer, LAST_RECEIVED_AT, receiving->now);
    if (receiving->now_seconds >= acks_at) {
        PyObject *nothing = PyObject_CallMethod(
            peer, "take_acks", "IIIO", read_16(bytes + 11), read_32(bytes + 13), read_16(bytes + 17), receiving->now);
        if (nothing == NULL)
            goto done;
        Py_DECREF(nothing);
        if (get_double(&peer_layout, peer, NEXT_AT, &next_at) < 0)
            goto done;
        receiving->next_at = fmin(receiving->next_at, next_at);
    }
    if (its_report != (long long)reported) {
        if (receiving->reported == NULL || PyLong_AsUnsignedLongMask(receiving->reported) != reported) {
            PyObject *number = PyLong_FromUnsignedLong(reported);
            if (number == NULL)
                goto done;
            Py_XSETREF(receiving->reported, number);
        }
        put_shared(&peer_layout, peer, REPORTED_TICK, receiving->reported);
    }
    PyObject *body = PyBytes_FromStringAndSize((const char *)bytes + FIRST_BODY, size - FIRST_BODY);
    PyObject *delivered = body != NULL ? PyTuple_Pack(2, peer, body) : NULL;
    Py_XDECREF(body);
    if (delivered == NULL)
        goto done;
    PyObject *nothing = PyObject_CallOneArg(receiving->deliver, delivered);
    Py_DECREF(delivered);
    if (nothing == NULL)
        goto done;
    Py_DECREF(nothing);
    if (put(&peer_layout, peer, UNACKNOWLEDGED, PyLong_FromLongLong(unacknowledged + 1)) < 0)
        goto done;
    if (receiving->ack_due_at_seconds < its_ack_due_at) {
        put_shared(&peer_layout, peer, ACK_DUE_AT, receiving->ack_due_at);
        if (get_double(&peer_layout, peer, NEXT_AT, &next_at) < 0)
            goto done;
        if (receiving->ack_due_at_seconds < next_at)
            put_shared(&peer_layout, peer, NEXT_AT, receiving->ack_due_at);
    }
    result = 1;
done:
    Py_DECREF(peer);
    return result;
}

static int
check_configured(void)
{
    if (!constants.is_set)
        PyErr_SetString(PyExc_RuntimeError, "configure() comes first");
    return constants.is_set ? 0 : -1;
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
    PyObject *report, *framed;     /* of the peer before: most have the same */
    double received_at;            /* the same of when it was last heard, and what follows from that */
    uint32_t held;
} StateDatagrams;

static void
StateDatagrams_dealloc(StateDatagrams *self)
{
    Py_XDECREF(self->peers);
    Py_XDECREF(self->others);
    Py_XDECREF(self->ring);
    Py_XDECREF(self->by_report);
    Py_XDECREF(self->tick);
    Py_XDECREF(self->now);
    Py_XDECREF(self->soon);
    Py_XDECREF(self->report);
    Py_XDECREF(self->framed);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* Raise unless it is bytes (and so many, unless that is negative). */
static int
check_bytes(PyObject *object, Py_ssize_t size)
{
    if (PyBytes_CheckExact(object) && (size < 0 || PyBytes_GET_SIZE(object) == size))
        return 0;
    PyErr_Format(PyExc_TypeError, "not the bytes that were expected: %R", object);
    return -1;
}

/* Look up the framed message for all with this report. */
static int
turn_to_report(StateDatagrams *self, PyObject *report)
{
    PyObject *framed = PyDict_GetItemWithError(self->by_report, report);
    if (framed != NULL)
        Py_INCREF(framed);
    else if (PyErr_Occurred() || (framed = PyObject_CallMethodOneArg(self->ring, name_frame_for, report)) == NULL)
        return -1;
    if (framed != Py_None && check_bytes(framed, -1) < 0) {
        Py_DECREF(framed);
        return -1;
    }
    Py_INCREF(report);
    Py_XSETREF(self->report, report);
    Py_XSETREF(self->framed, framed);
    return 0;
}

/* Note that a packet leaves; fetch its number. */
static int
note_sent(StateDatagrams *self, PyObject *peer, PyObject *sent, long long *sequence)
{
    PyObject *outstanding = get(&sent_layout, sent, OUTSTANDING), *times = get(&sent_layout, sent, TIMES);
    if (outstanding == NULL || times == NULL || get_long(&sent_layout, sent, NEXT_SEQUENCE, sequence) < 0)
        return -1;
    int overflow;
    long long under_way = PyLong_AsLongLongAndOverflow(outstanding, &overflow);
    if (under_way == -1 && PyErr_Occurred())
        return -1;
    if (overflow || under_way > (constants.few - 1) >> 1) {  /* so that `under_way << 1 | 1` is more than FEW */
        PyObject *number = PyObject_CallMethodObjArgs(sent, name_sent, Py_None, self->now, NULL);
        if (number == NULL)
            return -1;
        Py_DECREF(number);
        return put_shared(&peer_layout, peer, ACKS_AT, minus_infinity);
    }
    Py_INCREF(self->now);
    if (put(&sent_layout, sent, NEXT_SEQUENCE, PyLong_FromLongLong(*sequence + 1)) < 0
        || PyList_SetItem(times, (Py_ssize_t)(*sequence & constants.times_mask), self->now) < 0)
        return -1;
    return put(&sent_layout, sent, OUTSTANDING, PyLong_FromLongLong(under_way << 1 | 1));
}

/* Make the datagram for a peer: NULL without an exception if there is more, or nothing, to do for it. What is borrowed
 * from the peer is fetched again wherever Python code may have run meanwhile. */
static PyObject *
datagram_for(StateDatagrams *self, PyObject *peer)
{
    PyObject *report, *note, *busy, *bucket, *window, *sent, *snapshots, *mask, *token, *address;
    double spent, limit, received_at;
    if (know_layout(&peer_layout, peer) < 0 || (report = get(&peer_layout, peer, REPORTED_TICK)) == NULL)
        return NULL;
    if (report != self->report) {
        int differs = self->report == NULL ? 1 : PyObject_RichCompareBool(report, self->report, Py_NE);
        if (differs < 0 || (differs && turn_to_report(self, report) < 0))
            return NULL;
    }
    if (self->framed == Py_None
        || (busy = get(&peer_layout, peer, BUSY)) == NULL || busy != Py_False
        || (note = get(&peer_layout, peer, NOTE)) == NULL || check_bytes(note, -1) < 0
        || PyBytes_GET_SIZE(note) + PyBytes_GET_SIZE(self->framed) > constants.max_message_room
        || (bucket = get(&peer_layout, peer, BUCKET)) == NULL || know_layout(&bucket_layout, bucket) < 0
        || get_double(&bucket_layout, bucket, SPENT, &spent) < 0
        || get_double(&bucket_layout, bucket, LIMIT, &limit) < 0 || spent >= limit)
        return NULL;

    long long latest, sequence, bytes_sent;
    if ((window = get(&peer_layout, peer, WINDOW)) == NULL || know_layout(&window_layout, window) < 0
        || (mask = get(&window_layout, window, MASK)) == NULL
        || get_long(&window_layout, window, LATEST, &latest) < 0
        || get_double(&peer_layout, peer, LATEST_RECEIVED_AT, &received_at) < 0)
        return NULL;
    uint32_t ack_bits = 0xFFFFFFFF;
    if (mask != constants.full_mask) {
        unsigned long long low = PyLong_AsUnsignedLongLongMask(mask);
        if (low == (unsigned long long)-1 && PyErr_Occurred())
            return NULL;
        ack_bits = (uint32_t)(low >> 1);
    }
    if (received_at != self->received_at) {
        double units = floor((self->now_seconds - received_at) / constants.time_unit + 0.5);
        self->received_at = received_at;
        self->held = units < 0.0 ? 0 : units < (double)constants.no_ack_delay ? (uint32_t)units
                                                                              : (uint32_t)constants.no_ack_delay;
    }
    if ((sent = get(&peer_layout, peer, SENT)) == NULL || know_layout(&sent_layout, sent) < 0
        || note_sent(self, peer, sent, &sequence) < 0
        || (snapshots = get(&peer_layout, peer, SNAPSHOTS)) == NULL || know_layout(&snapshots_layout, snapshots) < 0
        || (bucket = get(&peer_layout, peer, BUCKET)) == NULL || know_layout(&bucket_layout, bucket) < 0
        || get_long(&bucket_layout, bucket, SPENT, &bytes_sent) < 0
        || (address = get(&peer_layout, peer, ADDRESS)) == NULL
        || (note = get(&peer_layout, peer, NOTE)) == NULL || check_bytes(note, -1) < 0
        || (token = get(&peer_layout, peer, TOKEN)) == NULL || check_bytes(token, TOKEN_BYTES) < 0)
        return NULL;

    Py_ssize_t size = HEADER_BYTES + PyBytes_GET_SIZE(note) + PyBytes_GET_SIZE(self->framed);
    PyObject *datagram = PyBytes_FromStringAndSize(NULL, size);
    if (datagram == NULL)
        return NULL;
    unsigned char *at = (unsigned char *)PyBytes_AS_STRING(datagram);
    *at++ = (unsigned char)constants.data;
    at = write_bytes(at, token);
    at = write_16(at, (uint32_t)sequence);
    at = write_16(at, (uint32_t)latest);
    at = write_32(at, ack_bits);
    at = write_16(at, latest >= 0 ? self->held : (uint32_t)constants.no_ack_delay);
    at = write_32(at, self->wire_now);
    at = write_bytes(at, note);
    write_bytes(at, self->framed);

    if (put(&bucket_layout, bucket, SPENT, PyLong_FromLongLong(bytes_sent + size)) < 0) {
        Py_DECREF(datagram);
        return NULL;
    }
    if (PyBytes_GET_SIZE(note))
        put_shared(&peer_layout, peer, NOTE, empty_bytes);
    put_shared(&snapshots_layout, snapshots, SENT_TICK, self->tick);
    put_shared(&snapshots_layout, snapshots, SENT_AT, self->now);
    put_shared(&peer_layout, peer, LAST_SENT_AT, self->now);
    put_shared(&peer_layout, peer, ACK_DUE_AT, infinity);
    put_shared(&peer_layout, peer, UNACKNOWLEDGED, zero);
    put_shared(&peer_layout, peer, NEXT_AT, self->soon);
    PyObject *result = PyTuple_Pack(2, datagram, address);
    Py_DECREF(datagram);
    return result;
}

static PyObject *
StateDatagrams_next(StateDatagrams *self)
{
    PyObject *peer;
    while ((peer = PyIter_Next(self->peers)) != NULL) {
        PyObject *datagram = datagram_for(self, peer);
        int failed = datagram == NULL && (PyErr_Occurred() || PyList_Append(self->others, peer) < 0);
        Py_DECREF(peer);
        if (datagram != NULL || failed)
            return datagram;
    }
    return NULL;
}

static PyTypeObject StateDatagrams_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pygase._protocol._fast_path.StateDatagrams",
    .tp_doc = PyDoc_STR("What state_datagrams returns."),
    .tp_basicsize = sizeof(StateDatagrams),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)StateDatagrams_dealloc,
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
"configure(*, data, event, ack_soon, few, times_mask, no_ack_delay, max_message_room, time_unit, full_mask)\n--\n\n"
"Take over the constants, which have their one place in Python.");

static PyObject *
configure(PyObject *Py_UNUSED(module), PyObject *args, PyObject *keywords)
{
    static char *names[] = {"data", "event", "ack_soon", "few", "times_mask", "no_ack_delay", "max_message_room",
                            "time_unit", "full_mask", NULL};
    PyObject *full_mask;
    if (!PyArg_ParseTupleAndKeywords(
            args, keywords, "$llllllldO!:configure", names, &constants.data, &constants.event, &constants.ack_soon,
            &constants.few, &constants.times_mask, &constants.no_ack_delay, &constants.max_message_room,
            &constants.time_unit, &PyLong_Type, &full_mask))
        return NULL;
    Py_INCREF(full_mask);
    Py_XSETREF(constants.full_mask, full_mask);
    constants.is_set = 1;
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
