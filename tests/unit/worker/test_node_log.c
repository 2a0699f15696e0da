// SPDX-License-Identifier: Apache-2.0
// Lines for the broker's log: one write each, with a level, whatever the text holds.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/text.h"
#include "worker/node_log.h"

static int pair[2];
static int saved;
static char said[8192];
static struct sb_node node;

// Datagrams: what was written with one call arrives as one.
static int catch_stderr(void **state)
{
    (void)state;
    fflush(stderr);
    saved = dup(STDERR_FILENO);
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return -1;
    }
    node = (struct sb_node){.id = "unit", .step_label = 7};
    return dup2(pair[1], STDERR_FILENO) < 0 ? -1 : 0;
}

static int free_stderr(void **state)
{
    (void)state;
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pair[0]);
    close(pair[1]);
    return 0;
}

static const char *next_write(void)
{
    ssize_t size = recv(pair[0], said, sizeof said - 1, MSG_DONTWAIT);
    said[size > 0 ? size : 0] = '\0';
    return said;
}

// R-LOG-001, R-LOG-005
static void a_line_is_one_write_with_its_level(void **state)
{
    (void)state;
    sb_log(&node, SB_LOG_WARNING, "%s is %d", "this", 1);
    sb_log(&node, SB_LOG_DEBUG, "first\nsecond\n");
    assert_string_equal(next_write(), "<4>this is 1\n");
    // A line of its own would have no level.
    assert_string_equal(next_write(), "<7>first second \n");
    assert_string_equal(next_write(), "");
}

// R-LOG-008
static void a_line_that_is_too_long_is_cut_and_still_ends(void **state)
{
    (void)state;
    char longest[LOG_TEXT_BYTES_MAX * 2];
    memset(longest, 'x', sizeof longest);
    for (size_t length = LOG_TEXT_BYTES_MAX; length < LOG_TEXT_BYTES_MAX + 8; length++) {
        node_log(&node, SB_LOG_ERROR, "%.*s", (int)length, longest);
        size_t written = strlen(next_write());
        assert_in_range(written, LOG_TEXT_BYTES_MAX, LOG_TEXT_BYTES_MAX + 8);
        assert_int_equal(said[written - 1], '\n');
        assert_int_equal(said[written - 2], 'x');
    }
    sb_log(&node, SB_LOG_INFO, "whole again");
    assert_string_equal(next_write(), "<6>whole again\n");
}

// R-LOG-010
static void an_error_says_which_tick_and_the_processors_words(void **state)
{
    (void)state;
    node_log_step_error(&node, -EPIPE);
    assert_string_equal(next_write(), "<3>[unit] error processing tick 7: the port has ended\n");
    text_copy(node.error, sizeof node.error, "no luck");
    node_log_step_error(&node, -EPIPE);
    assert_string_equal(next_write(), "<3>[unit] error processing tick 7: no luck\n");
    node_log_call_error(&node, "open", -EIO);
    assert_string_equal(next_write(), "<3>[unit] error in open: no luck\n");
}

#define CAUGHT(name) cmocka_unit_test_setup_teardown(name, catch_stderr, free_stderr)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAUGHT(a_line_is_one_write_with_its_level),
        CAUGHT(a_line_that_is_too_long_is_cut_and_still_ends),
        CAUGHT(an_error_says_which_tick_and_the_processors_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
