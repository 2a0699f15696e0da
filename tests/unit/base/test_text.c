// SPDX-License-Identifier: Apache-2.0
// Bounded text never leaves its buffer, and what it escapes is harmless.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void what_does_not_fit_is_cut_and_remembered(void **state)
{
    (void)state;
    char bytes[9] = "12345678";
    struct text text = text_over(bytes, 6);
    text_add(&text, "abc");
    assert_false(text.is_cut);
    text_add_format(&text, "%d", 1234);
    assert_string_equal(bytes, "abc12");
    assert_true(text.is_cut);
    text_add(&text, "more");
    assert_int_equal(text.length, 5);
    assert_memory_equal(bytes + 6, "78", 3);
}

static void json_is_valid_whatever_the_bytes_are(void **state)
{
    (void)state;
    char bytes[128];
    struct text text = TEXT_OVER(bytes);
    static const char odd[] = "a\"\\\n\t\r\x01\x7f\xff\xc3\xa4\xc0\xaf\xed\xa0\x80";
    text_add_json(&text, odd, sizeof odd - 1);
    assert_string_equal(bytes, "\"a\\\"\\\\\\n\\t\\r\\u0001\\u007f\\ufffd\xc3\xa4\\ufffd\\ufffd"
                               "\\ufffd\\ufffd\\ufffd\"");
}

static void control_characters_are_shown_and_not_sent(void **state)
{
    (void)state;
    char bytes[128];
    struct text text = TEXT_OVER(bytes);
    static const char odd[] = "\x1b[31mred\tx\xc2\x9b\xc3\xa4\xe2";
    text_add_escaped(&text, odd, sizeof odd - 1);
    assert_string_equal(bytes, "\\x1b[31mred\tx\\xc2\\x9b\xc3\xa4\\xe2");
}

static void only_well_formed_utf8_has_a_length(void **state)
{
    (void)state;
    assert_int_equal(text_utf8_length("", 0), 0);
    assert_int_equal(text_utf8_length("a", 1), 1);
    assert_int_equal(text_utf8_length("\xf0\x9f\x98\x80", 4), 4);
    assert_int_equal(text_utf8_length("\xf0\x9f\x98\x80", 3), 0);
    assert_int_equal(text_utf8_length("\xc1\xbf", 2), 0);          // overlong
    assert_int_equal(text_utf8_length("\xed\xbf\xbf", 3), 0);      // surrogate
    assert_int_equal(text_utf8_length("\xf4\x90\x80\x80", 4), 0);  // above the last code point
    assert_int_equal(text_utf8_length("\x80", 1), 0);
}

static void a_copy_says_whether_it_is_whole(void **state)
{
    (void)state;
    char to[4];
    assert_true(text_copy(to, sizeof to, "abc"));
    assert_string_equal(to, "abc");
    assert_false(text_copy(to, sizeof to, "abcd"));
    assert_string_equal(to, "abc");
}

// R-GRAPH-012
static void ids_are_small_letters_digits_and_two_marks(void **state)
{
    (void)state;
    char longest[65];
    memset(longest, 'a', 63);
    longest[63] = '\0';
    assert_true(text_is_id("a"));
    assert_true(text_is_id("cam-2_x"));
    assert_true(text_is_id(longest));
    longest[63] = 'a';
    longest[64] = '\0';
    assert_false(text_is_id(longest));
    static const char *const wrong[] = {"", "1a", "-a", "_a", "A", "a.b", "a b", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(text_is_id(wrong[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_is_cut_and_remembered),
        cmocka_unit_test(json_is_valid_whatever_the_bytes_are),
        cmocka_unit_test(control_characters_are_shown_and_not_sent),
        cmocka_unit_test(only_well_formed_utf8_has_a_length),
        cmocka_unit_test(a_copy_says_whether_it_is_whole),
        cmocka_unit_test(ids_are_small_letters_digits_and_two_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
