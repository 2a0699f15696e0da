// SPDX-License-Identifier: Apache-2.0
// Captured output: what goes in as bytes comes out as lines.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "broker/lives/log_pipe.h"

#define SECOND CLOCK_NS_PER_S

// Every record as "level stream intercepted text", one per line.
static char written[1U << 20];
static size_t written_count;
static size_t record_count;
static struct log_pipe log_pipe;

static void keep(const struct log_record *record)
{
    assert_string_equal(record->node, "blur");
    assert_int_equal(record->generation, 3);
    assert_true(record->text_count <= LOG_TEXT_BYTES_MAX);
    int length = snprintf(written + written_count, sizeof written - written_count,
                          "%s %s %d %.*s\n", log_level_name(record->level), record->stream,
                          record->is_intercepted, (int)record->text_count, record->text);
    written_count += (size_t)length;
    record_count++;
}

static int begin(void **state)
{
    (void)state;
    log_pipe_init(&log_pipe, "blur", 3, 0, 0);
    log_pipe.write = keep;
    written[0] = '\0';
    written_count = 0;
    record_count = 0;
    return 0;
}

static void feed(enum log_pipe_stream stream, const char *bytes)
{
    log_pipe_feed(&log_pipe, stream, bytes, strlen(bytes), 0);
}

static void lines_come_out_whole_however_the_bytes_come_in(void **state)
{
    // R-LOG-003, R-LOG-009
    (void)state;
    feed(LOG_PIPE_STDOUT, "one\ntwo");
    assert_string_equal(written, "info stdout 1 one\n");
    feed(LOG_PIPE_STDERR, "other\r\n");
    feed(LOG_PIPE_STDOUT, " and a half\n\nthree\n");
    assert_string_equal(written, "info stdout 1 one\n"
                                 "warning stderr 1 other\n"
                                 "info stdout 1 two and a half\n"
                                 "info stdout 1 \n"
                                 "info stdout 1 three\n");
    for (const char *byte = "<3>byte by byte\n"; *byte != '\0'; byte++) {
        log_pipe_feed(&log_pipe, LOG_PIPE_STDERR, byte, 1, 0);
    }
    assert_non_null(strstr(written, "\nerror log 0 byte by byte\n"));
}

static void a_priority_on_stderr_makes_a_line_the_nodes_own(void **state)
{
    (void)state;
    feed(LOG_PIPE_STDERR, "<3>e\n<4>w\n<6>i\n<7>d\n<0>panic\n<5>\n");
    assert_string_equal(written, "error log 0 e\nwarning log 0 w\ninfo log 0 i\ndebug log 0 d\n"
                                 "error log 0 panic\ninfo log 0 \n");
    begin(state);
    feed(LOG_PIPE_STDERR, "<8>no\n<x>no\n<6 no\n <6>no\n<6");
    feed(LOG_PIPE_STDERR, "\n");
    feed(LOG_PIPE_STDOUT, "<3>no\n");
    assert_string_equal(written, "warning stderr 1 <8>no\nwarning stderr 1 <x>no\n"
                                 "warning stderr 1 <6 no\nwarning stderr 1  <6>no\n"
                                 "warning stderr 1 <6\ninfo stdout 1 <3>no\n");
}

// A line of count letters with this in front of it, and then another line.
static void feed_long(enum log_pipe_stream stream, const char *prefix, size_t count)
{
    static char bytes[3 * LOG_TEXT_BYTES_MAX];
    size_t length = (size_t)snprintf(bytes, sizeof bytes, "%s", prefix);
    memset(bytes + length, 'x', count);
    memcpy(bytes + length + count, "\nnext\n", 7);
    // In pieces, as a pipe gives them.
    size_t total = length + count + 6;
    for (size_t done = 0; done < total; done += 1000) {
        size_t piece = total - done < 1000 ? total - done : 1000;
        log_pipe_feed(&log_pipe, stream, bytes + done, piece, 0);
    }
}

static void a_line_above_the_limit_is_cut_says_so_and_the_next_one_is_whole(void **state)
{
    // R-LOG-008
    (void)state;
    feed_long(LOG_PIPE_STDOUT, "", LOG_TEXT_BYTES_MAX);
    assert_int_equal(written_count, strlen("info stdout 1 \ninfo stdout 1 next\n") + 4096);
    assert_null(strstr(written, "[cut]"));
    static const size_t counts[] = {LOG_TEXT_BYTES_MAX + 1, LOG_TEXT_BYTES_MAX + 3,
                                    LOG_TEXT_BYTES_MAX + 4, 2 * LOG_TEXT_BYTES_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        begin(state);
        feed_long(LOG_PIPE_STDOUT, "", counts[i]);
        assert_int_equal(written_count, strlen("info stdout 1 \ninfo stdout 1 next\n") + 4096);
        assert_non_null(strstr(written, "xxx [cut]\ninfo stdout 1 next\n"));
    }
    // The priority does not count.
    begin(state);
    feed_long(LOG_PIPE_STDERR, "<6>", LOG_TEXT_BYTES_MAX);
    assert_int_equal(written_count, strlen("info log 0 \nwarning stderr 1 next\n") + 4096);
    assert_null(strstr(written, "[cut]"));
    begin(state);
    feed_long(LOG_PIPE_STDERR, "<6>", LOG_TEXT_BYTES_MAX + 1);
    assert_non_null(strstr(written, "xxx [cut]\nwarning stderr 1 next\n"));
}

