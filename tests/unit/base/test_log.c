// SPDX-License-Identifier: Apache-2.0
// Log records as lines of text and of JSON.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

static char said[65536];

// Points stderr at a file, writes, and reads back what was written.
static void write_record(enum log_format format, const struct log_record *record)
{
    char path[] = "/tmp/log.XXXXXX";
    int fd = mkstemp(path);
    int kept = dup(STDERR_FILENO);
    dup2(fd, STDERR_FILENO);
    log_configure(LOG_INFO, format);
    log_write(record);
    dup2(kept, STDERR_FILENO);
    close(kept);
    ssize_t got = pread(fd, said, sizeof said - 1, 0);
    said[got > 0 ? got : 0] = '\0';
    close(fd);
    unlink(path);
}

static struct log_record record_of(const char *text)
{
    return (struct log_record){.level = LOG_WARNING,
                               .node = "cam",
                               .generation = 2,
                               .stream = "stderr",
                               .is_intercepted = true,
                               .text = text,
                               .text_count = strlen(text)};
}

// R-LOG-001 R-LOG-006
static void a_line_of_text_has_level_node_life_and_stream(void **state)
{
    (void)state;
    struct log_record record = record_of("a\nb\x1b[0m");
    write_record(LOG_FORMAT_TEXT, &record);
    assert_string_equal(said, "warning cam[2] stderr: a\\x0ab\\x1b[0m\n");
    record = (struct log_record){.level = LOG_ERROR, .stream = "log", .text = "x", .text_count = 1};
    write_record(LOG_FORMAT_TEXT, &record);
    assert_string_equal(said, "error: x\n");
}

// R-LOG-002 R-LOG-003
static void a_line_of_json_says_whether_it_was_intercepted(void **state)
{
    (void)state;
    struct log_record record = record_of("say \"hi\"");
    write_record(LOG_FORMAT_JSON, &record);
    assert_int_equal(strncmp(said, "{\"ts\":", 6), 0);
    assert_non_null(strstr(said, ",\"level\":\"warning\",\"node\":\"cam\",\"generation\":2,"
                                 "\"stream\":\"stderr\",\"intercepted\":true,"
                                 "\"text\":\"say \\\"hi\\\"\"}\n"));
}

static void a_level_above_the_highest_is_not_written(void **state)
{
    (void)state;
    struct log_record record = record_of("x");
    record.level = LOG_DEBUG;
    write_record(LOG_FORMAT_TEXT, &record);
    assert_string_equal(said, "");
}

static void the_longest_line_is_whole(void **state)
{
    (void)state;
    static char text[LOG_TEXT_BYTES_MAX + 100];
    memset(text, 1, sizeof text - 1);
    struct log_record record = record_of(text);
    write_record(LOG_FORMAT_JSON, &record);
    size_t length = strlen(said);
    assert_true(length > (size_t)6 * LOG_TEXT_BYTES_MAX);
    assert_string_equal(said + length - 9, "\\u0001\"}\n");
}

static void a_line_that_cannot_be_written_is_counted(void **state)
{
    (void)state;
    uint64_t before = log_lost();
    int kept = dup(STDERR_FILENO);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    dup2(full, STDERR_FILENO);
    log_line(LOG_ERROR, "nobody reads this");
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(full);
    assert_int_equal(log_lost(), before + 1);
}

static void priorities_of_syslog_are_levels(void **state)
{
    (void)state;
    static const enum log_level levels[] = {LOG_ERROR,   LOG_ERROR, LOG_ERROR, LOG_ERROR,
                                            LOG_WARNING, LOG_INFO,  LOG_INFO,  LOG_DEBUG};
    for (int priority = 0; priority < 8; priority++) {
        assert_int_equal(log_level_of_priority(priority), levels[priority]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_text_has_level_node_life_and_stream),
        cmocka_unit_test(a_line_of_json_says_whether_it_was_intercepted),
        cmocka_unit_test(a_level_above_the_highest_is_not_written),
        cmocka_unit_test(the_longest_line_is_whole),
        cmocka_unit_test(a_line_that_cannot_be_written_is_counted),
        cmocka_unit_test(priorities_of_syslog_are_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
