// SPDX-License-Identifier: Apache-2.0
// The decoder: what was encoded comes out again, and nothing else comes through. R-WORKER-008
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

static const struct sample_type *type_of(enum wire_type type)
{
    size_t i = 0;
    while (sample_types[i].type != type) {
        i++;
    }
    return &sample_types[i];
}

static int decode(size_t size_bytes, enum wire_type type)
{
    const struct sample_type *entry = type_of(type);
    return wire_worker_decode(bytes, size_bytes, entry->fd_count, entry->direction, entry->first,
                              &got, reason, sizeof reason);
}

// Encodes `sent`, decodes it into `got`.
static int pass(void)
{
    int size_bytes = wire_worker_encode(&sent, bytes, sizeof bytes);
    assert_true(size_bytes >= WIRE_HEADER_BYTES);
    return decode((size_t)size_bytes, sent.type);
}

#define SAME(field) assert_int_equal(sent.field, got.field)
#define SAME_TEXT(field) assert_string_equal(sent.field, got.field)

static void assert_same_format(const struct sb_format *a, const struct sb_format *b)
{
    assert_true(sb_format_is_equal(a, b));
    assert_int_equal(a->video.fps_numerator, b->video.fps_numerator);
    assert_int_equal(a->video.fps_denominator, b->video.fps_denominator);
    assert_string_equal(a->name, b->name);
}

static void assert_same_params(const struct wire_param *a, const struct wire_param *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(a[i].name, b[i].name);
        assert_string_equal(a[i].value, b[i].value);
    }
}

static void assert_same_setup(void)
{
    SAME_TEXT(setup.node_id);
    SAME(setup.generation);
    SAME(setup.mode);
    SAME(setup.interval_ns);
    SAME(setup.activation);
    SAME(setup.batch_count);
    SAME(setup.batch_within_ns);
    SAME(setup.every_ns);
    SAME(setup.spin_ns);
    SAME(setup.is_spin_auto);
    SAME(setup.is_clock_precise);
    SAME(setup.first_step);
    SAME(setup.first_tick);
    SAME(setup.param_count);
    SAME(setup.link_count);
    assert_same_params(sent.setup.params, got.setup.params, sent.setup.param_count);
    for (size_t i = 0; i < sent.setup.link_count; i++) {
        SAME(setup.links[i].link_id);
        SAME_TEXT(setup.links[i].port);
        SAME_TEXT(setup.links[i].peer);
        SAME(setup.links[i].is_output);
        SAME(setup.links[i].delivery);
        SAME(setup.links[i].last_step);
    }
}

static void assert_same_memory(void)
{
    SAME(memory.serial);
    SAME(memory.kind);
    SAME(memory.size_bytes);
    SAME_TEXT(memory.output);
    SAME(memory.link_id);
    SAME(memory.generation);
    SAME(memory.slot_count);
    SAME(memory.payload_bytes);
    SAME(memory.depth);
    SAME(memory.claims_max);
    SAME(memory.first_seq);
    SAME(memory.page_number);
    SAME(memory.first_number);
    SAME(memory.delivery);
    assert_same_format(&sent.memory.format, &got.memory.format);
}

static void assert_same_read_link(void)
{
    SAME(read_link.link_id);
    SAME(read_link.generation);
    SAME(read_link.pool_bytes);
    SAME(read_link.page_bytes);
    SAME(read_link.slot_count);
    SAME(read_link.payload_bytes);
    SAME(read_link.depth);
    SAME(read_link.first_seq);
    SAME(read_link.is_producer_gone);
    SAME(read_link.attempt);
    SAME(read_link.is_single);
    SAME(read_link.delivery);
    SAME(read_link.skip_count);
    assert_memory_equal(sent.read_link.skips, got.read_link.skips,
                        sent.read_link.skip_count * sizeof(uint64_t));
    assert_same_format(&sent.read_link.format, &got.read_link.format);
}

static void setup_and_hello_come_out_as_they_went_in(void **state)
{
    (void)state;
    sample_fill(&sent, WIRE_HELLO);
    assert_int_equal(pass(), 0);
    assert_int_equal(got.type, WIRE_HELLO);
    SAME(hello.protocol);
    SAME_TEXT(hello.sdk_version);
    SAME_TEXT(hello.name);
    SAME_TEXT(hello.version);
    SAME(hello.digest);
    sample_fill(&sent, WIRE_SETUP);
    assert_int_equal(pass(), 0);
    assert_same_setup();
    assert_string_equal(reason, "");
}

