// SPDX-License-Identifier: Apache-2.0
// The table of keys: every row's default can be read, and what is printed can be read again.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker/graph/graph_fields.h"

static union {
    struct graph graph;
    struct graph_node node;
    struct graph_link link;
} base;

static int parse(enum graph_field field, const char *text)
{
    char why[512] = "";
    return graph_fields_parse(graph_fields_row(field), text, &base, why, sizeof(why));
}

static void every_row_is_found_by_its_path(void **state)
{
    (void)state;
    for (int i = 0; i < GRAPH_FIELDS_COUNT; i++) {
        const struct graph_field_row *row = graph_fields_row((enum graph_field)i);
        assert_int_equal(row->id, i);
        assert_ptr_equal(graph_fields_find(row->section, row->path), row);
        assert_true(row->meaning[strlen(row->meaning) - 1] == '.');
    }
    assert_null(graph_fields_find(GRAPH_SECTION_NODE, "depth"));
    assert_true(graph_fields_is_group(GRAPH_SECTION_NODE, "restart"));
    assert_true(graph_fields_is_group(GRAPH_SECTION_NODE, "sandbox"));
    assert_false(graph_fields_is_group(GRAPH_SECTION_NODE, "exec"));
    assert_false(graph_fields_is_group(GRAPH_SECTION_NODE, "rest"));
}

static void the_defaults_of_every_section_are_its_defaults(void **state)
{
    (void)state;
    for (int section = GRAPH_SECTION_GRAPH; section <= GRAPH_SECTION_LINK; section++) {
        memset(&base, 0, sizeof(base));
        graph_fields_init((enum graph_section)section, &base);
        for (int i = 0; i < GRAPH_FIELDS_COUNT; i++) {
            const struct graph_field_row *row = graph_fields_row((enum graph_field)i);
            if ((int)row->section != section || row->kind == GRAPH_KIND_END ||
                graph_fields_is_required(row)) {
                continue;
            }
            assert_true(graph_fields_is_default(row, &base));
        }
    }
}

// R-GRAPH-014
static void the_bounds_of_every_number_hold(void **state)
{
    (void)state;
    for (int i = 0; i < GRAPH_FIELDS_COUNT; i++) {
        const struct graph_field_row *row = graph_fields_row((enum graph_field)i);
        bool is_number = row->kind == GRAPH_KIND_COUNT || row->kind == GRAPH_KIND_DURATION ||
                         row->kind == GRAPH_KIND_SIZE || row->kind == GRAPH_KIND_PERCENT;
        if (!is_number) {
            continue;
        }
        char text[64];
        graph_fields_format_bound(row->kind, row->low, text, sizeof(text));
        assert_int_equal(parse(row->id, text), 0);
        if (row->high != INT64_MAX) {
            graph_fields_format_bound(row->kind, row->high, text, sizeof(text));
            assert_int_equal(parse(row->id, text), 0);
        }
        if (row->kind == GRAPH_KIND_COUNT) {
            snprintf(text, sizeof(text), "%lld", (long long)row->low - 1);
            assert_int_equal(parse(row->id, text), -EINVAL);
            snprintf(text, sizeof(text), "%lld", (long long)row->high + 1);
            assert_int_equal(parse(row->id, text), -EINVAL);
        }
    }
}

static void words_stand_for_their_values(void **state)
{
    (void)state;
    memset(&base, 0, sizeof(base));
    assert_int_equal(parse(GRAPH_FIELD_NODE_RESTART_MAX, "unlimited"), 0);
    assert_int_equal(base.node.restart.max, GRAPH_UNLIMITED);
    assert_int_equal(parse(GRAPH_FIELD_NODE_SPIN, "auto"), 0);
    assert_int_equal(base.node.run.spin_ns, GRAPH_AUTO_NS);
    assert_int_equal(parse(GRAPH_FIELD_NODE_MEMORY_LIMIT, "none"), 0);
    assert_int_equal(base.node.limits.memory, GRAPH_NONE_BYTES);
    assert_int_equal(parse(GRAPH_FIELD_NODE_SPIN, "none"), -EINVAL);
    assert_int_equal(parse(GRAPH_FIELD_NODE_PRIORITY, "realtime"), 0);
    assert_int_equal(base.node.run.priority, GRAPH_PRIORITY_REALTIME);
}

static void a_refused_value_changes_nothing(void **state)
{
    (void)state;
    memset(&base, 0, sizeof(base));
    assert_int_equal(parse(GRAPH_FIELD_LINK_DEPTH, "12"), 0);
    assert_int_equal(parse(GRAPH_FIELD_LINK_DEPTH, "0"), -EINVAL);
    assert_int_equal(parse(GRAPH_FIELD_LINK_DEPTH, "x"), -EINVAL);
    assert_int_equal(base.link.depth, 12);
}

static void a_share_is_bytes_or_a_part(void **state)
{
    (void)state;
    memset(&base, 0, sizeof(base));
    assert_int_equal(parse(GRAPH_FIELD_GRAPH_SHARED_MEMORY, "12.5%"), 0);
    assert_int_equal(base.graph.limits.shared_memory.permille, 125);
    assert_int_equal(parse(GRAPH_FIELD_GRAPH_SHARED_MEMORY, "1GiB"), 0);
    assert_int_equal(base.graph.limits.shared_memory.permille, 0);
    assert_int_equal(base.graph.limits.shared_memory.bytes, 1 << 30);
    assert_int_equal(parse(GRAPH_FIELD_GRAPH_SHARED_MEMORY, "none"), 0);
    assert_int_equal(base.graph.limits.shared_memory.bytes, GRAPH_NONE_BYTES);
    assert_int_equal(parse(GRAPH_FIELD_GRAPH_SHARED_MEMORY, "101%"), -EINVAL);
    assert_int_equal(parse(GRAPH_FIELD_GRAPH_SHARED_MEMORY, "0%"), -EINVAL);
    assert_int_equal(parse(GRAPH_FIELD_GRAPH_SHARED_MEMORY, "half"), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_found_by_its_path),
        cmocka_unit_test(the_defaults_of_every_section_are_its_defaults),
        cmocka_unit_test(the_bounds_of_every_number_hold),
        cmocka_unit_test(words_stand_for_their_values),
        cmocka_unit_test(a_refused_value_changes_nothing),
        cmocka_unit_test(a_share_is_bytes_or_a_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
