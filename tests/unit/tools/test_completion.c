// SPDX-License-Identifier: Apache-2.0
// Completion scripts name every verb and option, and shells can read them.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/completion.h"
#include "tools/verb.h"
#include "unit/tools/output.h"

static const char *print(const char *shell)
{
    output_begin();
    int status = completion_print(shell);
    const char *text = output_end();
    assert_int_equal(status, VERB_OK);
    return text;
}

static void every_shell_gets_every_verb_and_option(void **state)
{
    (void)state;
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (size_t i = 0; i < 3; i++) {
        const char *text = print(shells[i]);
        for (int verb = 0; verb < VERBS_COUNT; verb++) {
            assert_non_null(strstr(text, verb_row((enum verb_id)verb)->word));
            // A summary with a quote would end the string that it is printed in.
            assert_null(strchr(verb_row((enum verb_id)verb)->summary, '\''));
        }
        for (int option = 0; option < VERB_OPTIONS_COUNT; option++) {
            const struct verb_option_row *row = verb_option_row((enum verb_option)option);
            assert_non_null(strstr(text, row->word + 2));
            assert_null(strchr(row->summary, '\''));
        }
    }
}

static void an_unknown_shell_is_refused(void **state)
{
    (void)state;
    assert_int_equal(completion_print("csh"), VERB_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shell_gets_every_verb_and_option),
        cmocka_unit_test(an_unknown_shell_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
