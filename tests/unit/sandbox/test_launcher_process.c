// SPDX-License-Identifier: Apache-2.0
// test: timeout=120
// The launcher without its broker: whatever ends the broker, nothing of it is left. R-WORKER-021
#include "unit/sandbox/launcher_fixture.h"

#include <sys/socket.h>
#include <sys/un.h>

enum { ROUNDS = 50, WORKERS = 4, GONE_MS = 2000 };

// The socket file of a broker, as a real broker makes it.
static void make_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    close(fd);
}

// A broker with a launcher and workers that resist. Says its launcher's pid when all are up, then
// waits to be killed; with is_early it says so at once, while they are still being made.
static _Noreturn void be_broker(const char *socket_path, int news_fd, int held_fd, bool is_early)
{
    struct launcher *launcher = NULL;
    int output[2];
    if (launcher_start(&launcher) < 0 || launcher_own_socket(launcher, socket_path) < 0 ||
        pipe2(output, O_CLOEXEC) < 0) {
        _exit(1);
    }
    // held_fd is given to every worker as its control socket: the test sees its other end close.
    const char *const arguments[] = {fixture_program, "family", "-", NULL};
    const struct launch_plan plan = {.path = fixture_program,
                                     .arguments = arguments,
                                     .control_fd = held_fd,
                                     .stdout_fd = output[1],
                                     .stderr_fd = -1};
    for (uint32_t i = 0; i < WORKERS; i++) {
        if (launcher_spawn(launcher, &plan, i) < 0) {
            _exit(1);
        }
    }
    size_t said = 0;
    while (!is_early && said < 3 * WORKERS) {
        char text[64];
        ssize_t got = read(output[0], text, sizeof text);
        if (got <= 0) {
            _exit(1);
        }
        said += (size_t)got;
    }
    pid_t pid = launcher_pid(launcher);
    (void)!write(news_fd, &pid, sizeof pid);
    for (;;) {
        pause();
    }
}

// Waits until every process that holds the other end is gone.
static void assert_gone_within(int fd, int timeout_ms)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&polled, 1, timeout_ms), 1);
    char byte;
    assert_int_equal(read(fd, &byte, 1), 0);
}

// One life of a broker that ends with SIGKILL.
static void kill_broker_once(const char *socket_path, bool is_early)
{
    int news[2];
    int held[2];
    assert_int_equal(pipe2(news, O_CLOEXEC), 0);
    assert_int_equal(pipe2(held, O_CLOEXEC), 0);
    make_socket(socket_path);
    pid_t broker = fork();
    assert_true(broker >= 0);
    if (broker == 0) {
        close(held[0]);
        be_broker(socket_path, news[1], held[1], is_early);
    }
    close(news[1]);
    close(held[1]);
    pid_t launcher = 0;
    assert_int_equal(read(news[0], &launcher, sizeof launcher), sizeof launcher);
    int64_t killed_ns = clock_now_ns();
    kill(broker, SIGKILL);
    assert_int_equal(waitpid(broker, NULL, 0), broker);
    assert_gone_within(held[0], GONE_MS);
    // The test is a subreaper, so all that lost its parent is its child now: first the launcher,
    // and after it nobody.
    int status;
    assert_int_equal(waitpid(launcher, &status, 0), launcher);
    assert_int_equal(status, 0);
    assert_true(clock_now_ns() - killed_ns < GONE_MS * CLOCK_NS_PER_MS);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    assert_int_equal(access(socket_path, F_OK), -1);
    close(news[0]);
    close(held[0]);
}

static char folder[] = "/tmp/sb-launcher-XXXXXX";
static char socket_path[64];

static int make_folder(void **state)
{
    (void)state;
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(socket_path, sizeof socket_path, "%s/control", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void a_killed_broker_leaves_no_process_and_no_socket(void **state)
{
    // R-WORKER-021
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        kill_broker_once(socket_path, false);
    }
}

static void a_broker_killed_while_it_starts_workers_leaves_nothing_either(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        kill_broker_once(socket_path, true);
    }
}

static void a_socket_that_another_broker_put_there_stays(void **state)
{
    (void)state;
    struct launcher *launcher = NULL;
    make_socket(socket_path);
    assert_int_equal(launcher_start(&launcher), 0);
    assert_int_equal(launcher_own_socket(launcher, socket_path), 0);
    // Keeps the inode in use, so that the next file has another.
    int kept = open(socket_path, O_PATH | O_CLOEXEC);
    assert_int_equal(unlink(socket_path), 0);
    make_socket(socket_path);
    assert_int_equal(launcher_stop(launcher), 0);
    assert_int_equal(unlink(socket_path), 0);
    close(kept);
}

