// SPDX-License-Identifier: Apache-2.0
// R-TRANS-005: libraries of transports, found, checked and refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "worker/carrier_load.h"

static struct sb_node node;
static char folder[64];
static char built[4096];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/sb-carrier-XXXXXX");
    snprintf(built, sizeof built, "%s/tests/system/transports", getenv("SB_BUILD_DIR"));
    memset(&node, 0, sizeof node);
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/libstreambroker-other.so", folder);
    unlink(path);
    return rmdir(folder);
}

static void a_transport_is_found_in_the_folders_in_their_order(void **state)
{
    (void)state;
    snprintf(node.transport_path, sizeof node.transport_path, "%s:%.3000s", folder, built);
    const struct sb_transport *transport = NULL;
    assert_int_equal(carrier_load(&node, "socket", &transport), 0);
    assert_string_equal(transport->name, "socket");
}

static void a_node_that_has_no_folders_loads_nothing(void **state)
{
    (void)state;
    const struct sb_transport *transport = NULL;
    assert_int_equal(carrier_load(&node, "socket", &transport), -EACCES);
    assert_null(transport);
    assert_string_equal(node.error, "only nodes with sandbox: trusted may load one");
}

static void what_is_in_no_folder_is_refused_with_the_folders(void **state)
{
    (void)state;
    snprintf(node.transport_path, sizeof node.transport_path, "%s", folder);
    const struct sb_transport *transport = NULL;
    assert_int_equal(carrier_load(&node, "socket", &transport), -ENOENT);
    assert_non_null(strstr(node.error, folder));
}

static void a_library_that_calls_itself_otherwise_is_refused(void **state)
{
    (void)state;
    char target[4200];
    char path[128];
    snprintf(target, sizeof target, "%s/libstreambroker-socket.so", built);
    snprintf(path, sizeof path, "%s/libstreambroker-other.so", folder);
    assert_int_equal(symlink(target, path), 0);
    snprintf(node.transport_path, sizeof node.transport_path, "%s", folder);
    const struct sb_transport *transport = NULL;
    assert_int_equal(carrier_load(&node, "other", &transport), -ELIBBAD);
    assert_non_null(strstr(node.error, "calls itself 'socket'"));
}

static void what_is_no_library_is_refused_with_the_loader_s_words(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/libstreambroker-other.so", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("not a library", file);
    fclose(file);
    snprintf(node.transport_path, sizeof node.transport_path, "%s", folder);
    const struct sb_transport *transport = NULL;
    assert_int_equal(carrier_load(&node, "other", &transport), -ELIBBAD);
    assert_non_null(strstr(node.error, "libstreambroker-other.so"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_transport_is_found_in_the_folders_in_their_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_node_that_has_no_folders_loads_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_in_no_folder_is_refused_with_the_folders, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_library_that_calls_itself_otherwise_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_library_is_refused_with_the_loader_s_words,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
