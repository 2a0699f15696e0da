// SPDX-License-Identifier: Apache-2.0
// Who lost its parent is found and ended. R-SAND-012
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/launcher_orphans.h"

static pid_t spared;

static bool is_spared(pid_t pid)
{
    return pid == spared;
}

static pid_t make_waiting_child(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        for (;;) {
            pause();
        }
    }
    return pid;
}

// A grandchild in a session of its own, whose parent ends.
static void make_orphan(void)
{
    pid_t parent = fork();
    if (parent == 0) {
        if (fork() == 0) {
            setsid();
            for (;;) {
                pause();
            }
        }
        _exit(0);
    }
    assert_int_equal(waitpid(parent, NULL, 0), parent);
}

static void orphans_are_ended_and_nobody_is_left(void **state)
{
    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    make_orphan();
    make_orphan();
    launcher_orphans_end(1000);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void who_is_known_is_spared(void **state)
{
    (void)state;
    spared = make_waiting_child();
    make_orphan();
    assert_int_equal(launcher_orphans_kill(is_spared), 1);
    int status;
    pid_t orphan = waitpid(-1, &status, 0);
    assert_true(orphan > 0 && orphan != spared);
    assert_int_equal(WTERMSIG(status), SIGKILL);
    assert_int_equal(waitpid(spared, NULL, WNOHANG), 0);
    launcher_orphans_end(1000);
    assert_int_equal(waitpid(spared, NULL, WNOHANG), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orphans_are_ended_and_nobody_is_left),
        cmocka_unit_test(who_is_known_is_spared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
