// SPDX-License-Identifier: Apache-2.0
// A program that stood still ends to begin again, and one whose end hangs ends all the same.
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <streambroker/streambroker.h>

#include "processors/iceoryx/presence.h"

#define STATUS 7
#define BROKEN 99
#define STOPPED_MS 1500

static void hang(void)
{
    for (;;) {
        pause();
    }
}

static int status_of(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_a_program_that_was_stopped_for_long_ends_to_begin_again(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (presence_begin() != 0 || kill(getpid(), SIGSTOP) != 0) {
            _exit(BROKEN);
        }
        hang();
    }
    int status;
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    poll(NULL, 0, STOPPED_MS);  // this span is what is tested
    assert_int_equal(kill(child, SIGCONT), 0);
    assert_int_equal(status_of(child), SB_EXIT_RESTART);
}

static void test_who_asks_after_it_stood_still_does_not_come_back(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (presence_begin() != 0 || kill(getpid(), SIGSTOP) != 0) {
            _exit(BROKEN);
        }
        presence_check();
        _exit(BROKEN);
    }
    int status;
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    poll(NULL, 0, STOPPED_MS);  // this span is what is tested
    assert_int_equal(kill(child, SIGCONT), 0);
    assert_int_equal(status_of(child), SB_EXIT_RESTART);
}

static void test_an_exit_that_hangs_is_over_with_its_own_status(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (atexit(hang) != 0 || presence_begin() != 0 || presence_bound_exit() != 0) {
            _exit(BROKEN);
        }
        exit(STATUS);
    }
    assert_int_equal(status_of(child), STATUS);
}

static void test_a_program_that_is_awake_is_let_be(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (presence_begin() != 0) {
            _exit(BROKEN);
        }
        presence_check();
        _exit(STATUS);
    }
    assert_int_equal(status_of(child), STATUS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_program_that_was_stopped_for_long_ends_to_begin_again),
        cmocka_unit_test(test_who_asks_after_it_stood_still_does_not_come_back),
        cmocka_unit_test(test_an_exit_that_hangs_is_over_with_its_own_status),
        cmocka_unit_test(test_a_program_that_is_awake_is_let_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
