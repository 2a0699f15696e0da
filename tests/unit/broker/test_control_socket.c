// SPDX-License-Identifier: Apache-2.0
// One broker per name, and no socket where others could reach it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/control/control_socket.h"

static char runtime[64];

static int make_runtime(void **state)
{
    (void)state;
    snprintf(runtime, sizeof runtime, "/tmp/sb-test-XXXXXX");
    return mkdtemp(runtime) != NULL ? setenv("XDG_RUNTIME_DIR", runtime, 1) : -1;
}

static int remove_runtime(void **state)
{
    (void)state;
    char path[128];
    const char *const names[] = {"streambroker/g.sock", "streambroker", "link", "g.sock"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", runtime, names[i]);
        remove(path);
    }
    return rmdir(runtime);
}

static int open_at(const char *path, struct control_socket *out_socket, struct diag *why)
{
    why->text[0] = '\0';
    int result = control_socket_open(path, "g", out_socket, why);
    assert_int_equal(result == 0, why->text[0] == '\0');
    return result;
}

static void the_default_place_is_made_for_its_user_alone(void **state)
{
    (void)state;
    struct control_socket control;
    struct diag why;
    assert_int_equal(open_at(NULL, &control, &why), 0);
    char folder[80];
    snprintf(folder, sizeof folder, "%s/streambroker", runtime);
    struct stat info;
    assert_int_equal(stat(folder, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_equal(stat(control.path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    close(control.fd);
}

static void a_living_broker_keeps_its_name_and_a_dead_one_loses_it(void **state)
{
    (void)state;
    struct control_socket first;
    struct control_socket second;
    struct diag why;
    assert_int_equal(open_at(NULL, &first, &why), 0);
    assert_int_equal(open_at(NULL, &second, &why), -EADDRINUSE);
    char pid[32];
    snprintf(pid, sizeof pid, "pid %d", (int)getpid());
    assert_non_null(strstr(why.text, pid));
    close(first.fd);
    assert_int_equal(open_at(NULL, &second, &why), 0);
    close(second.fd);
}

// Has the name until somebody comes to it, and is gone then.
static void run_dying(int told)
{
    struct control_socket control;
    struct diag why;
    int failed = open_at(NULL, &control, &why);
    struct pollfd come = {.fd = control.fd, .events = POLLIN};
    if (failed == 0 && write(told, "1", 1) == 1) {
        poll(&come, 1, -1);
    }
    _exit(failed);
}

static void a_broker_that_dies_at_that_moment_loses_its_name(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        run_dying(ends[1]);
    }
    assert_true(pid > 0);
    char word;
    assert_int_equal(read(ends[0], &word, 1), 1);
    struct control_socket control;
    struct diag why;
    assert_int_equal(open_at(NULL, &control, &why), 0);
    close(control.fd);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void what_is_no_socket_stays(void **state)
{
    (void)state;
    char path[80];
    snprintf(path, sizeof path, "%s/g.sock", runtime);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fclose(file);
    struct control_socket control;
    struct diag why;
    assert_int_not_equal(open_at(path, &control, &why), 0);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISREG(info.st_mode));
}

static void a_folder_that_others_can_write_or_own_is_refused(void **state)
{
    (void)state;
    struct control_socket control;
    struct diag why;
    char path[80];
    snprintf(path, sizeof path, "%s/g.sock", runtime);
    chmod(runtime, 0770);
    assert_int_equal(open_at(path, &control, &why), -EPERM);
    assert_non_null(strstr(why.text, "others can write"));
    chmod(runtime, 0702);
    assert_int_equal(open_at(path, &control, &why), -EPERM);
    chmod(runtime, 0700);
    if (geteuid() == 0) {
        assert_int_equal(chown(runtime, 65534, 65534), 0);
        assert_int_equal(open_at(path, &control, &why), -EPERM);
        assert_non_null(strstr(why.text, "belongs to user 65534"));
    }
}

static void the_default_folder_may_not_be_a_link(void **state)
{
    (void)state;
    char path[80];
    snprintf(path, sizeof path, "%s/streambroker", runtime);
    assert_int_equal(symlink(runtime, path), 0);
    struct control_socket control;
    struct diag why;
    assert_int_not_equal(open_at(NULL, &control, &why), 0);
}

static void a_path_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct control_socket control;
    struct diag why;
    char path[200];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(open_at(path, &control, &why), -ENAMETOOLONG);
    assert_int_equal(open_at("", &control, &why), -ENAMETOOLONG);
    assert_int_equal(open_at("/nowhere/at/all.sock", &control, &why), -ENOENT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_runtime, remove_runtime)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_default_place_is_made_for_its_user_alone),
        CASE(a_living_broker_keeps_its_name_and_a_dead_one_loses_it),
        CASE(a_broker_that_dies_at_that_moment_loses_its_name),
        CASE(what_is_no_socket_stays),
        CASE(a_folder_that_others_can_write_or_own_is_refused),
        CASE(the_default_folder_may_not_be_a_link),
        CASE(a_path_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
