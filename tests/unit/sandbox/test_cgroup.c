// SPDX-License-Identifier: Apache-2.0
// Real groups of the kernel: what is metered, counted, killed, and left behind.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "sandbox/cgroup.h"

#define MIB ((size_t)1 << 20)
#define EXIT_NOT_ENTERED 99

static struct cgroup cgroup;

static void find_places(struct cgroup_places *places)
{
    auto_free char *mounts = NULL;
    auto_free char *self = NULL;
    size_t count;
    assert_int_equal(fd_read_file("/proc/self/mountinfo", MIB, &mounts, &count), 0);
    assert_int_equal(fd_read_file("/proc/self/cgroup", MIB, &self, &count), 0);
    cgroup_find(mounts, self, places);
}

// Runs in a process that is in the group; its result is the exit status.
typedef int (*inside_fn)(void);

static pid_t start(uint32_t serial, inside_fn inside)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(cgroup_enter(&cgroup, serial) == 0 ? inside() : EXIT_NOT_ENTERED);
    }
    return pid;
}

static int wait_for(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static int run(uint32_t serial, inside_fn inside)
{
    return wait_for(start(serial, inside));
}

static void remove_all(void)
{
    // Version 1 has no event for the moment at which the kernel lets go.
    int64_t deadline_ns = clock_now_ns() + 5 * CLOCK_NS_PER_S;
    while (cgroup_collect(&cgroup) > 0 && clock_now_ns() < deadline_ns) {
        sched_yield();
    }
    assert_int_equal(cgroup_collect(&cgroup), 0);
}

static int is_left(const char *parent)
{
    char path[PATH_MAX + CGROUP_NAME_BYTES];
    snprintf(path, sizeof path, "%s/%s", parent, cgroup.name);
    return access(path, F_OK) == 0;
}

static int set_up(void **state)
{
    (void)state;
    cgroup_open(&cgroup, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cgroup_close(&cgroup);
    return 0;
}

static void need(enum cgroup_controller controller)
{
    if ((cgroup.has >> controller & 1) == 0) {
        print_message("skipped: no controller %s: %s\n", cgroup_find_controller_name(controller),
                      cgroup.why);
        skip();
    }
}

static int eat_memory(void)
{
    char *bytes = mmap(NULL, 256 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) {
        return 1;
    }
    memset(bytes, 1, 256 * MIB);
    return bytes[100 * MIB] == 1 ? 0 : 1;
}

static int fork_many(void)
{
    int made = 0;
    while (made < 50) {
        pid_t pid = fork();
        if (pid < 0) {
            return made;
        }
        if (pid == 0) {
            pause();
        }
        made++;
    }
    return made;
}

static int spin(void)
{
    int64_t end_ns = clock_now_ns() + CLOCK_NS_PER_S / 2;
    while (clock_now_ns() < end_ns) {
    }
    return (int)(100 * clock_thread_cpu_ns() / (CLOCK_NS_PER_S / 2));
}

static int nothing(void)
{
    return 0;
}

// R-METER-001
static void memory_above_the_limit_kills_and_is_counted(void **state)
{
    (void)state;
    need(CGROUP_MEMORY);
    const struct cgroup_limits limits = {.memory_bytes = 32 * MIB};
    assert_int_equal(cgroup_make(&cgroup, 1, &limits), 0);
    int status = run(1, eat_memory);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    struct cgroup_counts counts;
    cgroup_take(&cgroup, 1, &counts);
    assert_true(counts.oom_kills >= 1);
    assert_true(counts.memory_hits >= 1);
    assert_in_range(counts.memory_bytes_max, 16 * MIB, 32 * MIB);
    remove_all();
}

static void memory_below_the_limit_is_left_alone(void **state)
{
    (void)state;
    need(CGROUP_MEMORY);
    const struct cgroup_limits limits = {.memory_bytes = 512 * MIB};
    assert_int_equal(cgroup_make(&cgroup, 2, &limits), 0);
    int status = run(2, eat_memory);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    struct cgroup_counts counts;
    cgroup_take(&cgroup, 2, &counts);
    assert_int_equal(counts.oom_kills, 0);
    remove_all();
}

// R-METER-002
static void processes_above_the_limit_are_refused_and_those_left_are_killed(void **state)
{
    (void)state;
    need(CGROUP_PIDS);
    const struct cgroup_limits limits = {.pids = 10};
    assert_int_equal(cgroup_make(&cgroup, 3, &limits), 0);
    int status = run(3, fork_many);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 9);
    struct cgroup_counts counts;
    cgroup_take(&cgroup, 3, &counts);
    assert_true(counts.pids_refused >= 1);
    remove_all();
}

// R-METER-003
static void cpu_time_is_held_at_its_part_and_what_was_held_back_is_counted(void **state)
{
    (void)state;
    need(CGROUP_CPU);
    const struct cgroup_limits limits = {.cpu_permille = 200};
    assert_int_equal(cgroup_make(&cgroup, 4, &limits), 0);
    int status = run(4, spin);
    assert_true(WIFEXITED(status));
    // One period more than its part can come in, on a busy machine less.
    assert_in_range(WEXITSTATUS(status), 1, 30);
    struct cgroup_counts counts;
    cgroup_take(&cgroup, 4, &counts);
    assert_true(counts.cpu_throttled_ns > 0);
    remove_all();
}

// R-METER-004
static void what_a_killed_launcher_left_is_removed_at_the_next_start(void **state)
{
    (void)state;
    need(CGROUP_MEMORY);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t other = fork();
    assert_true(other >= 0);
    if (other == 0) {
        // The lock of the parent is inherited: let go of it, as of its groups.
        static struct cgroup theirs;
        cgroup_open(&theirs, 0);
        const struct cgroup_limits limits = {.memory_bytes = 64 * MIB};
        int made = cgroup_make(&theirs, 1, &limits);
        char byte = made == 0 ? 'y' : 'n';
        if (write(ready[1], &byte, 1) == 1) {
            pause();
        }
        _exit(1);
    }
    char byte = 0;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    static struct cgroup_places places;
    find_places(&places);
    const char *parent = cgroup.step == CGROUP_STEP_V2 ? places.v2 : places.v1[CGROUP_MEMORY];
    char path[PATH_MAX + CGROUP_NAME_BYTES];
    snprintf(path, sizeof path, "%s/streambroker-%d", parent, (int)other);
    assert_int_equal(access(path, F_OK), 0);

    // While it lives, nobody takes it away.
    cgroup_close(&cgroup);
    cgroup_open(&cgroup, 0);
    assert_int_equal(access(path, F_OK), 0);

    kill(other, SIGKILL);
    wait_for(other);
    cgroup_close(&cgroup);
    cgroup_open(&cgroup, 0);
    assert_int_equal(access(path, F_OK), -1);
    close(ready[0]);
    close(ready[1]);
}

// R-METER-004
static void nothing_is_left_after_the_end(void **state)
{
    (void)state;
    need(CGROUP_MEMORY);
    static struct cgroup_places places;
    find_places(&places);
    const char *parent = cgroup.step == CGROUP_STEP_V2 ? places.v2 : places.v1[CGROUP_MEMORY];
    assert_true(is_left(parent));
    const struct cgroup_limits limits = {.memory_bytes = 64 * MIB};
    assert_int_equal(cgroup_make(&cgroup, 5, &limits), 0);
    assert_int_equal(run(5, nothing), 0);
    struct cgroup_counts counts;
    cgroup_take(&cgroup, 5, &counts);
    remove_all();
    cgroup_close(&cgroup);
    assert_false(is_left(parent));
}

// Version 2 as this machine has it, with or without controllers: groups, entering and killing.
static void open_version_2(struct cgroup_places *places)
{
    find_places(places);
    cgroup_close(&cgroup);
    for (size_t i = 0; i < CGROUP_CONTROLLERS_COUNT; i++) {
        places->v1[i][0] = '\0';
    }
    cgroup_open_at(&cgroup, places, 0, 0);
    if (cgroup.step != CGROUP_STEP_V2) {
        print_message("skipped: %s\n", cgroup.why);
        skip();
    }
}

// 0 when it is in the group w7 of version 2.
static int look_where_it_is(void)
{
    auto_free char *self = NULL;
    size_t count;
    if (fd_read_file("/proc/self/cgroup", MIB, &self, &count) != 0) {
        return 2;
    }
    const char *line = strstr(self, "0::");
    return line != NULL && strstr(line, "/w7\n") != NULL ? 0 : 1;
}

static void a_process_of_version_2_is_born_in_its_group(void **state)
{
    (void)state;
    static struct cgroup_places places;
    open_version_2(&places);
    const struct cgroup_limits none = {0};
    assert_int_equal(cgroup_make(&cgroup, 7, &none), 0);
    pid_t pid = cgroup_clone(&cgroup, 7);
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(look_where_it_is());
    }
    assert_int_equal(WEXITSTATUS(wait_for(pid)), 0);
    struct cgroup_counts counts;
    cgroup_take(&cgroup, 7, &counts);
    remove_all();
    assert_int_equal(cgroup_clone(&cgroup, 7), -ENOENT);
    cgroup_close(&cgroup);
}