static void formats_come_out_as_they_went_in(void **state)
{
    (void)state;
    sample_fill(&sent, WIRE_FORMATS);
    assert_int_equal(pass(), 0);
    SAME_TEXT(formats.output);
    SAME(formats.format_count);
    SAME(formats.frame_bytes_max);
    for (size_t i = 0; i < SAMPLE_FORMAT_COUNT; i++) {
        assert_same_format(&sent.formats.formats[i], &got.formats.formats[i]);
    }
    sample_fill(&sent, WIRE_INPUT_FORMAT);
    assert_int_equal(pass(), 0);
    SAME(input_format.link_id);
    SAME(input_format.serial);
    assert_same_format(&sent.input_format.format, &got.input_format.format);
}

static void memory_of_every_kind_comes_out_as_it_went_in(void **state)
{
    (void)state;
    sample_fill(&sent, WIRE_MEMORY);
    assert_int_equal(pass(), 0);
    assert_same_memory();
    sent.memory = (struct wire_memory){.serial = 1,
                                       .kind = WIRE_MEMORY_PUBLISH,
                                       .size_bytes = 4096,
                                       .link_id = 7,
                                       .generation = 2,
                                       .depth = 16,
                                       .first_seq = 1001,
                                       .delivery = SB_DELIVERY_LATEST};
    assert_int_equal(pass(), 0);
    assert_same_memory();
    sent.memory = (struct wire_memory){.serial = 2,
                                       .kind = WIRE_MEMORY_CONSUME,
                                       .size_bytes = 4096,
                                       .link_id = 7,
                                       .generation = 2,
                                       .depth = 16,
                                       .claims_max = 4,
                                       .page_number = 3};
    assert_int_equal(pass(), 0);
    assert_same_memory();
    sent.memory = (struct wire_memory){
        .serial = 3, .kind = WIRE_MEMORY_STATUS, .size_bytes = sizeof(struct status_page)};
    assert_int_equal(pass(), 0);
    assert_same_memory();
}

static void link_messages_come_out_as_they_went_in(void **state)
{
    (void)state;
    sample_fill(&sent, WIRE_READ_LINK);
    assert_int_equal(pass(), 0);
    assert_same_read_link();
    sample_fill(&sent, WIRE_WRITE_LINK);
    assert_int_equal(pass(), 0);
    SAME(write_link.link_id);
    SAME(write_link.generation);
    SAME(write_link.page_bytes);
    SAME(write_link.page_number);
    SAME(write_link.claims_max);
    sample_fill(&sent, WIRE_LINK_END);
    assert_int_equal(pass(), 0);
    SAME(link_end.link_id);
    SAME(link_end.generation);
    SAME(link_end.end_seq);
    SAME(link_end.kind);
    sample_fill(&sent, WIRE_UNLINK);
    assert_int_equal(pass(), 0);
    SAME(unlink.link_id);
    SAME(unlink.is_ended);
    sample_fill(&sent, WIRE_LINK);
    assert_int_equal(pass(), 0);
    SAME(link.link_id);
    SAME_TEXT(link.port);
    SAME_TEXT(link.peer);
    SAME(link.is_output);
    SAME(link.delivery);
    SAME(link.last_step);
    SAME(link.generation);
    sample_fill(&sent, WIRE_LEAVE);
    assert_int_equal(pass(), 0);
    SAME(leave.link_id);
    sample_fill(&sent, WIRE_LEAVING);
    assert_int_equal(pass(), 0);
    SAME(leaving.link_id);
    sample_fill(&sent, WIRE_LEFT);
    assert_int_equal(pass(), 0);
    SAME(left.link_id);
    sample_fill(&sent, WIRE_DRAINED);
    assert_int_equal(pass(), 0);
    SAME(drained.link_id);
    SAME(drained.generation);
}

