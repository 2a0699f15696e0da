// SPDX-License-Identifier: Apache-2.0
// Claims, publishes, plugs, and misuse.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker_rig.h"

static const struct sb_port ports[] = {
    {.name = "out", .type = SB_PORT_DATA, .claims = 2},
    {.name = "other", .type = SB_PORT_DATA, .claims = 2},
    {.name = "clip", .type = SB_PORT_VIDEO},
};

#define SOURCE(function)                                                                           \
    {                                                                                              \
        .struct_size = sizeof(struct sb_processor), .name = "unit", .version = "1",                \
        .outputs = ports, .output_count = 3, .mode = SB_MODE_MANUAL, .run = (function)             \
    }

static int misuse(struct sb_node *node)
{
    struct sb_output *out = sb_node_output(node, "out");
    struct sb_output *other = sb_node_output(node, "other");
    struct sb_buffer never = {.output = out, .claim = 1};
    rig_note_result(sb_output_publish(out, &never));
    rig_note_result(sb_output_abandon(out, &never));
    struct sb_buffer one;
    struct sb_buffer two;
    struct sb_buffer three;
    rig_note_result(sb_output_claim(out, 8, &one));
    rig_note_result(sb_output_claim(out, 8, &two));
    rig_note_result(sb_output_claim(out, 8, &three));
    // Claim 1 of another output has the same number.
    rig_note_result(sb_output_claim(other, 8, &three));
    rig_note_result(sb_output_publish(out, &three));
    rig_note_result(sb_output_abandon(other, &one));
    one.number = 1;
    rig_note_result(sb_output_publish(out, &one));
    rig_note_result(sb_output_publish(out, &one));
    rig_note_result(sb_output_abandon(out, &one));
    rig_note_result(sb_output_abandon(out, &two));
    rig_note_result(sb_output_publish(out, &two));
    rig_note_result(sb_output_end(out));
    rig_note_result(sb_output_claim(out, 8, &one));
    rig_note_result(sb_output_end(out));
    return 0;
}

static const struct sb_processor misuser = SOURCE(misuse);

// R-WORKER-018, R-WORKER-022
static void misuse_of_a_buffer_is_an_error_and_changes_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &misuser);
    struct rig_link *out = rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 4);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    const int wanted[] = {-EINVAL, -EINVAL, 0,       0, -EBUSY,  0, -EINVAL, -EINVAL,
                          0,       -EINVAL, -EINVAL, 0, -EINVAL, 0, -EPIPE,  0};
    for (uint32_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        rig_expect_result(i, wanted[i]);
    }
    rig_expect_frame(out, 1);
    rig_expect_end(out);
    rig_finish(&rig);
}

static int publish_sizes(struct sb_node *node)
{
    struct sb_output *out = sb_node_output(node, "out");
    struct sb_buffer buffer;
    rig_note_result(sb_output_claim(out, RIG_PAYLOAD_BYTES + 1, &buffer));
    rig_note_result(sb_output_claim(out, RIG_PAYLOAD_BYTES, &buffer));
    buffer.size_bytes = RIG_PAYLOAD_BYTES + 7;
    rig_note_result(sb_output_publish(out, &buffer));
    buffer.capacity_bytes = 1 << 20;
    rig_note_result(sb_output_publish(out, &buffer));
    buffer.size_bytes = RIG_PAYLOAD_BYTES;
    buffer.number = 5;
    rig_note_result(sb_output_publish(out, &buffer));
    return 0;
}

static const struct sb_processor sizer = SOURCE(publish_sizes);

// R-DATA-011, R-DATA-018
static void a_frame_that_is_too_large_is_named_counted_and_passed_by(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &sizer);
    struct rig_link *out = rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 4);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    const int wanted[] = {-EMSGSIZE, 0, -EMSGSIZE, -EMSGSIZE, 0};
    for (uint32_t i = 0; i < 5; i++) {
        rig_expect_result(i, wanted[i]);
    }
    rig_expect_frame(out, 5);
    rig_expect_end(out);
    assert_int_equal(rig_exit_status(&rig), 0);
    assert_int_equal(atomic_load(&rig.status->refused_out), 3);
    assert_int_equal(atomic_load(&rig.status->frames_out), 1);
    assert_true(rig_has_logged(&rig, "a frame of 129 bytes does not fit into a slot of 128 bytes"));
    assert_true(rig_has_logged(&rig, "a frame of 135 bytes does not fit into a slot of 128 bytes"));
    rig_end(&rig);
}

