// SPDX-License-Identifier: Apache-2.0
// Documents become tables: every column of columns.def, whatever a document holds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "tools/table.h"
#include "unit/tools/output.h"

static const char *print(enum table_id id, const char *text, bool is_ids, size_t width)
{
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    output_begin();
    table_print(id, json, is_ids, width, stdout);
    json_decref(json);
    return output_end();
}

static void numbers_stand_to_the_right_and_words_to_the_left(void **state)
{
    (void)state;
    const char *got = print(TABLE_BROKERS,
                            "[{\"graph\":\"g\",\"pid\":7,\"state\":\"running\",\"nodes\":12,"
                            "\"uptime_ns\":90000000000,\"socket\":\"/s\"},"
                            "{\"graph\":\"longer\",\"pid\":12345}]",
                            false, 0);
    assert_string_equal(got, "GRAPH     PID  STATE    NODES  UPTIME  SOCKET\n"
                             "g           7  running     12    1.5m  /s\n"
                             "longer  12345  -            -       -  -\n");
}

static void ids_are_the_first_column(void **state)
{
    (void)state;
    assert_string_equal(print(TABLE_NODES, "[{\"id\":\"a\"},{\"id\":\"b\"}]", true, 0), "a\nb\n");
    assert_string_equal(print(TABLE_NODES, "[]", true, 0), "");
}

static void an_object_is_a_line_per_column(void **state)
{
    (void)state;
    const char *got = print(TABLE_STATUS,
                            "{\"graph\":\"g\",\"memory_used_bytes\":1572864,"
                            "\"loop_lateness\":{\"p99_us\":2500}}",
                            false, 0);
    assert_non_null(strstr(got, "graph              g\n"));
    assert_non_null(strstr(got, "memory             1.5MiB\n"));
    assert_non_null(strstr(got, "loop lateness p99  2.5ms\n"));
}

static void what_a_terminal_would_obey_is_escaped(void **state)
{
    (void)state;
    const char *got =
        print(TABLE_NODES, "[{\"id\":\"a\",\"last_reason\":\"\\u001b[2J\"}]", false, 0);
    assert_null(strchr(got, '\033'));
    assert_non_null(strstr(got, "\\x1b[2J"));
}

static void a_line_ends_at_the_width_of_the_terminal(void **state)
{
    (void)state;
    const char *got =
        print(TABLE_BROKERS, "[{\"graph\":\"gr\xc3\xbc\xc3\x9f\xc3\xbc\"}]", false, 4);
    assert_string_equal(got, "GRAP\ngr\xc3\xbc\xc3\x9f\n");
}

static void a_key_goes_into_objects(void **state)
{
    (void)state;
    json_t *json = json_loads("{\"a\":{\"b\":{\"c\":5}}}", 0, NULL);
    assert_int_equal(json_integer_value(table_value(json, "a.b.c")), 5);
    assert_null(table_value(json, "a.x.c"));
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_stand_to_the_right_and_words_to_the_left),
        cmocka_unit_test(ids_are_the_first_column),
        cmocka_unit_test(an_object_is_a_line_per_column),
        cmocka_unit_test(what_a_terminal_would_obey_is_escaped),
        cmocka_unit_test(a_line_ends_at_the_width_of_the_terminal),
        cmocka_unit_test(a_key_goes_into_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
