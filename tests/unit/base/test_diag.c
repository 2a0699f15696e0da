// SPDX-License-Identifier: Apache-2.0
// A diagnosis keeps its place and cuts its text.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/diag.h"

static void a_diagnosis_keeps_its_place_and_takes_the_text(void **state)
{
    (void)state;
    struct diag diag = {.file = "graph.yaml", .line = 3, .column = 7, .text = "the one before"};
    diag_set(&diag, "node '%s' has %d links", "a", 2);
    assert_string_equal(diag.text, "node 'a' has 2 links");
    assert_string_equal(diag.file, "graph.yaml");
    assert_int_equal(diag.line, 3);
    assert_int_equal(diag.column, 7);
}

static void a_text_that_is_too_long_is_cut_and_terminated(void **state)
{
    (void)state;
    char longer[DIAG_TEXT_BYTES_MAX * 2];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    struct {
        struct diag diag;
        char behind[8];
    } both = {.behind = "behind"};
    diag_set(&both.diag, "%s", longer);
    assert_int_equal(strlen(both.diag.text), DIAG_TEXT_BYTES_MAX - 1);
    assert_string_equal(both.behind, "behind");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_diagnosis_keeps_its_place_and_takes_the_text),
        cmocka_unit_test(a_text_that_is_too_long_is_cut_and_terminated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
