// SPDX-License-Identifier: Apache-2.0
// The canonical form is stable, does not know the order of the file, and has every value.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker/graph/graph_file.h"
#include "broker/graph/graph_save.h"
#include "unit/broker/graph_text.h"

static char *save(const char *text)
{
    struct graph *graph = graph_text_load(text);
    char *saved = NULL;
    size_t count = 0;
    assert_int_equal(graph_save_yaml(graph, &saved, &count), 0);
    assert_int_equal(strlen(saved), count);
    graph_destroy(graph);
    return saved;
}

static const char written[] =
    "version: 1\nname: x\nclock: {fps: 30000/1001}\nlimits: {shared_memory: 25%}\n"
    "nodes:\n"
    "  a:\n"
    "    exec: [prog, \"- x\", 5, \"\", \"a\\nb\\u2028\\u0085\\\"\\\\\"]\n"
    "    config: {\"a b\": \"#\", n: \"null\", radius: 4}\n"
    "    run: {cpus: [0, 2], spin: auto}\n"
    "    activate: {batch: 8, within: 20ms}\n"
    "    restart: {max: unlimited, delay: 0}\n"
    "    sandbox: {tier: trusted, network: true}\n"
    "    limits: {memory: none, cpu: 50%}\n"
    "  b:\n"
    "    exec: [prog]\n"
    "    activate: all\n"
    "    sandbox: trusted\n"
    "links:\n"
    "  - a.video -> b.video\n"
    "  - {from: b.out, to: a.in, depth: 8, max_payload: 64MiB}\n";

// R-GRAPH-022
static void saving_what_was_loaded_gives_the_same_bytes(void **state)
{
    (void)state;
    char *once = save(written);
    assert_string_equal(once, written);
    char *twice = save(once);
    assert_string_equal(twice, once);
    free(once);
    free(twice);
}

static void defaults_are_left_out(void **state)
{
    (void)state;
    char *saved = save("version: 1\nname: x\ncommit: auto\nclock: {fps: 30}\nnodes:\n"
                       "  a: {exec: [p], timeouts: {start: 10s}, restart: {max: 5},"
                       " optional: false}\n"
                       "links: [{from: a.b, to: c.d, max_lag: none, transport: ring}]\n");
    assert_string_equal(saved, "version: 1\nname: x\nnodes:\n  a:\n    exec: [p]\nlinks:\n"
                               "  - a.b -> c.d\n");
    free(saved);
}

static void checksum(const char *text, uint8_t out[GRAPH_CHECKSUM_BYTES])
{
    struct graph *graph = graph_text_load(text);
    assert_int_equal(graph_save_checksum(graph, out), 0);
    graph_destroy(graph);
}

// R-GRAPH-021
static void the_checksum_ignores_order_and_sees_every_value(void **state)
{
    (void)state;
    uint8_t first[GRAPH_CHECKSUM_BYTES];
    uint8_t other[GRAPH_CHECKSUM_BYTES];
    checksum("version: 1\nnodes: {a: {exec: [p], config: {x: 1, y: 2}}, b: {exec: [q]}}\n"
             "links: [a.o -> b.i, a.o -> b.j]\n",
             first);
    checksum("links: [{to: b.j, from: a.o}, a.o->b.i]\n"
             "nodes: {b: {exec: [q]}, a: {config: {y: 2, x: 1}, exec: [p]}}\nversion: 1\n",
             other);
    assert_memory_equal(first, other, sizeof(first));
    static const char *const changed[] = {
        "version: 1\nnodes: {a: {exec: [p], config: {x: 1, y: 3}}, b: {exec: [q]}}\n"
        "links: [a.o -> b.i, a.o -> b.j]\n",
        "version: 1\nnodes: {a: {exec: [p], config: {x: 1, y: 2}}, b: {exec: [q]}}\n"
        "links: [a.o -> b.i, {from: a.o, to: b.j, depth: 9}]\n",
        "version: 1\nnodes: {a: {exec: [p], config: {x: 1, y: 2}}, b: {exec: [q, q]}}\n"
        "links: [a.o -> b.i, a.o -> b.j]\n",
    };
    for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
        checksum(changed[i], other);
        assert_memory_not_equal(first, other, sizeof(first));
    }
}

static void json_is_a_graph_file_of_the_same_graph(void **state)
{
    (void)state;
    struct graph *graph = graph_text_load(written);
    char *json = NULL;
    size_t count;
    assert_int_equal(graph_save_json(graph, &json, &count), 0);
    graph_destroy(graph);
    char *saved = save(json);
    assert_string_equal(saved, written);
    free(saved);
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saving_what_was_loaded_gives_the_same_bytes),
        cmocka_unit_test(defaults_are_left_out),
        cmocka_unit_test(the_checksum_ignores_order_and_sees_every_value),
        cmocka_unit_test(json_is_a_graph_file_of_the_same_graph),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
