/* Many datagrams with one system call: recvmmsg and sendmmsg, which Python's socket module does not have.
 *
 * For Linux alone. Elsewhere the module cannot be imported, and udp.py makes a call for each datagram.
 */

#define PY_SSIZE_T_CLEAN
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <Python.h>

#ifdef __linux__

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define REVISION 2           /* as udp._REVISION */
#define BATCH 16             /* datagrams in one call: their buffers lie on the stack, which may be a small one */
#define RECEIVE_BYTES 2048   /* as udp.RECEIVE_BYTES */

typedef union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} SocketAddress;

/* -- receiving ------------------------------------------------------------------------------------------------------- */

/* The host that a datagram came from, as bytes and by name: those in a row from one host share its name. */
typedef struct {
    int family;
    struct in6_addr bytes;
    PyObject *name;
} Host;

static PyObject *
name_of(Host *last, int family, const void *bytes, size_t size)
{
    if (last->name == NULL || last->family != family || memcmp(&last->bytes, bytes, size) != 0) {
        char text[INET6_ADDRSTRLEN];
        if (inet_ntop(family, bytes, text, sizeof text) == NULL)
            return PyErr_SetFromErrno(PyExc_OSError);
        PyObject *name = PyUnicode_FromString(text);
        if (name == NULL)
            return NULL;
        Py_XSETREF(last->name, name);
        last->family = family;
        memcpy(&last->bytes, bytes, size);
    }
    return Py_NewRef(last->name);
}

/* Fill a tuple with new references; they are gone also if it fails. */
static PyObject *
as_tuple(PyObject **items, Py_ssize_t count)
{
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (items[i] == NULL)
            Py_CLEAR(tuple);
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (tuple != NULL)
            PyTuple_SET_ITEM(tuple, i, items[i]);
        else
            Py_XDECREF(items[i]);
    }
    return tuple;
}

/* Make what socket.recvfrom calls the address. */
static PyObject *
as_python_address(const SocketAddress *address, Host *last)
{
    if (address->any.sa_family == AF_INET) {
        PyObject *items[] = {
            name_of(last, AF_INET, &address->v4.sin_addr, sizeof address->v4.sin_addr),
            PyLong_FromLong(ntohs(address->v4.sin_port)),
        };
        return as_tuple(items, 2);
    }
    PyObject *items[] = {
        name_of(last, AF_INET6, &address->v6.sin6_addr, sizeof address->v6.sin6_addr),
        PyLong_FromLong(ntohs(address->v6.sin6_port)),
        PyLong_FromUnsignedLong(ntohl(address->v6.sin6_flowinfo)),
        PyLong_FromUnsignedLong(address->v6.sin6_scope_id),
    };
    return as_tuple(items, 4);
}

typedef union {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(sizeof(struct timespec))];
} Stamp;

/* For how long a datagram has lain in the socket, in seconds; 0 if the system has not stamped it. */
static double
age_of(struct msghdr *message, const struct timespec *read_at)
{
    for (struct cmsghdr *note = CMSG_FIRSTHDR(message); note != NULL; note = CMSG_NXTHDR(message, note)) {
        if (note->cmsg_level == SOL_SOCKET && note->cmsg_type == SCM_TIMESTAMPNS
                && note->cmsg_len >= CMSG_LEN(sizeof(struct timespec))) {
            struct timespec stamp;
            memcpy(&stamp, CMSG_DATA(note), sizeof stamp);
            return (double)(read_at->tv_sec - stamp.tv_sec) + (double)(read_at->tv_nsec - stamp.tv_nsec) * 1e-9;
        }
    }
    return 0.0;
}

static int
append_arrival(PyObject *arrivals, const char *data, Py_ssize_t size, PyObject *address, double at)
{
    PyObject *items[] = {PyBytes_FromStringAndSize(data, size), address, PyFloat_FromDouble(at)};
    PyObject *arrival = as_tuple(items, 3);
    if (arrival == NULL)
        return -1;
    int result = PyList_Append(arrivals, arrival);
    Py_DECREF(arrival);
    return result;
}

PyDoc_STRVAR(receive_doc,
"receive(fd, limit, arrivals, now, since)\n--\n\n"
"Append the datagrams that have arrived to a list, up to limit, each as (data, address, at). Never waits. ``at`` is the\n"
"time of arrival on the clock that shows ``now``, and not before ``since``; ``now`` without the system's stamp.\n\n"
":raises OSError: an error of the socket. The datagrams before it are in the list.");

