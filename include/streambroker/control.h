/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Control: talk to a running broker. A library of its own: libstreambroker-control, pkg-config
 * streambroker-control.
 *
 *   1. sb_control_connect() to a socket; sb_control_path() tells where that of a graph is, and
 *      sb_control_list() names all of this user's.
 *   2. sb_control_call() for a verb that answers with one document or none; or
 *      sb_control_request() and then sb_control_next() for each document of a list or a stream.
 *   3. sb_control_close(). It is also how a stream ends.
 *
 * Verbs, their fields and what they answer are in docs/control.md; the verb "verbs" gives the table
 * of the broker that is asked. Documents are JSON in ASCII.
 *
 * Thread: a connection belongs to one thread at a time; several connections know nothing of each
 * other.
 */
#ifndef STREAMBROKER_CONTROL_H
#define STREAMBROKER_CONTROL_H

#include <stddef.h>
#include <sys/types.h>

#include <streambroker/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a broker answers: name, number, meaning. The numbers are exit statuses of streamctl. */
#define SB_CONTROL_CODES(X)                                                                        \
    X(OK, 0, "done")                                                                               \
    X(FAILED, 1, "it failed")                                                                      \
    X(USAGE, 2, "no such verb, or wrong fields")                                                   \
    X(NOT_RUNNING, 3, "the graph is not running")                                                  \
    X(BAD_DATA, 65, "data that cannot be used")                                                    \
    X(NO_SUCH, 66, "no such node, port, link or file")                                             \
    X(INTERNAL, 70, "the broker could not do its part")                                            \
    X(REFUSED, 77, "permission or signature refused")                                              \
    X(INVALID, 78, "the graph or a configuration is invalid")                                      \
    X(TIMED_OUT, 124, "it was not done in time")

/** See SB_CONTROL_CODES. */
enum sb_control_code {
#define X(name, number, text) SB_CONTROL_##name = number,
    SB_CONTROL_CODES(X)
#undef X
};

/** A field of a request. */
struct sb_control_field {
    const char
        *name; /**< as docs/control.md has it; it may come more than once where that says so */
    const char *value; /**< text, in the form of the graph file; "true" for a switch */
};

/** A connection to one broker. */
struct sb_control;

/** Bytes of any path of a control socket, terminator included. */
#define SB_CONTROL_PATH_BYTES_MAX 108

/**
 * Where the control socket of a graph of this user is, whether a broker lives there or not.
 *
 * Thread:  any.
 * Returns: 0; -ENAMETOOLONG when it does not fit into size_bytes or into any socket address;
 *          -EINVAL for a name that no graph can have.
 */
SB_API int sb_control_path(const char *graph, char *out, size_t size_bytes);

/**
 * Calls each() with the path of every control socket in the folder of this user's brokers, living
 * or not. Brokers with a --socket of their own are elsewhere.
 *
 * Owner:   path lives until each() returns.
 * Thread:  any.
 * Returns: 0, also when there is no folder; what each() returned when that was not 0; or a negative
 *          errno.
 */
SB_API int sb_control_list(int (*each)(void *context, const char *path), void *context);

/**
 * Connects to a broker and waits for its welcome.
 *
 * Units:   timeout_ms is milliseconds for the whole call; -1 waits as long as it takes.
 * Owner:   the connection is the caller's: sb_control_close().
 * Returns: 0; -ENOENT or -ECONNREFUSED when no broker is there; -EACCES when it is another user's;
 *          -ETIMEDOUT; -EPROTO when it speaks another protocol; -ENOMEM; or another negative errno.
 */
SB_API int sb_control_connect(const char *path, int timeout_ms, struct sb_control **out_control);

/**
 * Ends a connection, and a stream that is under way. NULL is allowed.
 */
SB_API void sb_control_close(struct sb_control *control);

/** Name of the graph at the other end. Owner: the connection. */
SB_API const char *sb_control_graph(const struct sb_control *control);

/** Version of the broker at the other end. Owner: the connection. */
SB_API const char *sb_control_version(const struct sb_control *control);

/** Process of the broker at the other end. */
SB_API pid_t sb_control_pid(const struct sb_control *control);

/** To wait for with poll(), for reading; it stays the connection's. */
SB_API int sb_control_fd(const struct sb_control *control);

/**
 * Sends a request. The one before must have been answered: sb_control_next() returned 0.
 *
 * Owner:   everything stays the caller's.
 * Returns: 0; -EBUSY when a request is under way; -EMSGSIZE when it is too large; -EPIPE when the
 *          broker is gone; or another negative errno.
 */
SB_API int sb_control_request(struct sb_control *control, const char *verb,
                              const struct sb_control_field *fields, size_t field_count);

/**
 * Waits for the next document of the request that is under way.
 *
 * Units:   timeout_ms is milliseconds for the whole call; -1 waits as long as it takes, 0 does not.
 * Owner:   the document is the connection's and lives until the next call with it.
 * Returns: 1 and a document; 0 when the request was answered: sb_control_code() tells how;
 *          -ETIMEDOUT when nothing came (ask again); -EPIPE when the broker is gone; -EPROTO when
 *          it sent nonsense; -EINVAL when no request is under way; or another negative errno.
 */
SB_API int sb_control_next(struct sb_control *control, int timeout_ms, const char **out_document);

/** The code of the last answer, enum sb_control_code. */
SB_API int sb_control_code(const struct sb_control *control);

/** The sentence of the last answer, "" when its code was 0. Owner: the connection. */
SB_API const char *sb_control_error(const struct sb_control *control);

/**
 * Sends a request and waits for its answer.
 *
 * Units:   timeout_ms as sb_control_next() has it.
 * Owner:   the document (the last one; NULL when there was none) is the connection's and lives
 *          until the next call with it.
 * Returns: the code of the answer, 0 or positive; or a negative errno when there is none, as
 *          sb_control_request() and sb_control_next() have it. After -ETIMEDOUT the request is
 *          still under way.
 */
SB_API int sb_control_call(struct sb_control *control, const char *verb,
                           const struct sb_control_field *fields, size_t field_count,
                           int timeout_ms, const char **out_document);

/**
 * What a code means, for example "the graph is not running"; "?" for a code that is none.
 *
 * Owner:   static text, never freed.
 * Thread:  any.
 */
SB_API const char *sb_control_code_text(int code);

#ifdef __cplusplus
}
#endif

#endif
