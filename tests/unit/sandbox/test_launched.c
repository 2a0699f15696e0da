// SPDX-License-Identifier: Apache-2.0
// The table of processes that the launcher has started.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "sandbox/launched.h"

static struct launched *add(pid_t pid)
{
    struct launched *child = launched_add();
    child->pid = pid;
    child->status_fd = -1;
    child->pidfd = -1;
    return child;
}

static void one_is_found_by_its_process_and_by_the_one_that_gives_back(void **state)
{
    (void)state;
    add(100);
    add(200)->returning = 201;
    assert_int_equal(launched_find(100)->pid, 100);
    assert_int_equal(launched_find(201)->pid, 200);
    assert_null(launched_find(300));
    assert_true(launched_is_one(200));
    assert_false(launched_is_one(300));
    launched_forget(launched_find(100));
    launched_forget(launched_find(200));
    assert_int_equal(launched_count(), 0);
}

static void forgetting_closes_what_it_has_and_keeps_the_others(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct launched *child = add(100);
    child->status_fd = fds[0];
    child->pidfd = fds[1];
    add(200)->serial = 7;
    add(300)->serial = 8;
    launched_forget(launched_find(100));
    assert_int_equal(fcntl(fds[0], F_GETFD), -1);
    assert_int_equal(fcntl(fds[1], F_GETFD), -1);
    assert_int_equal(launched_count(), 2);
    assert_int_equal(launched_find(200)->serial, 7);
    assert_int_equal(launched_find(300)->serial, 8);
    launched_forget(launched_find(300));
    launched_forget(launched_find(200));
    // What is added in the place of another one has nothing of it.
    assert_int_equal(launched_add()->serial, 0);
    launched_at(0)->status_fd = -1;
    launched_at(0)->pidfd = -1;
    launched_forget(launched_at(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_found_by_its_process_and_by_the_one_that_gives_back),
        cmocka_unit_test(forgetting_closes_what_it_has_and_keeps_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
