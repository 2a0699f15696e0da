// SPDX-License-Identifier: Apache-2.0
// R-TRANS-002: libraries of transports as the broker finds them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/graph/transports.h"

static char folder[64];
static char path[128];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/sb-transports-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/libstreambroker-x.so", folder);
    FILE *file = fopen(path, "w");
    return file == NULL ? -1 : fclose(file) | chmod(path, 0755);
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void a_library_is_found_where_it_is(void **state)
{
    (void)state;
    struct diag why;
    char folders[160];
    snprintf(folders, sizeof folders, "/nowhere:%s", folder);
    assert_int_equal(transports_find(folders, "x", &why), 0);
    assert_int_equal(transports_find(folders, "y", &why), -ENOENT);
    assert_non_null(strstr(why.text, folders));
}

static void one_that_others_can_write_is_refused(void **state)
{
    (void)state;
    struct diag why;
    assert_int_equal(chmod(path, 0757), 0);
    assert_int_equal(transports_find(folder, "x", &why), -EPERM);
    assert_non_null(strstr(why.text, path));
}

static void only_absolute_folders_of_the_environment_count(void **state)
{
    (void)state;
    static char folders[WIRE_TRANSPORT_PATH_BYTES_MAX];
    setenv("STREAMBROKER_TRANSPORT_PATH", "here:/a/b::/c", 1);
    transports_path(folders);
    unsetenv("STREAMBROKER_TRANSPORT_PATH");
    assert_memory_equal(folders, "/a/b:/c", 7);
    assert_true(folders[7] == '\0' || folders[7] == ':');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_library_is_found_where_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_others_can_write_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_absolute_folders_of_the_environment_count, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
