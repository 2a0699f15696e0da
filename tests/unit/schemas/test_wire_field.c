// SPDX-License-Identifier: Apache-2.0
// Every bound of a field of the worker protocol, one step beyond it. R-WORKER-008
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>

#include "unit/schemas/wire_samples.h"

static struct wire_message sent;
static struct wire_message got;
static uint8_t bytes[LIMIT_MESSAGE_BYTES_MAX];
static char reason[256];

static int decode(size_t size_bytes)
{
    size_t i = 0;
    while (sample_types[i].type != sent.type) {
        i++;
    }
    return wire_worker_decode(bytes, size_bytes, sample_types[i].fd_count,
                              sample_types[i].direction, sample_types[i].last, &got, reason,
                              sizeof reason);
}

static int pass(void)
{
    int size_bytes = wire_worker_encode(&sent, bytes, sizeof bytes);
    assert_true(size_bytes >= WIRE_HEADER_BYTES);
    return decode((size_t)size_bytes);
}

// The sample of a type passes; with this change it is refused, and the reason has this in it.
#define REFUSES(TYPE, change, expected)                                                            \
    do {                                                                                           \
        sample_fill(&sent, WIRE_##TYPE);                                                           \
        assert_int_equal(pass(), 0);                                                               \
        change;                                                                                    \
        assert_int_equal(pass(), -EPROTO);                                                         \
        if (strstr(reason, expected) == NULL) {                                                    \
            fail_msg("'%s' has no '%s' in it", reason, expected);                                  \
        }                                                                                          \
    } while (0)

#define PASSES(TYPE, change)                                                                       \
    do {                                                                                           \
        sample_fill(&sent, WIRE_##TYPE);                                                           \
        change;                                                                                    \
        assert_int_equal(pass(), 0);                                                               \
    } while (0)

static void set(char *field, const char *text)
{
    memcpy(field, text, strlen(text) + 1);
}

static void names_are_not_empty_valid_text_and_ids_are_ids(void **state)
{
    (void)state;
    REFUSES(HELLO, set(sent.hello.name, ""), "hello: name is empty");
    REFUSES(HELLO, set(sent.hello.name, "Blur"), "name is no id");
    REFUSES(HELLO, set(sent.hello.name, "bl\xff"), "name is no valid UTF-8");
    REFUSES(HELLO, set(sent.hello.version, "1\x1b[31m"), "version has a control character");
    REFUSES(HELLO, set(sent.hello.sdk_version, ""), "sdk_version is empty");
    REFUSES(SETUP, set(sent.setup.node_id, "a.b"), "node_id is no id");
    REFUSES(FORMATS, set(sent.formats.output, ""), "output is empty");
    REFUSES(FORMATS, set(sent.formats.output, "\xc0\x80"), "output is no valid UTF-8");
    REFUSES(FORMATS, set(sent.formats.output, "\xed\xa0\x80"), "output is no valid UTF-8");
}

// Overwrites a piece of the encoded message, which keeps its length.
static int pass_with(const char *from, const char *to, size_t count)
{
    int size_bytes = wire_worker_encode(&sent, bytes, sizeof bytes);
    uint8_t *found = memmem(bytes, (size_t)size_bytes, from, count);
    assert_non_null(found);
    memcpy(found, to, count);
    return decode((size_t)size_bytes);
}

static void a_zero_byte_in_a_text_is_refused(void **state)
{
    (void)state;
    sample_fill(&sent, WIRE_HELLO);
    assert_int_equal(pass_with("blur", "bl\0r", 4), -EPROTO);
    assert_string_equal(reason, "hello: name has a zero byte in it");
    sample_fill(&sent, WIRE_SETUP);
    assert_int_equal(pass_with("dich", "d\0ch", 4), -EPROTO);
    assert_string_equal(reason, "setup: title has a zero byte in it");
    assert_int_equal(pass_with("pattern.video", "pattern\0video", 13), -EPROTO);
    assert_string_equal(reason, "setup: peer has a zero byte in it");
    sample_fill(&sent, WIRE_FAILED);
    assert_int_equal(pass_with("camera", "came\0a", 6), -EPROTO);
    assert_string_equal(reason, "failed: text has a zero byte in it");
    sample_fill(&sent, WIRE_FORMATS);
    assert_int_equal(pass_with("image/jpeg", "image\0jpeg", 10), -EPROTO);
    assert_string_equal(reason, "formats: format name has a zero byte in it");
}

// A message of one field of bytes, this long.
static int pass_text(enum wire_type type, uint8_t field, size_t count)
{
    const struct wire_header header = {.version = WIRE_PROTOCOL_VERSION, .type = (uint16_t)type};
    size_t at = WIRE_HEADER_BYTES;
    wire_put_header(&header, bytes);
    sent.type = type;
    if (type == WIRE_FAILED) {
        bytes[at++] = 0x08;  // code -1, zigzag
        bytes[at++] = 0x01;
    }
    bytes[at++] = (uint8_t)(field << 3 | 2);
    if (count < 128) {
        bytes[at++] = (uint8_t)count;
    } else {
        bytes[at++] = (uint8_t)(count | 0x80);
        bytes[at++] = (uint8_t)(count >> 7);
    }
    memset(bytes + at, 'x', count);
    return decode(at + count);
}

static void texts_have_a_longest_length(void **state)
{
    (void)state;
    assert_int_equal(pass_text(WIRE_FAILED, 2, LIMIT_ERROR_TEXT_BYTES_MAX - 1), 0);
    assert_int_equal(strlen(got.failed.text), LIMIT_ERROR_TEXT_BYTES_MAX - 1);
    assert_int_equal(pass_text(WIRE_FAILED, 2, LIMIT_ERROR_TEXT_BYTES_MAX), -EPROTO);
    assert_string_equal(reason, "failed: text has 1024 bytes, at most 1023 are allowed");
    assert_int_equal(pass_text(WIRE_FORMATS, 1, SB_NAME_BYTES_MAX), -EPROTO);
    assert_string_equal(reason, "formats: output has 64 bytes, at most 63 are allowed");
    static char value[SB_STRING_BYTES_MAX + 1];
    memset(value, 'v', SB_STRING_BYTES_MAX - 1);
    struct wire_param params[1] = {{.name = "p", .value = value}};
    PASSES(CONFIG, (sent.config = (struct wire_config){1, 1, params}));
    value[SB_STRING_BYTES_MAX - 1] = 'v';
    assert_int_equal(pass(), -EPROTO);
    assert_string_equal(reason, "config: p has 8192 bytes, at most 8191 are allowed");
    // Text of a processor may be anything else: it is escaped where it is printed.
    PASSES(FAILED, set(sent.failed.text, "\xff\x1b\n"));
    PASSES(FAILED, set(sent.failed.text, ""));
}

static void numbers_of_setup_have_bounds(void **state)
{
    (void)state;
    REFUSES(SETUP, sent.setup.generation = 0, "generation is 0, not 1 to 4294967295");
    REFUSES(SETUP, sent.setup.mode = SB_MODE_DEFAULT, "mode is 0, not 1 to 4");
    REFUSES(SETUP, sent.setup.mode = (enum sb_mode)5, "mode is 5, not 1 to 4");
    REFUSES(SETUP, sent.setup.activation = (enum sb_activation)0, "activation is 0");
    REFUSES(SETUP, sent.setup.activation = (enum sb_activation)5, "activation is 5");
    REFUSES(SETUP, sent.setup.batch_count = 0, "batch_count is 0, not 1 to 1024");
    REFUSES(SETUP, sent.setup.batch_count = LIMIT_CLAIMS_MAX + 1, "batch_count is 1025");
    REFUSES(SETUP, sent.setup.interval_ns = -1, "interval_ns is -1 ns");
    REFUSES(SETUP, sent.setup.batch_within_ns = INT64_MIN, "batch_within_ns is");
    REFUSES(SETUP, sent.setup.spin_ns = LIMIT_DURATION_NS_MAX + 1, "spin_ns is");
    REFUSES(SETUP, sent.setup.first_step = 0, "first_step is 0");
    REFUSES(SETUP, (sent.setup.activation = SB_ACTIVATE_EVERY, sent.setup.every_ns = 0),
            "every_ns is 0 ns, not 1");
    PASSES(SETUP, (sent.setup.activation = SB_ACTIVATE_ANY, sent.setup.batch_count = 0,
                   sent.setup.every_ns = 0));
    PASSES(SETUP, (sent.setup.param_count = 0, sent.setup.link_count = 0));
}

static void links_and_parameters_of_setup_are_checked_one_by_one(void **state)
{
    (void)state;
    struct wire_link links[2];
    memcpy(links, sample_links, sizeof links);
    struct wire_param params[2];
    memcpy(params, sample_params, sizeof params);
#define LINK(field, value, expected)                                                               \
    REFUSES(SETUP,                                                                                 \
            (memcpy(links, sample_links, sizeof links), sent.setup.links = links,                  \
             links[1].field = (value)),                                                            \
            expected)
    LINK(link_id, 0, "link_id is 0");
    LINK(link_id, 7, "link 7 is given twice");
    LINK(delivery, SB_DELIVERY_DEFAULT, "delivery is 0, not 1 to 3");
    LINK(delivery, (enum sb_delivery)4, "delivery is 4");
    LINK(is_output, false, "an input link has a last step");
    LINK(port[0], '\0', "port is empty");
    LINK(peer[0], '\0', "peer is empty");
#undef LINK
    set(params[1].name, "radius");
    REFUSES(SETUP, (sent.setup.params = params, sent.setup.param_count = 2),
            "parameter 'radius' is given twice");
    set(params[1].name, "");
    REFUSES(SETUP, (sent.setup.params = params, sent.setup.param_count = 2), "parameter is empty");
    set(params[1].name, "x");
    params[1].value = "\xf0\x9f";
    REFUSES(SETUP, (sent.setup.params = params, sent.setup.param_count = 2), "x is no valid UTF-8");
}

static void a_side_has_at_most_its_number_of_links(void **state)
{
    (void)state;
    static struct wire_link links[LIMIT_LINKS_PER_SIDE_MAX + 1];
    for (uint32_t i = 0; i <= LIMIT_LINKS_PER_SIDE_MAX; i++) {
        links[i] = sample_links[0];
        links[i].link_id = i + 1;
    }
    PASSES(SETUP, (sent.setup.links = links, sent.setup.link_count = LIMIT_LINKS_PER_SIDE_MAX));
    REFUSES(SETUP, (sent.setup.links = links, sent.setup.link_count = LIMIT_LINKS_PER_SIDE_MAX + 1),
            "121 links in and 0 out, at most 120 of each");
}

static void formats_are_valid_and_have_only_the_part_of_their_kind(void **state)
{
    (void)state;
#define FORMAT(change, expected)                                                                   \
    REFUSES(INPUT_FORMAT, (sent.input_format.format = sample_formats[0], change), expected)
    FORMAT(sent.input_format.format.video.width = 0, "the format 'video rgba 0x720 30000/1001'");
    FORMAT(sent.input_format.format.video.width = SB_VIDEO_SIZE_MAX + 1, "is not valid");
    FORMAT(sent.input_format.format.video.pixel = (enum sb_pixel)99, "the format 'video ? ");
    FORMAT(sent.input_format.format.video.fps_denominator = 0, "is not valid");
    FORMAT(sent.input_format.format.kind = SB_FORMAT_NONE, "is not valid");
    FORMAT(sent.input_format.format.kind = (enum sb_format_kind)7, "is not valid");
    FORMAT(
        (sent.input_format.format = sample_formats[1], sent.input_format.format.audio.channels = 0),
        "is not valid");
    FORMAT((sent.input_format.format = sample_formats[2], sent.input_format.format.tensor.rank = 0),
           "rank is 0, not 1 to 8");
    FORMAT((sent.input_format.format = sample_formats[2],
            sent.input_format.format.tensor.shape[1] = 0),
           "is not valid");
    FORMAT((sent.input_format.format = sample_formats[5], sent.input_format.format.name[0] = '\0'),
           "is not valid");
#undef FORMAT
    REFUSES(FORMATS, sent.formats.format_count = 0, "number of formats is 0, not 1 to 16");
    REFUSES(FORMATS, sent.formats.frame_bytes_max = LIMIT_PAYLOAD_BYTES_MAX + 1,
            "frame_bytes_max is");
    // Kind text with a video part (whose length is the terminator), and kind video without:
    // INPUT_FORMAT { link 7, format {...} }.
    static const char text_with_video[] = "\x08\x07\x1a\x04\x08\x03\x12";
    static const char video_without[] = "\x08\x07\x1a\x02\x08\x01";
    sample_fill(&sent, WIRE_INPUT_FORMAT);
    wire_worker_encode(&sent, bytes, sizeof bytes);
    memcpy(bytes + WIRE_HEADER_BYTES, text_with_video, sizeof text_with_video);
    assert_int_equal(decode(WIRE_HEADER_BYTES + sizeof text_with_video), -EPROTO);
    assert_string_equal(reason, "input_format: a format of kind 3 has a part of another kind");
    memcpy(bytes + WIRE_HEADER_BYTES, video_without, sizeof video_without);
    assert_int_equal(decode(WIRE_HEADER_BYTES + sizeof video_without - 1), -EPROTO);
    assert_string_equal(reason, "input_format: a video format has no video part");
    assert_int_equal(decode(WIRE_HEADER_BYTES + 2), -EPROTO);
    assert_string_equal(reason, "input_format: the format is missing");
}

static void memory_has_the_fields_of_its_kind_and_no_other(void **state)
{
    (void)state;
    REFUSES(MEMORY, sent.memory.kind = (enum wire_memory_kind)0, "kind 0 is unknown");
    REFUSES(MEMORY, sent.memory.kind = (enum wire_memory_kind)5, "kind 5 is unknown");
    REFUSES(MEMORY, sent.memory.link_id = 1, "kind 1 has a field of another kind");
    REFUSES(MEMORY, sent.memory.depth = 1, "has a field of another kind");
    REFUSES(MEMORY, sent.memory.first_seq = 1, "has a field of another kind");
    REFUSES(MEMORY, sent.memory.delivery = SB_DELIVERY_LATEST, "has a field of another kind");
    REFUSES(MEMORY, sent.memory.claims_max = 1, "has a field of another kind");
    REFUSES(MEMORY, sent.memory.page_number = 1, "has a field of another kind");
    REFUSES(MEMORY, sent.memory.generation = 0, "generation is 0");
    REFUSES(MEMORY, sent.memory.slot_count = 0, "slot_count is 0");
    REFUSES(MEMORY, sent.memory.slot_count = LIMIT_SLOTS_MAX + 1, "slot_count is 131073");
    REFUSES(MEMORY, sent.memory.payload_bytes = LIMIT_PAYLOAD_BYTES_MAX + 1, "payload_bytes is");
    REFUSES(MEMORY, sent.memory.size_bytes = 12 * (3686400 + 64) - 1, "size_bytes is 44237567");
    PASSES(MEMORY, sent.memory.size_bytes = 12 * (3686400 + 64));
    REFUSES(MEMORY, sent.memory.size_bytes = LIMIT_SEGMENT_BYTES_MAX + 1, "size_bytes is");
    REFUSES(MEMORY, sent.memory.output[0] = '\0', "output is empty");
    const struct wire_memory status = {.kind = WIRE_MEMORY_STATUS,
                                       .size_bytes = sizeof(struct status_page)};
    PASSES(MEMORY, sent.memory = status);
    REFUSES(MEMORY, (sent.memory = status, sent.memory.size_bytes--), "size_bytes is");
    REFUSES(MEMORY, (sent.memory = status, sent.memory.generation = 1), "field of another kind");
    REFUSES(MEMORY, (sent.memory = status, sent.memory.link_id = 1), "field of another kind");
    REFUSES(MEMORY, (sent.memory = status, sent.memory.slot_count = 1), "field of another kind");
    REFUSES(MEMORY, (sent.memory = status, set(sent.memory.output, "x")), "of another kind");
}

static void pages_of_links_have_bounds(void **state)
{
    (void)state;
    const struct wire_memory publish = {.kind = WIRE_MEMORY_PUBLISH,
                                        .size_bytes = 256 + 16 * 128,
                                        .link_id = 7,
                                        .generation = 2,
                                        .depth = 16,
                                        .first_seq = 1,
                                        .delivery = SB_DELIVERY_ORDERED};
    PASSES(MEMORY, sent.memory = publish);
    REFUSES(MEMORY, (sent.memory = publish, sent.memory.size_bytes--), "size_bytes is 2303");
    REFUSES(MEMORY, (sent.memory = publish, sent.memory.depth = 0), "depth is 0");
    REFUSES(MEMORY, (sent.memory = publish, sent.memory.depth = LIMIT_DEPTH_MAX + 1), "depth is");
    REFUSES(MEMORY, (sent.memory = publish, sent.memory.link_id = 0), "link_id is 0");
    REFUSES(MEMORY, (sent.memory = publish, sent.memory.delivery = 0), "delivery is 0, not 1 to 3");
    REFUSES(MEMORY, (sent.memory = publish, sent.memory.page_number = 1), "of another kind");
    REFUSES(MEMORY, (sent.memory = publish, sent.memory.first_number = 1), "of another kind");
    const struct wire_memory consume = {.kind = WIRE_MEMORY_CONSUME,
                                        .size_bytes = 256 + 64 + 64,
                                        .link_id = 7,
                                        .generation = 2,
                                        .depth = 16,
                                        .claims_max = 4,
                                        .page_number = 1};
    PASSES(MEMORY, sent.memory = consume);
    REFUSES(MEMORY, (sent.memory = consume, sent.memory.size_bytes--), "size_bytes is 383");
    REFUSES(MEMORY, (sent.memory = consume, sent.memory.claims_max = 0), "claims_max is 0");
    REFUSES(MEMORY, (sent.memory = consume, sent.memory.claims_max = 1025), "claims_max is 1025");
    REFUSES(MEMORY, (sent.memory = consume, sent.memory.page_number = 0), "page_number is 0");
    REFUSES(MEMORY, (sent.memory = consume, sent.memory.first_seq = 1), "of another kind");
}

static void link_messages_have_bounds(void **state)
{
    (void)state;
    REFUSES(READ_LINK, sent.read_link.link_id = 0, "link_id is 0");
    REFUSES(READ_LINK, sent.read_link.generation = 0, "generation is 0");
    REFUSES(READ_LINK, sent.read_link.slot_count = 0, "slot_count is 0");
    REFUSES(READ_LINK, sent.read_link.pool_bytes = 12 * (3686400 + 64) - 1, "pool_bytes is");
    REFUSES(READ_LINK, sent.read_link.page_bytes = 256 + 16 * 32 - 1, "page_bytes is");
    REFUSES(READ_LINK, sent.read_link.depth = 0, "depth is 0");
    REFUSES(READ_LINK, sent.read_link.delivery = SB_DELIVERY_DEFAULT, "delivery is 0");
    REFUSES(READ_LINK, sent.read_link.delivery = (enum sb_delivery)4, "delivery is 4");
    REFUSES(READ_LINK, sent.read_link.skips[1] = 0, "skip is 0");
    REFUSES(READ_LINK, sent.read_link.format.kind = SB_FORMAT_NONE, "is not valid");
    PASSES(READ_LINK, sent.read_link.skip_count = 0);
    REFUSES(WRITE_LINK, sent.write_link.page_number = 0, "page_number is 0");
    REFUSES(WRITE_LINK, sent.write_link.claims_max = 0, "claims_max is 0");
    REFUSES(WRITE_LINK, sent.write_link.page_bytes = 256 + 64 + 63, "page_bytes is 383");
    REFUSES(WRITE_LINK, sent.write_link.link_id = 0, "link_id is 0");
    REFUSES(LINK_END, sent.link_end.end_seq = 0, "end_seq is 0");
    REFUSES(LINK_END, sent.link_end.kind = LINK_END_OPEN, "kind is 0, not 1 to 3");
    REFUSES(LINK_END, sent.link_end.kind = 4, "kind is 4");
    REFUSES(UNLINK, sent.unlink.link_id = 0, "link_id is 0");
    REFUSES(DRAINED, sent.drained.generation = 0, "generation is 0");
    REFUSES(INPUT_FORMAT, sent.input_format.link_id = 0, "link_id is 0");
}

static void small_numbers_have_bounds(void **state)
{
    (void)state;
    REFUSES(FAILED, sent.failed.code = 0, "code is 0, not -4095 to -1");
    REFUSES(FAILED, sent.failed.code = 5, "code is 5");
    REFUSES(FAILED, sent.failed.code = -4096, "code is -4096");
    REFUSES(CONFIG_DONE, sent.config_done.code = 1, "code is 1, not -4095 to 0");
    PASSES(CONFIG_DONE, sent.config_done.code = 0);
    REFUSES(ENDED, sent.ended.exit_status = 256, "exit_status is 256, not 0 to 255");
    REFUSES(BELL, sent.bell.size_bytes = sizeof(struct bell_page) - 1, "size_bytes is");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_not_empty_valid_text_and_ids_are_ids),
        cmocka_unit_test(a_zero_byte_in_a_text_is_refused),
        cmocka_unit_test(texts_have_a_longest_length),
        cmocka_unit_test(numbers_of_setup_have_bounds),
        cmocka_unit_test(links_and_parameters_of_setup_are_checked_one_by_one),
        cmocka_unit_test(a_side_has_at_most_its_number_of_links),
        cmocka_unit_test(formats_are_valid_and_have_only_the_part_of_their_kind),
        cmocka_unit_test(memory_has_the_fields_of_its_kind_and_no_other),
        cmocka_unit_test(pages_of_links_have_bounds),
        cmocka_unit_test(link_messages_have_bounds),
        cmocka_unit_test(small_numbers_have_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