static void a_socket_path_that_cannot_be_is_refused(void **state)
{
    (void)state;
    struct launcher *launcher = NULL;
    assert_int_equal(launcher_start(&launcher), 0);
    char long_path[200];
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    assert_int_equal(launcher_own_socket(launcher, long_path), -EINVAL);
    assert_int_equal(launcher_own_socket(launcher, ""), -EINVAL);
    assert_int_equal(launcher_own_socket(launcher, "/nowhere/at/all"), -ENOENT);
    assert_int_equal(launcher_stop(launcher), 0);
}

static void signals_of_a_terminal_do_not_end_the_launcher(void **state)
{
    (void)state;
    struct launcher *launcher = NULL;
    assert_int_equal(launcher_start(&launcher), 0);
    // An answer shows that it is past its own start.
    fixture_spawn(launcher, 1, "exit", "0", -1);
    close(fixture_spawned(launcher).pidfd);
    fixture_exited(launcher);
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        assert_int_equal(kill(launcher_pid(launcher), signals[i]), 0);
    }
    fixture_spawn(launcher, 2, "exit", "7", -1);
    close(fixture_spawned(launcher).pidfd);
    assert_int_equal(WEXITSTATUS(fixture_exited(launcher).wait_status), 7);
    assert_int_equal(getpgid(launcher_pid(launcher)), launcher_pid(launcher));
    assert_int_equal(getsid(launcher_pid(launcher)), launcher_pid(launcher));
    assert_int_equal(launcher_stop(launcher), 0);
}

static void what_is_no_request_ends_the_launcher_and_nothing_else(void **state)
{
    (void)state;
    static const char *const garbage[] = {"x", "garbage that is longer than the fixed part of a "
                                               "request and has no valid size in it"};
    for (size_t i = 0; i < 2; i++) {
        struct launcher *launcher = NULL;
        assert_int_equal(launcher_start(&launcher), 0);
        ssize_t size_bytes = (ssize_t)strlen(garbage[i]);
        assert_int_equal(send(launcher_fd(launcher), garbage[i], (size_t)size_bytes, 0),
                         size_bytes);
        struct pollfd polled = {.fd = launcher_fd(launcher), .events = POLLIN};
        assert_int_equal(poll(&polled, 1, FIXTURE_WAIT_MS), 1);
        struct launch_event event;
        assert_int_equal(launcher_receive(launcher, &event), -EPIPE);
        assert_int_equal(launcher_stop(launcher), 0);
    }
}

static void the_launcher_holds_no_descriptor_for_a_worker_that_runs(void **state)
{
    (void)state;
    struct launcher *launcher = NULL;
    assert_int_equal(launcher_start(&launcher), 0);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", launcher_pid(launcher));
    size_t counts[2] = {0};
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 1 + 40 * round; i++) {
            int output[2];
            assert_int_equal(pipe2(output, O_CLOEXEC), 0);
            fixture_spawn(launcher, i, "family", "-", output[1]);
            close(output[1]);
            close(fixture_spawned(launcher).pidfd);
            assert_int_equal(launcher_kill(launcher, i), 0);
            fixture_exited(launcher);
            close(output[0]);
        }
        DIR *list = opendir(path);
        assert_non_null(list);
        while (readdir(list) != NULL) {
            counts[round]++;
        }
        closedir(list);
    }
    // It may be looking for orphans at this moment; a leak would be 40.
    assert_true(counts[1] <= counts[0] + 4);
    assert_int_equal(launcher_stop(launcher), 0);
}

int main(int argc, char **argv)
{
    int status;
    if (fixture_is_child(argc, argv, &status)) {
        return status;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_broker_leaves_no_process_and_no_socket),
        cmocka_unit_test(a_broker_killed_while_it_starts_workers_leaves_nothing_either),
        cmocka_unit_test(a_socket_that_another_broker_put_there_stays),
        cmocka_unit_test(a_socket_path_that_cannot_be_is_refused),
        cmocka_unit_test(signals_of_a_terminal_do_not_end_the_launcher),
        cmocka_unit_test(what_is_no_request_ends_the_launcher_and_nothing_else),
        cmocka_unit_test(the_launcher_holds_no_descriptor_for_a_worker_that_runs),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
