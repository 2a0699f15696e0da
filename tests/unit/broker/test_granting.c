// SPDX-License-Identifier: Apache-2.0
// The grants of a node: what is wrong is said with its place, and what is right is opened.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/graph/descriptor.h"
#include "broker/graph/graph_file.h"
#include "broker/lives/granting.h"

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/sb-granting-XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/out", folder);
    remove(path);
    return rmdir(folder);
}

static struct graph *load(const char *sandbox)
{
    char text[512];
    snprintf(text, sizeof text, "version: 1\nnodes:\n  n:\n    exec: [x]\n    sandbox: {%s}\n",
             sandbox);
    struct graph *graph = NULL;
    struct diags diags = {.count = 0};
    assert_int_equal(graph_file_load("g.yaml", text, strlen(text), &graph, &diags), 0);
    return graph;
}

static void expect_said(const char *sandbox, size_t count, const char *message)
{
    struct graph *graph = load(sandbox);
    struct diags diags = {.count = 0};
    granting_check(graph, &graph->nodes[0], &diags);
    assert_int_equal(diags.count, count);
    if (count > 0) {
        char line[DIAGS_LINE_BYTES_MAX];
        diags_format(&diags.items[0], line, sizeof line);
        assert_string_equal(line, message);
        assert_int_equal(diags_exit_status(&diags), 78);
    }
    graph_destroy(graph);
}

// R-GRANT-004
static void each_grant_that_cannot_be_is_an_error_with_its_place(void **state)
{
    (void)state;
    expect_said(
        "tier: untrusted, read: [/none/a, /none/b], write: [/none/c]", 3,
        "g.yaml:5:39: '/none/a', which node 'n' may read, does not exist; make it, or correct the "
        "path");
    expect_said("tier: untrusted, write: [/none/c]", 1,
                "g.yaml:5:40: '/none/c', which node 'n' may write, cannot be made: its folder does "
                "not exist; make it, or correct the path");
    expect_said("tier: untrusted, rootfs: /etc/passwd", 1,
                "g.yaml:5:40: '/etc/passwd', which node 'n' may have as its root, is no folder");
    expect_said("tier: untrusted, read: [/usr/lib], network: true, devices: [gpu]", 0, NULL);
}

// R-GRANT-008
static void a_device_that_is_none_is_an_error_with_its_place(void **state)
{
    (void)state;
    expect_said("tier: untrusted, devices: [gpu, printer]", 1,
                "g.yaml:5:47: 'printer', which node 'n' may use, is neither gpu, camera, sound nor "
                "a path below /dev");
    expect_said("tier: untrusted, devices: [/dev/null]", 0, NULL);
}

static void a_trusted_node_needs_no_grant(void **state)
{
    (void)state;
    expect_said("tier: trusted, read: [/none/a]", 0, NULL);
}

// R-GRANT-004
static void a_check_makes_nothing_and_a_start_makes_the_file_that_is_written(void **state)
{
    (void)state;
    char sandbox[128];
    char path[128];
    snprintf(sandbox, sizeof sandbox, "tier: untrusted, write: [%s/out]", folder);
    snprintf(path, sizeof path, "%s/out", folder);
    expect_said(sandbox, 0, NULL);
    assert_int_equal(access(path, F_OK), -1);
    struct graph *graph = load(sandbox);
    struct grant_set set;
    struct diag why;
    assert_int_equal(granting_open(graph, &graph->nodes[0], &set, &why), 0);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(set.count, 1);
    assert_string_equal(set.items[0].target, path);
    grant_set_fini(&set);
    graph_destroy(graph);

    graph = load("tier: untrusted, read: [/none/a]");
    assert_int_equal(granting_open(graph, &graph->nodes[0], &set, &why), -ENOENT);
    assert_string_equal(why.text,
                        "'/none/a', which node 'n' may read, does not exist; make it, or correct "
                        "the path");
    graph_destroy(graph);
}

static void expect_of_path(const char *sandbox, const char *path, const char *message)
{
    struct graph *graph = load(sandbox);
    struct graph_node *node = &graph->nodes[0];
    struct graph_pair pair = {.name = "path", .value = path, .value_place = {7, 9}};
    node->config = (struct graph_pairs){1, &pair};
    node->found.params = node->config;
    struct descriptor_param param = {.name = "path", .type = SB_PARAM_PATH};
    const struct descriptor descriptor = {.param_count = 1, .params = &param};
    struct diags diags = {.count = 0};
    granting_check_params(graph, node, &descriptor, &diags);
    assert_int_equal(diags.count, message != NULL ? 1 : 0);
    if (message != NULL) {
        char line[DIAGS_LINE_BYTES_MAX];
        diags_format(&diags.items[0], line, sizeof line);
        assert_string_equal(line, message);
        assert_int_equal(diags_exit_status(&diags), 0);
    }
    graph_destroy(graph);
}

// R-GRANT-013
static void a_path_that_the_sandbox_does_not_show_is_a_warning(void **state)
{
    (void)state;
    char sandbox[128];
    char path[128];
    char twin[128];
    snprintf(sandbox, sizeof sandbox, "tier: untrusted, write: [%s/out]", folder);
    snprintf(path, sizeof path, "%s/out", folder);
    snprintf(twin, sizeof twin, "%s/outer", folder);
    expect_of_path(sandbox, path, NULL);
    expect_of_path("tier: untrusted", "/usr/share/sounds/x.wav", NULL);
    expect_of_path("tier: untrusted", "/dev/stdout", NULL);
    expect_of_path("tier: trusted", "/none/a", NULL);
    expect_of_path("tier: untrusted", "/none/a",
                   "g.yaml:7:9: warning: '/none/a' is not shown to node 'n' in its sandbox; add "
                   "sandbox: {read: [/none/a]} or {write: [/none/a]}");
    char message[512];
    snprintf(message, sizeof message,
             "g.yaml:7:9: warning: '%s' is not shown to node 'n' in its sandbox; add sandbox: "
             "{read: [%s]} or {write: [%s]}",
             twin, twin, twin);
    expect_of_path(sandbox, twin, message);
}

// R-GRANT-013
static void a_folder_that_is_granted_shows_what_is_in_it_whatever_way_it_is_named(void **state)
{
    (void)state;
    char sandbox[128];
    char link_path[128];
    char path[160];
    snprintf(sandbox, sizeof sandbox, "tier: untrusted, write: [%s/]", folder);
    snprintf(path, sizeof path, "%s/new.y4m", folder);
    expect_of_path(sandbox, path, NULL);
    snprintf(link_path, sizeof link_path, "%s/out", folder);
    assert_int_equal(symlink(folder, link_path), 0);
    snprintf(path, sizeof path, "%s/new.y4m", link_path);
    expect_of_path(sandbox, path, NULL);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(each_grant_that_cannot_be_is_an_error_with_its_place),
        CASE(a_device_that_is_none_is_an_error_with_its_place),
        CASE(a_trusted_node_needs_no_grant),
        CASE(a_path_that_the_sandbox_does_not_show_is_a_warning),
        CASE(a_folder_that_is_granted_shows_what_is_in_it_whatever_way_it_is_named),
        CASE(a_check_makes_nothing_and_a_start_makes_the_file_that_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
