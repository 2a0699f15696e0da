// SPDX-License-Identifier: Apache-2.0
// Log lines, as text and as JSON: whole, escaped, in one write each.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"

static int saved_stderr;
static int kept;
static char said[65536];

static int keep_stderr(void **state)
{
    (void)state;
    fflush(stderr);
    saved_stderr = dup(STDERR_FILENO);
    kept = memfd_create("log", MFD_CLOEXEC);
    return kept >= 0 && dup2(kept, STDERR_FILENO) >= 0 ? 0 : -1;
}

static int give_stderr_back(void **state)
{
    (void)state;
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    return close(kept);
}

// What was said since the last look.
static const char *look(void)
{
    ssize_t size = pread(kept, said, sizeof said - 1, 0);
    said[size > 0 ? size : 0] = '\0';
    (void)!ftruncate(kept, 0);
    lseek(kept, 0, SEEK_SET);
    return said;
}

// R-LOG-001, R-LOG-006
static void one_event_is_one_line_with_level_and_node(void **state)
{
    (void)state;
    log_configure(LOG_INFO, LOG_FORMAT_TEXT);
    log_line(LOG_WARNING, "graph %s", "up");
    assert_string_equal(look(), "warning: graph up\n");
    log_node(LOG_ERROR, "blur", 3, "two\nlines and \033[31mred");
    assert_string_equal(look(), "error blur[3]: two\\x0alines and \\x1b[31mred\n");
    log_write(&(struct log_record){.level = LOG_INFO,
                                   .node = "blur",
                                   .generation = 1,
                                   .stream = "stdout",
                                   .is_intercepted = true,
                                   .text = "hello\0x",
                                   .text_count = 5});
    assert_string_equal(look(), "info blur[1] stdout: hello\n");
}

// R-LOG-016
static void the_journal_gets_the_level_in_front(void **state)
{
    (void)state;
    struct stat status;
    char stream[64];
    assert_int_equal(fstat(STDERR_FILENO, &status), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
    log_configure(LOG_INFO, LOG_FORMAT_TEXT);
    log_line(LOG_ERROR, "no");
    assert_string_equal(look(), "<3>error: no\n");
    // A stream of somebody else, as whoever was started by a service with stderr in a file has it.
    assert_int_equal(setenv("JOURNAL_STREAM", "1:1", 1), 0);
    log_configure(LOG_INFO, LOG_FORMAT_TEXT);
    log_line(LOG_WARNING, "yes");
    assert_string_equal(look(), "warning: yes\n");
    unsetenv("JOURNAL_STREAM");
}

static void what_is_less_important_than_asked_for_is_not_said(void **state)
{
    (void)state;
    log_configure(LOG_WARNING, LOG_FORMAT_TEXT);
    log_line(LOG_INFO, "no");
    log_node(LOG_DEBUG, "a", 1, "no");
    log_line(LOG_WARNING, "yes");
    assert_string_equal(look(), "warning: yes\n");
    assert_true(log_is_on(LOG_ERROR));
    assert_false(log_is_on(LOG_INFO));
}

// R-LOG-002, R-LOG-003
static void a_json_line_is_one_object(void **state)
{
    (void)state;
    log_configure(LOG_DEBUG, LOG_FORMAT_JSON);
    int64_t before_ns = clock_wall_ns();
    log_node(LOG_DEBUG, "blur", 2, "a \"quote\"\n\xff");
    long long ts = 0;
    assert_int_equal(sscanf(look(), "{\"ts\":%lld,", &ts), 1);
    assert_true(ts >= before_ns && ts <= clock_wall_ns());
    assert_string_equal(strchr(said, ',') + 1,
                        "\"level\":\"debug\",\"node\":\"blur\",\"generation\":2,\"stream\":\"log\","
                        "\"intercepted\":false,\"text\":\"a \\\"quote\\\"\\n\\ufffd\"}\n");
    log_write(&(struct log_record){.level = LOG_ERROR,
                                   .stream = "stderr",
                                   .is_intercepted = true,
                                   .text = "",
                                   .text_count = 0});
    assert_string_equal(strchr(look(), ',') + 1,
                        "\"level\":\"error\",\"node\":null,\"generation\":0,\"stream\":\"stderr\","
                        "\"intercepted\":true,\"text\":\"\"}\n");
}

// R-LOG-008: the longest text, all of it escaped, still is a whole line.
static void a_text_is_kept_up_to_its_limit(void **state)
{
    (void)state;
    static char text[2 * LOG_TEXT_BYTES_MAX];
    memset(text, 1, sizeof text);
    struct log_record record = {
        .level = LOG_ERROR, .stream = "log", .text = text, .text_count = sizeof text};
    log_configure(LOG_INFO, LOG_FORMAT_TEXT);
    log_write(&record);
    assert_int_equal(strlen(look()), strlen("error: ") + 4 * LOG_TEXT_BYTES_MAX + 1);
    log_configure(LOG_INFO, LOG_FORMAT_JSON);
    log_write(&record);
    size_t length = strlen(look());
    assert_true(length > 6 * LOG_TEXT_BYTES_MAX);
    assert_string_equal(said + length - strlen("\\u0001\"}\n"), "\\u0001\"}\n");
}

static void a_line_that_cannot_be_written_is_counted(void **state)
{
    (void)state;
    log_configure(LOG_INFO, LOG_FORMAT_TEXT);
    uint64_t before = log_lost();
    close(STDERR_FILENO);
    log_line(LOG_ERROR, "nobody hears this");
    dup2(kept, STDERR_FILENO);
    log_line(LOG_ERROR, "and this is heard");
    assert_int_equal(log_lost(), before + 1);
    assert_string_equal(look(), "error: and this is heard\n");
}

static void each_priority_of_syslog_has_a_level(void **state)
{
    (void)state;
    static const enum log_level levels[] = {LOG_ERROR,   LOG_ERROR, LOG_ERROR, LOG_ERROR,
                                            LOG_WARNING, LOG_INFO,  LOG_INFO,  LOG_DEBUG};
    for (int priority = 0; priority < 8; priority++) {
        assert_int_equal(log_level_of_priority(priority), levels[priority]);
    }
    assert_int_equal(log_level_of_priority(9), LOG_DEBUG);
    assert_string_equal(log_level_name(LOG_WARNING), "warning");
}

int main(void)
{
    // A terminal's colours are not what this test is about, and its stderr is none anyway.
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_event_is_one_line_with_level_and_node, keep_stderr,
                                        give_stderr_back),
        cmocka_unit_test_setup_teardown(the_journal_gets_the_level_in_front, keep_stderr,
                                        give_stderr_back),
        cmocka_unit_test_setup_teardown(what_is_less_important_than_asked_for_is_not_said,
                                        keep_stderr, give_stderr_back),
        cmocka_unit_test_setup_teardown(a_json_line_is_one_object, keep_stderr, give_stderr_back),
        cmocka_unit_test_setup_teardown(a_text_is_kept_up_to_its_limit, keep_stderr,
                                        give_stderr_back),
        cmocka_unit_test_setup_teardown(a_line_that_cannot_be_written_is_counted, keep_stderr,
                                        give_stderr_back),
        cmocka_unit_test(each_priority_of_syslog_has_a_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
