// SPDX-License-Identifier: Apache-2.0
// A real launcher that puts real processes into groups of the kernel.
#include "unit/sandbox/launcher_fixture.h"

#include "base/cleanup.h"
#include "base/fd.h"

#define MIB ((uint64_t)1 << 20)

static struct launcher *launcher;
static struct launch_meters meters;

static int start(void **state)
{
    (void)state;
    int result = launcher_start(&launcher);
    return result != 0 ? result : launcher_meters(launcher, &meters);
}

static int stop(void **state)
{
    (void)state;
    return launcher_stop(launcher);
}

static struct launch_usage run(const struct cgroup_limits *limits, const char *what,
                               const char *argument, int *out_wait_status)
{
    const struct sandbox_plan sandbox = {
        .tier = SANDBOX_TRUSTED, .is_metered = true, .meters = *limits};
    const char *const arguments[] = {fixture_program, what, argument, NULL};
    const struct launch_plan plan = {.path = fixture_program,
                                     .arguments = arguments,
                                     .control_fd = -1,
                                     .stdout_fd = -1,
                                     .stderr_fd = STDERR_FILENO,
                                     .sandbox = &sandbox};
    assert_int_equal(launcher_spawn(launcher, &plan, 7), 0);
    close(fixture_spawned(launcher).pidfd);
    struct launch_event event = fixture_exited(launcher);
    *out_wait_status = event.wait_status;
    return event.usage;
}

static void need(enum cgroup_controller controller)
{
    if ((meters.has >> controller & 1) == 0) {
        print_message("skipped: no controller %s: %s\n", cgroup_find_controller_name(controller),
                      meters.why);
        skip();
    }
}

// R-METER-001
static void the_end_of_a_process_comes_with_what_the_kernel_counted(void **state)
{
    (void)state;
    need(CGROUP_MEMORY);
    int wait_status;
    struct launch_usage usage =
        run(&(struct cgroup_limits){.memory_bytes = 48 * MIB}, "eat", "256", &wait_status);
    assert_true(WIFSIGNALED(wait_status));
    assert_int_equal(WTERMSIG(wait_status), SIGKILL);
    assert_true(usage.counts.oom_kills >= 1);
    assert_true(usage.counts.memory_hits >= 1);

    usage = run(&(struct cgroup_limits){.memory_bytes = 512 * MIB}, "eat", "64", &wait_status);
    assert_int_equal(wait_status, 0);
    assert_int_equal(usage.counts.oom_kills, 0);
    assert_in_range(usage.counts.memory_bytes_max, 64 * MIB, 200 * MIB);
}

// R-METER-002
static void what_a_process_left_behind_is_killed_with_its_group(void **state)
{
    (void)state;
    need(CGROUP_PIDS);
    int wait_status;
    run(&(struct cgroup_limits){.pids = 16}, "orphan", "0", &wait_status);
    assert_int_equal(wait_status, 0);
    // The launcher ends at once only when nothing of it is left.
    assert_int_equal(launcher_stop(launcher), 0);
    assert_int_equal(launcher_start(&launcher), 0);
}

// How many folders of this launcher there are in the groups that this test is in.
static int count_groups(pid_t pid)
{
    static struct cgroup_places places;
    auto_free char *mounts = NULL;
    auto_free char *self = NULL;
    size_t count;
    assert_int_equal(fd_read_file("/proc/self/mountinfo", MIB, &mounts, &count), 0);
    assert_int_equal(fd_read_file("/proc/self/cgroup", MIB, &self, &count), 0);
    cgroup_find(mounts, self, &places);
    const char *const parents[] = {places.v2, places.v2_top, places.v1[CGROUP_MEMORY],
                                   places.v1[CGROUP_CPU], places.v1[CGROUP_PIDS]};
    int found = 0;
    for (size_t i = 0; i < sizeof parents / sizeof parents[0]; i++) {
        char path[PATH_MAX + 32];
        snprintf(path, sizeof path, "%s/streambroker-%d", parents[i], (int)pid);
        found += parents[i][0] != '\0' && access(path, F_OK) == 0;
    }
    return found;
}

// R-METER-004
static void the_end_of_the_launcher_removes_its_groups(void **state)
{
    (void)state;
    need(CGROUP_MEMORY);
    int wait_status;
    run(&(struct cgroup_limits){.memory_bytes = 64 * MIB}, "exit", "0", &wait_status);
    pid_t pid = launcher_pid(launcher);
    assert_true(count_groups(pid) > 0);
    assert_int_equal(launcher_stop(launcher), 0);
    assert_int_equal(count_groups(pid), 0);
    assert_int_equal(launcher_start(&launcher), 0);
}

// R-METER-005
static void the_launcher_says_which_step_is_in_force(void **state)
{
    (void)state;
    if (meters.step == CGROUP_STEP_RLIMITS) {
        assert_int_equal(meters.has, 0);
        assert_true(meters.why[0] != '\0');
    } else {
        assert_true((meters.has >> CGROUP_MEMORY & 1) != 0);
    }
    assert_int_equal(meters.is_own_uid, geteuid() == 0);
}

int main(int argc, char **argv)
{
    int status;
    if (fixture_is_child(argc, argv, &status)) {
        return status;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_of_a_process_comes_with_what_the_kernel_counted),
        cmocka_unit_test(what_a_process_left_behind_is_killed_with_its_group),
        cmocka_unit_test(the_end_of_the_launcher_removes_its_groups),
        cmocka_unit_test(the_launcher_says_which_step_is_in_force),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
