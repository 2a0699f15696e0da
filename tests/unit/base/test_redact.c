// SPDX-License-Identifier: Apache-2.0
// Users and passwords are taken out of URLs, and nothing else is.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/redact.h"

static void assert_redacted(const char *text, const char *wanted)
{
    char bytes[256];
    snprintf(bytes, sizeof bytes, "%s", text);
    assert_int_equal(redact_is_needed(text), strcmp(text, wanted) != 0);
    redact_string(bytes);
    assert_string_equal(bytes, wanted);
}

// R-LOG-013
static void users_and_passwords_of_urls_become_stars(void **state)
{
    (void)state;
    assert_redacted("rtsp://user:secret@camera/1", "rtsp://***@camera/1");
    assert_redacted("open rtsps://u:p@c:554/x?a=b failed", "open rtsps://***@c:554/x?a=b failed");
    assert_redacted("\"https://token@host\"", "\"https://***@host\"");
    assert_redacted("location=rtmp://a:b@h/l rtsp://c:d@i", "location=rtmp://***@h/l rtsp://***@i");
    assert_redacted("x://a@h", "x://*@h");
    assert_redacted("srt+tls://:p@h", "srt+tls://**@h");
}

static void a_sign_or_a_slash_inside_of_a_password_does_not_save_it(void **state)
{
    (void)state;
    assert_redacted("rtsp://user:p@ss@host/a", "rtsp://***@host/a");
    assert_redacted("rtsp://user:p/ss@host/a", "rtsp://***@host/a");
    assert_redacted("rtsp://user:p#s?s@host", "rtsp://***@host");
}

static void what_may_have_been_cut_is_taken_for_a_password(void **state)
{
    (void)state;
    assert_redacted("cannot open rtsp://user:secr", "cannot open rtsp://***");
    assert_redacted("cannot open rtsp://user:se/cr", "cannot open rtsp://***");
    assert_redacted("cannot open rtsp://user:secr, sorry", "cannot open rtsp://user:secr, sorry");
}

static void urls_without_a_password_stay_as_they_are(void **state)
{
    (void)state;
    assert_redacted("http://host:8080/picture@2x.png", "http://host:8080/picture@2x.png");
    assert_redacted("file:///home/a@b/c", "file:///home/a@b/c");
    assert_redacted("mail to a@b.c about http://x", "mail to a@b.c about http://x");
    assert_redacted("http://x then a:b@c", "http://x then a:b@c");
    assert_redacted("://a:b@c", "://a:b@c");
    assert_redacted("", "");
    assert_redacted("http://", "http://");
}

static void bytes_without_a_terminator_are_enough(void **state)
{
    (void)state;
    char bytes[] = {'f', ':', '/', '/', 'a', 'b', 'c', 'd', 'e', '@', 'h'};
    assert_int_equal(redact_urls(bytes, sizeof bytes), 9);
    assert_memory_equal(bytes, "f://***@h", 9);
    assert_int_equal(redact_urls(bytes, 4), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_and_passwords_of_urls_become_stars),
        cmocka_unit_test(a_sign_or_a_slash_inside_of_a_password_does_not_save_it),
        cmocka_unit_test(what_may_have_been_cut_is_taken_for_a_password),
        cmocka_unit_test(urls_without_a_password_stay_as_they_are),
        cmocka_unit_test(bytes_without_a_terminator_are_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
