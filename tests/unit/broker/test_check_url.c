// SPDX-License-Identifier: Apache-2.0
// Addresses that are not encrypted are found where they leave the machine.
#include "unit/broker/graph_fixture.h"

#include "broker/graph/check_url.h"

static void assert_found(const char *text, const char *wanted, const char *wanted_instead)
{
    const char *address = "";
    const char *instead = "";
    size_t length = check_url_find(text, &address, &instead);
    assert_int_equal(length, strlen(wanted));
    assert_memory_equal(address, wanted, length);
    assert_string_equal(instead, wanted_instead);
}

// R-NET-001
static void an_address_without_encryption_is_found_in_any_text(void **state)
{
    (void)state;
    assert_found("rtsp://cam.example:554/live", "rtsp://cam.example", "rtsps");
    assert_found("rtspsrc location=RTSP://me:pw@10.0.0.7/x ! decodebin", "RTSP://me:pw@10.0.0.7",
                 "rtsps");
    assert_found("a http://[2001:db8::1]:80/ b", "http://[2001:db8::1]", "https");
    assert_found("file:///x http://localhost:1 udp://239.0.0.1:5000", "udp://239.0.0.1", "");
}

// R-NET-001
static void what_is_encrypted_or_stays_here_is_not_found(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "rtsps://cam.example/",
                                        "https://u:p@host/",
                                        "file:///dev/video0",
                                        "http://127.0.0.1:8080/",
                                        "ws://LocalHost/",
                                        "rtsp://[::1]/x",
                                        "rtsp://me:pw@127.0.0.1:9/x",
                                        "rtsp://",
                                        "://host",
                                        "tcp:/host"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_found(texts[i], "", "");
    }
}

#define SOURCE(sandbox)                                                                            \
    "version: 1\nnodes:\n  s: {exec: [source], config: {path: '/x rtsp://u:pw@cam/a'}, sandbox: "  \
    "{" sandbox "}}\n"

// R-NET-001 R-NET-002 R-LOG-013
static void a_node_that_reaches_it_is_warned_of_and_one_that_requires_tls_is_refused(void **state)
{
    struct diags diags;
    struct graph *graph = fixture_check(*state, SOURCE("tier: trusted"), &diags);
    assert_int_equal(diags.counts[DIAG_WARNING], 1);
    assert_int_equal(diags_exit_status(&diags), 0);
    const char *text = diags.items[0].diag.text;
    assert_non_null(strstr(text, "'rtsp://***@cam' is not encrypted: who is on the way can read"));
    assert_non_null(strstr(text, "write rtsps"));
    graph_destroy(graph);
    graph = fixture_check(*state, SOURCE("tier: trusted, require: [tls]"), &diags);
    assert_int_equal(diags_exit_status(&diags), 77);
    assert_non_null(strstr(diags.items[0].diag.text, "its node requires tls"));
    assert_null(strstr(diags.items[0].diag.text, "pw"));
    graph_destroy(graph);
}

// R-NET-001
static void a_node_without_a_network_is_not_warned_of(void **state)
{
    struct diags diags;
    struct graph *graph = fixture_check(*state, SOURCE("tier: untrusted"), &diags);
    for (size_t i = 0; i < diags.count; i++) {
        assert_null(strstr(diags.items[i].diag.text, "encrypted"));
    }
    graph_destroy(graph);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_without_encryption_is_found_in_any_text),
        cmocka_unit_test(what_is_encrypted_or_stays_here_is_not_found),
        CASE(a_node_that_reaches_it_is_warned_of_and_one_that_requires_tls_is_refused),
        CASE(a_node_without_a_network_is_not_warned_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
