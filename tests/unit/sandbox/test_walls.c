// SPDX-License-Identifier: Apache-2.0
// Whether the walls of this machine stand, and that a missing one is found. R-SAND-003
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/walls.h"

#define CASE(name) cmocka_unit_test(name)

static void each_wall_has_a_name_and_a_sentence(void **state)
{
    (void)state;
    for (unsigned wall = 0; wall < WALL_COUNT; wall++) {
        assert_true(strlen(walls_name((enum wall)wall)) > 2);
        assert_true(strlen(walls_text((enum wall)wall)) > 10);
    }
}

static void a_shim_that_is_not_there_is_missing(void **state)
{
    (void)state;
    uint32_t missing = walls_find_missing("/no/such/shim", 0, NULL);
    assert_int_equal(missing >> WALL_SHIM & 1, 1);
    assert_int_equal(walls_find_missing("/bin/true", 0, NULL) >> WALL_SHIM & 1, 0);
}

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool is_written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0) {
        close(fd);
    }
    return is_written;
}

// In a user namespace of its own, where no more of them may be made. Status 77: not even that one.
static int find_without_namespaces(void)
{
    char map[64];
    snprintf(map, sizeof map, "0 %u 1", (unsigned)getuid());
    if (unshare(CLONE_NEWUSER) < 0 || !write_file("/proc/self/uid_map", map) ||
        !write_file("/proc/sys/user/max_user_namespaces", "0")) {
        return 77;
    }
    uint32_t missing = walls_find_missing("/bin/true", 0, NULL);
    return (missing >> WALL_USER_NAMESPACE & 1) == 1 && (missing >> WALL_SECCOMP & 1) == 0 ? 0 : 1;
}

static void a_kernel_without_user_namespaces_is_found_out(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(find_without_namespaces());
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("skipped: no user namespace can be made here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_wall_has_a_name_and_a_sentence),
        CASE(a_shim_that_is_not_there_is_missing),
        CASE(a_kernel_without_user_namespaces_is_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
