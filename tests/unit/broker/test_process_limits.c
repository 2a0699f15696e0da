// SPDX-License-Identifier: Apache-2.0
// Limits that are too low are told before anything is started.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/lives/process_limits.h"

// Sets a limit in a child and gives back what the check says there: 0 when it is content and the
// soft limit is at least least, 1 when it names the limit, 2 otherwise.
static int check_with(int resource, rlim_t soft, rlim_t hard, rlim_t least, const char *word)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};
        if (setrlimit((__rlimit_resource_t)resource, &limit) < 0) {
            _exit(3);
        }
        char text[256] = "";
        int failed = process_limits_check(text, sizeof text);
        getrlimit((__rlimit_resource_t)resource, &limit);
        _exit(failed == 0 ? (limit.rlim_cur >= least ? 0 : 2)
                          : (strstr(text, word) != NULL ? 1 : 2));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

// R-SUP-070
static void a_hard_limit_that_is_too_low_is_named(void **state)
{
    (void)state;
    assert_int_equal(check_with(RLIMIT_NOFILE, 21, 21, 0, "ulimit -n"), 1);
    assert_int_equal(check_with(RLIMIT_STACK, 128 << 10, 128 << 10, 0, "128 KiB (ulimit -s)"), 1);
}

static void a_soft_limit_that_is_too_low_is_raised(void **state)
{
    (void)state;
    rlim_t files = PROCESS_LIMITS_FILES_MIN;
    rlim_t bytes = PROCESS_LIMITS_STACK_BYTES_MIN;
    assert_int_equal(check_with(RLIMIT_NOFILE, 21, 4 * files, files, ""), 0);
    assert_int_equal(check_with(RLIMIT_STACK, 128 << 10, 4 * bytes, bytes, ""), 0);
    assert_int_equal(check_with(RLIMIT_NOFILE, 3 * files, 4 * files, 3 * files, ""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hard_limit_that_is_too_low_is_named),
        cmocka_unit_test(a_soft_limit_that_is_too_low_is_raised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
