// SPDX-License-Identifier: Apache-2.0
// Events and log records as lines.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "tools/line.h"
#include "unit/tools/output.h"

static const char *print(void (*line)(const json_t *json, FILE *out), const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    output_begin();
    line(json, stdout);
    json_decref(json);
    return output_end();
}

static void an_event_has_its_time_node_text_and_count(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    const char *got = print(line_print_event, "{\"event\":\"frame-skipped\",\"ts\":3661250000000,"
                                              "\"node\":\"b\",\"generation\":2,\"text\":\"gone\","
                                              "\"count\":3}");
    assert_string_equal(got, "01:01:01.250 frame-skipped b[2]: gone count=3\n");
    got =
        print(line_print_event, "{\"event\":\"graph-stuck\",\"ts\":0,\"text\":\"x\",\"count\":1}");
    assert_string_equal(got, "00:00:00.000 graph-stuck: x\n");
}

static void a_record_looks_as_in_the_log_of_the_broker(void **state)
{
    (void)state;
    const char *got = print(line_print_log, "{\"level\":\"info\",\"node\":\"b\",\"generation\":2,"
                                            "\"stream\":\"stdout\",\"intercepted\":true,"
                                            "\"text\":\"\\u001b[2J\"}");
    assert_string_equal(got, "info b[2] stdout: \\x1b[2J\n");
    got = print(line_print_log, "{\"level\":\"error\",\"node\":null,\"generation\":0,"
                                "\"stream\":\"log\",\"intercepted\":false,\"text\":\"x\"}");
    assert_string_equal(got, "error: x\n");
}

static void what_was_missed_is_said(void **state)
{
    (void)state;
    assert_string_equal(print(line_print_event, "{\"missed\":7}"), "(7 events were missed)\n");
    assert_string_equal(print(line_print_log, "{\"missed\":7}"), "(7 lines were missed)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_has_its_time_node_text_and_count),
        cmocka_unit_test(a_record_looks_as_in_the_log_of_the_broker),
        cmocka_unit_test(what_was_missed_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
