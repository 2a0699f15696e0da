// SPDX-License-Identifier: Apache-2.0
// Bounded text: cutting, escaping for JSON and for terminals, UTF-8, names.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void what_does_not_fit_is_cut_and_remembered(void **state)
{
    (void)state;
    struct {
        char bytes[8];
        char behind[4];
    } both = {.behind = "end"};
    struct text text = TEXT_OVER(both.bytes);
    text_add(&text, "abc");
    text_add_format(&text, "%d", 1234);
    assert_string_equal(both.bytes, "abc1234");
    assert_false(text.is_cut);
    text_add_bytes(&text, "", 0);
    assert_false(text.is_cut);
    text_add(&text, "x");
    assert_true(text.is_cut);
    assert_string_equal(both.bytes, "abc1234");
    assert_int_equal(text.length, 7);
    text_add_format(&text, "%s", "longer");
    assert_int_equal(text.length, 7);
    assert_string_equal(both.behind, "end");
}

static void a_format_is_cut_where_the_room_ends(void **state)
{
    (void)state;
    char bytes[6];
    struct text text = TEXT_OVER(bytes);
    text_add_format(&text, "%s", "abcdef");
    assert_string_equal(bytes, "abcde");
    assert_int_equal(text.length, 5);
    assert_true(text.is_cut);
}

#define EXPECT_WITH(function, from, wanted)                                                        \
    do {                                                                                           \
        char bytes[128];                                                                           \
        struct text text = TEXT_OVER(bytes);                                                       \
        function(&text, from, sizeof(from) - 1);                                                   \
        assert_string_equal(bytes, wanted);                                                        \
        assert_false(text.is_cut);                                                                 \
    } while (0)

static void json_strings_escape_what_json_reserves(void **state)
{
    (void)state;
    EXPECT_WITH(text_add_json, "plain", "\"plain\"");
    EXPECT_WITH(text_add_json, "a\"b\\c", "\"a\\\"b\\\\c\"");
    EXPECT_WITH(text_add_json, "\n\t\r", "\"\\n\\t\\r\"");
    EXPECT_WITH(text_add_json, "\0\x1f\x7f", "\"\\u0000\\u001f\\u007f\"");
    EXPECT_WITH(text_add_json, "\xc3\xa4\xf0\x9f\x98\x80", "\"\xc3\xa4\xf0\x9f\x98\x80\"");
    EXPECT_WITH(text_add_json,
                "a\xff"
                "b\xc3",
                "\"a\\ufffdb\\ufffd\"");
}

// R-LOG-006
static void a_terminal_gets_no_control_characters(void **state)
{
    (void)state;
    EXPECT_WITH(text_add_escaped, "plain \xc3\xa4", "plain \xc3\xa4");
    EXPECT_WITH(text_add_escaped, "\033[31mred\tend", "\\x1b[31mred\tend");
    EXPECT_WITH(text_add_escaped, "a\nb\r\x7f", "a\\x0ab\\x0d\\x7f");
    // U+009B is the introducer of a terminal's commands in one character.
    EXPECT_WITH(text_add_escaped, "\xc2\x9bm\xc2\xa0", "\\xc2\\x9bm\xc2\xa0");
    EXPECT_WITH(text_add_escaped, "\xff\xe2\x82", "\\xff\\xe2\\x82");
}

static void only_the_shortest_form_of_a_character_is_utf8(void **state)
{
    (void)state;
    assert_int_equal(text_utf8_length("a", 1), 1);
    assert_int_equal(text_utf8_length("", 0), 0);
    assert_int_equal(text_utf8_length("\xc3\xa4", 2), 2);
    assert_int_equal(text_utf8_length("\xc3\xa4", 1), 0);
    assert_int_equal(text_utf8_length("\xe2\x82\xac", 3), 3);
    assert_int_equal(text_utf8_length("\xf4\x8f\xbf\xbf", 4), 4);
    assert_int_equal(text_utf8_length("\xf4\x90\x80\x80", 4), 0);  // above U+10FFFF
    assert_int_equal(text_utf8_length("\xc0\xaf", 2), 0);          // overlong
    assert_int_equal(text_utf8_length("\xe0\x80\xaf", 3), 0);
    assert_int_equal(text_utf8_length("\xed\xa0\x80", 3), 0);  // half of a pair
    assert_int_equal(text_utf8_length("\x80", 1), 0);
    assert_int_equal(text_utf8_length("\xc3(", 2), 0);
    assert_int_equal(text_utf8_length("\xf8\x88\x80\x80\x80", 5), 0);
}

static void a_copy_says_when_it_was_cut(void **state)
{
    (void)state;
    char to[4] = "???";
    assert_true(text_copy(to, sizeof to, "abc"));
    assert_string_equal(to, "abc");
    assert_false(text_copy(to, sizeof to, "wxyz"));
    assert_string_equal(to, "wxy");
    assert_true(text_copy(to, sizeof to, ""));
    assert_string_equal(to, "");
}

// R-GRAPH-012
static void an_id_has_1_to_63_small_characters(void **state)
{
    (void)state;
    char longest[65];
    memset(longest, 'a', sizeof longest);
    longest[63] = '\0';
    assert_true(text_is_id("a"));
    assert_true(text_is_id("a-b_9"));
    assert_true(text_is_id(longest));
    longest[63] = 'a';
    longest[64] = '\0';
    assert_false(text_is_id(longest));
    static const char *const wrong[] = {"",   "9a",  "-a",  "_a",  "A",
                                        "aB", "a.b", "a b", "a\n", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(text_is_id(wrong[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_is_cut_and_remembered),
        cmocka_unit_test(a_format_is_cut_where_the_room_ends),
        cmocka_unit_test(json_strings_escape_what_json_reserves),
        cmocka_unit_test(a_terminal_gets_no_control_characters),
        cmocka_unit_test(only_the_shortest_form_of_a_character_is_utf8),
        cmocka_unit_test(a_copy_says_when_it_was_cut),
        cmocka_unit_test(an_id_has_1_to_63_small_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
