// SPDX-License-Identifier: Apache-2.0
// The broker's end of the launcher, with a real launcher and real processes.
#include "unit/sandbox/launcher_fixture.h"

static struct launcher *launcher;

static int start(void **state)
{
    (void)state;
    return launcher_start(&launcher);
}

static int stop(void **state)
{
    (void)state;
    int result = launcher_stop(launcher);
    launcher = NULL;
    return result;
}

// What a worker that inherits everything that it can inherit reports of itself.
static void report_of(const char *const *environment, const char *folder, bool has_control,
                      char *report, size_t size_bytes)
{
    int output[2];
    int control[2];
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    assert_int_equal(pipe2(control, O_CLOEXEC), 0);
    const char *const arguments[] = {"worker", "report", "-", NULL};
    const struct launch_plan plan = {.path = fixture_program,
                                     .arguments = arguments,
                                     .environment = environment,
                                     .folder = folder,
                                     .control_fd = has_control ? control[1] : -1,
                                     .stdout_fd = output[1],
                                     .stderr_fd = -1};
    assert_int_equal(launcher_spawn(launcher, &plan, 5), 0);
    close(output[1]);
    struct launch_event event = fixture_spawned(launcher);
    close(event.pidfd);
    fixture_read_all(output[0], report, size_bytes);
    assert_int_equal(fixture_exited(launcher).wait_status, 0);
    close(output[0]);
    close(control[0]);
    close(control[1]);
}

static void a_worker_begins_with_its_four_descriptors_and_no_other(void **state)
{
    // R-WORKER-002
    (void)state;
    // Leaks on purpose, before the launcher is there and after.
    assert_int_equal(launcher_stop(launcher), 0);
    int leaked[2];
    assert_int_equal(pipe(leaked), 0);
    assert_int_equal(dup2(leaked[0], 77), 77);
    assert_int_equal(launcher_start(&launcher), 0);
    assert_int_equal(dup2(leaked[0], 78), 78);
    char report[4096];
    report_of(NULL, NULL, true, report, sizeof report);
    assert_non_null(strstr(report, "descriptors 0 1 2 3\n"));
    report_of(NULL, NULL, false, report, sizeof report);
    assert_non_null(strstr(report, "descriptors 0 1 2\n"));
    close(leaked[0]);
    close(leaked[1]);
    close(77);
    close(78);
}

static void the_environment_of_a_worker_is_what_it_was_granted(void **state)
{
    // R-WORKER-003
    (void)state;
    char report[4096];
    setenv("SECRET", "of the broker", 1);
    report_of(NULL, NULL, true, report, sizeof report);
    assert_non_null(strstr(report, "environment\n"));
    const char *const granted[] = {"LANG=C.UTF-8", "X=", NULL};
    report_of(granted, NULL, true, report, sizeof report);
    assert_non_null(strstr(report, "environment LANG=C.UTF-8 X=\n"));
    unsetenv("SECRET");
}

static void a_worker_gains_no_rights_leads_a_group_and_dies_with_the_launcher(void **state)
{
    // R-WORKER-004
    (void)state;
    char report[4096];
    report_of(NULL, "/usr", true, report, sizeof report);
    assert_non_null(strstr(report, "no_new_privs 1 death_signal 9 core 0\n"));
    assert_non_null(strstr(report, "leads_group 1 terminal 0\n"));
    assert_non_null(strstr(report, "blocked 0 ignored 0 folder /usr\n"));
}