static PyObject *
receive(PyObject *Py_UNUSED(module), PyObject *args)
{
    int fd;
    Py_ssize_t limit;
    PyObject *arrivals;
    double now, since;
    if (!PyArg_ParseTuple(args, "inO!dd:receive", &fd, &limit, &PyList_Type, &arrivals, &now, &since))
        return NULL;
    Stamp stamps[BATCH];
    struct timespec read_at;
    char buffers[BATCH][RECEIVE_BYTES];
    SocketAddress addresses[BATCH];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    Host last = {.name = NULL};
    int wanted, got, failed = 0;
    do {
        wanted = limit <= 0 ? 0 : limit < BATCH ? (int)limit : BATCH;
        memset(messages, 0, sizeof messages);
        for (int i = 0; i < wanted; i++) {
            parts[i] = (struct iovec){.iov_base = buffers[i], .iov_len = RECEIVE_BYTES};
            messages[i].msg_hdr.msg_iov = &parts[i];
            messages[i].msg_hdr.msg_iovlen = 1;
            messages[i].msg_hdr.msg_name = &addresses[i];
            messages[i].msg_hdr.msg_namelen = sizeof addresses[i];
            messages[i].msg_hdr.msg_control = &stamps[i];
            messages[i].msg_hdr.msg_controllen = sizeof stamps[i];
        }
        Py_BEGIN_ALLOW_THREADS
        got = wanted > 0 ? recvmmsg(fd, messages, (unsigned int)wanted, MSG_DONTWAIT, NULL) : 0;
        Py_END_ALLOW_THREADS
        if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            PyErr_SetFromErrno(PyExc_OSError);
            failed = 1;
        }
        clock_gettime(CLOCK_REALTIME, &read_at);
        for (int i = 0; i < got && !failed; i++) {
            int family = addresses[i].any.sa_family;
            if (messages[i].msg_hdr.msg_namelen == 0 || (family != AF_INET && family != AF_INET6))
                continue;  /* from nobody whom we could answer */
            PyObject *address = as_python_address(&addresses[i], &last);
            double at = now - age_of(&messages[i].msg_hdr, &read_at);
            at = at < since ? since : at > now ? now : at;
            failed = append_arrival(arrivals, buffers[i], (Py_ssize_t)messages[i].msg_len, address, at) < 0;
        }
        limit -= got > 0 ? got : 0;
    } while (!failed && got > 0 && got == wanted);
    Py_XDECREF(last.name);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

/* -- sending --------------------------------------------------------------------------------------------------------- */

/* Turn an address as receive() makes them into the system's; 0 if it is another (a host name, or none at all). */
static socklen_t
as_socket_address(PyObject *address, int family, SocketAddress *result)
{
    if (!PyTuple_CheckExact(address) || PyTuple_GET_SIZE(address) != (family == AF_INET ? 2 : 4))
        return 0;
    PyObject *name = PyTuple_GET_ITEM(address, 0);
    unsigned long numbers[3] = {0, 0, 0};
    for (Py_ssize_t i = 1; i < PyTuple_GET_SIZE(address); i++) {
        PyObject *number = PyTuple_GET_ITEM(address, i);
        if (!PyLong_CheckExact(number))
            return 0;
        numbers[i - 1] = PyLong_AsUnsignedLong(number);
        if (PyErr_Occurred()) {
            PyErr_Clear();
            return 0;
        }
    }
    if (numbers[0] > 0xFFFF || numbers[1] > 0xFFFFF || numbers[2] > 0xFFFFFFFF || !PyUnicode_CheckExact(name))
        return 0;
    Py_ssize_t length;
    const char *host = PyUnicode_AsUTF8AndSize(name, &length);
    if (host == NULL || strlen(host) != (size_t)length) {
        PyErr_Clear();
        return 0;
    }
    memset(result, 0, sizeof *result);
    if (family == AF_INET) {
        result->v4.sin_family = AF_INET;
        result->v4.sin_port = htons((uint16_t)numbers[0]);
        return inet_pton(AF_INET, host, &result->v4.sin_addr) == 1 ? sizeof result->v4 : 0;
    }
    result->v6.sin6_family = AF_INET6;
    result->v6.sin6_port = htons((uint16_t)numbers[0]);
    result->v6.sin6_flowinfo = htonl((uint32_t)numbers[1]);
    result->v6.sin6_scope_id = (uint32_t)numbers[2];
    return inet_pton(AF_INET6, host, &result->v6.sin6_addr) == 1 ? sizeof result->v6 : 0;
}

typedef struct {
    PyObject *items[BATCH];  /* the datagrams as they came, which keep the bytes alive; owned */
    SocketAddress addresses[BATCH];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    int count;
} Batch;

static int
pass_on(PyObject *otherwise, PyObject *item)
{
    PyObject *nothing = PyObject_Call(otherwise, item, NULL);
    Py_XDECREF(nothing);
    return nothing == NULL ? -1 : 0;
}

