// SPDX-License-Identifier: Apache-2.0
// A link that is taken away, or whose producer is gone, while the node reads it.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker_rig.h"

#define ENDED UINT64_C(999)

static const struct sb_port inputs[] = {
    {.name = "in", .type = SB_PORT_DATA, .holds = 2},
    {.name = "other", .type = SB_PORT_DATA},
};

static struct sb_frame kept;

// Keeps the first frame and reads it again at each of the others.
static int keep_first(struct sb_node *node, const struct sb_frame *frame)
{
    if (frame->number == 1) {
        return sb_frame_hold(frame, &kept);
    }
    rig_note(frame->number);
    rig_note(*(const uint64_t *)kept.data);
    if (frame->number == 9) {
        rig_note((uint64_t)(int64_t)sb_frame_release(&kept));
        rig_note(sb_input_is_linked(sb_node_input(node, "in")));
    }
    return 0;
}

static int note_end(struct sb_node *node, struct sb_input *input)
{
    (void)node;
    (void)input;
    rig_note(ENDED);
    return 0;
}

static const struct sb_processor keeper = {
    .struct_size = sizeof keeper,
    .name = "unit",
    .version = "1",
    .inputs = inputs,
    .input_count = 2,
    .on_frame = keep_first,
    .on_end = note_end,
};

static uint64_t note_at(uint32_t index)
{
    rig_await_notes(index + 1);
    return atomic_load(&rig_board->notes[index]);
}

static void unlink_link(struct rig *rig, const struct rig_link *link, bool is_ended)
{
    struct wire_message *message = rig_begin(rig, WIRE_UNLINK);
    message->unlink.link_id = link->id;
    message->unlink.is_ended = is_ended;
    rig_send(rig, NULL, 0);
}

// R-DATA-017, R-NEG-016
static void what_is_held_stays_readable_when_its_link_is_gone(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &keeper);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 8);
    struct rig_link *other = rig_add_input(&rig, "other", SB_DELIVERY_LOSSLESS, 8);
    in->claims = 4;
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    rig_put(in, 1);
    rig_put(in, 2);
    assert_int_equal(note_at(0), 2);
    assert_int_equal(note_at(1), 1);
    rig_put(in, 3);
    assert_int_equal(note_at(2), 3);
    assert_int_equal(note_at(3), 1);
    unlink_link(&rig, in, false);
    rig_put(other, 9);
    // No end was told: it counts as never linked.
    assert_int_equal(note_at(4), 9);
    assert_int_equal(note_at(5), 1);
    assert_int_equal(note_at(6), 0);
    assert_int_equal(note_at(7), 0);
    rig_end_link(other, LINK_END_STREAM);
    assert_int_equal(note_at(8), ENDED);
    assert_int_equal(rig_exit_status(&rig), 0);
    assert_int_equal(atomic_load(&rig_board->note_count), 9);
    rig_end(&rig);
}

static void a_link_that_is_taken_away_as_ended_counts_as_ended(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &keeper);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 8);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    rig_await_phase(&rig, WORKER_IDLE);
    unlink_link(&rig, in, true);
    assert_int_equal(note_at(0), ENDED);
    rig_finish(&rig);
}

static void tell_end(struct rig *rig, const struct rig_link *link, uint64_t end_seq,
                     enum link_end kind)
{
    struct wire_link_end *end = &rig_begin(rig, WIRE_LINK_END)->link_end;
    end->link_id = link->id;
    end->generation = link->generation;
    end->end_seq = end_seq;
    end->kind = kind;
    rig_send(rig, NULL, 0);
}

// R-DATA-013: what a producer published before it died is read, then comes the end.
static void the_brokers_word_ends_a_link_behind_its_last_frame(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &keeper);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 8);
    in->claims = 4;
    rig_start(&rig);
    rig_put(in, 1);
    rig_put(in, 2);
    rig_put(in, 3);
    tell_end(&rig, in, 4, LINK_END_LOST);
    rig_want(&rig, WANT_RUN);
    assert_int_equal(note_at(0), 2);
    assert_int_equal(note_at(2), 3);
    assert_int_equal(note_at(4), ENDED);
    assert_int_equal(rig_exit_status(&rig), 0);
    assert_int_equal(atomic_load(&rig.status->frames_in), 3);
    rig_end(&rig);
}

// R-DATA-019
static void the_brokers_word_wakes_a_reader_that_sleeps(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &keeper);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 8);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    rig_await_phase(&rig, WORKER_IDLE);
    tell_end(&rig, in, 1, LINK_END_LOST);
    assert_int_equal(note_at(0), ENDED);
    rig_finish(&rig);
}

