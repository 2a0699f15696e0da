// SPDX-License-Identifier: Apache-2.0
// The states of a link are one table.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/links/link.h"

static enum link_state after(enum link_state state, enum link_event event)
{
    link_transition(&state, event, "a.out -> b.in");
    return state;
}

static void a_link_is_wired_switched_and_drained(void **state)
{
    (void)state;
    enum link_state link = LINK_PENDING;
    assert_false(link_is_up(link));
    link = after(link, LINK_ON_AGREED);
    assert_true(link_is_up(link));
    link = after(link, LINK_ON_WIRED);
    assert_int_equal(link, LINK_WIRED);
    link = after(link, LINK_ON_AGREED);
    assert_int_equal(link, LINK_SWITCHING);
    link = after(link, LINK_ON_WIRED);
    link = after(link, LINK_ON_PRODUCER_GONE);
    assert_int_equal(link, LINK_DISCONNECTING);
    assert_true(link_is_up(link));
    link = after(link, LINK_ON_DRAINED);
    assert_int_equal(link, LINK_DISCONNECTED);
    assert_false(link_is_up(link));
}

static void a_link_without_a_consumer_is_over_at_once(void **state)
{
    (void)state;
    for (unsigned s = 0; s < LINK_STATE_COUNT; s++) {
        assert_true(link_is_legal(s, LINK_ON_CONSUMER_GONE));
        assert_false(link_is_up(after(s, LINK_ON_CONSUMER_GONE)));
    }
}

static void nothing_wires_a_link_that_is_over(void **state)
{
    (void)state;
    assert_false(link_is_legal(LINK_DISCONNECTED, LINK_ON_AGREED));
    assert_false(link_is_legal(LINK_DISCONNECTED, LINK_ON_WIRED));
    assert_false(link_is_legal(LINK_ERROR, LINK_ON_WIRED));
    assert_false(link_is_legal(LINK_ERROR, LINK_ON_AGREED));
}

static void a_producer_may_go_on_before_its_reader_is_wired(void **state)
{
    (void)state;
    assert_int_equal(after(LINK_WIRING, LINK_ON_AGREED), LINK_WIRING);
    assert_int_equal(after(LINK_SWITCHING, LINK_ON_AGREED), LINK_SWITCHING);
}

// R-SUP-030
static void an_end_can_be_replaced_in_every_state(void **state)
{
    (void)state;
    for (unsigned s = 0; s < LINK_STATE_COUNT; s++) {
        assert_true(link_is_legal(s, LINK_ON_REPLACED));
        // What was up stays up: the frames in it are still promised.
        assert_int_equal(link_is_up(s), link_is_up(after(s, LINK_ON_REPLACED)));
    }
    assert_int_equal(after(LINK_WIRED, LINK_ON_REPLACED), LINK_REPLACING);
    assert_int_equal(after(LINK_REPLACING, LINK_ON_WIRED), LINK_WIRED);
    assert_int_equal(after(LINK_REPLACING, LINK_ON_AGREED), LINK_SWITCHING);
    assert_int_equal(after(LINK_DISCONNECTING, LINK_ON_REPLACED), LINK_DISCONNECTING);
}

static void every_state_and_event_has_a_name(void **state)
{
    (void)state;
    for (unsigned s = 0; s < LINK_STATE_COUNT; s++) {
        assert_string_not_equal(link_state_name(s), "?");
    }
    for (unsigned e = 0; e < LINK_EVENT_COUNT; e++) {
        assert_string_not_equal(link_event_name(e), "?");
    }
    assert_string_equal(link_state_name(LINK_STATE_COUNT), "?");
}

// R-SUP-059
static void every_state_is_one_condition_and_only_what_carries_frames_is_wired(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LINK_STATE_COUNT; i++) {
        enum link_condition condition = link_condition((enum link_state)i);
        bool carries = condition == LINK_IS_WIRED || condition == LINK_IS_ENDING;
        assert_true(!carries || link_is_up((enum link_state)i));
        bool is_gone = condition == LINK_IS_OVER || condition == LINK_IS_REFUSED;
        assert_true(!is_gone || !link_is_up((enum link_state)i));
    }
    assert_int_equal(link_condition(LINK_PENDING), LINK_IS_PENDING);
    assert_int_equal(link_condition(LINK_REPLACING), LINK_IS_PENDING);
    assert_int_equal(link_condition(LINK_SWITCHING), LINK_IS_WIRED);
    assert_int_equal(link_condition(LINK_ERROR), LINK_IS_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_is_wired_switched_and_drained),
        cmocka_unit_test(a_link_without_a_consumer_is_over_at_once),
        cmocka_unit_test(nothing_wires_a_link_that_is_over),
        cmocka_unit_test(a_producer_may_go_on_before_its_reader_is_wired),
        cmocka_unit_test(an_end_can_be_replaced_in_every_state),
        cmocka_unit_test(every_state_and_event_has_a_name),
        cmocka_unit_test(every_state_is_one_condition_and_only_what_carries_frames_is_wired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