static void version_2_kills_a_whole_group_at_once(void **state)
{
    (void)state;
    static struct cgroup_places places;
    open_version_2(&places);
    const struct cgroup_limits none = {0};
    assert_int_equal(cgroup_make(&cgroup, 6, &none), 0);
    int status = run(6, fork_many);
    assert_int_equal(WEXITSTATUS(status), 50);
    char path[PATH_MAX + CGROUP_NAME_BYTES + 64];
    snprintf(path, sizeof path, "%s/%s/w6/cgroup.events", places.v2, cgroup.name);
    auto_free char *events = NULL;
    size_t count;
    assert_int_equal(fd_read_file(path, 4096, &events, &count), 0);
    assert_non_null(strstr(events, "populated 1"));
    struct cgroup_counts counts;
    cgroup_take(&cgroup, 6, &counts);
    remove_all();
    cgroup_close(&cgroup);
    assert_false(is_left(places.v2));
}

static void without_any_place_the_step_is_rlimits_and_says_why(void **state)
{
    (void)state;
    static const struct cgroup_places nowhere;
    struct cgroup none;
    cgroup_open_at(&none, &nowhere, 0, 0);
    assert_int_equal(none.step, CGROUP_STEP_RLIMITS);
    assert_true(none.why[0] != '\0');
    const struct cgroup_limits limits = {.pids = 4};
    assert_int_equal(cgroup_make(&none, 1, &limits), -ENOTSUP);
    cgroup_close(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(memory_above_the_limit_kills_and_is_counted, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(memory_below_the_limit_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            processes_above_the_limit_are_refused_and_those_left_are_killed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            cpu_time_is_held_at_its_part_and_what_was_held_back_is_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_killed_launcher_left_is_removed_at_the_next_start,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_left_after_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_process_of_version_2_is_born_in_its_group, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(version_2_kills_a_whole_group_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_any_place_the_step_is_rlimits_and_says_why, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
