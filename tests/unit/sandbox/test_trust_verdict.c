// SPDX-License-Identifier: Apache-2.0
// Every verdict has a sentence of its own, and two of them let a program run.
#include "unit/sandbox/signing.h"

#include "sandbox/trust_verdict.h"

static void no_two_verdicts_say_the_same(void **state)
{
    (void)state;
    for (int i = 0; i < TRUST_VERDICT_COUNT; i++) {
        assert_true(trust_verdict_text((enum trust_verdict)i)[0] != '\0');
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(trust_verdict_text((enum trust_verdict)i),
                                    trust_verdict_text((enum trust_verdict)j));
        }
    }
}

static void only_signed_and_installed_programs_are_good(void **state)
{
    (void)state;
    int good = 0;
    for (int i = 0; i < TRUST_VERDICT_COUNT; i++) {
        good += trust_verdict_is_good((enum trust_verdict)i) ? 1 : 0;
    }
    assert_int_equal(good, 2);
    assert_true(trust_verdict_is_good(TRUST_GOOD));
    assert_true(trust_verdict_is_good(TRUST_INSTALLED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_two_verdicts_say_the_same),
        cmocka_unit_test(only_signed_and_installed_programs_are_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
