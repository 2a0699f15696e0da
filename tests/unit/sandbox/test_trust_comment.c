// SPDX-License-Identifier: Apache-2.0
// The grammar of the trusted comment.
#include "unit/sandbox/signing.h"

#include "sandbox/trust_comment.h"

static int read_comment(const char *text, struct trust_comment *out)
{
    return trust_comment_read(text, strlen(text), out);
}

static void the_grammar_gives_name_version_and_architecture(void **state)
{
    (void)state;
    struct trust_comment comment;
    assert_int_equal(
        read_comment("streambroker1 name=gst-sink version=1.20.3 arch=x86_64", &comment), 0);
    assert_string_equal(comment.name, "gst-sink");
    assert_string_equal(comment.arch, "x86_64");
    assert_int_equal(comment.version.parts[1], 20);
}

static void everything_else_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "timestamp:1700000000\tfile:blur\thashed",
        "streambroker2 name=a version=1 arch=any",
        "streambroker1 name= version=1 arch=any",
        "streambroker1 name=a version=1 arch=",
        "streambroker1 name=a version=1",
        "streambroker1 name=a  version=1 arch=any",
        "streambroker1 version=1 name=a arch=any",
        "streambroker1 name=a version=1 arch=any ",
        "streambroker1 name=a version=1 arch=any extra=1",
        "streambroker1 name=a version=1.2.3.4.5 arch=any",
        "streambroker1 name=a version=1..2 arch=any",
        "streambroker1 name=a version=01 arch=any",
        "streambroker1 name=a version=1. arch=any",
        "streambroker1 name=a version=-1 arch=any",
        "streambroker1 name=a version=4294967296 arch=any",
        "streambroker1 name=../a version=1 arch=any",
        "streambroker1 name=A version=1 arch=any",
        "streambroker1 name=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
        "version=1 arch=any",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct trust_comment comment;
        assert_int_equal(read_comment(wrong[i], &comment), -EBADMSG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_grammar_gives_name_version_and_architecture),
        cmocka_unit_test(everything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
