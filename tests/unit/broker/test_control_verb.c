// SPDX-License-Identifier: Apache-2.0
// Every row of control.def can be read, and requests are held against it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/text.h"
#include "broker/broker.h"
#include "broker/control/control_verb.h"

static struct broker broker = {.phase = BROKER_IDLE};

static int run(const char *verb, size_t count, const struct control_field *fields,
               struct control_call *call)
{
    *call = (struct control_call){.number = 0};
    struct control_request request = {.call = 1, .field_count = count, .fields = fields};
    assert_int_equal(control_call_begin(call, &broker, &request), 0);
    return control_verb_run(call, verb);
}

static void every_verb_is_a_word_and_comes_once(void **state)
{
    (void)state;
    const struct control_verb *verb;
    for (size_t i = 0; (verb = control_verb_at(i)) != NULL; i++) {
        assert_true(text_is_id(verb->word));
        assert_ptr_equal(control_verb_find(verb->word), verb);
        assert_true(verb->text[0] != '\0');
    }
    assert_null(control_verb_find("nothing"));
}

static void the_fields_of_every_verb_are_names_with_marks(void **state)
{
    (void)state;
    const struct control_verb *verb;
    for (size_t i = 0; (verb = control_verb_at(i)) != NULL; i++) {
        char fields[512];
        assert_true(text_copy(fields, sizeof fields, verb->fields));
        char *rest = fields;
        char *word;
        while (*rest != '\0' && (word = strsep(&rest, " ")) != NULL) {
            char *marks = word + strcspn(word, "?*=");
            bool is_known = strcmp(marks, "") == 0 || strcmp(marks, "?") == 0 ||
                            strcmp(marks, "*") == 0 || strcmp(marks, "=?") == 0;
            *marks = '\0';
            assert_true(is_known && text_is_id(word));
            if (rest == NULL) {
                break;
            }
        }
    }
}

static void what_is_not_in_the_table_is_refused_with_a_hint(void **state)
{
    (void)state;
    struct control_call call;
    assert_int_equal(run("evants", 0, NULL, &call), CONTROL_CODE_USAGE);
    assert_non_null(strstr(call.error, "did you mean 'events'?"));
    control_call_end(&call);
    static const struct control_field unknown[] = {{.name = "folow", .value = "true"}};
    assert_int_equal(run("events", 1, unknown, &call), CONTROL_CODE_USAGE);
    assert_non_null(strstr(call.error, "no field 'folow'; it has: node"));
    control_call_end(&call);
}

static void a_field_twice_or_a_switch_with_another_value_is_refused(void **state)
{
    (void)state;
    struct control_call call;
    static const struct control_field twice[] = {{.name = "follow", .value = "true"},
                                                 {.name = "follow", .value = "true"}};
    assert_int_equal(run("events", 2, twice, &call), CONTROL_CODE_USAGE);
    control_call_end(&call);
    static const struct control_field other[] = {{.name = "follow", .value = "1"}};
    assert_int_equal(run("events", 1, other, &call), CONTROL_CODE_USAGE);
    control_call_end(&call);
}

static void the_table_is_an_answer_itself(void **state)
{
    (void)state;
    struct control_call call;
    assert_int_equal(run("verbs", 0, NULL, &call), CONTROL_CODE_OK);
    assert_non_null(strstr(call.out, "{\"verb\":\"verbs\",\"fields\":\"\","));
    control_call_end(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_is_a_word_and_comes_once),
        cmocka_unit_test(the_fields_of_every_verb_are_names_with_marks),
        cmocka_unit_test(what_is_not_in_the_table_is_refused_with_a_hint),
        cmocka_unit_test(a_field_twice_or_a_switch_with_another_value_is_refused),
        cmocka_unit_test(the_table_is_an_answer_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
