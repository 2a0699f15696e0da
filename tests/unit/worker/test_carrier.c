// SPDX-License-Identifier: Apache-2.0
// R-TRANS-001 R-TRANS-003: payloads between both ends of a transport, in one process.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "schemas/link_layout.h"
#include "worker/carrier.h"

enum { SLOTS = 4, CLAIMS = 2 };

static struct sb_node node;
static struct sb_output output;
static struct sb_input input;
static struct output_link out_link;
static struct output_link *out_links[] = {&out_link};
static struct input_link in_link;
static struct input_generation read_now;
static struct output_generation written;
static struct ring_writer writers[1];
static struct publish_page publish;
static struct consume_page *consume;

static int set_up(void **state)
{
    (void)state;
    static unsigned number;
    consume = calloc(1, layout_consume_page_bytes(SLOTS, CLAIMS));
    consume->claims_max = CLAIMS;
    node = (struct sb_node){.id = "a", .input_links = &in_link, .input_link_count = 1};
    snprintf(node.transport_path, sizeof node.transport_path, "%.3000s/tests/system/transports",
             getenv("SB_BUILD_DIR"));
    output = (struct sb_output){.node = &node,
                                .name = "out",
                                .link_count = 1,
                                .live_count = 1,
                                .links = out_links,
                                .claim_max = 1,
                                .now = &written};
    input = (struct sb_input){.node = &node, .name = "in"};
    out_link = (struct output_link){.output = &output, .peer = "b.in", .transport = "socket"};
    in_link = (struct input_link){
        .input = &input, .oldest = &read_now, .peer = "a.out", .transport = "socket"};
    snprintf(out_link.address, sizeof out_link.address, "test-%ld-%u", (long)getpid(), ++number);
    memcpy(in_link.address, out_link.address, sizeof in_link.address);
    writers[0] = (struct ring_writer){.page = &publish, .peer = consume};
    written =
        (struct output_generation){.number = 1, .pool = {.slot_count = SLOTS}, .writers = writers};
    read_now = (struct input_generation){.number = 1,
                                         .consume = {.bytes = consume},
                                         .link = {.slot_count = SLOTS, .carried_bytes = 100}};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    carrier_close_reader(&read_now.carrier);
    carrier_close_writer(&written.carrier);
    free(consume);
    return 0;
}

static void open_both(void)
{
    assert_int_equal(carrier_open_writer(&output, &written, 100), 0);
    assert_int_equal(carrier_open_reader(&in_link, &read_now), 0);
    assert_false(carrier_attach(&node));
}

static uint64_t send_text(uint32_t slot, const char *text)
{
    void *data;
    uint64_t ticket = 0;
    struct sb_buffer buffer = {.size_bytes = strlen(text) + 1};
    assert_int_equal(carrier_loan(&written.carrier, slot, buffer.size_bytes, &data), 0);
    memcpy(data, text, buffer.size_bytes);
    assert_int_equal(carrier_publish(&written.carrier, slot, &buffer, &written.format, &ticket), 0);
    return ticket;
}

static void nobody_is_heard_before_the_reader_is_attached(void **state)
{
    (void)state;
    assert_int_equal(carrier_open_writer(&output, &written, 100), 0);
    assert_false(carrier_is_heard(&output));
    assert_int_equal(carrier_open_reader(&in_link, &read_now), 0);
    assert_false(carrier_attach(&node));
    assert_int_equal(consume->attached, 1);
    assert_true(carrier_is_heard(&output));
}

static void payloads_arrive_by_their_tickets_and_older_ones_are_left_out(void **state)
{
    (void)state;
    open_both();
    assert_int_equal(send_text(0, "one"), 1);
    assert_int_equal(send_text(1, "two"), 2);
    assert_int_equal(send_text(2, "three"), 3);
    struct carrier_reader *reader = &read_now.carrier;
    struct sb_frame frame = {.size_bytes = 4};
    assert_int_equal(carrier_take(reader, 1, 1, &frame), 0);
    assert_string_equal(frame.data, "one");
    frame.size_bytes = 6;
    assert_int_equal(carrier_take(reader, 2, 3, &frame), 0);
    assert_string_equal(frame.data, "three");
    carrier_release(reader, 1);
    carrier_release(reader, 2);
}

static void what_was_sent_before_a_reader_came_is_missing(void **state)
{
    (void)state;
    assert_int_equal(carrier_open_writer(&output, &written, 100), 0);
    uint64_t before = send_text(0, "before");
    assert_int_equal(carrier_open_reader(&in_link, &read_now), 0);
    assert_false(carrier_attach(&node));
    uint64_t after = send_text(0, "after");
    struct carrier_reader *reader = &read_now.carrier;
    struct sb_frame frame = {.size_bytes = 6};
    assert_int_equal(carrier_take(reader, 1, before, &frame), -ENODATA);
    assert_int_equal(carrier_take(reader, 2, after, &frame), 0);
    assert_string_equal(frame.data, "after");
}

static void a_payload_shorter_than_its_cell_says_is_not_shown(void **state)
{
    (void)state;
    open_both();
    uint64_t ticket = send_text(0, "short");
    struct sb_frame frame = {.size_bytes = 100};
    assert_int_equal(carrier_take(&read_now.carrier, 1, ticket, &frame), -ENODATA);
    assert_null(frame.data);
}

static void what_a_transport_cannot_do_names_the_link(void **state)
{
    (void)state;
    assert_int_equal(carrier_open_writer(&output, &written, 65537), -ERANGE);
    assert_string_equal(node.error, "link a.out -> b.in: transport socket: payloads of bytes: "
                                    "65537, it can do 65536");
    assert_null(written.carrier.transport);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_is_heard_before_the_reader_is_attached, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            payloads_arrive_by_their_tickets_and_older_ones_are_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_sent_before_a_reader_came_is_missing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_payload_shorter_than_its_cell_says_is_not_shown, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_a_transport_cannot_do_names_the_link, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
