// SPDX-License-Identifier: Apache-2.0
// The table of exit statuses has each one once, in order, with what it means and what to do.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <streambroker/error.h>

#include "base/exit_status.h"

static void each_status_is_there_once_and_explained(void **state)
{
    (void)state;
    size_t count = 0;
    const struct exit_status *before = NULL;
    for (const struct exit_status *row; (row = exit_status_row(count)) != NULL; count++) {
        assert_true(row->meaning[0] != '\0' && row->advice[0] != '\0');
        if (before != NULL && before->of == row->of) {
            assert_true(before->number < row->number);
        } else if (before != NULL) {
            assert_true(before->of < row->of);
        }
        before = row;
    }
    assert_true(count > 20);
}

static void what_a_processor_may_say_is_in_it(void **state)
{
    (void)state;
    static const int said[] = {SB_EXIT_FINISHED, SB_EXIT_FAILED, SB_EXIT_RESTART,
                               SB_EXIT_BAD_CONFIG, SB_EXIT_BAD_DATA};
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        const struct exit_status *row = NULL;
        for (size_t j = 0; (row = exit_status_row(j)) != NULL; j++) {
            if (row->of == EXIT_STATUS_OF_WORKER && row->number == said[i]) {
                break;
            }
        }
        assert_non_null(row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_status_is_there_once_and_explained),
        cmocka_unit_test(what_a_processor_may_say_is_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
