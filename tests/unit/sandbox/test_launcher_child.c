// SPDX-License-Identifier: Apache-2.0
// Between fork and exec, each step by itself: what fails says which step and why.
#include "unit/sandbox/launcher_fixture.h"

#include "sandbox/launcher_child.h"

static char *const child_arguments[] = {fixture_program, "report", "-", NULL};
static char *const no_environment[] = {NULL};

static struct launcher_child_plan plan_of(const char *path)
{
    return (struct launcher_child_plan){.path = path,
                                        .program_fd = -1,
                                        .arguments = child_arguments,
                                        .environment = no_environment,
                                        .control_fd = -1,
                                        .stdout_fd = -1,
                                        .stderr_fd = -1,
                                        .parent = getpid()};
}

// Runs a plan in a fork. Returns the wait status; out_failure->step is -1 when exec succeeded.
static int run(const struct launcher_child_plan *plan, struct launcher_child_failure *out_failure)
{
    int status[2];
    assert_int_equal(pipe2(status, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        launcher_child_run(plan, status[1]);
    }
    close(status[1]);
    ssize_t got = read(status[0], out_failure, sizeof *out_failure);
    if (got == 0) {
        *out_failure = (struct launcher_child_failure){-1, 0};
    } else {
        assert_int_equal(got, sizeof *out_failure);
    }
    close(status[0]);
    int wait_status;
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    return wait_status;
}

static void assert_fails(const struct launcher_child_plan *plan, enum launch_step step, int error)
{
    struct launcher_child_failure failure;
    assert_int_equal(run(plan, &failure), 127 << 8);
    assert_int_equal(failure.step, step);
    assert_int_equal(failure.error, error);
}

static void a_child_whose_parent_is_gone_does_not_run(void **state)
{
    (void)state;
    struct launcher_child_plan plan = plan_of(fixture_program);
    plan.parent = 1;
    assert_fails(&plan, LAUNCH_STEP_PARENT, -ESRCH);
}

static void a_descriptor_that_is_none_is_a_failure(void **state)
{
    (void)state;
    struct launcher_child_plan plan = plan_of(fixture_program);
    plan.control_fd = 999;
    assert_fails(&plan, LAUNCH_STEP_DESCRIPTORS, -EBADF);
    plan = plan_of(fixture_program);
    plan.stdout_fd = 999;
    assert_fails(&plan, LAUNCH_STEP_DESCRIPTORS, -EBADF);
}

static void a_folder_and_a_program_that_cannot_be_are_failures(void **state)
{
    (void)state;
    struct launcher_child_plan plan = plan_of("/nowhere/at/all");
    assert_fails(&plan, LAUNCH_STEP_EXECUTE, -ENOENT);
    plan = plan_of(fixture_program);
    plan.folder = "/dev/null";
    assert_fails(&plan, LAUNCH_STEP_FOLDER, -ENOTDIR);
}

// Descriptors that lie where others are to go must not be lost on the way.
static void descriptors_arrive_whatever_their_numbers_were(void **state)
{
    (void)state;
    int output[2];
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    int taken = dup(STDIN_FILENO);
    assert_true(taken >= 0);
    struct launcher_child_plan plan = plan_of(fixture_program);
    int saved = dup(3);
    dup2(output[1], 3);
    plan.stdout_fd = 3;  // where the control descriptor goes
    plan.control_fd = taken;
    plan.stderr_fd = STDERR_FILENO;
    struct launcher_child_failure failure;
    assert_int_equal(run(&plan, &failure), 0);
    if (saved >= 0) {
        dup2(saved, 3);
        close(saved);
    } else {
        close(3);
    }
    assert_int_equal(failure.step, -1);
    close(output[1]);
    char report[4096];
    fixture_read_all(output[0], report, sizeof report);
    assert_non_null(strstr(report, "descriptors 0 1 2 3\n"));
    close(output[0]);
    close(taken);
}

static void ignored_and_blocked_signals_are_not_inherited(void **state)
{
    (void)state;
    int output[2];
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    struct launcher_child_plan plan = plan_of(fixture_program);
    plan.stdout_fd = output[1];
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    sigprocmask(SIG_SETMASK, &all, &before);
    struct launcher_child_failure failure;
    int wait_status = run(&plan, &failure);
    sigprocmask(SIG_SETMASK, &before, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    assert_int_equal(wait_status, 0);
    close(output[1]);
    char report[4096];
    fixture_read_all(output[0], report, sizeof report);
    assert_non_null(strstr(report, "blocked 0 ignored 0 "));
    close(output[0]);
}

int main(int argc, char **argv)
{
    int status;
    if (fixture_is_child(argc, argv, &status)) {
        return status;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_whose_parent_is_gone_does_not_run),
        cmocka_unit_test(a_descriptor_that_is_none_is_a_failure),
        cmocka_unit_test(a_folder_and_a_program_that_cannot_be_are_failures),
        cmocka_unit_test(descriptors_arrive_whatever_their_numbers_were),
        cmocka_unit_test(ignored_and_blocked_signals_are_not_inherited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