static void small_messages_come_out_as_they_went_in(void **state)
{
    (void)state;
    sample_fill(&sent, WIRE_FAILED);
    assert_int_equal(pass(), 0);
    SAME(failed.code);
    SAME_TEXT(failed.text);
    sample_fill(&sent, WIRE_FORMAT_TAKEN);
    assert_int_equal(pass(), 0);
    SAME(format_taken.serial);
    sample_fill(&sent, WIRE_BELL);
    assert_int_equal(pass(), 0);
    SAME(bell.size_bytes);
    sample_fill(&sent, WIRE_MAPPED);
    assert_int_equal(pass(), 0);
    SAME(mapped.serial);
    sample_fill(&sent, WIRE_CONFIG);
    assert_int_equal(pass(), 0);
    SAME(config.serial);
    SAME(config.param_count);
    assert_same_params(sent.config.params, got.config.params, 2);
    sample_fill(&sent, WIRE_CONFIG_DONE);
    assert_int_equal(pass(), 0);
    SAME(config_done.serial);
    SAME(config_done.code);
    SAME_TEXT(config_done.text);
    sample_fill(&sent, WIRE_ENDED);
    assert_int_equal(pass(), 0);
    SAME(ended.exit_status);
}

static void the_largest_setup_fits_the_arena(void **state)
{
    (void)state;
    static struct wire_link links[WIRE_LINKS_MAX];
    static struct wire_param params[SB_PARAMS_MAX];
    static char values[SB_PARAMS_MAX][640];
    for (size_t i = 0; i < WIRE_LINKS_MAX; i++) {
        links[i] = (struct wire_link){.link_id = UINT32_MAX - (uint32_t)i,
                                      .is_output = i % 2 == 0,
                                      .delivery = SB_DELIVERY_ORDERED};
        snprintf(links[i].port, sizeof links[i].port, "port_%zu", i);
        snprintf(links[i].peer, sizeof links[i].peer, "node-%zu.port_%zu", i, i);
    }
    for (size_t i = 0; i < SB_PARAMS_MAX; i++) {
        memset(values[i], 'v', sizeof values[i] - 1);
        snprintf(params[i].name, sizeof params[i].name, "parameter_%zu", i);
        params[i].value = values[i];
    }
    sample_fill(&sent, WIRE_SETUP);
    sent.setup.links = links;
    sent.setup.link_count = WIRE_LINKS_MAX;
    sent.setup.params = params;
    sent.setup.param_count = SB_PARAMS_MAX;
    assert_true(wire_worker_encode(&sent, bytes, sizeof bytes) > LIMIT_MESSAGE_BYTES_MAX * 3 / 4);
    assert_int_equal(pass(), 0);
    assert_same_setup();
}

static void every_type_passes_only_in_its_direction_phase_and_with_its_descriptors(void **state)
{
    (void)state;
    size_t passed = 0;
    for (size_t i = 0; i < SAMPLE_TYPE_COUNT; i++) {
        const struct sample_type *type = &sample_types[i];
        sample_fill(&sent, type->type);
        size_t size_bytes = (size_t)wire_worker_encode(&sent, bytes, sizeof bytes);
        for (int phase = WIRE_CONNECTED; phase <= WIRE_RUNNING; phase++) {
            for (int way = WIRE_TO_WORKER; way <= WIRE_TO_BROKER; way++) {
                for (size_t fd_count = 0; fd_count <= 3; fd_count++) {
                    bytes[4] = (uint8_t)fd_count;
                    bool is_allowed = way == (int)type->direction && phase >= (int)type->first &&
                                      phase <= (int)type->last && fd_count == type->fd_count;
                    int result =
                        wire_worker_decode(bytes, size_bytes, fd_count, (enum wire_direction)way,
                                           (enum wire_phase)phase, &got, reason, sizeof reason);
                    assert_int_equal(result, is_allowed ? 0 : -EPROTO);
                    assert_int_equal(strlen(reason) > 0, !is_allowed);
                    passed += is_allowed;
                }
            }
        }
    }
    assert_true(passed > SAMPLE_TYPE_COUNT);
}

static void names_and_descriptor_counts_are_those_of_the_table(void **state)
{
    (void)state;
    assert_string_equal(wire_worker_type_name(WIRE_READ_LINK), "read_link");
    assert_string_equal(wire_worker_type_name(0), "?");
    assert_string_equal(wire_worker_type_name(SAMPLE_TYPE_COUNT + 1), "?");
    assert_string_equal(wire_worker_type_name(UINT32_MAX), "?");
    for (size_t i = 0; i < SAMPLE_TYPE_COUNT; i++) {
        assert_int_equal(wire_worker_fd_count(sample_types[i].type), sample_types[i].fd_count);
        assert_true(sample_types[i].fd_count <= LIMIT_MESSAGE_FDS_MAX);
        // The broker takes descriptors of one message only.
        bool is_to_broker = sample_types[i].direction == WIRE_TO_BROKER;
        bool may_have = !is_to_broker || sample_types[i].type == WIRE_DEVICE_POOL;
        assert_true(sample_types[i].fd_count == 0 || may_have);
    }
}

