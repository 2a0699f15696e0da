// SPDX-License-Identifier: Apache-2.0
// Names and texts of the error codes that calls of this project return, from one table.
#include <streambroker/error.h>

#include <errno.h>
#include <stddef.h>

#include "base/check.h"

#define ERRORS(X)                                                                                  \
    X(0, "0", "no error")                                                                          \
    X(E2BIG, "E2BIG", "too many")                                                                  \
    X(EACCES, "EACCES", "permission denied")                                                       \
    X(EAGAIN, "EAGAIN", "not now")                                                                 \
    X(EBUSY, "EBUSY", "as many are in use as were declared")                                       \
    X(ECANCELED, "ECANCELED", "the node is stopping")                                              \
    X(ECONNREFUSED, "ECONNREFUSED", "nobody is there to connect to")                               \
    X(EINVAL, "EINVAL", "not valid")                                                               \
    X(EIO, "EIO", "input or output failed")                                                        \
    X(EMSGSIZE, "EMSGSIZE", "too large")                                                           \
    X(ENOBUFS, "ENOBUFS", "no buffer is left")                                                     \
    X(ENODATA, "ENODATA", "there is no data")                                                      \
    X(ENOENT, "ENOENT", "there is no such thing")                                                  \
    X(ENOMEM, "ENOMEM", "out of memory")                                                           \
    X(ENOSPC, "ENOSPC", "out of space")                                                            \
    X(ENOTSUP, "ENOTSUP", "not supported")                                                         \
    X(EPERM, "EPERM", "not allowed")                                                               \
    X(EPIPE, "EPIPE", "the port has ended")                                                        \
    X(EPROTO, "EPROTO", "the other side broke the protocol")                                       \
    X(ERANGE, "ERANGE", "out of range")                                                            \
    X(ETIMEDOUT, "ETIMEDOUT", "the deadline passed")

static const struct {
    int code;
    const char *name;
    const char *text;
} errors[] = {
#define X(code, name, text) {code, name, text},
    ERRORS(X)
#undef X
};

static size_t find(int code)
{
    // The other way round: INT_MIN has no positive.
    int negative = code < 0 ? code : -code;
    size_t i = 0;
    while (i < ARRAY_COUNT(errors) && -errors[i].code != negative) {
        i++;
    }
    return i;
}

const char *sb_error_name(int code)
{
    size_t i = find(code);
    return i < ARRAY_COUNT(errors) ? errors[i].name : "?";
}

const char *sb_error_text(int code)
{
    size_t i = find(code);
    return i < ARRAY_COUNT(errors) ? errors[i].text : "unknown error";
}