static void a_cut_is_never_inside_a_character(void **state)
{
    (void)state;
    static char bytes[2 * LOG_TEXT_BYTES_MAX + 1];
    static const char camera[4] = {'\xf0', '\x9f', '\x8e', '\xa5'};
    for (size_t shift = 0; shift < 4; shift++) {
        begin(state);
        memset(bytes, 'x', sizeof bytes);
        for (size_t i = shift; i + 4 <= sizeof bytes - 1; i += 4) {
            memcpy(bytes + i, camera, sizeof camera);
        }
        bytes[sizeof bytes - 1] = '\n';
        log_pipe_feed(&log_pipe, LOG_PIPE_STDOUT, bytes, sizeof bytes, 0);
        assert_non_null(strstr(written, "\xf0\x9f\x8e\xa5 [cut]\n"));
    }
}

static void a_line_without_an_end_is_logged_at_the_end_and_marked_after_a_kill(void **state)
{
    // R-LOG-004, R-LOG-005
    (void)state;
    feed(LOG_PIPE_STDOUT, "whole\nlast words");
    feed(LOG_PIPE_STDERR, "<3>why");
    log_pipe_fini(&log_pipe, true, 0);
    assert_string_equal(written,
                        "info stdout 1 whole\ninfo stdout 1 last words\nerror log 0 why\n");
    begin(state);
    feed(LOG_PIPE_STDOUT, "whole\nlast wor");
    log_pipe_fini(&log_pipe, false, 0);
    assert_string_equal(written, "info stdout 1 whole\ninfo stdout 1 last wor [cut]\n");
}

static void a_flood_is_limited_to_its_rate_and_the_rest_is_counted(void **state)
{
    // R-LOG-007
    (void)state;
    log_pipe_init(&log_pipe, "blur", 3, 1000, 0);
    log_pipe.write = keep;
    // 100 lines of 50 bytes at one moment: 20 pass.
    const char line[] = "0123456789012345678901234567890123456789012345678\n";
    for (int i = 0; i < 100; i++) {
        feed(LOG_PIPE_STDOUT, line);
    }
    assert_int_equal(record_count, 20);
    assert_int_equal(log_pipe.lost_lines_ever, 80);
    assert_int_equal(log_pipe_report(&log_pipe, SECOND / 2), SECOND);
    assert_int_equal(record_count, 20);
    assert_int_equal(log_pipe_report(&log_pipe, SECOND), INT64_MAX);
    assert_non_null(
        strstr(written, "warning log 0 80 lines of output left out (4000 bytes): more than 1000"));
    assert_int_equal(record_count, 21);
    assert_int_equal(log_pipe_report(&log_pipe, 9 * SECOND), INT64_MAX);
    assert_int_equal(record_count, 21);
    // After a quarter of a second a quarter of the rate is there, and never more than a second's.
    log_pipe_feed(&log_pipe, LOG_PIPE_STDOUT, line, 50, SECOND / 4);
    for (int i = 0; i < 9; i++) {
        log_pipe_feed(&log_pipe, LOG_PIPE_STDERR, line, 50, SECOND / 4);
    }
    assert_int_equal(record_count, 21 + 5);
    for (int i = 0; i < 100; i++) {
        log_pipe_feed(&log_pipe, LOG_PIPE_STDOUT, line, 50, 100 * SECOND);
    }
    assert_int_equal(record_count, 21 + 5 + 20);
    log_pipe_fini(&log_pipe, true, 100 * SECOND);
    assert_non_null(strstr(written, " 85 lines of output left out"));
    assert_int_equal(log_pipe.lost_lines_ever, 165);
}

static void a_line_longer_than_the_rate_still_passes_a_full_bucket(void **state)
{
    (void)state;
    log_pipe_init(&log_pipe, "blur", 3, 100, 0);
    log_pipe.write = keep;
    feed_long(LOG_PIPE_STDOUT, "", 300);
    assert_int_equal(record_count, 1);
    assert_int_equal(log_pipe.lost_lines, 1);
}