static void exit_statuses_and_signals_arrive_exactly(void **state)
{
    // R-WORKER-013
    (void)state;
    const struct {
        const char *what;
        const char *argument;
        int wait_status;
    } cases[] = {{"exit", "0", 0},         {"exit", "75", 75 << 8},   {"exit", "255", 255 << 8},
                 {"signal", "6", SIGABRT}, {"signal", "11", SIGSEGV}, {"signal", "15", SIGTERM}};
    const char *sanitizer = getenv("SB_SANITIZE");
    bool has_sanitizer = sanitizer != NULL && sanitizer[0] != '\0';
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (has_sanitizer && cases[i].wait_status == SIGSEGV) {
            continue;  // a sanitizer catches it
        }
        fixture_spawn(launcher, 40 + (uint32_t)i, cases[i].what, cases[i].argument, -1);
        struct launch_event spawned = fixture_spawned(launcher);
        assert_int_equal(spawned.serial, 40 + i);
        struct pollfd gone = {.fd = spawned.pidfd, .events = POLLIN};
        assert_int_equal(poll(&gone, 1, FIXTURE_WAIT_MS), 1);
        struct launch_event exited = fixture_exited(launcher);
        assert_int_equal(exited.serial, 40 + i);
        assert_int_equal(exited.pid, spawned.pid);
        assert_int_equal(exited.wait_status, cases[i].wait_status);
        assert_true(exited.usage.resident_bytes_max > 4096);
        assert_true(exited.usage.user_ns + exited.usage.system_ns >= 0);
        close(spawned.pidfd);
    }
}

static struct launch_event failure_of(const char *path, const char *folder)
{
    const char *const arguments[] = {path, NULL};
    const struct launch_plan plan = {.path = path,
                                     .arguments = arguments,
                                     .folder = folder,
                                     .control_fd = -1,
                                     .stdout_fd = -1,
                                     .stderr_fd = -1};
    assert_int_equal(launcher_spawn(launcher, &plan, 9), 0);
    struct launch_event event = fixture_event(launcher);
    assert_int_equal(event.kind, LAUNCH_FAILED);
    assert_int_equal(event.serial, 9);
    assert_int_equal(event.pidfd, -1);
    return event;
}

static void a_program_that_cannot_start_names_the_step_and_the_error(void **state)
{
    (void)state;
    struct launch_event event = failure_of("/nowhere/at/all", NULL);
    assert_int_equal(event.step, LAUNCH_STEP_EXECUTE);
    assert_int_equal(event.error, -ENOENT);
    assert_string_equal(event.text, "cannot execute it: No such file or directory");
    event = failure_of("/usr", NULL);
    assert_int_equal(event.step, LAUNCH_STEP_EXECUTE);
    assert_int_equal(event.error, -EACCES);
    event = failure_of("/bin/true", "/nowhere");
    assert_int_equal(event.step, LAUNCH_STEP_FOLDER);
    assert_int_equal(event.error, -ENOENT);
    assert_string_equal(event.text, "cannot enter its folder: No such file or directory");
    // A process that never ran has no end either: the next event is another's.
    fixture_spawn(launcher, 10, "exit", "0", -1);
    struct launch_event next = fixture_spawned(launcher);
    assert_int_equal(next.serial, 10);
    close(next.pidfd);
    fixture_exited(launcher);
}

static void a_plan_out_of_bounds_is_refused_before_anything_is_started(void **state)
{
    (void)state;
    static char long_text[LAUNCH_STRINGS_BYTES_MAX + 1];
    memset(long_text, 'x', sizeof long_text - 1);
    const char *many[LAUNCH_ARGUMENTS_MAX + 2];
    for (size_t i = 0; i < LAUNCH_ARGUMENTS_MAX + 1; i++) {
        many[i] = "x";
    }
    many[LAUNCH_ARGUMENTS_MAX + 1] = NULL;
    const char *const one[] = {"x", NULL};
    const char *const long_one[] = {long_text, NULL};
    const char *const none[] = {NULL};
    const struct launch_plan base = {.control_fd = -1, .stdout_fd = -1, .stderr_fd = -1};
    struct launch_plan plan = base;
    assert_int_equal(launcher_spawn(launcher, &plan, 1), -EINVAL);
    plan.path = "/bin/true";
    plan.arguments = none;
    assert_int_equal(launcher_spawn(launcher, &plan, 1), -EINVAL);
    plan.arguments = many;
    assert_int_equal(launcher_spawn(launcher, &plan, 1), -E2BIG);
    plan.arguments = long_one;
    assert_int_equal(launcher_spawn(launcher, &plan, 1), -E2BIG);
    plan.arguments = one;
    plan.environment = many;
    assert_int_equal(launcher_spawn(launcher, &plan, 1), -E2BIG);
    plan.environment = NULL;
    plan.path = "true";
    plan.folder = "/bin";
    assert_int_equal(launcher_spawn(launcher, &plan, 1), -EINVAL);
    struct launch_event event;
    assert_int_equal(launcher_receive(launcher, &event), -EAGAIN);
}

