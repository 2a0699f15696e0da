// SPDX-License-Identifier: Apache-2.0
// Messages with descriptors: what arrives is whole or refused, and nothing is left open.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

static int pair[2];

static int open_pair(void **state)
{
    (void)state;
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int close_pair(void **state)
{
    (void)state;
    close(pair[0]);
    close(pair[1]);
    return 0;
}

static size_t open_count(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

static void a_message_arrives_with_its_descriptors_closed_on_exec(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fd_send_message(pair[0], "hello", 5, ends, 2), 0);
    char bytes[16];
    int fds[4];
    size_t count = 0;
    assert_int_equal(fd_receive_message(pair[1], bytes, sizeof bytes, fds, 4, &count), 5);
    assert_memory_equal(bytes, "hello", 5);
    assert_int_equal(count, 2);
    assert_int_equal(fcntl(fds[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(read(ends[0], bytes, 1), 1);
    for (int i = 0; i < 2; i++) {
        close(ends[i]);
        close(fds[i]);
    }
}

static void too_many_descriptors_are_refused_and_closed(void **state)
{
    (void)state;
    size_t before = open_count();
    int fds[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    int got[2] = {-1, -1};
    size_t count = UINT32_MAX;
    char byte;
    assert_int_equal(fd_send_message(pair[0], "x", 1, fds, 8), 0);
    assert_int_equal(fd_receive_message(pair[1], &byte, 1, got, 2, &count), -EPROTO);
    assert_int_equal(count, UINT32_MAX);
    assert_int_equal(fd_send_message(pair[0], "x", 1, fds, 1), 0);
    assert_int_equal(fd_receive_message(pair[1], &byte, 1, NULL, 0, NULL), -EPROTO);
    // A datagram without bytes looks like the end: what it carries would never be closed.
    assert_int_equal(fd_send_message(pair[0], "", 0, fds, 1), 0);
    assert_int_equal(fd_receive_message(pair[1], &byte, 1, got, 2, &count), -EPROTO);
    assert_int_equal(open_count(), before);
}

static void a_message_that_is_too_long_is_refused_whole(void **state)
{
    (void)state;
    char bytes[4];
    assert_int_equal(fd_send_message(pair[0], "12345", 5, NULL, 0), 0);
    assert_int_equal(fd_receive_message(pair[1], bytes, sizeof bytes, NULL, 0, NULL), -EPROTO);
    assert_int_equal(fd_receive_message(pair[1], bytes, sizeof bytes, NULL, 0, NULL), -EAGAIN);
}

static void a_full_queue_is_eagain_and_a_gone_peer_is_epipe(void **state)
{
    (void)state;
    int sent;
    do {
        sent = fd_send_message(pair[0], "x", 1, NULL, 0);
    } while (sent == 0);
    assert_int_equal(sent, -EAGAIN);
    char byte;
    while (fd_receive_message(pair[1], &byte, 1, NULL, 0, NULL) == 1) {
    }
    close(pair[1]);
    pair[1] = -1;
    assert_int_equal(fd_send_message(pair[0], "x", 1, NULL, 0), -EPIPE);
    assert_int_equal(fd_receive_message(pair[0], &byte, 1, NULL, 0, NULL), 0);
}

static void flags_are_set_and_cleared(void **state)
{
    (void)state;
    assert_int_equal(fd_set_blocking(pair[0], false), 0);
    assert_true((fcntl(pair[0], F_GETFL) & O_NONBLOCK) != 0);
    assert_int_equal(fd_set_blocking(pair[0], true), 0);
    assert_false((fcntl(pair[0], F_GETFL) & O_NONBLOCK) != 0);
    assert_int_equal(fd_set_inheritable(pair[0], true), 0);
    assert_int_equal(fcntl(pair[0], F_GETFD), 0);
    assert_int_equal(fd_set_inheritable(-1, true), -EBADF);
}

static void a_file_is_read_whole_or_not_at_all(void **state)
{
    (void)state;
    char path[] = "/tmp/fd.XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(fd_write_all(fd, "12345", 5), 0);
    close(fd);
    char *bytes = NULL;
    size_t count = 0;
    assert_int_equal(fd_read_file(path, 4, &bytes, &count), -EFBIG);
    assert_null(bytes);
    assert_int_equal(fd_read_file(path, 5, &bytes, &count), 0);
    assert_int_equal(count, 5);
    assert_string_equal(bytes, "12345");
    free(bytes);
    unlink(path);
    assert_int_equal(fd_read_file(path, 5, &bytes, &count), -ENOENT);
    assert_int_equal(fd_read_file("/tmp", 5, &bytes, &count), -EISDIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_arrives_with_its_descriptors_closed_on_exec,
                                        open_pair, close_pair),
        cmocka_unit_test_setup_teardown(too_many_descriptors_are_refused_and_closed, open_pair,
                                        close_pair),
        cmocka_unit_test_setup_teardown(a_message_that_is_too_long_is_refused_whole, open_pair,
                                        close_pair),
        cmocka_unit_test_setup_teardown(a_full_queue_is_eagain_and_a_gone_peer_is_epipe, open_pair,
                                        close_pair),
        cmocka_unit_test_setup_teardown(flags_are_set_and_cleared, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(a_file_is_read_whole_or_not_at_all, open_pair, close_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
