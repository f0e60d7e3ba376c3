/* The innermost loop of fan-out: the same bytes to many sockets.

   What sends.py does, with the interpreter's lock released once for all of them instead
   of once for each: beside a busy Python thread each release is a wait. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <sys/socket.h>

#ifndef MSG_NOSIGNAL /* Python ignores SIGPIPE anyway */
#define MSG_NOSIGNAL 0
#endif

struct shortfall {
  Py_ssize_t index, sent;
};

static Py_ssize_t send_all(const int *fds, const Py_buffer *data, Py_ssize_t start,
                           Py_ssize_t stop, struct shortfall *shorts) {
  Py_ssize_t count = 0;
  for (Py_ssize_t i = start; i < stop; i++) {
    ssize_t sent;
    if (fds[i] < 0) continue;
    do
      sent = send(fds[i], data->buf, data->len, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent == data->len) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) sent = 0;
    shorts[count++] = (struct shortfall){i, sent};
  }
  return count;
}

static PyObject *told(const struct shortfall *shorts, Py_ssize_t count) {
  PyObject *list = PyList_New(count);
  for (Py_ssize_t i = 0; list && i < count; i++) {
    PyObject *pair = Py_BuildValue("(nn)", shorts[i].index, shorts[i].sent);
    if (!pair) Py_CLEAR(list);
    else PyList_SET_ITEM(list, i, pair);
  }
  return list;
}

static PyObject *send_many(PyObject *module, PyObject *args) {
  Py_buffer fds, data;
  Py_ssize_t start, stop, count;
  PyObject *result = NULL;
  if (!PyArg_ParseTuple(args, "y*y*nn:send_many", &fds, &data, &start, &stop))
    return NULL;
  if (fds.itemsize != sizeof(int) || start < 0 || stop < start ||
      stop > fds.len / (Py_ssize_t)sizeof(int)) {
    PyErr_SetString(PyExc_ValueError, "fds is an array of int, start and stop in it");
    goto end;
  }
  /* All that could be short, before anything is sent: from then on nothing may fail. */
  struct shortfall *shorts = PyMem_New(struct shortfall, stop - start + 1);
  if (!shorts) {
    PyErr_NoMemory();
    goto end;
  }
  Py_BEGIN_ALLOW_THREADS
  count = send_all(fds.buf, &data, start, stop, shorts);
  Py_END_ALLOW_THREADS
  result = told(shorts, count);
  PyMem_Free(shorts);
end:
  PyBuffer_Release(&fds);
  PyBuffer_Release(&data);
  return result;
}

static PyMethodDef methods[] = {{"send_many", send_many, METH_VARARGS, NULL}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_sendmany", NULL, -1,
                                    methods};

PyMODINIT_FUNC PyInit__sendmany(void) { return PyModule_Create(&module); }