static void a_kill_reaches_the_whole_group(void **state)
{
    (void)state;
    int output[2];
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    fixture_spawn(launcher, 3, "family", "-", output[1]);
    close(output[1]);
    struct launch_event event = fixture_spawned(launcher);
    char text[16] = "";
    assert_int_equal(read(output[0], text, sizeof text), 3);
    assert_int_equal(launcher_kill(launcher, 3), 0);
    assert_int_equal(fixture_exited(launcher).wait_status, SIGKILL);
    // The one that left the group is an orphan now, and ends too.
    assert_int_equal(fixture_read_all(output[0], text, sizeof text), 0);
    close(output[0]);
    close(event.pidfd);
    assert_int_equal(launcher_kill(launcher, 3), 0);
}

static void what_a_worker_leaves_behind_is_killed_at_its_end(void **state)
{
    (void)state;
    int output[2];
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    fixture_spawn(launcher, 3, "orphan", "-", output[1]);
    close(output[1]);
    close(fixture_spawned(launcher).pidfd);
    assert_int_equal(fixture_exited(launcher).wait_status, 0);
    char text[16];
    assert_int_equal(fixture_read_all(output[0], text, sizeof text), 0);
    close(output[0]);
}

static void hundreds_of_requests_at_once_neither_block_nor_lose_an_event(void **state)
{
    (void)state;
    enum { COUNT = 400 };
    static uint8_t seen[COUNT];
    memset(seen, 0, sizeof seen);
    const char *const arguments[] = {"true", NULL};
    const struct launch_plan plan = {.path = "/bin/true",
                                     .arguments = arguments,
                                     .control_fd = -1,
                                     .stdout_fd = -1,
                                     .stderr_fd = -1};
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(launcher_spawn(launcher, &plan, i), 0);
    }
    for (int i = 0; i < 2 * COUNT; i++) {
        struct launch_event event = fixture_event(launcher);
        assert_true(event.serial < COUNT);
        // Its end comes after its begin, and each once.
        assert_int_equal(event.kind, seen[event.serial] == 0 ? LAUNCH_SPAWNED : LAUNCH_EXITED);
        assert_true(seen[event.serial] < 2);
        seen[event.serial]++;
        if (event.pidfd >= 0) {
            close(event.pidfd);
        }
    }
}

static void the_broker_has_no_child_but_the_launcher(void **state)
{
    // R-WORKER-005
    (void)state;
    fixture_spawn(launcher, 3, "exit", "0", -1);
    close(fixture_spawned(launcher).pidfd);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
    char children[64] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        print_message("skipped: %s: %s\n", path, strerror(errno));
        skip();
    }
    assert_true(read(fd, children, sizeof children - 1) > 0);
    close(fd);
    char expected[64];
    snprintf(expected, sizeof expected, "%d ", launcher_pid(launcher));
    assert_string_equal(children, expected);
    fixture_exited(launcher);
}

static void events_for_others_wait_while_one_process_is_waited_for(void **state)
{
    (void)state;
    uint32_t own = launcher_own_serial(launcher);
    assert_true(own > LAUNCH_SERIAL_MAX);
    fixture_spawn(launcher, 1, "exit", "1", -1);
    fixture_spawn(launcher, own, "exit", "2", -1);
    int own_events = 0;
    struct launch_event event;
    while (own_events < 2) {
        int result = launcher_receive_of(launcher, own, &event);
        if (result == 0) {
            assert_int_equal(event.serial, own);
            own_events++;
            if (event.pidfd >= 0) {
                close(event.pidfd);
            }
        } else {
            struct pollfd polled = {.fd = launcher_fd(launcher), .events = POLLIN};
            assert_int_equal(poll(&polled, 1, FIXTURE_WAIT_MS), 1);
        }
    }
    assert_int_equal(WEXITSTATUS(event.wait_status), 2);
    event = fixture_spawned(launcher);
    assert_int_equal(event.serial, 1);
    close(event.pidfd);
    assert_int_equal(WEXITSTATUS(fixture_exited(launcher).wait_status), 1);
    // News of an own process that nobody asked for are nobody's news.
    fixture_spawn(launcher, own, "exit", "0", -1);
    fixture_spawn(launcher, 2, "exit", "0", -1);
    event = fixture_spawned(launcher);
    assert_int_equal(event.serial, 2);
    close(event.pidfd);
}

