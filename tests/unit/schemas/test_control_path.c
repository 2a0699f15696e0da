// SPDX-License-Identifier: Apache-2.0
// The three places of control sockets.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schemas/control_path.h"

static void the_runtime_folder_of_the_session_comes_first(void **state)
{
    (void)state;
    char path[CONTROL_PATH_BYTES_MAX];
    setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
    assert_int_equal(control_path_folder(path, sizeof path), 0);
    assert_string_equal(path, "/run/user/1/streambroker");
    assert_int_equal(control_path_socket("blur-demo", path, sizeof path), 0);
    assert_string_equal(path, "/run/user/1/streambroker/blur-demo.sock");
}

static void without_one_it_depends_on_the_user(void **state)
{
    (void)state;
    char path[CONTROL_PATH_BYTES_MAX];
    char own[CONTROL_PATH_BYTES_MAX];
    snprintf(own, sizeof own, "/tmp/streambroker-%u", (unsigned)geteuid());
    const char *const values[] = {NULL, "", "relative"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        unsetenv("XDG_RUNTIME_DIR");
        if (values[i] != NULL) {
            setenv("XDG_RUNTIME_DIR", values[i], 1);
        }
        assert_int_equal(control_path_folder(path, sizeof path), 0);
        assert_string_equal(path, geteuid() == 0 ? "/run/streambroker" : own);
    }
}

static void a_place_that_is_too_long_is_refused_and_nothing_is_written(void **state)
{
    (void)state;
    char runtime[128] = "/";
    memset(runtime + 1, 'x', sizeof runtime - 2);
    setenv("XDG_RUNTIME_DIR", runtime, 1);
    char path[CONTROL_PATH_BYTES_MAX] = "as it was";
    assert_int_equal(control_path_folder(path, sizeof path), -ENAMETOOLONG);
    runtime[60] = '\0';
    setenv("XDG_RUNTIME_DIR", runtime, 1);
    char graph[64] = "g";
    memset(graph + 1, 'g', sizeof graph - 2);
    assert_int_equal(control_path_socket(graph, path, sizeof path), -ENAMETOOLONG);
    assert_string_equal(path, "as it was");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_runtime_folder_of_the_session_comes_first),
        cmocka_unit_test(without_one_it_depends_on_the_user),
        cmocka_unit_test(a_place_that_is_too_long_is_refused_and_nothing_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
