// SPDX-License-Identifier: Apache-2.0
// A broken assertion ends the program with one line that says where.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"

static char said[4096];

// Runs it in a child with stderr kept. Returns the signal that ended it, 0 for none.
static int run(void (*broken)(void))
{
    int fd = memfd_create("err", MFD_CLOEXEC);
    assert_true(fd >= 0);
    fflush(stdout);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        dup2(fd, STDERR_FILENO);
        broken();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    ssize_t size = pread(fd, said, sizeof said - 1, 0);
    assert_true(size >= 0);
    said[size] = '\0';
    close(fd);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void assert_a_lie(void)
{
    int answer = 41;
    SB_ASSERT(answer == 42);
}

static void assert_the_truth(void)
{
    int answer = 42;
    SB_ASSERT(answer == 42);
}

static void come_to_the_impossible(void)
{
    SB_UNREACHABLE();
}

static void a_broken_assertion_aborts_with_its_place_and_words(void **state)
{
    (void)state;
    assert_int_equal(run(assert_a_lie), SIGABRT);
    assert_non_null(strstr(said, "fatal: "));
    assert_non_null(strstr(said, "test_check.c:"));
    assert_non_null(strstr(said, ": assert_a_lie: assertion 'answer == 42' failed\n"));
    assert_int_equal(run(come_to_the_impossible), SIGABRT);
    assert_non_null(strstr(said, "come_to_the_impossible: assertion 'unreachable' failed\n"));
}

static void an_assertion_that_holds_says_nothing(void **state)
{
    (void)state;
    assert_int_equal(run(assert_the_truth), 0);
    assert_string_equal(said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_assertion_aborts_with_its_place_and_words),
        cmocka_unit_test(an_assertion_that_holds_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