static void parts_of_a_byte_add_up(void **state)
{
    (void)state;
    log_pipe_init(&log_pipe, "blur", 3, 1000, 0);
    log_pipe.write = keep;
    feed_long(LOG_PIPE_STDOUT, "", 999);
    assert_int_equal(record_count, 1);
    // An empty line costs one byte; one comes every 3/4 of the time that a byte takes.
    record_count = 0;
    for (int i = 1; i <= 4000; i++) {
        log_pipe_feed(&log_pipe, LOG_PIPE_STDOUT, "\n", 1, i * (SECOND / 1000) * 3 / 4);
    }
    assert_in_range(record_count, 2990, 3000);
}

static void the_last_lines_of_stderr_are_kept_also_those_that_were_left_out(void **state)
{
    (void)state;
    assert_null(log_pipe_last(&log_pipe, 0));
    feed(LOG_PIPE_STDERR, "<3>first\n");
    feed(LOG_PIPE_STDOUT, "not this\n");
    assert_string_equal(log_pipe_last(&log_pipe, 0), "first");
    assert_null(log_pipe_last(&log_pipe, 1));
    log_pipe_init(&log_pipe, "blur", 3, 1, 0);
    log_pipe.write = keep;
    for (int i = 0; i < 20; i++) {
        char line[32];
        snprintf(line, sizeof line, "line %d\n", i);
        feed(LOG_PIPE_STDERR, line);
    }
    assert_string_equal(log_pipe_last(&log_pipe, 0), "line 19");
    assert_string_equal(log_pipe_last(&log_pipe, LOG_PIPE_LAST_LINES - 1), "line 12");
    assert_null(log_pipe_last(&log_pipe, LOG_PIPE_LAST_LINES));
    feed_long(LOG_PIPE_STDERR, "", 2 * LOG_PIPE_LAST_BYTES_MAX);
    assert_int_equal(strlen(log_pipe_last(&log_pipe, 1)), LOG_PIPE_LAST_BYTES_MAX - 1);
}

static void reading_takes_what_is_there_and_says_when_it_ends(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    assert_int_equal(log_pipe_read(&log_pipe, LOG_PIPE_STDOUT, ends[0], 0), -EAGAIN);
    assert_int_equal(write(ends[1], "hello\nwor", 9), 9);
    assert_int_equal(log_pipe_read(&log_pipe, LOG_PIPE_STDOUT, ends[0], 0), -EAGAIN);
    assert_string_equal(written, "info stdout 1 hello\n");
    // A full pipe is not read to its end in one go.
    char full[65536];
    memset(full, '\n', sizeof full);
    assert_int_equal(write(ends[1], full, sizeof full), sizeof full);
    assert_int_equal(log_pipe_read(&log_pipe, LOG_PIPE_STDOUT, ends[0], 0), 1);
    close(ends[1]);
    int result;
    do {
        result = log_pipe_read(&log_pipe, LOG_PIPE_STDOUT, ends[0], 0);
    } while (result == 1);
    assert_int_equal(result, 0);
    assert_int_equal(record_count + log_pipe.lost_lines, 1 + 65536);
    close(ends[0]);
    assert_int_equal(log_pipe_read(&log_pipe, LOG_PIPE_STDOUT, ends[0], 0), -EBADF);
}

static void control_characters_are_escaped_on_their_way_to_the_log(void **state)
{
    // R-LOG-006
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    int saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    log_pipe_init(&log_pipe, "blur", 3, 0, 0);
    feed(LOG_PIPE_STDOUT, "\x1b]0;title\x07 \xff\xc3\xbc\n");
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    char line[256] = "";
    assert_true(read(ends[0], line, sizeof line - 1) > 0);
    close(ends[0]);
    assert_string_equal(line, "info blur[3] stdout: \\x1b]0;title\\x07 \\xff\xc3\xbc\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lines_come_out_whole_however_the_bytes_come_in, begin),
        cmocka_unit_test_setup(a_priority_on_stderr_makes_a_line_the_nodes_own, begin),
        cmocka_unit_test_setup(a_line_above_the_limit_is_cut_says_so_and_the_next_one_is_whole,
                               begin),
        cmocka_unit_test_setup(a_cut_is_never_inside_a_character, begin),
        cmocka_unit_test_setup(a_line_without_an_end_is_logged_at_the_end_and_marked_after_a_kill,
                               begin),
        cmocka_unit_test_setup(a_flood_is_limited_to_its_rate_and_the_rest_is_counted, begin),
        cmocka_unit_test_setup(a_line_longer_than_the_rate_still_passes_a_full_bucket, begin),
        cmocka_unit_test_setup(parts_of_a_byte_add_up, begin),
        cmocka_unit_test_setup(the_last_lines_of_stderr_are_kept_also_those_that_were_left_out,
                               begin),
        cmocka_unit_test_setup(reading_takes_what_is_there_and_says_when_it_ends, begin),
        cmocka_unit_test_setup(control_characters_are_escaped_on_their_way_to_the_log, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
