// SPDX-License-Identifier: Apache-2.0
// Frames are taken out of what a tap's worker sends, and nonsense is refused.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/tap_feed.h"

static void feed_text(struct tap_feed *feed, const char *text)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
    close(ends[1]);
    assert_int_equal(tap_feed_read(feed, ends[0]), strlen(text));
    close(ends[0]);
}

static const char line[] =
    "{\"seq\": 4, \"number\": 7, \"pts_ns\": 10, \"seen_ns\": 30, \"size\": 9, \"sent\": 3, "
    "\"total\": 9, \"format\": \"video rgb 2x1\", \"kind\": \"video\", \"width\": 2, "
    "\"height\": 1, \"sample\": \"?\", \"rate\": 0, \"channels\": 0}\n";

static void a_frame_is_taken_when_all_of_it_is_there(void **state)
{
    (void)state;
    struct tap_feed feed = {.bytes = NULL};
    struct tap_frame frame;
    feed_text(&feed, line);
    assert_int_equal(tap_feed_next(&feed, &frame), 0);
    feed_text(&feed, "ab");
    assert_int_equal(tap_feed_next(&feed, &frame), 0);
    feed_text(&feed, "c");
    assert_int_equal(tap_feed_next(&feed, &frame), 1);
    assert_int_equal(frame.number, 7);
    assert_int_equal(frame.seen_ns - frame.pts_ns, 20);
    assert_int_equal(frame.sent, 3);
    assert_memory_equal(frame.bytes, "abc", 3);
    assert_string_equal(frame.format, "video rgb 2x1");
    assert_int_equal(tap_feed_next(&feed, &frame), 0);
    tap_feed_fini(&feed);
}

static void frames_that_come_together_are_taken_one_by_one(void **state)
{
    (void)state;
    struct tap_feed feed = {.bytes = NULL};
    struct tap_frame frame;
    feed_text(&feed, line);
    feed_text(&feed, "abc");
    feed_text(&feed, line);
    feed_text(&feed, "def");
    assert_int_equal(tap_feed_next(&feed, &frame), 1);
    assert_memory_equal(frame.bytes, "abc", 3);
    assert_int_equal(tap_feed_next(&feed, &frame), 1);
    assert_memory_equal(frame.bytes, "def", 3);
    assert_int_equal(tap_feed_next(&feed, &frame), 0);
    tap_feed_fini(&feed);
}

static void what_is_no_line_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"hello\n", "[]\n", "{\"sent\": 99999999999}\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct tap_feed feed = {.bytes = NULL};
        struct tap_frame frame = {.number = 5};
        feed_text(&feed, texts[i]);
        assert_int_equal(tap_feed_next(&feed, &frame), -EPROTO);
        assert_int_equal(frame.number, 5);
        tap_feed_fini(&feed);
    }
}

static void a_line_without_an_end_is_refused(void **state)
{
    (void)state;
    struct tap_feed feed = {.bytes = NULL};
    struct tap_frame frame;
    char text[TAP_FEED_LINE_BYTES + 2];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    feed_text(&feed, text);
    assert_int_equal(tap_feed_next(&feed, &frame), -EPROTO);
    tap_feed_fini(&feed);
}

static void names_are_harmless_on_a_terminal(void **state)
{
    (void)state;
    struct tap_feed feed = {.bytes = NULL};
    struct tap_frame frame;
    feed_text(&feed, "{\"sent\": 0, \"format\": \"a\\u001b[2J\"}\n");
    assert_int_equal(tap_feed_next(&feed, &frame), 1);
    assert_null(strchr(frame.format, '\033'));
    tap_feed_fini(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_taken_when_all_of_it_is_there),
        cmocka_unit_test(frames_that_come_together_are_taken_one_by_one),
        cmocka_unit_test(what_is_no_line_is_refused),
        cmocka_unit_test(a_line_without_an_end_is_refused),
        cmocka_unit_test(names_are_harmless_on_a_terminal),
    };
    return cmocka_run_group_tests_name("tap_feed", tests, NULL, NULL);
}
