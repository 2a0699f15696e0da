// SPDX-License-Identifier: Apache-2.0
// Messages with descriptors: whole or refused, and never a descriptor that nobody closes.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

static int pair[2];
static int lowest;  // the next descriptor to be given: any leak moves it

static int next_fd(void)
{
    int fd = dup(STDIN_FILENO);
    close(fd);
    return fd;
}

static int open_pair(void **state)
{
    (void)state;
    int failed = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
    lowest = next_fd();
    return failed;
}

static int close_pair(void **state)
{
    (void)state;
    close(pair[0]);
    close(pair[1]);
    return 0;
}

static void a_message_arrives_whole_with_its_descriptors(void **state)
{
    (void)state;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(fd_send_message(pair[0], "hello", 5, pipes, 2), 0);
    close(pipes[0]);
    close(pipes[1]);
    char bytes[16] = "";
    int fds[2] = {-1, -1};
    size_t count = 0;
    assert_int_equal(fd_receive_message(pair[1], bytes, sizeof bytes, fds, 2, &count), 5);
    assert_string_equal(bytes, "hello");
    assert_int_equal(count, 2);
    // They are the two ends of the pipe, and no program that is run inherits them.
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(read(fds[0], bytes, 1), 1);
    assert_true((fcntl(fds[0], F_GETFD) & FD_CLOEXEC) != 0);
    close(fds[0]);
    close(fds[1]);
    assert_int_equal(next_fd(), lowest);
}

static void nothing_to_receive_is_not_the_end(void **state)
{
    (void)state;
    char bytes[4];
    size_t count = 7;
    assert_int_equal(fd_receive_message(pair[1], bytes, sizeof bytes, NULL, 0, &count), -EAGAIN);
    assert_int_equal(count, 7);
    close(pair[0]);
    assert_int_equal(fd_receive_message(pair[1], bytes, sizeof bytes, NULL, 0, &count), 0);
    // No SIGPIPE either.
    assert_int_equal(fd_send_message(pair[1], "x", 1, NULL, 0), -EPIPE);
    pair[0] = dup(pair[1]);
}

static void a_message_that_is_too_long_is_refused(void **state)
{
    (void)state;
    int fd = STDIN_FILENO;
    assert_int_equal(fd_send_message(pair[0], "12345", 5, &fd, 1), 0);
    char bytes[4] = "";
    int fds[1] = {-1};
    size_t count = 7;
    assert_int_equal(fd_receive_message(pair[1], bytes, sizeof bytes, fds, 1, &count), -EPROTO);
    assert_int_equal(fds[0], -1);
    assert_int_equal(count, 7);
    assert_int_equal(next_fd(), lowest);
}

static void descriptors_beyond_those_expected_are_closed(void **state)
{
    (void)state;
    int sent[4] = {STDIN_FILENO, STDIN_FILENO, STDIN_FILENO, STDIN_FILENO};
    char bytes[4];
    int fds[3] = {-1, -1, -1};
    size_t count = 7;
    for (size_t expected = 0; expected < 4; expected++) {
        assert_int_equal(fd_send_message(pair[0], "x", 1, sent, expected + 1), 0);
        assert_int_equal(fd_receive_message(pair[1], bytes, sizeof bytes, expected > 0 ? fds : NULL,
                                            expected, &count),
                         -EPROTO);
        assert_int_equal(next_fd(), lowest);
    }
    // An empty datagram that carries one looks like the end: nobody would close it.
    assert_int_equal(fd_send_message(pair[0], "", 0, sent, 1), 0);
    assert_int_equal(fd_receive_message(pair[1], bytes, sizeof bytes, fds, 1, &count), -EPROTO);
    assert_int_equal(next_fd(), lowest);
}

static void a_full_queue_refuses_and_never_waits(void **state)
{
    (void)state;
    static char bytes[4096];
    int sent = 0;
    int result = 0;
    while (result == 0 && sent < 100000) {
        result = fd_send_message(pair[0], bytes, sizeof bytes, NULL, 0);
        sent += result == 0;
    }
    assert_int_equal(result, -EAGAIN);
    for (int i = 0; i < sent; i++) {
        assert_int_equal(fd_receive_message(pair[1], bytes, sizeof bytes, NULL, 0, NULL),
                         sizeof bytes);
    }
    assert_int_equal(fd_send_message(pair[0], bytes, 1, NULL, 0), 0);
}

