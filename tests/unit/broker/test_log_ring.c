// SPDX-License-Identifier: Apache-2.0
// The newest lines of the log, read at any pace.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/control/log_ring.h"

static struct log_ring *ring;

static int make(void **state)
{
    (void)state;
    log_configure(LOG_INFO, LOG_FORMAT_TEXT);
    return log_ring_create(&ring);
}

static int drop(void **state)
{
    (void)state;
    log_ring_destroy(ring);
    return 0;
}

static void lines_come_in_order_and_only_those_that_are_on(void **state)
{
    (void)state;
    log_line(LOG_INFO, "first");
    log_line(LOG_DEBUG, "not on");
    log_node(LOG_WARNING, "a", 3, "second");
    uint64_t serial = 1;
    uint64_t missed;
    struct log_ring_line line;
    assert_int_equal(log_ring_next(ring, NULL, &serial, &line, &missed), 1);
    assert_string_equal(line.text, "first");
    assert_string_equal(line.node, "");
    assert_int_equal(line.serial, 1);
    free(line.text);
    assert_int_equal(log_ring_next(ring, NULL, &serial, &line, &missed), 1);
    assert_string_equal(line.text, "second");
    assert_string_equal(line.node, "a");
    assert_int_equal(line.generation, 3);
    assert_int_equal(line.level, LOG_WARNING);
    free(line.text);
    assert_int_equal(log_ring_next(ring, NULL, &serial, &line, &missed), 0);
    assert_int_equal(serial, log_ring_last(ring) + 1);
}

static void one_node_is_picked_out(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        log_node(LOG_INFO, i % 2 == 0 ? "a" : "b", 1, "%d", i);
    }
    uint64_t serial = 1;
    uint64_t missed;
    struct log_ring_line line;
    for (int i = 1; i < 6; i += 2) {
        assert_int_equal(log_ring_next(ring, "b", &serial, &line, &missed), 1);
        assert_int_equal(line.text[0] - (int)'0', i);
        free(line.text);
    }
    assert_int_equal(log_ring_next(ring, "b", &serial, &line, &missed), 0);
}

static void who_is_too_slow_is_told_how_much_it_missed(void **state)
{
    (void)state;
    for (int i = 0; i < LOG_RING_LINES + 10; i++) {
        log_line(LOG_INFO, "line");
    }
    uint64_t serial = 1;
    uint64_t missed;
    struct log_ring_line line;
    assert_int_equal(log_ring_next(ring, NULL, &serial, &line, &missed), 1);
    assert_int_equal(missed, 10);
    assert_int_equal(line.serial, 11);
    free(line.text);
}

static void a_line_of_the_greatest_length_is_kept_whole(void **state)
{
    (void)state;
    char text[LOG_TEXT_BYTES_MAX + 10];
    memset(text, 'x', sizeof text);
    log_write(&(struct log_record){
        .level = LOG_INFO, .stream = "stdout", .text = text, .text_count = sizeof text});
    uint64_t serial = 1;
    uint64_t missed;
    struct log_ring_line line;
    assert_int_equal(log_ring_next(ring, NULL, &serial, &line, &missed), 1);
    assert_int_equal(strlen(line.text), LOG_TEXT_BYTES_MAX);
    assert_string_equal(line.stream, "stdout");
    free(line.text);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(lines_come_in_order_and_only_those_that_are_on),
        CASE(one_node_is_picked_out),
        CASE(who_is_too_slow_is_told_how_much_it_missed),
        CASE(a_line_of_the_greatest_length_is_kept_whole),
    };
    // The lines themselves are not what is looked at.
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return dup2(null, STDERR_FILENO) < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