/* Send what is in the batch, and empty it. */
static int
send_batch(Batch *batch, int fd, PyObject *otherwise)
{
    int done = 0, failed = 0, sent;
    while (done < batch->count && !failed) {
        Py_BEGIN_ALLOW_THREADS
        sent = sendmmsg(fd, batch->messages + done, (unsigned int)(batch->count - done), MSG_DONTWAIT);
        Py_END_ALLOW_THREADS
        if (sent > 0)
            done += sent;
        else
            failed = pass_on(otherwise, batch->items[done++]) < 0;  /* it learns what is wrong */
    }
    for (int i = 0; i < batch->count; i++)
        Py_DECREF(batch->items[i]);
    batch->count = 0;
    return failed ? -1 : 0;
}

/* Take one datagram into the batch, or pass it on, after those before it, if it cannot be sent this way. Steals the
 * reference. */
static int
add(Batch *batch, PyObject *item, int fd, int family, PyObject *otherwise)
{
    if (!PyTuple_CheckExact(item) || PyTuple_GET_SIZE(item) != 2) {
        Py_DECREF(item);
        PyErr_SetString(PyExc_TypeError, "datagrams must be tuples (data, address)");
        return -1;
    }
    PyObject *data = PyTuple_GET_ITEM(item, 0);
    SocketAddress *address = &batch->addresses[batch->count];
    socklen_t size = PyBytes_CheckExact(data) ? as_socket_address(PyTuple_GET_ITEM(item, 1), family, address) : 0;
    if (size == 0) {
        int result = send_batch(batch, fd, otherwise) < 0 ? -1 : pass_on(otherwise, item);
        Py_DECREF(item);
        return result;
    }
    struct iovec *part = &batch->parts[batch->count];
    *part = (struct iovec){.iov_base = PyBytes_AS_STRING(data), .iov_len = (size_t)PyBytes_GET_SIZE(data)};
    struct msghdr *header = &batch->messages[batch->count].msg_hdr;
    *header = (struct msghdr){.msg_name = address, .msg_namelen = size, .msg_iov = part, .msg_iovlen = 1};
    batch->items[batch->count++] = item;
    return 0;
}

PyDoc_STRVAR(send_doc,
"send(fd, family, datagrams, otherwise)\n--\n\n"
"Send each (data, address), made when it is asked for; call otherwise(data, address) for each that the system refuses,\n"
"or whose address is not a numerical one of this family. Never waits. What cannot be made is raised, and up to 15 that\n"
"were made before are lost, as datagrams may be.");

static PyObject *
send_(PyObject *Py_UNUSED(module), PyObject *args)
{
    int fd, family;
    PyObject *datagrams, *otherwise;
    if (!PyArg_ParseTuple(args, "iiOO:send", &fd, &family, &datagrams, &otherwise))
        return NULL;
    if (family != AF_INET && family != AF_INET6)
        return PyErr_Format(PyExc_ValueError, "family must be AF_INET or AF_INET6, got %d", family);
    PyObject *coming = PyObject_GetIter(datagrams);
    if (coming == NULL)
        return NULL;
    Batch batch = {.count = 0};
    int failed = 0, ended = 0;
    while (!failed && !ended) {
        PyObject *item = PyIter_Next(coming);
        ended = item == NULL;
        failed = ended ? PyErr_Occurred() != NULL : add(&batch, item, fd, family, otherwise) < 0;
        if (!failed && (ended || batch.count == BATCH))
            failed = send_batch(&batch, fd, otherwise) < 0;
    }
    for (int i = 0; i < batch.count; i++)
        Py_DECREF(batch.items[i]);
    Py_DECREF(coming);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

/* -- the module ------------------------------------------------------------------------------------------------------ */

static PyMethodDef methods[] = {
    {"receive", receive, METH_VARARGS, receive_doc},
    {"send", send_, METH_VARARGS, send_doc},
    {NULL, NULL, 0, NULL},
};

static int
add_revision(PyObject *module)
{
    return PyModule_AddIntMacro(module, REVISION);
}

/* The module has no state of its own and only touches what its arguments hold: each interpreter may have one, and it
 * needs no lock beyond that of the list it appends to. */
static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, add_revision},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pygase._io._batches",
    .m_doc = "Many datagrams with one system call, on Linux. To be called from the thread that closes the socket.",
    .m_size = 0,
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__batches(void)
{
    if (recvmmsg(-1, NULL, 0, MSG_DONTWAIT, NULL) < 0 && errno != EBADF) {  /* a sandbox may forbid it */
        PyErr_SetString(PyExc_ImportError, "this system does not let us use recvmmsg");
        return NULL;
    }
    return PyModuleDef_Init(&module);
}

#else /* another system */

PyMODINIT_FUNC
PyInit__batches(void)
{
    PyErr_SetString(PyExc_ImportError, "this system has no recvmmsg");
    return NULL;
}

#endif
