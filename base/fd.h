// SPDX-License-Identifier: Apache-2.0
// File descriptors: messages that carry them, and the flags that every one of them has.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Descriptors in one message. The kernel's own limit is 253; nothing here needs as many.
#define FD_MESSAGE_FDS_MAX 128

// Sends one datagram with descriptors, never blocking. Returns 0, -EAGAIN when the queue is full,
// -EPIPE when the other side is gone, or another negative errno. The descriptors stay the caller's.
int fd_send_message(int socket, const void *bytes, size_t size_bytes, const int *fds,
                    size_t fd_count);

// Receives one datagram. out_fds may be NULL when fd_max is 0: then no descriptor is ever
// installed and a message that carries one is -EPROTO. Returns the size in bytes (0 = end of the
// connection), -EAGAIN when there is none, -EPROTO for a message that is too long, was cut, or
// carries more than fd_max descriptors (all of them are closed). What arrives is close-on-exec.
int fd_receive_message(int socket, void *bytes, size_t size_bytes, int *out_fds, size_t fd_max,
                       size_t *out_fd_count);

// Opens /dev/null as each of the descriptors 0 to 2 that is closed: else the next thing that is
// opened would become standard error, and be written into. Returns 0 or a negative errno.
int fd_fill_standard(void);

int fd_set_blocking(int fd, bool is_blocking);
int fd_set_inheritable(int fd, bool is_inheritable);

// Writes everything, also after short writes and EINTR. Returns 0 or a negative errno.
int fd_write_all(int fd, const void *bytes, size_t count);

// Reads a file of at most size_max bytes into a fresh buffer with a terminator behind it.
// Returns 0 and the buffer (the caller frees it), -EFBIG, -EISDIR, or another negative errno.
int fd_read_file(const char *path, size_t size_max, char **out_bytes, size_t *out_count);

#define FD_READ_WAIT_NS_MAX INT64_C(60000000000)

// As fd_read_file(), and never blocks for longer than wait_ns in all: what sends nothing and does
// not end until then is -ETIMEDOUT. With 0 all but an ordinary file is -ENOTSUP.
int fd_read_file_within(const char *path, size_t size_max, int64_t wait_ns, char **out_bytes,
                        size_t *out_count);