// A version that differs is refused with both. R-WORKER-007
static void another_protocol_version_is_refused_with_both_versions(void **state)
{
    (void)state;
    sample_fill(&sent, WIRE_HELLO);
    size_t size_bytes = (size_t)wire_worker_encode(&sent, bytes, sizeof bytes);
    bytes[0] = 9;
    assert_int_equal(decode(size_bytes, WIRE_HELLO), -EPROTO);
    assert_string_equal(reason, "protocol version 9, but this side speaks 1");
    sent.hello.protocol = 12;
    assert_int_equal(pass(), -EPROTO);
    assert_string_equal(reason, "hello: protocol version 12, but this side speaks 1");
}

static void a_truncated_message_never_passes(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLE_TYPE_COUNT; i++) {
        sample_fill(&sent, sample_types[i].type);
        size_t size_bytes = (size_t)wire_worker_encode(&sent, bytes, sizeof bytes);
        assert_int_equal(decode(size_bytes, sent.type), 0);
        for (size_t cut = 0; cut < size_bytes; cut++) {
            // What is left may be a message with fewer fields, but never the same one.
            if (decode(cut, sent.type) == 0) {
                static uint8_t again[LIMIT_MESSAGE_BYTES_MAX];
                assert_int_equal(wire_worker_encode(&got, again, sizeof again), cut);
                assert_memory_equal(again, bytes, cut);
            }
        }
    }
}

// Puts a header of this type and `body` behind it into `bytes` and decodes it.
static int decode_body(enum wire_type type, const void *body, size_t body_bytes)
{
    const struct wire_header header = {.version = WIRE_PROTOCOL_VERSION,
                                       .type = (uint16_t)type,
                                       .fd_count = (uint16_t)type_of(type)->fd_count};
    assert_true(body_bytes + WIRE_HEADER_BYTES <= sizeof bytes);
    wire_put_header(&header, bytes);
    memcpy(bytes + WIRE_HEADER_BYTES, body, body_bytes);
    return decode(body_bytes + WIRE_HEADER_BYTES, type);
}

static void each_value_has_one_encoding(void **state)
{
    (void)state;
    assert_int_equal(decode_body(WIRE_MAPPED, "\x08\x09", 2), 0);
    assert_int_equal(got.mapped.serial, 9);
    // A padded number, a field twice, a default written out, and a number above 32 bits.
    assert_int_equal(decode_body(WIRE_MAPPED, "\x08\x89\x80\x00", 4), -EPROTO);
    assert_int_equal(decode_body(WIRE_MAPPED, "\x08\x09\x08\x09", 4), -EPROTO);
    assert_int_equal(decode_body(WIRE_MAPPED, "\x08\x00", 2), -EPROTO);
    assert_int_equal(decode_body(WIRE_MAPPED, "\x08\x89\x80\x80\x80\x80\x80\x01", 8), -EPROTO);
}

static void unknown_fields_are_refused_at_every_level(void **state)
{
    (void)state;
    assert_int_equal(decode_body(WIRE_READY, "", 0), 0);
    assert_int_equal(decode_body(WIRE_READY, "\x08\x01", 2), -EPROTO);
    assert_string_equal(reason, "ready: it has unknown fields");
    // FORMATS { output "o", formats { kind 3, field 15 } }: the unknown field is inside.
    assert_int_equal(decode_body(WIRE_FORMATS, "\x0a\x01o\x12\x02\x08\x03", 7), 0);
    assert_int_equal(decode_body(WIRE_FORMATS, "\x0a\x01o\x12\x04\x08\x03\x78\x01", 9), -EPROTO);
    assert_string_equal(reason, "formats: it has unknown fields");
    // FORMATS { output "o", formats { kind 1, video { field 9 } } }
    assert_int_equal(decode_body(WIRE_FORMATS, "\x0a\x01o\x12\x06\x08\x01\x12\x02\x48\x01", 11),
                     -EPROTO);
    assert_string_equal(reason, "formats: it has unknown fields");
}

