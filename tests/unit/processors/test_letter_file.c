// SPDX-License-Identifier: Apache-2.0
// The head of a dead letter file is read, and anything else is refused with what is wrong.
// test: uses=base
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "processors/common/letter_file.h"

#define MAGIC "streambroker-letter: 1\n"

static int read_text(const char *bytes, struct letter_file *letter, char *text)
{
    FILE *file = fmemopen((void *)(uintptr_t)bytes, strlen(bytes), "r");
    assert_non_null(file);
    int failed = letter_file_read_head(file, letter, text);
    if (failed == 0) {
        assert_int_equal(fgetc(file), 'P');
    }
    fclose(file);
    return failed;
}

// R-SUP-048
static void every_field_is_taken_and_the_payload_comes_next(void **state)
{
    (void)state;
    struct letter_file letter;
    char text[LETTER_FILE_TEXT_BYTES];
    const char *bytes = MAGIC "node: f\nlink: a.b -> c.d\nreason: x: y\nformat: video rgba 2x2\n"
                              "number: 18446744073709551615\npts-ns: -7\nduration-ns: 3\nflags: 1\n"
                              "trace-id: 8\njob-id: 9\npayload-bytes: 16\n\nPayload";
    assert_int_equal(read_text(bytes, &letter, text), 0);
    assert_int_equal(letter.format.kind, SB_FORMAT_VIDEO);
    assert_int_equal(letter.format.video.width, 2);
    assert_true(letter.number == UINT64_MAX);
    assert_int_equal(letter.pts_ns, -7);
    assert_int_equal(letter.duration_ns, 3);
    assert_int_equal(letter.flags, 1);
    assert_int_equal(letter.trace_id, 8);
    assert_int_equal(letter.job_id, 9);
    assert_int_equal(letter.payload_bytes, 16);
}

static void what_is_no_letter_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        const char *text;
    } cases[] = {
        {"hello\n\n", "it begins with 'hello'"},
        {MAGIC "format: binary\n", "ends before its payload"},
        {MAGIC "format: binary", "ends before its payload"},
        {MAGIC "payload-bytes: 4\n\nP", "no valid format"},
        {MAGIC "format: binary\n\nP", "does not fit"},
        {MAGIC "format: video rgba 2x2\npayload-bytes: 15\n\nP", "does not fit"},
        {MAGIC "format: cheese\npayload-bytes: 15\n\nP", "format 'cheese'"},
        {MAGIC "payload-bytes: -1\n\nP", "payload-bytes '-1'"},
        {MAGIC "payload-bytes: 99999999999999\n\nP", "payload-bytes '99999999999999'"},
        {MAGIC "number: 1x\n\nP", "number '1x'"},
        {MAGIC "number\n\nP", "no line of a letter"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct letter_file letter;
        char text[LETTER_FILE_TEXT_BYTES];
        assert_int_equal(read_text(cases[i].bytes, &letter, text), -EPROTO);
        if (strstr(text, cases[i].text) == NULL) {
            fail_msg("'%s' does not say '%s'", text, cases[i].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_taken_and_the_payload_comes_next),
        cmocka_unit_test(what_is_no_letter_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
