// SPDX-License-Identifier: Apache-2.0
// A number is one worker's at a time, and is free again when its keeper is gone. R-SAND-002
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/launcher_uid.h"

#define CASE(name) cmocka_unit_test(name)

static void nobody_gets_a_number_that_is_taken(void **state)
{
    (void)state;
    uid_t uid = 0;
    int claim = -1;
    // Away from those that real brokers use at this moment.
    launcher_uid_set_range(60570, 60572);
    int result = launcher_uid_claim(&uid, &claim);
    if (result == -EPERM) {
        print_message("skipped: this process may not become somebody else\n");
        skip();
    }
    assert_int_equal(result, 0);
    uid_t others[2];
    int claims[2];
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(launcher_uid_claim(&others[i], &claims[i]), 0);
        assert_true(others[i] != uid && others[i] >= 60570 && others[i] <= 60572);
    }
    assert_true(others[0] != others[1]);
    uid_t none = 0;
    int no_claim = -1;
    assert_int_equal(launcher_uid_claim(&none, &no_claim), -EAGAIN);
    close(claims[0]);
    assert_int_equal(launcher_uid_claim(&none, &no_claim), 0);
    assert_int_equal(none, others[0]);
    close(no_claim);
    close(claims[1]);
    close(claim);
}

static int become(void)
{
    if (launcher_uid_become(60571, NULL, 0) < 0) {
        return 1;
    }
    return getuid() == 60571 && getegid() == 60571 && getgroups(0, NULL) == 0 && setuid(0) < 0 ? 0
                                                                                               : 2;
}

static void who_became_somebody_else_stays_so(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: this process may not become somebody else\n");
        skip();
    }
    pid_t pid = fork();
    if (pid == 0) {
        _exit(become());
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void the_groups_of_devices_are_found_but_never_that_of_root(void **state)
{
    (void)state;
    gid_t groups[LAUNCHER_UID_GROUPS_MAX];
    assert_int_equal(launcher_uid_add_groups("/dev/null", groups, 0), 0);
    assert_int_equal(launcher_uid_add_groups("/etc/passwd", groups, 0), 0);
    assert_int_equal(launcher_uid_add_groups("/dev/none", groups, 0), 0);
    struct stat info;
    assert_int_equal(stat("/dev/tty", &info), 0);
    size_t count = info.st_gid != 0 ? 1 : 0;
    assert_int_equal(launcher_uid_add_groups("/dev/tty", groups, 0), count);
    // Twice is once.
    assert_int_equal(launcher_uid_add_groups("/dev/tty", groups, count), count);
    assert_true(launcher_uid_add_groups("/dev", groups, 0) <= LAUNCHER_UID_GROUPS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(nobody_gets_a_number_that_is_taken),
        CASE(the_groups_of_devices_are_found_but_never_that_of_root),
        CASE(who_became_somebody_else_stays_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
