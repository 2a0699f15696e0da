// SPDX-License-Identifier: Apache-2.0
// Which plans can use each other's sandbox. R-SAND-013
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "sandbox/launcher_shape.h"

static struct sandbox_plan plan_of(void)
{
    struct sandbox_plan plan = {
        .tier = SANDBOX_UNTRUSTED, .tmpfs_bytes = 1 << 20, .rootfs_fd = -1, .program_fd = -1};
    plan.binds[0] = (struct sandbox_bind){SANDBOX_BIND_EXECUTE, -1, "/usr", "/usr"};
    plan.binds[1] = (struct sandbox_bind){SANDBOX_BIND_DEVICE, -1, "/dev/null", "/dev/null"};
    plan.bind_count = 2;
    return plan;
}

static int open_file(char *path)
{
    int fd = mkostemp(path, O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void plans_that_show_the_same_have_one_shape(void **state)
{
    (void)state;
    struct sandbox_plan plan = plan_of();
    struct launcher_shape first;
    struct launcher_shape second;
    assert_true(launcher_shape_of(&plan, &first));
    // What only the worker itself is told makes no difference.
    plan.meters.memory_bytes = 1;
    plan.rlimit_count = 1;
    plan.filter_bytes = 8;
    assert_true(launcher_shape_of(&plan, &second));
    assert_true(launcher_shape_is_same(&first, &second));
    plan.tmpfs_bytes++;
    assert_true(launcher_shape_of(&plan, &second));
    assert_false(launcher_shape_is_same(&first, &second));
    plan = plan_of();
    plan.binds[1].target = "/dev/zero";
    assert_true(launcher_shape_of(&plan, &second));
    assert_false(launcher_shape_is_same(&first, &second));
}

static void another_file_or_another_owner_is_another_shape(void **state)
{
    (void)state;
    char path[] = "/tmp/sb-shape-XXXXXX";
    char other_path[] = "/tmp/sb-shape-XXXXXX";
    auto_fd int fd = open_file(path);
    auto_fd int other = open_file(other_path);
    struct sandbox_plan plan = plan_of();
    plan.binds[plan.bind_count++] =
        (struct sandbox_bind){SANDBOX_BIND_EXECUTE, fd, "", "/lib/one.so"};
    struct launcher_shape first;
    struct launcher_shape second;
    assert_true(launcher_shape_of(&plan, &first));
    plan.binds[2].fd = other;
    assert_true(launcher_shape_of(&plan, &second));
    assert_false(launcher_shape_is_same(&first, &second));
    plan.binds[2].fd = fd;
    assert_int_equal(fchmod(fd, 0755), 0);
    assert_true(launcher_shape_of(&plan, &second));
    assert_false(launcher_shape_is_same(&first, &second));
    assert_int_equal(fchmod(fd, 0600), 0);
    assert_true(launcher_shape_of(&plan, &second));
    assert_true(launcher_shape_is_same(&first, &second));
    unlink(path);
    unlink(other_path);
}

static void what_is_granted_has_no_shape(void **state)
{
    (void)state;
    static const enum sandbox_bind_kind kinds[] = {SANDBOX_BIND_READ, SANDBOX_BIND_WRITE,
                                                   SANDBOX_BIND_DEVICE, SANDBOX_BIND_DATA};
    auto_fd int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct launcher_shape shape;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct sandbox_plan plan = plan_of();
        plan.binds[plan.bind_count++] = (struct sandbox_bind){kinds[i], fd, "", "/granted"};
        assert_false(launcher_shape_of(&plan, &shape));
    }
    struct sandbox_plan plan = plan_of();
    plan.grants = SANDBOX_GRANT_NETWORK;
    assert_false(launcher_shape_of(&plan, &shape));
    plan = plan_of();
    plan.rootfs_fd = fd;
    assert_false(launcher_shape_of(&plan, &shape));
    plan = plan_of();
    plan.tier = SANDBOX_TRUSTED;
    assert_false(launcher_shape_of(&plan, &shape));
}

static void one_that_is_too_long_to_write_down_has_no_shape(void **state)
{
    (void)state;
    struct sandbox_plan plan = plan_of();
    while (plan.bind_count < SANDBOX_BINDS_MAX) {
        plan.binds[plan.bind_count++] = (struct sandbox_bind){
            SANDBOX_BIND_EXECUTE, -1, "/usr/lib",
            "/a/rather/long/path/of/a/library/that/nobody/has/in/such/a/number/of/copies"};
    }
    struct launcher_shape shape;
    assert_false(launcher_shape_of(&plan, &shape));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_that_show_the_same_have_one_shape),
        cmocka_unit_test(another_file_or_another_owner_is_another_shape),
        cmocka_unit_test(what_is_granted_has_no_shape),
        cmocka_unit_test(one_that_is_too_long_to_write_down_has_no_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
