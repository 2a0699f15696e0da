// SPDX-License-Identifier: Apache-2.0
// Links that come and go while a node runs: nothing ends, nothing is lost, places are used again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "worker_rig.h"

#define END 1000

static const struct sb_port inputs[] = {{.name = "in", .type = SB_PORT_DATA}};
static const struct sb_port outputs[] = {{.name = "out", .type = SB_PORT_DATA}};

static int on_frame(struct sb_node *node, const struct sb_frame *frame)
{
    uint64_t number;
    memcpy(&number, frame->data, sizeof number);
    int failed = sb_output_copy(sb_node_output(node, "out"), frame);
    rig_note(number);
    return failed;
}

static int on_end(struct sb_node *node, struct sb_input *input)
{
    (void)node;
    (void)input;
    rig_note(END);
    return 0;
}

static const struct sb_processor pass = {
    .struct_size = sizeof pass,
    .name = "unit",
    .version = "1",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 1,
    .on_frame = on_frame,
    .on_end = on_end,
};

static void announce(struct rig *rig, const struct rig_link *link)
{
    struct wire_link *wire = &rig_begin(rig, WIRE_LINK)->link;
    wire->link_id = link->id;
    wire->is_output = link->is_output;
    wire->delivery = link->delivery;
    text_copy(wire->port, sizeof wire->port, link->port);
    text_copy(wire->peer, sizeof wire->peer, "peer.port");
    rig_send(rig, NULL, 0);
}

static void leave(struct rig *rig, const struct rig_link *link)
{
    rig_begin(rig, WIRE_LEAVE)->leave.link_id = link->id;
    rig_send(rig, NULL, 0);
}

static void unlink_it(struct rig *rig, const struct rig_link *link)
{
    rig_begin(rig, WIRE_UNLINK)->unlink.link_id = link->id;
    rig_send(rig, NULL, 0);
}

// R-NEG-014
static void the_last_link_of_an_input_goes_and_another_comes_ten_times(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &pass);
    struct rig_link *link = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 4);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    for (uint32_t round = 0; round < 10; round++) {
        assert_true(rig_put(link, 2 * round + 1));
        leave(&rig, link);
        assert_int_equal(rig_await(&rig, WIRE_LEAVING)->leaving.link_id, link->id);
        // What was accepted before its end is delivered.
        assert_true(rig_put(link, 2 * round + 2));
        rig_end_link(link, LINK_END_STREAM);
        assert_int_equal(rig_await(&rig, WIRE_LEFT)->left.link_id, link->id);
        unlink_it(&rig, link);
        // The test's own table is small: the same place with a new number.
        link->id = 100 + round;
        rig_free_link(link);
        link->generation = 0;
        announce(&rig, link);
        rig_wire(link, 1);
    }
    assert_int_equal(atomic_load(&rig_board->note_count), 20);
    assert_true(rig_put(link, 21));
    rig_end_link(link, LINK_END_STREAM);
    rig_await_notes(22);
    for (uint32_t i = 0; i < 21; i++) {
        assert_int_equal(atomic_load(&rig_board->notes[i]), i + 1);
    }
    // Only the end of a stream ends the node.
    assert_int_equal(atomic_load(&rig_board->notes[21]), END);
    rig_finish(&rig);
}

// R-NEG-014: the place of a link that went is empty when the node ends.
static void a_node_whose_last_input_link_went_ends_as_it_should(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &pass);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 4);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    assert_true(rig_put(in, 1));
    leave(&rig, in);
    rig_await(&rig, WIRE_LEAVING);
    rig_end_link(in, LINK_END_STREAM);
    rig_await(&rig, WIRE_LEFT);
    unlink_it(&rig, in);
    // What is answered shows that everything before it was heard.
    announce(&rig, rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 4));
    rig_await(&rig, WIRE_FORMATS);
    rig_want(&rig, WANT_STOP);
    rig_finish(&rig);
}

static void an_output_gets_its_first_link_while_it_runs_and_loses_it(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &pass);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 4);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    assert_true(rig_put(in, 1));
    rig_await_notes(1);
    struct rig_link *out = rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 4);
    announce(&rig, out);
    // Nobody had heard its offers: it had no link.
    rig_await(&rig, WIRE_FORMATS);
    rig_wire(out, 1);
    assert_true(rig_put(in, 2));
    assert_true(rig_put(in, 3));
    rig_await_notes(3);
    leave(&rig, out);
    assert_true(rig_put(in, 4));
    rig_await_notes(4);
    rig_expect_frame(out, 2);
    rig_expect_frame(out, 3);
    rig_expect_end(out);
    unlink_it(&rig, out);
    rig_end_link(in, LINK_END_STREAM);
    rig_finish(&rig);
}

// Its streams go on in another worker: nothing ends, and what it did not do is not released.
static void a_worker_that_is_replaced_ends_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &pass);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 4);
    struct rig_link *out = rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 1);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    assert_true(rig_put(in, 1));
    assert_true(rig_put(in, 2));
    // The second frame waits for space that does not come.
    rig_await_phase(&rig, WORKER_NO_SPACE);
    rig_want(&rig, WANT_LEAVE);
    assert_int_equal(rig_exit_status(&rig), 0);
    const struct publish_page *page = rig_now(out)->publish.bytes;
    assert_int_equal(atomic_load(&page->end), 0);
    const struct consume_page *consume = rig_now(in)->consume.bytes;
    assert_int_equal(atomic_load(&consume->retired), 1);
    assert_int_equal(atomic_load(&consume->next), 3);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_link_of_an_input_goes_and_another_comes_ten_times),
        cmocka_unit_test(a_node_whose_last_input_link_went_ends_as_it_should),
        cmocka_unit_test(an_output_gets_its_first_link_while_it_runs_and_loses_it),
        cmocka_unit_test(a_worker_that_is_replaced_ends_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
