// SPDX-License-Identifier: Apache-2.0
// The order of versions, and how they are written.
#include "unit/sandbox/signing.h"

#include "sandbox/trust_version.h"

static int compare(const char *a, const char *b)
{
    struct trust_version left;
    struct trust_version right;
    assert_int_equal(trust_version_read(a, strlen(a), &left), 0);
    assert_int_equal(trust_version_read(b, strlen(b), &right), 0);
    return trust_version_compare(&left, &right);
}

static void versions_compare_as_numbers(void **state)
{
    (void)state;
    assert_int_equal(compare("1.2", "1.2.0"), 0);
    assert_true(compare("1.9", "1.10") < 0);
    assert_true(compare("2", "1.99.99.999999999") > 0);
    assert_true(compare("0.0.0.1", "0") > 0);
}

static void a_version_is_written_so_that_it_reads_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {"1.0", "1.2.3", "0.0.0.1",
                                        "999999999.999999999.999999999.999999999"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct trust_version version;
        char text[TRUST_VERSION_TEXT_BYTES];
        assert_int_equal(trust_version_read(texts[i], strlen(texts[i]), &version), 0);
        trust_version_text(&version, text);
        assert_string_equal(text, texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_compare_as_numbers),
        cmocka_unit_test(a_version_is_written_so_that_it_reads_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
