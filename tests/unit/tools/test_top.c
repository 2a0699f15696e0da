// SPDX-License-Identifier: Apache-2.0
// What happened between two snapshots.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tools/table.h"
#include "tools/top.h"

static json_t *load(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    return json;
}

static const char *const before_text =
    "{\"time_ns\":1000000000,\"nodes\":[{\"id\":\"a\",\"cpu_ns\":0,\"counts\":{\"in\":0,\"out\":"
    "100}},"
    "{\"id\":\"b\",\"cpu_ns\":5000000,\"counts\":{\"in\":90,\"out\":0}}],"
    "\"links\":[{\"link\":\"a.x -> b.y\",\"to\":\"b.y\",\"published\":100}]}";
static const char *const now_text =
    "{\"time_ns\":3000000000,\"nodes\":[{\"id\":\"a\",\"cpu_ns\":1000000000,\"counts\":{\"in\":0,"
    "\"out\":300}},{\"id\":\"b\",\"cpu_ns\":1000000,\"counts\":{\"in\":80,\"out\":0}},"
    "{\"id\":\"bb\",\"cpu_ns\":1,\"counts\":{\"in\":0,\"out\":0}}],"
    "\"links\":[{\"link\":\"a.x -> b.y\",\"to\":\"b.y\",\"published\":300,\"queued\":4,"
    "\"head_age_ns\":70},{\"link\":\"a.x -> b.z\",\"to\":\"b.z\",\"published\":9,\"queued\":2,"
    "\"head_age_ns\":90}]}";

static void rates_are_per_second_and_never_negative(void **state)
{
    (void)state;
    json_t *before = load(before_text);
    json_t *now = load(now_text);
    top_compare(now, before);
    const json_t *nodes = json_object_get(now, "nodes");
    const json_t *a = json_array_get(nodes, 0);
    assert_true(json_real_value(table_value(a, "out_rate")) == 100.0);
    assert_true(json_real_value(table_value(a, "cpu_percent")) == 50.0);
    // A new life counts from 0 again.
    const json_t *b = json_array_get(nodes, 1);
    assert_true(json_real_value(table_value(b, "in_rate")) == 0.0);
    assert_true(json_real_value(table_value(b, "cpu_percent")) == 0.0);
    // What is new has no rate yet.
    assert_null(table_value(json_array_get(nodes, 2), "in_rate"));
    const json_t *link = json_array_get(json_object_get(now, "links"), 0);
    assert_true(json_real_value(table_value(link, "rate")) == 100.0);
    json_decref(before);
    json_decref(now);
}

static void queues_of_a_node_are_those_of_the_links_into_it(void **state)
{
    (void)state;
    json_t *before = load(before_text);
    json_t *now = load(now_text);
    top_compare(now, before);
    const json_t *nodes = json_object_get(now, "nodes");
    const json_t *b = json_array_get(nodes, 1);
    assert_int_equal(json_integer_value(table_value(b, "queued")), 6);
    assert_int_equal(json_integer_value(table_value(b, "wait_ns")), 90);
    // Its id begins like that of another.
    assert_int_equal(json_integer_value(table_value(json_array_get(nodes, 2), "queued")), 0);
    json_decref(before);
    json_decref(now);
}

// R-CTL-013 R-CTL-021
static void calls_are_those_of_the_time_in_between(void **state)
{
    (void)state;
    json_t *before = load("{\"time_ns\":0,\"links\":[],\"nodes\":[{\"id\":\"a\",\"calls\":{"
                          "\"busy_ns\":1000,\"times\":[[64,900],[4096,50]]}}]}");
    json_t *now = load("{\"time_ns\":2000000000,\"links\":[],\"nodes\":[{\"id\":\"a\",\"calls\":{"
                       "\"busy_ns\":500001000,\"times\":[[64,901],[2048,50],[4096,98],"
                       "[65536,1]]}},{\"id\":\"b\",\"calls\":{\"busy_ns\":0,\"times\":[]}}]}");
    top_compare(now, before);
    const json_t *a = json_array_get(json_object_get(now, "nodes"), 0);
    assert_true(json_real_value(table_value(a, "busy_percent")) == 25.0);
    assert_int_equal(json_integer_value(table_value(a, "p50_ns")), 2304);
    assert_int_equal(json_integer_value(table_value(a, "p99_ns")), 4608);
    // Nothing is known of one that is new, and of one that makes no calls.
    assert_null(table_value(json_array_get(json_object_get(now, "nodes"), 1), "p50_ns"));
    json_t *again = json_deep_copy(now);
    top_compare(again, now);
    assert_true(
        json_is_null(table_value(json_array_get(json_object_get(again, "nodes"), 0), "p50_ns")));
    json_decref(again);
    json_decref(before);
    json_decref(now);
}

static void drops_are_told_by_reason(void **state)
{
    (void)state;
    json_t *now = load("{\"time_ns\":0,\"links\":[{\"link\":\"l\",\"evicted\":3,\"poisoned\":0,"
                       "\"abandoned\":1}],\"nodes\":[{\"id\":\"a\",\"counts\":{\"failed\":2,"
                       "\"refused\":0,\"missed_ticks\":7}},{\"id\":\"b\",\"counts\":{}}]}");
    top_compare(now, NULL);
    const json_t *nodes = json_object_get(now, "nodes");
    const json_t *link = json_array_get(json_object_get(now, "links"), 0);
    assert_string_equal(json_string_value(table_value(link, "drops")), "evicted=3 abandoned=1");
    assert_string_equal(json_string_value(table_value(json_array_get(nodes, 0), "drops")),
                        "failed=2 missed_ticks=7");
    assert_null(table_value(json_array_get(nodes, 1), "drops"));
    json_decref(now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_per_second_and_never_negative),
        cmocka_unit_test(calls_are_those_of_the_time_in_between),
        cmocka_unit_test(drops_are_told_by_reason),
        cmocka_unit_test(queues_of_a_node_are_those_of_the_links_into_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
