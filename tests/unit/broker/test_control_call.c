// SPDX-License-Identifier: Apache-2.0
// What a handler reads from a request, and what becomes of what it says.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "broker/control/control_call.h"

static void begin(struct control_call *call)
{
    static const struct control_field fields[] = {{.name = "node", .value = "a"},
                                                  {.name = "param", .value = "x=1"},
                                                  {.name = "param", .value = ""}};
    *call = (struct control_call){.number = 0};
    struct control_request request = {.call = 9, .field_count = 3, .fields = fields};
    assert_int_equal(control_call_begin(call, NULL, &request), 0);
}

static void fields_are_kept_as_they_came(void **state)
{
    (void)state;
    struct control_call call;
    begin(&call);
    assert_int_equal(call.number, 9);
    assert_string_equal(control_call_field(&call, "node"), "a");
    assert_string_equal(control_call_field_at(&call, "param", 0), "x=1");
    assert_string_equal(control_call_field_at(&call, "param", 1), "");
    assert_null(control_call_field_at(&call, "param", 2));
    assert_null(control_call_field(&call, "nod"));
    assert_true(control_call_is_set(&call, "node"));
    assert_false(control_call_is_set(&call, "follow"));
    control_call_end(&call);
    assert_int_equal(call.number, 0);
}

static void documents_are_lines_without_a_line_feed_inside(void **state)
{
    (void)state;
    struct control_call call;
    begin(&call);
    control_call_say(&call, json_pack("{s:s}", "text", "two\nlines \xc3\xbc"));
    control_call_say(&call, json_pack("[i]", 7));
    assert_int_equal(call.out_count, strlen("{\"text\":\"two\\nlines \\u00FC\"}\n[7]\n"));
    assert_memory_equal(call.out, "{\"text\":\"two\\nlines \\u00FC\"}\n[7]\n", call.out_count);
    // What went out makes room.
    call.out_sent = call.out_count;
    control_call_say(&call, json_pack("[i]", 8));
    assert_int_equal(call.out_count, 4);
    assert_int_equal(call.out_sent, 0);
    control_call_end(&call);
}

static void an_answer_beyond_the_limit_fails_and_grows_no_more(void **state)
{
    (void)state;
    struct control_call call;
    begin(&call);
    const size_t half = CONTROL_OUT_BYTES_MAX / 2;
    char *text = malloc(half + 1);
    assert_non_null(text);
    memset(text, 'x', half);
    text[half] = '\0';
    control_call_say(&call, json_pack("[s]", text));
    assert_false(call.is_over);
    control_call_say(&call, json_pack("[s]", text));
    assert_true(call.is_over);
    assert_int_equal(call.code, CONTROL_CODE_INTERNAL);
    assert_true(call.out_count <= CONTROL_OUT_BYTES_MAX);
    // The handler does not know, and returns that all is well: the first code stays.
    control_call_take(&call, 0);
    assert_int_equal(call.code, CONTROL_CODE_INTERNAL);
    control_call_end(&call);
    free(text);
}

static void a_document_that_could_not_be_made_fails_the_call(void **state)
{
    (void)state;
    struct control_call call;
    begin(&call);
    control_call_say(&call, NULL);
    assert_true(call.is_over);
    assert_int_equal(call.code, CONTROL_CODE_INTERNAL);
    control_call_end(&call);
}

static int look(struct control_call *call)
{
    call->numbers[0]++;
    return CONTROL_LATER;
}

static int dropped;

static void drop(void *context)
{
    dropped += *(int *)context;
}

static void what_waits_is_looked_at_until_it_is_over_and_gives_back_what_it_holds(void **state)
{
    (void)state;
    struct control_call call;
    begin(&call);
    int one = 1;
    call.context = &one;
    call.drop = drop;
    control_call_take(&call, control_call_later(&call, look, 50));
    assert_false(call.is_over);
    assert_ptr_equal(call.look, look);
    assert_int_equal(call.due_ns, 50);
    control_call_take(&call, control_call_refuse(&call, CONTROL_CODE_TIMED_OUT, "after %d", 5));
    assert_true(call.is_over);
    assert_null(call.look);
    assert_int_equal(call.due_ns, INT64_MAX);
    assert_int_equal(call.code, 124);
    assert_string_equal(call.error, "after 5");
    control_call_end(&call);
    assert_int_equal(dropped, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_kept_as_they_came),
        cmocka_unit_test(documents_are_lines_without_a_line_feed_inside),
        cmocka_unit_test(an_answer_beyond_the_limit_fails_and_grows_no_more),
        cmocka_unit_test(a_document_that_could_not_be_made_fails_the_call),
        cmocka_unit_test(what_waits_is_looked_at_until_it_is_over_and_gives_back_what_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
