// SPDX-License-Identifier: Apache-2.0
// The files of a cgroup, in the form in which each version writes them.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "sandbox/cgroup_file.h"
#include "sandbox/cgroup_find.h"

// A folder with files as the kernel shows them: what is tested is how they are read and written.
static char folder_path[64];

static void put(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder_path, name);
    auto_file FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
}

static void expect(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder_path, name);
    auto_free char *bytes = NULL;
    size_t count;
    assert_int_equal(fd_read_file(path, 4096, &bytes, &count), 0);
    assert_string_equal(bytes, text);
}

static int open_folder(void)
{
    int fd = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder_path, sizeof folder_path, "/tmp/sb-cgroup-XXXXXX");
    return mkdtemp(folder_path) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const names[] = {"memory.events",      "memory.failcnt",
                                        "cgroup.controllers", "cgroup.subtree_control",
                                        "memory.max",         "tasks"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder_path, names[i]);
        unlink(path);
    }
    return rmdir(folder_path);
}

static void a_count_is_found_by_its_whole_key(void **state)
{
    (void)state;
    put("memory.events", "low 0\nhigh 1\nmax 22\noom 3\noom_kill 4\noom_group_kill 5\n");
    put("memory.failcnt", "36\n");
    auto_fd int folder = open_folder();
    assert_int_equal(cgroup_file_count(folder, ".", "memory.events", "oom"), 3);
    assert_int_equal(cgroup_file_count(folder, ".", "memory.events", "oom_kill"), 4);
    assert_int_equal(cgroup_file_count(folder, ".", "memory.events", "none"), 0);
    assert_int_equal(cgroup_file_count(folder, ".", "memory.failcnt", NULL), 36);
    assert_int_equal(cgroup_file_count(folder, ".", "not.there", NULL), 0);
}

static void controllers_are_read_and_switched_by_name(void **state)
{
    (void)state;
    put("cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma\n");
    put("cgroup.subtree_control", "");
    auto_fd int folder = open_folder();
    uint32_t all = 1U << CGROUP_MEMORY | 1U << CGROUP_CPU | 1U << CGROUP_PIDS;
    assert_int_equal(cgroup_file_controllers(folder, "cgroup.controllers"), all);
    assert_int_equal(cgroup_file_controllers(folder, "cgroup.subtree_control"), 0);
    assert_int_equal(cgroup_file_switch(folder, all, true), 0);
    expect("cgroup.subtree_control", "+memory +cpu +pids");
    assert_int_equal(cgroup_file_switch(folder, 0, false), 0);
    expect("cgroup.subtree_control", "+memory +cpu +pids");
}

static void a_file_that_is_not_there_is_an_error_and_is_not_made(void **state)
{
    (void)state;
    auto_fd int folder = open_folder();
    assert_int_equal(cgroup_file_write(folder, ".", "memory.max", "1"), -ENOENT);
    assert_int_equal(cgroup_file_attach(folder, "w1", 0), -ENOENT);
    put("memory.max", "max\n");
    assert_int_equal(cgroup_file_write(folder, ".", "memory.max", "4096"), 0);
    expect("memory.max", "4096");
}

static void a_thread_of_version_1_goes_in_by_itself(void **state)
{
    (void)state;
    put("tasks", "");
    auto_fd int folder = open_folder();
    assert_int_equal(cgroup_file_attach_thread(folder, "."), 0);
    expect("tasks", "0");
    assert_int_equal(cgroup_file_attach_thread(folder, "w1"), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_count_is_found_by_its_whole_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(controllers_are_read_and_switched_by_name, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_there_is_an_error_and_is_not_made,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_thread_of_version_1_goes_in_by_itself, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