static void the_end_of_the_launcher_is_an_error_and_ends_its_processes(void **state)
{
    (void)state;
    struct launcher *mortal = NULL;
    assert_int_equal(launcher_start(&mortal), 0);
    int output[2];
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    fixture_spawn(mortal, 3, "signal", "0", output[1]);
    struct launch_event event = fixture_spawned(mortal);
    fixture_exited(mortal);
    close(event.pidfd);
    const char *const arguments[] = {"sleep", "1000", NULL};
    const struct launch_plan plan = {.path = "/bin/sleep",
                                     .arguments = arguments,
                                     .control_fd = -1,
                                     .stdout_fd = output[1],
                                     .stderr_fd = -1};
    assert_int_equal(launcher_spawn(mortal, &plan, 4), 0);
    close(output[1]);
    event = fixture_spawned(mortal);
    kill(launcher_pid(mortal), SIGKILL);
    struct pollfd polled = {.fd = launcher_fd(mortal), .events = POLLIN};
    assert_int_equal(poll(&polled, 1, FIXTURE_WAIT_MS), 1);
    struct launch_event none;
    assert_int_equal(launcher_receive(mortal, &none), -EPIPE);
    assert_int_equal(launcher_spawn(mortal, &plan, 5), -EPIPE);
    assert_int_equal(launcher_kill(mortal, 4), -EPIPE);
    char text[16];
    assert_int_equal(fixture_read_all(output[0], text, sizeof text), 0);
    close(output[0]);
    close(event.pidfd);
    assert_int_equal(launcher_stop(mortal), 0);
}

static void a_stop_ends_everything_and_leaves_no_zombie(void **state)
{
    (void)state;
    struct launcher *mortal = NULL;
    assert_int_equal(launcher_start(&mortal), 0);
    int output[2];
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    for (uint32_t i = 0; i < 5; i++) {
        fixture_spawn(mortal, i, "family", "-", output[1]);
    }
    close(output[1]);
    pid_t pid = launcher_pid(mortal);
    assert_int_equal(launcher_stop(mortal), 0);
    char text[64];
    fixture_read_all(output[0], text, sizeof text);
    close(output[0]);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
    assert_int_equal(launcher_stop(NULL), 0);
}

static void every_step_has_a_text(void **state)
{
    (void)state;
    for (int step = LAUNCH_STEP_REQUEST; step <= LAUNCH_STEP_EXECUTE; step++) {
        assert_memory_equal(launcher_step_text((enum launch_step)step), "cannot ", 7);
    }
    assert_string_equal(launcher_step_text((enum launch_step)99), "?");
}

int main(int argc, char **argv)
{
    int status;
    if (fixture_is_child(argc, argv, &status)) {
        return status;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_begins_with_its_four_descriptors_and_no_other),
        cmocka_unit_test(the_environment_of_a_worker_is_what_it_was_granted),
        cmocka_unit_test(a_worker_gains_no_rights_leads_a_group_and_dies_with_the_launcher),
        cmocka_unit_test(exit_statuses_and_signals_arrive_exactly),
        cmocka_unit_test(a_program_that_cannot_start_names_the_step_and_the_error),
        cmocka_unit_test(a_plan_out_of_bounds_is_refused_before_anything_is_started),
        cmocka_unit_test(a_kill_reaches_the_whole_group),
        cmocka_unit_test(what_a_worker_leaves_behind_is_killed_at_its_end),
        cmocka_unit_test(hundreds_of_requests_at_once_neither_block_nor_lose_an_event),
        cmocka_unit_test(the_broker_has_no_child_but_the_launcher),
        cmocka_unit_test(events_for_others_wait_while_one_process_is_waited_for),
        cmocka_unit_test(the_end_of_the_launcher_is_an_error_and_ends_its_processes),
        cmocka_unit_test(a_stop_ends_everything_and_leaves_no_zombie),
        cmocka_unit_test(every_step_has_a_text),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