static void empty_sub_messages_cannot_make_the_decoder_allocate_more_than_its_arena(void **state)
{
    (void)state;
    // SETUP with 32 000 empty links: 64 KB on the wire, megabytes in memory for a naive decoder.
    static uint8_t body[64000];
    for (size_t i = 0; i < sizeof body; i += 2) {
        body[i] = 0x72;
        body[i + 1] = 0;
    }
    assert_int_equal(decode_body(WIRE_SETUP, body, sizeof body), -EPROTO);
    assert_true(got.arena_used <= sizeof got.arena);
    // READ_LINK with 32 000 skips, packed: 8 bytes each in memory.
    memset(body, 1, sizeof body);
    memcpy(body, "\x5a\xfc\xf3\x03", 4);
    assert_int_equal(decode_body(WIRE_READ_LINK, body, sizeof body), -EPROTO);
    assert_true(got.arena_used <= sizeof got.arena);
}

static void groups_and_nesting_are_refused_whatever_their_depth(void **state)
{
    (void)state;
    static uint8_t body[60000];
    memset(body, 0x0b, sizeof body);  // start of group 1, and again
    assert_int_equal(decode_body(WIRE_SETUP, body, sizeof body), -EPROTO);
    memset(body, 0x12, sizeof body);  // field 2 of 18 bytes, which begin with field 2 of 18 bytes
    assert_int_equal(decode_body(WIRE_FORMATS, body, sizeof body), -EPROTO);
}

static void garbage_never_passes_as_a_message_with_names(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252ULL;
    for (int round = 0; round < 20000; round++) {
        uint8_t body[96];
        for (size_t i = 0; i < sizeof body; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            body[i] = (uint8_t)random;
        }
        assert_int_equal(decode_body(WIRE_SETUP, body, 1 + random % sizeof body), -EPROTO);
        assert_true(strlen(reason) > strlen("setup: "));
    }
}

static void a_bad_header_is_refused(void **state)
{
    (void)state;
    sample_fill(&sent, WIRE_MAPPED);
    size_t size_bytes = (size_t)wire_worker_encode(&sent, bytes, sizeof bytes);
    bytes[6] = 1;  // reserved
    assert_int_equal(decode(size_bytes, WIRE_MAPPED), -EPROTO);
    bytes[6] = 0;
    bytes[2] = 99;
    assert_int_equal(decode(size_bytes, WIRE_MAPPED), -EPROTO);
    assert_string_equal(reason, "message type 99 is unknown");
    bytes[2] = 0;
    assert_int_equal(decode(size_bytes, WIRE_MAPPED), -EPROTO);
    assert_string_equal(reason, "message type 0 is unknown");
    for (size_t cut = 0; cut < WIRE_HEADER_BYTES; cut++) {
        assert_int_equal(decode(cut, WIRE_MAPPED), -EPROTO);
    }
}

static void a_reason_is_cut_to_the_buffer_that_it_is_given(void **state)
{
    (void)state;
    char small[8];
    assert_int_equal(wire_worker_decode((const uint8_t *)"\x01\0\x0a\0\0\0\0\0\x08\0", 10, 0,
                                        WIRE_TO_BROKER, WIRE_OPENING, &got, small, sizeof small),
                     -EPROTO);
    assert_string_equal(small, "mapped:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setup_and_hello_come_out_as_they_went_in),
        cmocka_unit_test(formats_come_out_as_they_went_in),
        cmocka_unit_test(memory_of_every_kind_comes_out_as_it_went_in),
        cmocka_unit_test(link_messages_come_out_as_they_went_in),
        cmocka_unit_test(small_messages_come_out_as_they_went_in),
        cmocka_unit_test(the_largest_setup_fits_the_arena),
        cmocka_unit_test(every_type_passes_only_in_its_direction_phase_and_with_its_descriptors),
        cmocka_unit_test(names_and_descriptor_counts_are_those_of_the_table),
        cmocka_unit_test(another_protocol_version_is_refused_with_both_versions),
        cmocka_unit_test(a_truncated_message_never_passes),
        cmocka_unit_test(each_value_has_one_encoding),
        cmocka_unit_test(unknown_fields_are_refused_at_every_level),
        cmocka_unit_test(empty_sub_messages_cannot_make_the_decoder_allocate_more_than_its_arena),
        cmocka_unit_test(groups_and_nesting_are_refused_whatever_their_depth),
        cmocka_unit_test(garbage_never_passes_as_a_message_with_names),
        cmocka_unit_test(a_bad_header_is_refused),
        cmocka_unit_test(a_reason_is_cut_to_the_buffer_that_it_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
