// SPDX-License-Identifier: Apache-2.0
// The shared pages byte by byte: two processes of different builds must agree on every one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "schemas/frame_layout.h"
#include "schemas/limits.h"
#include "schemas/link_layout.h"
#include "schemas/status_layout.h"

struct field {
    const char *name;
    size_t offset;
    size_t size_bytes;
};

#define FIELD(type, member)                                                                        \
    {                                                                                              \
#type "." #member, offsetof(struct type, member), sizeof(((struct type *)NULL)->member)    \
    }
#define WHOLE(type)                                                                                \
    {                                                                                              \
#type, 0, sizeof(struct type)                                                              \
    }
#define FROM(type, member)                                                                         \
    {                                                                                              \
#type "." #member, offsetof(struct type, member), 0                                        \
    }

static const struct field fields[] = {
    WHOLE(frame_header),
    FIELD(frame_header, number),
    FIELD(frame_header, pts_ns),
    FIELD(frame_header, duration_ns),
    FIELD(frame_header, payload_bytes),
    FIELD(frame_header, format_id),
    FIELD(frame_header, flags),
    FIELD(frame_header, trace_id),
    FIELD(frame_header, job_id),
    FIELD(frame_header, ticket),
    WHOLE(link_cell),
    FIELD(link_cell, seq),
    FIELD(link_cell, length_bytes),
    FIELD(link_cell, step),
    FIELD(link_cell, slot),
    FIELD(link_cell, flags),
    WHOLE(carry_cell),
    FIELD(carry_cell, number),
    FIELD(carry_cell, pts_ns),
    FIELD(carry_cell, duration_ns),
    FIELD(carry_cell, trace_id),
    FIELD(carry_cell, payload),
    WHOLE(publish_page),
    FIELD(publish_page, link_id),
    FIELD(publish_page, generation),
    FIELD(publish_page, depth),
    FIELD(publish_page, first_seq),
    FIELD(publish_page, tail),
    FIELD(publish_page, low),
    FIELD(publish_page, end),
    FIELD(publish_page, consume_page),
    FIELD(publish_page, end_kind),
    FIELD(publish_page, refused),
    FIELD(publish_page, data_word),
    FIELD(publish_page, space_wish),
    FROM(publish_page, cells),
    WHOLE(consume_page),
    FIELD(consume_page, page_number),
    FIELD(consume_page, link_id),
    FIELD(consume_page, generation),
    FIELD(consume_page, depth),
    FIELD(consume_page, claims_max),
    FIELD(consume_page, next),
    FIELD(consume_page, retired),
    FIELD(consume_page, evicted),
    FIELD(consume_page, poisoned),
    FIELD(consume_page, redelivered),
    FIELD(consume_page, clamped),
    FIELD(consume_page, data_wish),
    FIELD(consume_page, missing),
    FIELD(consume_page, space_word),
    FIELD(consume_page, attached),
    FROM(consume_page, hazards),
    WHOLE(status_claim),
    FIELD(status_claim, seq),
    FIELD(status_claim, link_id),
    FIELD(status_claim, is_held),
    WHOLE(status_page),
    FIELD(status_page, phase),
    FIELD(status_page, entered_ns),
    FIELD(status_page, step),
    FIELD(status_page, done),
    FIELD(status_page, claim_count),
    FIELD(status_page, errors),
    FIELD(status_page, failed_frames),
    FIELD(status_page, frames_in),
    FIELD(status_page, frames_out),
    FIELD(status_page, unlinked_out),
    FIELD(status_page, refused_out),
    FIELD(status_page, suppressed_out),
    FIELD(status_page, stopped_out),
    FIELD(status_page, ticks),
    FIELD(status_page, missed_ticks),
    FIELD(status_page, claims),
    FIELD(status_page, busy_ns),
    FIELD(status_page, longest_ns),
    FIELD(status_page, call_times),
    WHOLE(clock_entry),
    FIELD(clock_entry, from_ns),
    FIELD(clock_entry, epoch_ns),
    FIELD(clock_entry, base),
    FIELD(clock_entry, fps_numerator),
    FIELD(clock_entry, fps_denominator),
    WHOLE(bell_page),
    FIELD(bell_page, word),
    FIELD(bell_page, want),
    FIELD(bell_page, clock),
    FIELD(bell_page, clocks),
};

static void each_field_lies_where_the_golden_file_says(void **state)
{
    (void)state;
    char path[4096];
    const char *root = getenv("SB_SOURCE_DIR");
    assert_non_null(root);
    snprintf(path, sizeof path, "%s/tests/golden/layout.txt", root);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char line[256];
        snprintf(line, sizeof line, "%s %zu %zu\n", fields[i].name, fields[i].offset,
                 fields[i].size_bytes);
        char golden[256] = "";
        // When the change is wanted: raise WIRE_PROTOCOL_VERSION, put these lines into the file.
        if (fgets(golden, sizeof golden, file) == NULL || strcmp(golden, line) != 0) {
            print_error("is now: %s", line);
        }
        assert_string_equal(golden, line);
    }
    char rest[16];
    assert_null(fgets(rest, sizeof rest, file));
    fclose(file);
}

