// SPDX-License-Identifier: Apache-2.0
// Offers: what is refused, what the broker hears, and a change of format while frames run.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker_rig.h"

static const struct sb_port inputs[] = {{.name = "in", .type = SB_PORT_DATA}};
static const struct sb_port outputs[] = {
    {.name = "out", .type = SB_PORT_DATA},
    {.name = "text", .type = SB_PORT_TEXT, .max_payload = 32},
    {.name = "video", .type = SB_PORT_VIDEO},
    {.name = "same", .type = SB_PORT_ANY, .follows = "in"},
};

static struct sb_format binary(const char *name)
{
    struct sb_format format = {.kind = SB_FORMAT_BINARY};
    strncpy(format.name, name, sizeof format.name - 1);
    return format;
}

static int offer_wrongly(struct sb_node *node)
{
    struct sb_output *out = sb_node_output(node, "out");
    struct sb_output *video = sb_node_output(node, "video");
    struct sb_format many[17];
    for (int i = 0; i < 17; i++) {
        many[i] = binary("image/png");
    }
    struct sb_format text = {.kind = SB_FORMAT_TEXT};
    struct sb_format flat = {.kind = SB_FORMAT_VIDEO, .video = {.pixel = SB_PIXEL_RGB, .width = 4}};
    rig_note_result(sb_output_offer(out, many, 17, 0));
    rig_note_result(sb_output_offer(out, many, 0, 0));
    rig_note_result(sb_output_offer(out, many, 1, (UINT64_C(1) << 32) + 1));
    rig_note_result(sb_output_offer(out, &text, 1, 0));
    rig_note_result(sb_output_offer(video, &flat, 1, 0));
    rig_note_result(sb_output_offer(video, many, 1, 0));
    rig_note_result(sb_output_format(video) != NULL);
    rig_note_result(sb_output_offer(out, many, 2, 100));
    return 0;
}

static int pass_frame(struct sb_node *node, const struct sb_frame *frame)
{
    return sb_output_copy(sb_node_output(node, "same"), frame);
}

#define NODE                                                                                       \
    .struct_size = sizeof(struct sb_processor), .name = "unit", .version = "1", .inputs = inputs,  \
    .input_count = 1, .outputs = outputs, .output_count = 4

static const struct sb_processor bungler = {NODE, .open = offer_wrongly, .on_frame = pass_frame};

// R-NEG-003, R-NEG-006: the broker hears of the good offer and of what needs none.
static void a_wrong_offer_is_refused_and_the_broker_hears_only_good_ones(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &bungler);
    rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 4);
    rig_add_output(&rig, "text", SB_DELIVERY_LOSSLESS, 4);
    rig_add_output(&rig, "video", SB_DELIVERY_LOSSLESS, 4);
    rig_fork(&rig);
    rig_open(&rig);
    const int64_t wanted[] = {-E2BIG, -EINVAL, -EINVAL, -EINVAL, -EINVAL, -EINVAL, 0, 0};
    for (uint32_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        assert_int_equal(rig_note_at(i), wanted[i]);
    }
    // Two messages: out as offered, text by itself; video said nothing.
    assert_int_equal(rig.formats_count, 2);
    assert_string_equal(rig.formats.output, "text");
    assert_int_equal(rig.formats.format_count, 1);
    assert_int_equal(rig.formats.formats[0].kind, SB_FORMAT_TEXT);
    assert_int_equal(rig.formats.frame_bytes_max, 32);
    rig_end(&rig);
}

static const struct sb_processor follower = {NODE, .on_frame = pass_frame};

// R-NEG-009
static void an_output_that_follows_offers_what_its_input_has(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &follower);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 4);
    struct rig_link *same = rig_add_output(&rig, "same", SB_DELIVERY_LOSSLESS, 4);
    in->format = binary("image/png");
    same->format = binary("image/png");
    rig_start(&rig);
    assert_int_equal(rig.formats_count, 1);
    assert_string_equal(rig.formats.output, "same");
    assert_string_equal(rig.formats.formats[0].name, "image/png");
    assert_int_equal(rig.formats.frame_bytes_max, RIG_PAYLOAD_BYTES);
    rig_end(&rig);
}

static int publish(struct sb_output *out, uint64_t number)
{
    struct sb_buffer buffer;
    int failed = sb_output_claim(out, 8, &buffer);
    if (failed != 0) {
        return failed;
    }
    buffer.number = number;
    return sb_output_publish(out, &buffer);
}

static int offer_named(struct sb_output *out, const char *name)
{
    struct sb_format format = binary(name);
    return sb_output_offer(out, &format, 1, 0);
}

static int change_format(struct sb_node *node)
{
    struct sb_output *out = sb_node_output(node, "out");
    rig_note_result(publish(out, 1));
    rig_note_result(publish(out, 2));
    struct sb_buffer old;
    rig_note_result(sb_output_claim(out, 8, &old));
    rig_note_result(offer_named(out, "image/png"));
    // The buffer of the old format goes first.
    old.number = 3;
    rig_note_result(sb_output_publish(out, &old));
    rig_note_result(publish(out, 4));
    rig_note_result(strcmp(sb_output_format(out)->name, "image/png"));
    // The same again is no change.
    rig_note_result(offer_named(out, "image/png"));
    rig_note_result(publish(out, 5));
    // The broker's messages are still on their way.
    rig_wait_gate(0);
    return 0;
}

static const struct sb_processor changer = {NODE, .mode = SB_MODE_MANUAL, .run = change_format};

// R-NEG-010, R-DATA-009, R-DATA-030
static void a_new_format_comes_behind_everything_in_the_old_one(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &changer);
    struct rig_link *out = rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 8);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    const struct wire_formats *formats = &rig_await(&rig, WIRE_FORMATS)->formats;
    assert_string_equal(formats->output, "out");
    assert_string_equal(formats->formats[0].name, "image/png");
    // Until the memory of the new one is here the claim waits.
    assert_int_equal(rig_note_at(4), 0);
    assert_int_equal(atomic_load(&rig_board->note_count), 5);
    out->format = binary("image/png");
    rig_wire(out, 0);
    struct rig_generation *old = &out->generations[0];
    const uint64_t numbers[] = {1, 2, 3};
    for (uint32_t i = 0; i < 3; i++) {
        struct ring_lease lease;
        assert_int_equal(ring_reader_take(&old->reader, &lease), RING_TAKEN);
        assert_int_equal(ring_reader_header(&old->reader, &lease).number, numbers[i]);
        assert_int_equal(ring_reader_release(&old->reader, lease.seq), 0);
    }
    // The old generation ends with frame 3: seqs go on in the new one without a gap.
    assert_int_equal(rig_note_at(5), 0);
    assert_true(ring_reader_is_at_end(&old->reader));
    assert_int_equal(old->reader.end, 4);
    assert_int_equal(old->reader.end_kind, LINK_END_GENERATION);
    rig_expect_frame(out, 4);
    rig_expect_frame(out, 5);
    rig_open_gate(0);
    rig_expect_end(out);
    for (uint32_t i = 0; i < 9; i++) {
        assert_int_equal(rig_note_at(i), 0);
    }
    // The first offer needed no call; the second one was told once.
    assert_int_equal(rig.formats_count, 2);
    rig_finish(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_offer_is_refused_and_the_broker_hears_only_good_ones),
        cmocka_unit_test(an_output_that_follows_offers_what_its_input_has),
        cmocka_unit_test(a_new_format_comes_behind_everything_in_the_old_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
