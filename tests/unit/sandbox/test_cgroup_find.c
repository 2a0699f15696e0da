// SPDX-License-Identifier: Apache-2.0
// Where the cgroups of a process are, on machines of each kind.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/text.h"
#include "sandbox/cgroup_find.h"

static struct cgroup_places find(const char *mountinfo, const char *self)
{
    char mounts[2048];
    char groups[2048];
    struct cgroup_places places;
    assert_true(text_copy(mounts, sizeof mounts, mountinfo));
    assert_true(text_copy(groups, sizeof groups, self));
    cgroup_find(mounts, groups, &places);
    return places;
}

static void a_machine_with_version_2_only(void **state)
{
    (void)state;
    struct cgroup_places places =
        find("24 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n"
             "31 24 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
             "0::/user.slice/user-1000.slice/run-7.scope\n");
    assert_string_equal(places.v2, "/sys/fs/cgroup/user.slice/user-1000.slice/run-7.scope");
    assert_string_equal(places.v2_top, "/sys/fs/cgroup");
    assert_string_equal(places.v1[CGROUP_MEMORY], "");
}

static void a_hybrid_machine_with_two_controllers_in_one_hierarchy(void **state)
{
    (void)state;
    struct cgroup_places places =
        find("40 30 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
             "41 30 0:32 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
             "42 30 0:33 / /sys/fs/cgroup/memory rw master:2 - cgroup cgroup rw,memory\n"
             "43 30 0:34 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n",
             "9:name=systemd:/x\n4:memory:/job/7\n1:cpu,cpuacct:/\n0::/\n");
    assert_string_equal(places.v2, "/sys/fs/cgroup/unified");
    assert_string_equal(places.v1[CGROUP_MEMORY], "/sys/fs/cgroup/memory/job/7");
    assert_string_equal(places.v1[CGROUP_CPU], "/sys/fs/cgroup/cpu,cpuacct");
    assert_string_equal(places.v1[CGROUP_PIDS], "");
}

static void a_container_sees_its_own_group_as_the_top_of_the_mount(void **state)
{
    (void)state;
    struct cgroup_places places =
        find("42 30 0:33 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
             "4:memory:/docker/abc\n");
    assert_string_equal(places.v1[CGROUP_MEMORY], "/sys/fs/cgroup/memory");
}

static void a_group_outside_of_what_is_mounted_has_no_place(void **state)
{
    (void)state;
    struct cgroup_places places =
        find("42 30 0:33 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
             "43 30 0:34 / /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n",
             "4:memory:/docker/abcd\n5:pids:/../other\n");
    assert_string_equal(places.v1[CGROUP_MEMORY], "");
    assert_string_equal(places.v1[CGROUP_PIDS], "");
}

static void blanks_in_a_path_are_understood_and_nonsense_is_skipped(void **state)
{
    (void)state;
    struct cgroup_places places =
        find("\n-\n1 2 3\n42 30 0:33 / /my\\040groups rw - cgroup cgroup rw,memory\n - cgroup x\n",
             "::\nmemory\n4:memory:/a\n");
    assert_string_equal(places.v1[CGROUP_MEMORY], "/my groups/a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_with_version_2_only),
        cmocka_unit_test(a_hybrid_machine_with_two_controllers_in_one_hierarchy),
        cmocka_unit_test(a_container_sees_its_own_group_as_the_top_of_the_mount),
        cmocka_unit_test(a_group_outside_of_what_is_mounted_has_no_place),
        cmocka_unit_test(blanks_in_a_path_are_understood_and_nonsense_is_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
