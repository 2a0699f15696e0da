// SPDX-License-Identifier: Apache-2.0
// Patterns and replacements.
// test: uses=base
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "processors/common/expression.h"

static struct expression *compile(const char *pattern, bool ignores_case)
{
    struct expression *expression = NULL;
    char text[EXPRESSION_TEXT_BYTES];
    assert_int_equal(expression_create(pattern, ignores_case, &expression, text), 0);
    return expression;
}

static void expect(const char *pattern, const char *with, bool is_for_all, const char *in,
                   const char *wanted, int matches)
{
    struct expression *expression = compile(pattern, false);
    const char *out = NULL;
    size_t count = 0;
    assert_int_equal(expression_replace(expression, in, strlen(in), with, is_for_all, &out, &count),
                     matches);
    assert_int_equal(count, strlen(wanted));
    assert_memory_equal(out, wanted, count);
    expression_destroy(expression);
}

static void matches_are_found_anywhere_unless_anchored(void **state)
{
    (void)state;
    struct expression *word = compile("wor[lk]d", false);
    assert_int_equal(expression_matches(word, "hello world", 11), 1);
    assert_int_equal(expression_matches(word, "hello word", 10), 0);
    assert_int_equal(expression_matches(word, "hello world", 8), 0);
    expression_destroy(word);
    struct expression *anchored = compile("^hello$", true);
    assert_int_equal(expression_matches(anchored, "HELLO", 5), 1);
    assert_int_equal(expression_matches(anchored, "hello!", 6), 0);
    assert_int_equal(expression_matches(anchored, NULL, 0), 0);
    expression_destroy(anchored);
}

static void a_zero_byte_does_not_end_the_text(void **state)
{
    (void)state;
    struct expression *expression = compile("end", false);
    assert_int_equal(expression_matches(expression, "a\0end", 5), 1);
    expression_destroy(expression);
}

static void parts_of_the_match_can_be_used_again(void **state)
{
    (void)state;
    expect("([a-z]+) ([a-z]+)", "\\2 \\1", false, "hello world", "world hello", 1);
    expect("b", "[\\0]", true, "abcb", "a[b]c[b]", 2);
    expect("b", "x", false, "abcb", "axcb", 1);
    expect("a", "1\\n2\\\\3\\t", false, "a", "1\n2\\3\t", 1);
}

static void an_unused_part_is_empty(void **state)
{
    (void)state;
    expect("a(b)?", "<\\1>", true, "a ab", "<> <b>", 2);
}

static void empty_matches_advance(void **state)
{
    (void)state;
    expect("x*", "-", true, "abc", "-a-b-c-", 4);
    expect("$", "!", true, "abc", "abc!", 1);
    expect("^", "> ", true, "abc", "> abc", 1);
    expect("a", "b", true, "", "", 0);
}

static void nothing_found_changes_nothing(void **state)
{
    (void)state;
    expect("zzz", "y", true, "abc", "abc", 0);
}

static void wrong_patterns_are_refused_with_a_reason(void **state)
{
    (void)state;
    struct expression *expression = NULL;
    char text[EXPRESSION_TEXT_BYTES] = "";
    assert_int_equal(expression_create("a(b", false, &expression, text), -EINVAL);
    assert_null(expression);
    assert_true(strlen(text) > 0);
    expression_destroy(NULL);
}

static void a_part_that_the_pattern_does_not_have_is_an_error(void **state)
{
    (void)state;
    struct expression *expression = compile("a", false);
    const char *out = NULL;
    size_t count = 0;
    assert_int_equal(expression_replace(expression, "a", 1, "\\1", true, &out, &count), -EINVAL);
    expression_destroy(expression);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_are_found_anywhere_unless_anchored),
        cmocka_unit_test(a_zero_byte_does_not_end_the_text),
        cmocka_unit_test(parts_of_the_match_can_be_used_again),
        cmocka_unit_test(an_unused_part_is_empty),
        cmocka_unit_test(empty_matches_advance),
        cmocka_unit_test(nothing_found_changes_nothing),
        cmocka_unit_test(wrong_patterns_are_refused_with_a_reason),
        cmocka_unit_test(a_part_that_the_pattern_does_not_have_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
