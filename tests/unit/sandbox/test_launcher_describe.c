// SPDX-License-Identifier: Apache-2.0
// Programs that describe themselves, and programs that do not. R-WORKER-016
#include "unit/sandbox/launcher_fixture.h"

#define LONG_NS (10 * CLOCK_NS_PER_S)

static struct launcher *launcher;
static struct diag why;
static char *json;
static size_t count;

static int start(void **state)
{
    (void)state;
    return launcher_start(&launcher);
}

static int stop(void **state)
{
    (void)state;
    return launcher_stop(launcher);
}

static int describe(const char *program, const char *what, const char *argument, int64_t timeout_ns)
{
    const char *const arguments[] = {program, what, argument, NULL};
    const struct launch_plan plan = {.path = program, .arguments = arguments};
    json = NULL;
    count = 0;
    why.text[0] = '\0';
    return launcher_describe(launcher, &plan, timeout_ns, &json, &count, &why);
}

static void what_a_program_writes_comes_back_whole(void **state)
{
    (void)state;
    assert_int_equal(describe("/bin/echo", "{\"name\":", "\"blur\"}", LONG_NS), 0);
    assert_string_equal(json, "{\"name\": \"blur\"}\n");
    assert_int_equal(count, strlen(json));
    free(json);
    char largest[32];
    snprintf(largest, sizeof largest, "%d", LAUNCH_OUTPUT_BYTES_MAX);
    assert_int_equal(describe(fixture_program, "flood", largest, LONG_NS), 0);
    assert_int_equal(count, LAUNCH_OUTPUT_BYTES_MAX);
    free(json);
}

static void it_runs_in_the_folder_and_with_an_empty_environment(void **state)
{
    (void)state;
    const char *const arguments[] = {fixture_program, "report", "-", NULL};
    const struct launch_plan plan = {
        .path = fixture_program, .arguments = arguments, .folder = "/usr"};
    assert_int_equal(launcher_describe(launcher, &plan, LONG_NS, &json, &count, &why), 0);
    assert_non_null(strstr(json, "descriptors 0 1 2\nenvironment\n"));
    assert_non_null(strstr(json, " folder /usr\n"));
    free(json);
}

static void what_came_meanwhile_is_kept_and_can_be_seen(void **state)
{
    (void)state;
    assert_false(launcher_has_kept(launcher));
    fixture_spawn(launcher, 5, "exit", "0", -1);
    assert_int_equal(describe("/bin/sleep", "0.3", NULL, LONG_NS), 0);
    free(json);
    assert_true(launcher_has_kept(launcher));
    struct launch_event event = fixture_spawned(launcher);
    assert_int_equal(event.serial, 5);
    close(event.pidfd);
    assert_int_equal(fixture_exited(launcher).serial, 5);
    assert_false(launcher_has_kept(launcher));
}

static void a_description_that_is_too_large_is_refused(void **state)
{
    (void)state;
    assert_int_equal(describe(fixture_program, "flood", "1000000000", LONG_NS), -EFBIG);
    assert_string_equal(why.text, "its description has more than 262144 bytes");
    assert_null(json);
}

static void a_program_that_does_not_answer_is_killed_at_the_deadline(void **state)
{
    // R-WORKER-016
    (void)state;
    int64_t begin_ns = clock_now_ns();
    assert_int_equal(describe(fixture_program, "family", "-", 200 * CLOCK_NS_PER_MS), -ETIMEDOUT);
    int64_t took_ns = clock_now_ns() - begin_ns;
    assert_in_range(took_ns, 200 * CLOCK_NS_PER_MS, 5 * CLOCK_NS_PER_S);
    assert_string_equal(why.text, "did not describe itself within 200ms");
    // Its end is nobody's news, and nothing of it is left when the launcher ends.
    fixture_spawn(launcher, 6, "exit", "0", -1);
    struct launch_event event = fixture_spawned(launcher);
    assert_int_equal(event.serial, 6);
    close(event.pidfd);
    assert_int_equal(fixture_exited(launcher).serial, 6);
}

static void a_program_that_fails_is_reported_with_its_last_words(void **state)
{
    (void)state;
    assert_int_equal(describe(fixture_program, "complain", "-", LONG_NS), -EPROTO);
    assert_string_equal(why.text,
                        "ended with status 3 instead of describing itself: no camera \\x1b[31m");
    assert_int_equal(describe(fixture_program, "signal", "9", LONG_NS), -EPROTO);
    assert_string_equal(why.text, "ended by signal 9 (SIGKILL) instead of describing itself");
    assert_int_equal(describe("/nowhere/at/all", "-", "-", LONG_NS), -ENOENT);
    assert_string_equal(why.text, "cannot execute it: No such file or directory");
    assert_int_equal(describe("", "-", "-", LONG_NS), -EINVAL);
    assert_string_equal(why.text, "cannot run it: Invalid argument");
}

static void events_of_workers_wait_until_the_description_is_there(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        fixture_spawn(launcher, i, "exit", "4", -1);
    }
    assert_int_equal(describe("/bin/echo", "a", "b", LONG_NS), 0);
    free(json);
    int exits = 0;
    for (int i = 0; i < 40; i++) {
        struct launch_event event = fixture_event(launcher);
        exits += event.kind == LAUNCH_EXITED && WEXITSTATUS(event.wait_status) == 4;
        if (event.pidfd >= 0) {
            close(event.pidfd);
        }
    }
    assert_int_equal(exits, 20);
}

static void no_descriptor_is_left_open(void **state)
{
    (void)state;
    int before = dup(STDERR_FILENO);
    close(before);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(describe("/bin/echo", "a", "b", LONG_NS), 0);
        free(json);
        assert_int_equal(describe("/nowhere", "a", "b", LONG_NS), -ENOENT);
        assert_int_equal(describe(fixture_program, "flood", "9000000", LONG_NS), -EFBIG);
    }
    int after = dup(STDERR_FILENO);
    close(after);
    assert_int_equal(after, before);
}

static void without_a_launcher_it_fails(void **state)
{
    (void)state;
    kill(launcher_pid(launcher), SIGKILL);
    struct pollfd polled = {.fd = launcher_fd(launcher), .events = POLLIN};
    assert_int_equal(poll(&polled, 1, FIXTURE_WAIT_MS), 1);
    assert_int_equal(describe("/bin/echo", "a", "b", LONG_NS), -EPIPE);
    assert_string_equal(why.text, "cannot run it: Broken pipe");
}

int main(int argc, char **argv)
{
    int status;
    if (fixture_is_child(argc, argv, &status)) {
        return status;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_program_writes_comes_back_whole),
        cmocka_unit_test(it_runs_in_the_folder_and_with_an_empty_environment),
        cmocka_unit_test(what_came_meanwhile_is_kept_and_can_be_seen),
        cmocka_unit_test(a_description_that_is_too_large_is_refused),
        cmocka_unit_test(a_program_that_does_not_answer_is_killed_at_the_deadline),
        cmocka_unit_test(a_program_that_fails_is_reported_with_its_last_words),
        cmocka_unit_test(events_of_workers_wait_until_the_description_is_there),
        cmocka_unit_test(no_descriptor_is_left_open),
        cmocka_unit_test(without_a_launcher_it_fails),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