static void a_slot_is_header_and_payload_in_whole_cache_lines(void **state)
{
    (void)state;
    assert_int_equal(layout_slot_bytes(0), 64);
    assert_int_equal(layout_slot_bytes(1), 128);
    assert_int_equal(layout_slot_bytes(64), 128);
    assert_int_equal(layout_slot_bytes(65), 192);
    assert_int_equal(layout_slot_bytes(LIMIT_PAYLOAD_BYTES_MAX), LIMIT_PAYLOAD_BYTES_MAX + 64);
    assert_int_equal(layout_slot_bytes(LIMIT_PAYLOAD_BYTES_MAX + 1), 0);
    assert_int_equal(layout_slot_bytes(UINT64_MAX), 0);
    // A full pool of the largest slots does not overflow the arithmetic of sizes.
    assert_true(layout_slot_bytes(LIMIT_PAYLOAD_BYTES_MAX) <= UINT64_MAX / LIMIT_SLOTS_MAX);
}

static void pages_hold_every_cell_hazard_and_state(void **state)
{
    (void)state;
    assert_int_equal(layout_publish_page_bytes(1), 256 + 128);
    assert_int_equal(layout_publish_page_bytes(1024), 256 + 1024 * 128);
    assert_int_equal(layout_publish_page_bytes(1025), 256 + 1025 * 32);
    assert_int_equal(layout_publish_page_bytes(LIMIT_DEPTH_MAX), 256 + 65536 * 32);
    assert_int_equal(layout_cell_states_offset(1), 256 + 64);
    assert_int_equal(layout_cell_states_offset(8), 256 + 64);
    assert_int_equal(layout_cell_states_offset(9), 256 + 128);
    assert_int_equal(layout_consume_page_bytes(1, 1), 256 + 64 + 64);
    assert_int_equal(layout_consume_page_bytes(64, 8), 256 + 64 + 64);
    assert_int_equal(layout_consume_page_bytes(65, 9), 256 + 128 + 128);
    assert_int_equal(layout_consume_page_bytes(LIMIT_DEPTH_MAX, LIMIT_CLAIMS_MAX),
                     256 + 8192 + 65536);
    for (uint32_t claims = 1; claims <= LIMIT_CLAIMS_MAX; claims++) {
        // The states begin on a line of their own, behind the last hazard.
        uint64_t offset = layout_cell_states_offset(claims);
        assert_int_equal(offset % CACHE_LINE_BYTES, 0);
        assert_true(offset >= offsetof(struct consume_page, hazards) + claims * sizeof(uint64_t));
    }
}

static void each_time_of_a_call_is_of_the_kind_that_begins_at_or_below_it(void **state)
{
    (void)state;
    assert_int_equal(layout_call_time(-1), 0);
    assert_int_equal(layout_call_time(63), 0);
    for (uint32_t i = 0; i < LAYOUT_CALL_TIMES; i++) {
        int64_t least_ns = layout_call_time_least_ns(i);
        assert_int_equal(layout_call_time(least_ns), i);
        assert_true(i == 0 || layout_call_time(least_ns - 1) == i - 1);
        int64_t middle_ns = layout_call_time_middle_ns(i);
        assert_true(layout_call_time(middle_ns) == i);
        assert_true(i < 2 || least_ns <= layout_call_time_least_ns(i - 1) * 5 / 4);
    }
    assert_int_equal(layout_call_time(INT64_MAX), LAYOUT_CALL_TIMES - 1);
}

static void phases_and_wants_have_names(void **state)
{
    (void)state;
    assert_string_equal(layout_worker_phase_name(WORKER_STARTING), "starting");
    assert_string_equal(layout_worker_phase_name(WORKER_NO_SPACE), "no-space");
    assert_string_equal(layout_worker_phase_name(WORKER_CLOSING), "closing");
    assert_string_equal(layout_worker_phase_name(WORKER_CLOSING + 1), "?");
    assert_string_equal(layout_worker_phase_name(UINT32_MAX), "?");
    assert_string_equal(layout_worker_want_name(WANT_HOLD), "hold");
    assert_string_equal(layout_worker_want_name(WANT_STOP), "stop");
    assert_string_equal(layout_worker_want_name(WANT_COUNT), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_field_lies_where_the_golden_file_says),
        cmocka_unit_test(a_slot_is_header_and_payload_in_whole_cache_lines),
        cmocka_unit_test(pages_hold_every_cell_hazard_and_state),
        cmocka_unit_test(each_time_of_a_call_is_of_the_kind_that_begins_at_or_below_it),
        cmocka_unit_test(phases_and_wants_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
