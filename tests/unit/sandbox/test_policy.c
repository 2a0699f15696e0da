// SPDX-License-Identifier: Apache-2.0
// System call policies are text, one call per line, each with its reason.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "sandbox/policy.h"
#include "sandbox/policy_texts.h"

#define CASE(name) cmocka_unit_test(name)

struct seen {
    size_t count;
    struct policy_rule last;
};

static int count(void *context, const struct policy_rule *rule, struct diag *out_why)
{
    (void)out_why;
    struct seen *seen = context;
    seen->count++;
    seen->last = *rule;
    return 0;
}

static int read_text(const char *text, struct seen *seen, struct diag *why)
{
    *seen = (struct seen){0};
    return policy_read_text("test", text, count, seen, why);
}

static void a_line_is_a_verb_a_call_conditions_and_a_reason(void **state)
{
    (void)state;
    struct seen seen;
    struct diag why;
    assert_int_equal(read_text("# nothing\n\nallow fcntl arg1 == F_GETFD and arg2 & 0x10 == 0: x\n",
                               &seen, &why),
                     0);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.last.call, "fcntl");
    assert_int_equal(seen.last.error, 0);
    assert_int_equal(seen.last.condition_count, 2);
    assert_int_equal(seen.last.conditions[1].argument, 2);
    assert_int_equal(seen.last.conditions[1].mask, 0x10);
    assert_int_equal(read_text("deny EAFNOSUPPORT socket arg0 != AF_UNIX: x", &seen, &why), 0);
    assert_int_equal(seen.last.error, EAFNOSUPPORT);
    assert_int_equal(seen.last.conditions[0].compare, POLICY_UNEQUAL);
    assert_int_equal(read_text("deny ptrace: x", &seen, &why), 0);
    assert_int_equal(seen.last.error, EPERM);
    assert_int_equal(read_text("allow prlimit64 arg2 ==64 0: x", &seen, &why), 0);
    assert_true(seen.last.conditions[0].mask == UINT64_MAX);
}

static void a_line_that_is_wrong_is_named_with_its_number(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "allow read",                     // no reason
        "allow read:  ",                  // an empty one
        "permit read: x",                 // no such verb
        "allow: x",                       // no call
        "allow READ: x",                  // no call
        "allow read arg6 == 0: x",        // no such argument
        "allow read arg0 = 0: x",         // no such comparison
        "allow read arg0 == NO_SUCH: x",  // no such number
        "allow read arg0 == 0 or: x",     // not joined
        "allow read arg0 == 0 and: x",    // nothing behind it
        "allow read arg0 & 1 != 0: x",    // a mask with !=
        "include no-such-policy",         // no such file
        "allow read arg0 == 0 and arg1 == 0 and arg2 == 0 and arg3 == 0 and arg4 == 0: x",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[256] = "allow write: x\n";
        strncat(text, wrong[i], sizeof text - strlen(text) - 1);
        struct seen seen;
        struct diag why = {.text = ""};
        assert_true(read_text(text, &seen, &why) < 0);
        assert_true(strstr(why.text, "test.seccomp:2:") != NULL ||
                    strstr(why.text, "no-such-policy") != NULL);
    }
}

static void every_policy_can_be_read(void **state)
{
    (void)state;
    size_t files = 0;
    for (const struct policy_text *text = policy_texts; text->name != NULL; text++) {
        struct seen seen = {0};
        struct diag why = {.text = ""};
        int result = policy_read(text->name, count, &seen, &why);
        if (result != 0) {
            print_error("%s\n", why.text);
        }
        assert_int_equal(result, 0);
        assert_true(seen.count > 0);
        files++;
    }
    assert_true(files >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_line_is_a_verb_a_call_conditions_and_a_reason),
        CASE(a_line_that_is_wrong_is_named_with_its_number),
        CASE(every_policy_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
