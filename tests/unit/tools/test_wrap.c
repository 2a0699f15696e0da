// SPDX-License-Identifier: Apache-2.0
// Texts in columns that are as wide as the terminal.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/wrap.h"

static void assert_printed(const char *expected, const char *text, size_t width)
{
    char *bytes = NULL;
    size_t count = 0;
    FILE *out = open_memstream(&bytes, &count);
    assert_non_null(out);
    wrap_print("ok  it", text, 8, width, out);
    fclose(out);
    assert_string_equal(bytes, expected);
    free(bytes);
}

static void lines_end_between_words(void **state)
{
    (void)state;
    assert_printed("ok  it  one two three four\n        five\n", "one two three four five", 29);
    assert_printed("ok  it  one two three four five\n", "one two three four five", 31);
    // Two bytes are one column.
    assert_printed("ok  it  \u00fcne tw\u00fc thr\u00fce f\u00fcur\n        five\n",
                   "\u00fcne tw\u00fc thr\u00fce f\u00fcur five", 29);
}

static void a_word_that_is_too_long_has_a_line_of_its_own(void **state)
{
    (void)state;
    assert_printed("ok  it  a\n        /usr/share/something/of/great/length\n        b\n",
                   "a /usr/share/something/of/great/length b", 30);
}

static void without_room_nothing_is_divided(void **state)
{
    (void)state;
    assert_printed("ok  it  one two three four five\n", "one two three four five", 0);
    assert_printed("ok  it  one two three four five\n", "one two three four five", 20);
}

static void what_is_no_terminal_has_no_width(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(wrap_width(file), 0);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_between_words),
        cmocka_unit_test(a_word_that_is_too_long_has_a_line_of_its_own),
        cmocka_unit_test(without_room_nothing_is_divided),
        cmocka_unit_test(what_is_no_terminal_has_no_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