// R-DATA-030: an end inside the old generation is followed by the new one, drained in order.
static void a_replaced_producer_goes_on_in_the_next_generation(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &keeper);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 8);
    in->claims = 4;
    rig_start(&rig);
    rig_put(in, 1);
    rig_put(in, 2);
    tell_end(&rig, in, 3, LINK_END_GENERATION);
    rig_wire(in, 3);
    rig_put(in, 3);
    rig_end_link(in, LINK_END_STREAM);
    rig_want(&rig, WANT_RUN);
    // Frame 1 is of the generation before and still held.
    const uint64_t wanted[] = {2, 1, 3, 1, ENDED};
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(note_at(i), wanted[i]);
    }
    // It is given back at the end, and the broker hears that nobody reads the old memory.
    struct wire_message *drained = rig_await(&rig, WIRE_DRAINED);
    assert_int_equal(drained->drained.link_id, in->id);
    assert_int_equal(drained->drained.generation, 1);
    rig_finish(&rig);
}

// R-DATA-013: told of a generation that cannot be read yet, because the one before is still open.
static void an_end_that_is_told_early_is_kept(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &keeper);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 8);
    in->claims = 4;
    rig_start(&rig);
    rig_put(in, 1);
    struct rig_generation *first = rig_now(in);
    rig_wire(in, 0);
    rig_put(in, 2);
    tell_end(&rig, in, 3, LINK_END_LOST);
    rig_want(&rig, WANT_RUN);
    rig_await_phase(&rig, WORKER_IDLE);
    assert_int_equal(atomic_load(&rig_board->note_count), 0);
    ring_writer_end(&first->writer, LINK_END_GENERATION);
    assert_int_equal(note_at(0), 2);
    assert_int_equal(note_at(1), 1);
    assert_int_equal(note_at(2), ENDED);
    assert_int_equal(rig_exit_status(&rig), 0);
    // Not a frame further: that one would be missing, and counted.
    const struct consume_page *page = rig_now(in)->consume.bytes;
    assert_int_equal(atomic_load(&page->clamped), 0);
    assert_int_equal(atomic_load(&page->next), 3);
    rig_end(&rig);
}

enum { HOARD = 8 };

static const struct sb_port hoarding_inputs[] = {
    {.name = "in", .type = SB_PORT_DATA, .holds = HOARD}};
static struct sb_frame hoard[HOARD];
static uint32_t hoarded;

// Keeps frames of as many lives of its producer, and gives them back newest first.
static int keep_all(struct sb_node *node, const struct sb_frame *frame)
{
    (void)node;
    int failed = sb_frame_hold(frame, &hoard[hoarded++]);
    while (failed == 0 && frame->number == HOARD && hoarded > 0) {
        const struct sb_frame *kept_one = &hoard[--hoarded];
        rig_note(*(const uint64_t *)kept_one->data);
        failed = sb_frame_release(kept_one);
    }
    return failed;
}

static const struct sb_processor hoarder = {
    .struct_size = sizeof hoarder,
    .name = "unit",
    .version = "1",
    .inputs = hoarding_inputs,
    .input_count = 1,
    .on_frame = keep_all,
};

// R-DATA-030: each of its frames is of another life of its producer, and none is given back.
static void frames_of_any_number_of_generations_are_held_at_once(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &hoarder);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 8);
    in->claims = HOARD + 1;
    rig_start(&rig);
    for (uint64_t number = 1; number < HOARD; number++) {
        rig_put(in, number);
        tell_end(&rig, in, number + 1, LINK_END_GENERATION);
        rig_wire(in, number + 1);
    }
    rig_want(&rig, WANT_RUN);
    rig_await_phase(&rig, WORKER_IDLE);
    assert_int_equal(atomic_load(&rig_board->note_count), 0);
    rig_put(in, HOARD);
    rig_end_link(in, LINK_END_STREAM);
    for (uint32_t i = 0; i < HOARD; i++) {
        assert_int_equal(note_at(i), HOARD - i);
    }
    // The newest one is still written; the others go as soon as nothing of them is held.
    for (uint32_t number = HOARD - 1; number > 0; number--) {
        assert_int_equal(rig_await(&rig, WIRE_DRAINED)->drained.generation, number);
    }
    rig_finish(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_held_stays_readable_when_its_link_is_gone),
        cmocka_unit_test(a_link_that_is_taken_away_as_ended_counts_as_ended),
        cmocka_unit_test(the_brokers_word_ends_a_link_behind_its_last_frame),
        cmocka_unit_test(the_brokers_word_wakes_a_reader_that_sleeps),
        cmocka_unit_test(a_replaced_producer_goes_on_in_the_next_generation),
        cmocka_unit_test(an_end_that_is_told_early_is_kept),
        cmocka_unit_test(frames_of_any_number_of_generations_are_held_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