static void flags_change_alone(void **state)
{
    (void)state;
    assert_int_equal(fd_set_blocking(pair[0], false), 0);
    assert_true((fcntl(pair[0], F_GETFL) & O_NONBLOCK) != 0);
    assert_int_equal(fd_set_inheritable(pair[0], true), 0);
    assert_int_equal(fcntl(pair[0], F_GETFD) & FD_CLOEXEC, 0);
    assert_true((fcntl(pair[0], F_GETFL) & O_NONBLOCK) != 0);
    assert_int_equal(fd_set_blocking(pair[0], true), 0);
    assert_int_equal(fcntl(pair[0], F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(fd_set_inheritable(pair[0], false), 0);
    assert_true((fcntl(pair[0], F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(fd_set_blocking(-1, true), -EBADF);
    assert_int_equal(fd_set_inheritable(-1, true), -EBADF);
}

static void a_file_is_read_whole_or_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/sb-test-fd-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, "12345678", 8), 0);
    close(fd);
    char *bytes = NULL;
    size_t count = 77;
    assert_int_equal(fd_read_file(path, 7, &bytes, &count), -EFBIG);
    assert_null(bytes);
    assert_int_equal(count, 77);
    assert_int_equal(fd_read_file(path, 8, &bytes, &count), 0);
    assert_int_equal(count, 8);
    assert_string_equal(bytes, "12345678");
    free(bytes);
    unlink(path);
    assert_int_equal(fd_read_file(path, 8, &bytes, &count), -ENOENT);
    assert_int_equal(fd_read_file("/tmp", 8, &bytes, &count), -EISDIR);
    // A file that tells no size before.
    assert_int_equal(fd_read_file("/proc/self/comm", 64, &bytes, &count), 0);
    assert_true(count > 1 && bytes[count - 1] == '\n');
    free(bytes);
    assert_int_equal(next_fd(), lowest);
}

static void a_read_with_a_deadline_never_blocks_on_a_pipe(void **state)
{
    (void)state;
    char path[] = "/tmp/sb-test-fd-XXXXXX";
    assert_non_null(mkdtemp(path));
    char fifo[64];
    snprintf(fifo, sizeof fifo, "%s/fifo", path);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    char *bytes = NULL;
    size_t count = 77;
    const int64_t short_ns = 20000000;
    assert_int_equal(fd_read_file_within(fifo, 8, 0, &bytes, &count), -ENOTSUP);
    assert_int_equal(fd_read_file_within("/dev/zero", 8, 0, &bytes, &count), -ENOTSUP);
    assert_int_equal(fd_read_file_within("/dev/zero", 8, short_ns, &bytes, &count), -EFBIG);
    // Nobody writes; somebody has, and may write more; all of it has come.
    assert_int_equal(fd_read_file_within(fifo, 8, short_ns, &bytes, &count), -ETIMEDOUT);
    int both = open(fifo, O_RDWR | O_CLOEXEC);
    assert_int_equal(fd_write_all(both, "1234", 4), 0);
    assert_int_equal(fd_read_file_within(fifo, 8, short_ns, &bytes, &count), -ETIMEDOUT);
    assert_null(bytes);
    assert_int_equal(count, 77);
    close(both);
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(fd_write_all(ends[1], "1234", 4), 0);
    close(ends[1]);
    char name[32];
    snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
    assert_int_equal(fd_read_file_within(name, 8, INT64_C(5000000000), &bytes, &count), 0);
    assert_string_equal(bytes, "1234");
    free(bytes);
    close(ends[0]);
    assert_int_equal(unlink(fifo), 0);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(next_fd(), lowest);
}

static void a_write_that_fails_says_why(void **state)
{
    (void)state;
    assert_int_equal(fd_write_all(-1, "x", 1), -EBADF);
    assert_int_equal(fd_write_all(-1, "", 0), 0);
    close(pair[1]);
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(fd_write_all(pair[0], "x", 1), -EPIPE);
    pair[1] = dup(pair[0]);
}

#define WITH_PAIR(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PAIR(a_message_arrives_whole_with_its_descriptors),
        WITH_PAIR(nothing_to_receive_is_not_the_end),
        WITH_PAIR(a_message_that_is_too_long_is_refused),
        WITH_PAIR(descriptors_beyond_those_expected_are_closed),
        WITH_PAIR(a_full_queue_refuses_and_never_waits),
        WITH_PAIR(flags_change_alone),
        WITH_PAIR(a_file_is_read_whole_or_refused),
        WITH_PAIR(a_read_with_a_deadline_never_blocks_on_a_pipe),
        WITH_PAIR(a_write_that_fails_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
