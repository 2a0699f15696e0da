// SPDX-License-Identifier: Apache-2.0
// Waits for space: when a producer sleeps, what it wishes, and what ends the wait.
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "worker_rig.h"

static const struct sb_port ports[] = {
    {.name = "out", .type = SB_PORT_DATA, .claims = 2},
};

#define SOURCE(function)                                                                           \
    {                                                                                              \
        .struct_size = sizeof(struct sb_processor), .name = "unit", .version = "1",                \
        .outputs = ports, .output_count = 1, .mode = SB_MODE_MANUAL, .run = (function)             \
    }

static int publish_many(struct sb_node *node)
{
    struct sb_output *out = sb_node_output(node, "out");
    for (uint64_t number = 0;; number++) {
        struct sb_buffer buffer;
        int failed = sb_output_claim(out, 8, &buffer);
        if (failed != 0) {
            rig_note_result(failed);
            return failed;
        }
        buffer.number = number;
        sb_output_publish(out, &buffer);
    }
}

static const struct sb_processor flooder = SOURCE(publish_many);

static void await_space_wish(const struct publish_page *page, uint64_t wanted)
{
    for (int64_t begun_ns = clock_now_ns(); atomic_load(&page->space_wish) != wanted;
         sched_yield()) {
        assert_true(clock_now_ns() - begun_ns < RIG_DEADLINE_NS);
    }
}

// R-DATA-003, R-DATA-019: a producer that waits is woken when a quarter is free, not before.
static void a_full_lossless_link_is_waited_for_until_a_quarter_is_free(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &flooder);
    struct rig_link *out = rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 16);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    rig_await_phase(&rig, WORKER_NO_SPACE);
    const struct publish_page *page = rig_now(out)->publish.bytes;
    await_space_wish(page, 4);
    assert_int_equal(atomic_load(&page->tail), 16);
    for (uint64_t number = 0; number < 3; number++) {
        rig_expect_frame(out, number);
    }
    assert_int_equal(atomic_load(&page->tail), 16);
    for (uint64_t number = 3; number < 200; number++) {
        rig_expect_frame(out, number);
    }
    rig_want(&rig, WANT_STOP);
    rig_await_notes(1);
    rig_expect_result(0, -ECANCELED);
    rig_finish(&rig);
}

static int publish_until_stop(struct sb_node *node)
{
    struct sb_output *out = sb_node_output(node, "out");
    for (uint64_t number = 0; !sb_node_should_stop(node); number++) {
        struct sb_buffer buffer;
        int failed = sb_output_claim(out, 8, &buffer);
        if (failed != 0) {
            rig_note_result(failed);
            return failed;
        }
        buffer.number = number;
        sb_output_publish(out, &buffer);
    }
    rig_note_result(0);
    return 0;
}

static const struct sb_processor stoppable = SOURCE(publish_until_stop);

// R-SUP-080: the depth is one at which a reader looks at the wish at every eighth frame only.
static void a_source_that_is_asked_to_end_while_it_waits_goes_on_with_one_free_cell(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &stoppable);
    struct rig_link *out = rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 64);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    rig_await_phase(&rig, WORKER_NO_SPACE);
    const struct publish_page *page = rig_now(out)->publish.bytes;
    await_space_wish(page, 16);
    rig_want(&rig, WANT_DRAIN);
    await_space_wish(page, 1);
    assert_int_equal(atomic_load(&page->tail), 64);
    rig_expect_frame(out, 0);
    rig_expect_result(0, 0);
    for (uint64_t number = 1; number <= 64; number++) {
        rig_expect_frame(out, number);
    }
    rig_expect_end(out);
    rig_finish(&rig);
}

// R-SUP-080
static void
a_pause_changes_what_a_waiting_source_wishes_and_the_end_of_it_changes_it_back(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &flooder);
    struct rig_link *out = rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 16);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    rig_await_phase(&rig, WORKER_NO_SPACE);
    const struct publish_page *page = rig_now(out)->publish.bytes;
    await_space_wish(page, 4);
    rig_want(&rig, WANT_PAUSE);
    await_space_wish(page, 1);
    rig_want(&rig, WANT_RUN);
    await_space_wish(page, 4);
    rig_end(&rig);
}

static int pass_on(struct sb_node *node, const struct sb_frame *frame)
{
    int result = sb_output_copy(sb_node_output(node, "out"), frame);
    rig_note_result(result);
    return result;
}

static const struct sb_port inputs[] = {{.name = "in", .type = SB_PORT_DATA}};

static const struct sb_processor passer = {
    .struct_size = sizeof(struct sb_processor),
    .name = "unit",
    .version = "1",
    .inputs = inputs,
    .input_count = 1,
    .outputs = ports,
    .output_count = 1,
    .on_frame = pass_on,
};

// R-STEP-016
static void a_stop_ends_the_wait_and_the_input_is_not_released(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &passer);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 8);
    struct rig_link *out = rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 2);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    for (uint64_t number = 1; number <= 3; number++) {
        rig_put(in, number);
    }
    rig_await_phase(&rig, WORKER_NO_SPACE);
    rig_want(&rig, WANT_STOP);
    assert_int_equal(rig_exit_status(&rig), 0);
    rig_expect_result(2, -ECANCELED);
    const struct consume_page *page = rig_now(in)->consume.bytes;
    assert_int_equal(atomic_load(&page->next), 4);
    assert_int_equal(atomic_load(&page->retired), 2);
    assert_int_equal(atomic_load(&rig.status->done), 2);
    assert_int_equal(atomic_load(&rig.status->stopped_out), 1);
    // The broker reads from the page which frame it was.
    assert_int_equal(atomic_load(&rig.status->step), 3);
    assert_int_equal(atomic_load(&rig.status->claim_count), 1);
    assert_int_equal(atomic_load(&rig.status->claims[0].seq), 3);
    rig_expect_frame(out, 1);
    rig_expect_frame(out, 2);
    rig_expect_end(out);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_lossless_link_is_waited_for_until_a_quarter_is_free),
        cmocka_unit_test(a_source_that_is_asked_to_end_while_it_waits_goes_on_with_one_free_cell),
        cmocka_unit_test(
            a_pause_changes_what_a_waiting_source_wishes_and_the_end_of_it_changes_it_back),
        cmocka_unit_test(a_stop_ends_the_wait_and_the_input_is_not_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
