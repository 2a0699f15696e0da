// SPDX-License-Identifier: Apache-2.0
// Diagnoses are kept up to a number, sorted by place, and safe to print.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker/graph/diags.h"

// R-GRAPH-003
static void a_line_is_file_line_column_what_and_what_to_do(void **state)
{
    (void)state;
    struct diags diags = {.count = 0};
    char line[DIAGS_LINE_BYTES_MAX];
    diags_add(&diags, DIAG_ERROR, "g.yaml", (struct graph_place){3, 7}, "%s; %s", "a", "b");
    diags_format(&diags.items[0], line, sizeof(line));
    assert_string_equal(line, "g.yaml:3:7: a; b");
    diags_add(&diags, DIAG_WARNING, "g.yaml", (struct graph_place){0, 0}, "c");
    diags_format(&diags.items[1], line, sizeof(line));
    assert_string_equal(line, "g.yaml: warning: c");
}

static void lines_are_printed_in_the_order_of_their_places(void **state)
{
    (void)state;
    struct diags diags = {.count = 0};
    diags_add(&diags, DIAG_ERROR, "g", (struct graph_place){2, 1}, "third");
    diags_add(&diags, DIAG_ERROR, "g", (struct graph_place){1, 9}, "second");
    diags_add(&diags, DIAG_ERROR, "g", (struct graph_place){1, 2}, "first");
    char text[512] = "";
    FILE *out = fmemopen(text, sizeof(text), "w");
    diags_print(&diags, out);
    fclose(out);
    assert_string_equal(text, "g:1:2: first\ng:1:9: second\ng:2:1: third\n");
}

static void errors_take_the_place_of_warnings_and_the_rest_is_counted(void **state)
{
    (void)state;
    struct diags diags = {.count = 0};
    struct graph_place place = {1, 1};
    for (int i = 0; i < DIAGS_MAX; i++) {
        diags_add(&diags, DIAG_WARNING, "g", place, "warning");
    }
    assert_int_equal(diags_exit_status(&diags), 0);
    for (int i = 0; i < DIAGS_MAX + 3; i++) {
        diags_add(&diags, DIAG_ERROR, "g", place, "error %d", i);
    }
    assert_int_equal(diags.count, DIAGS_MAX);
    for (int i = 0; i < DIAGS_MAX; i++) {
        assert_int_equal(diags.items[i].kind, DIAG_ERROR);
    }
    static char text[16 * 1024];
    FILE *out = fmemopen(text, sizeof(text), "w");
    diags_print(&diags, out);
    fclose(out);
    assert_non_null(strstr(text, "23 more; correct these first\n"));
}

// R-EXIT-008 R-EXIT-009
static void the_exit_status_is_that_of_the_worst(void **state)
{
    (void)state;
    struct diags diags = {.count = 0};
    assert_int_equal(diags_exit_status(&diags), 0);
    diags_add(&diags, DIAG_WARNING, "g", (struct graph_place){1, 1}, "w");
    assert_int_equal(diags_exit_status(&diags), 0);
    diags_add(&diags, DIAG_REFUSED, "g", (struct graph_place){1, 1}, "r");
    assert_int_equal(diags_exit_status(&diags), 77);
    diags_add(&diags, DIAG_ERROR, "g", (struct graph_place){1, 1}, "e");
    assert_int_equal(diags_exit_status(&diags), 78);
}

// R-GRAPH-031
static void quoted_names_are_escaped_and_cut(void **state)
{
    (void)state;
    assert_string_equal(diags_quote("blur").bytes, "'blur'");
    assert_string_equal(diags_quote("a\033[1m").bytes, "'a\\x1b[1m'");
    char name[300];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    struct diags_quoted quoted = diags_quote(name);
    assert_int_equal(strlen(quoted.bytes), DIAGS_QUOTED_BYTES_MAX - 1);
    assert_string_equal(quoted.bytes + DIAGS_QUOTED_BYTES_MAX - 6, "x...'");
}

// R-LIVE-025
static void errors_are_whole_lines_and_the_rest_is_counted(void **state)
{
    (void)state;
    struct diags diags = {.count = 0};
    diags_add(&diags, DIAG_WARNING, "g", (struct graph_place){1, 1}, "warning");
    diags_add(&diags, DIAG_ERROR, "g", (struct graph_place){3, 1}, "second");
    diags_add(&diags, DIAG_REFUSED, "g", (struct graph_place){2, 1}, "first");
    char text[256];
    diags_format_errors(&diags, DIAGS_MAX, text, sizeof(text));
    assert_string_equal(text, "g:2:1: first\ng:3:1: second");
    diags_format_errors(&diags, 1, text, sizeof(text));
    assert_string_equal(text, "g:2:1: first (and 1 more)");
    char wide[240];
    memset(wide, 'x', sizeof(wide));
    wide[sizeof(wide) - 1] = '\0';
    diags_add(&diags, DIAG_ERROR, "g", (struct graph_place){2, 9}, "%s", wide);
    diags_format_errors(&diags, DIAGS_MAX, text, sizeof(text));
    assert_string_equal(text, "g:2:1: first\n2 more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_file_line_column_what_and_what_to_do),
        cmocka_unit_test(lines_are_printed_in_the_order_of_their_places),
        cmocka_unit_test(errors_take_the_place_of_warnings_and_the_rest_is_counted),
        cmocka_unit_test(the_exit_status_is_that_of_the_worst),
        cmocka_unit_test(quoted_names_are_escaped_and_cut),
        cmocka_unit_test(errors_are_whole_lines_and_the_rest_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
