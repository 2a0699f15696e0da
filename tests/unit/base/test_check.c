// SPDX-License-Identifier: Apache-2.0
// A broken assertion ends the program with one line that says where.
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"

// Runs one assertion in a process of its own. Returns its wait status, and what it wrote.
static int run(int value, char *out, size_t size_bytes)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        SB_ASSERT(value == 1);
        _exit(0);
    }
    close(ends[1]);
    ssize_t got = read(ends[0], out, size_bytes - 1);
    out[got > 0 ? got : 0] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void a_broken_assertion_names_its_place_and_aborts(void **state)
{
    (void)state;
    char said[512];
    int status = run(2, said, sizeof said);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(said, "test_check.c:"));
    assert_non_null(strstr(said, "run: assertion 'value == 1' failed\n"));
}

static void one_that_holds_says_nothing(void **state)
{
    (void)state;
    char said[512];
    assert_int_equal(run(1, said, sizeof said), 0);
    assert_string_equal(said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_assertion_names_its_place_and_aborts),
        cmocka_unit_test(one_that_holds_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