static int publish_wrong_video(struct sb_node *node)
{
    struct sb_output *out = sb_node_output(node, "clip");
    struct sb_buffer buffer;
    rig_note_result(sb_output_claim(out, 63, &buffer));
    rig_note_result(sb_output_publish(out, &buffer));
    buffer.size_bytes = 64;
    rig_note_result(sb_output_publish(out, &buffer));
    return 0;
}

static int offer_video(struct sb_node *node)
{
    struct sb_format format = {.kind = SB_FORMAT_VIDEO,
                               .video = {.pixel = SB_PIXEL_RGBA, .width = 4, .height = 4}};
    return sb_output_offer(sb_node_output(node, "clip"), &format, 1, 0);
}

static const struct sb_processor camera = {
    .struct_size = sizeof(struct sb_processor),
    .name = "unit",
    .version = "1",
    .outputs = ports,
    .output_count = 3,
    .mode = SB_MODE_MANUAL,
    .open = offer_video,
    .run = publish_wrong_video,
};

// R-PROC-017
static void a_frame_whose_size_is_not_the_formats_is_refused_with_both_numbers(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &camera);
    struct rig_link *out = rig_add_output(&rig, "clip", SB_DELIVERY_LOSSLESS, 4);
    out->format = (struct sb_format){.kind = SB_FORMAT_VIDEO,
                                     .video = {.pixel = SB_PIXEL_RGBA, .width = 4, .height = 4}};
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    rig_expect_result(0, 0);
    rig_expect_result(1, -EPROTO);
    rig_expect_result(2, 0);
    rig_expect_frame(out, 0);
    assert_int_equal(rig_exit_status(&rig), 0);
    assert_true(rig_has_logged(&rig, "a frame has 63 bytes, its format demands 64"));
    rig_end(&rig);
}

static int publish_unlinked(struct sb_node *node)
{
    struct sb_output *out = sb_node_output(node, "out");
    struct sb_buffer small;
    struct sb_buffer large;
    rig_note_result(sb_output_claim(out, 16, &small));
    memset(small.data, 1, 16);
    // A second one that is larger leaves the first where it is.
    rig_note_result(sb_output_claim(out, 5 << 20, &large));
    memset(large.data, 2, 5 << 20);
    memset(small.data, 3, small.capacity_bytes);
    rig_note_result(sb_output_publish(out, &large));
    rig_note_result(sb_output_publish(out, &small));
    rig_note_result(sb_output_is_linked(out));
    return 0;
}

static const struct sb_processor unplugged = SOURCE(publish_unlinked);

// R-NEG-015, R-DATA-008
static void an_unlinked_output_drops_silently_and_counts(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &unplugged);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    for (uint32_t i = 0; i < 5; i++) {
        rig_expect_result(i, 0);
    }
    assert_int_equal(rig_exit_status(&rig), 0);
    assert_int_equal(atomic_load(&rig.status->unlinked_out), 2);
    assert_int_equal(lseek(rig.log, 0, SEEK_END), 0);
    rig_end(&rig);
}

static int claim_in_open(struct sb_node *node)
{
    struct sb_buffer buffer;
    rig_note_result(sb_output_claim(sb_node_output(node, "out"), 8, &buffer));
    return 0;
}

static const struct sb_processor eager = {
    .struct_size = sizeof(struct sb_processor),
    .name = "unit",
    .version = "1",
    .outputs = ports,
    .output_count = 3,
    .mode = SB_MODE_MANUAL,
    .open = claim_in_open,
    .run = publish_sizes,
};

static void a_claim_before_the_links_are_there_does_not_hang(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &eager);
    rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 4);
    rig_start(&rig);
    rig_expect_result(0, -EAGAIN);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misuse_of_a_buffer_is_an_error_and_changes_nothing),
        cmocka_unit_test(a_frame_that_is_too_large_is_named_counted_and_passed_by),
        cmocka_unit_test(a_frame_whose_size_is_not_the_formats_is_refused_with_both_numbers),
        cmocka_unit_test(an_unlinked_output_drops_silently_and_counts),
        cmocka_unit_test(a_claim_before_the_links_are_there_does_not_hang),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
