// SPDX-License-Identifier: Apache-2.0
// Texts become the macros of a manual page, and nothing in them is a macro by accident.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/man_page.h"

static char *bytes;
static size_t count;
static FILE *out;

static void begin(void)
{
    out = open_memstream(&bytes, &count);
    assert_non_null(out);
}

static void assert_printed(const char *expected)
{
    fclose(out);
    assert_string_equal(bytes, expected);
    free(bytes);
}

static void what_a_formatter_would_take_for_its_own_is_escaped(void **state)
{
    (void)state;
    begin();
    man_page_text(".TH isn't a back\\slash", out);
    assert_printed(".PP\n\\&.TH isn\\(aqt a back\\eslash\n");
}

static void words_that_are_typed_are_bold(void **state)
{
    (void)state;
    begin();
    man_page_text("write `--keep` here", out);
    assert_printed(".PP\nwrite \\fB\\-\\-keep\\fR here\n");
    begin();
    man_page_item("--socket", "PATH", "the place", out);
    assert_printed(".TP\n\\fB\\-\\-socket\\fR \\fIPATH\\fR\nthe place\n");
}

static void the_statuses_of_one_program_are_listed(void **state)
{
    (void)state;
    begin();
    man_page_statuses(EXIT_STATUS_OF_BROKER, out);
    fclose(out);
    assert_non_null(strstr(bytes, ".SH EXIT STATUS\n.TP\n\\fB0\\fR\n"));
    assert_non_null(strstr(bytes, "\\fB128 + n\\fR"));
    assert_null(strstr(bytes, "\\fB124\\fR"));
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_formatter_would_take_for_its_own_is_escaped),
        cmocka_unit_test(words_that_are_typed_are_bold),
        cmocka_unit_test(the_statuses_of_one_program_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
