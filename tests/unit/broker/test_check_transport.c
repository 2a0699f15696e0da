// SPDX-License-Identifier: Apache-2.0
// R-TRANS-002: links with a transport, as a graph file says them.
#include "unit/broker/graph_fixture.h"

#define NODES(tier)                                                                                \
    "version: 1\nnodes:\n  src: {exec: [source], config: {path: x}, sandbox: " tier                \
    "}\n  sink: {exec: [sink], sandbox: " tier "}\n  more: {exec: [sink], sandbox: " tier "}\n"

// A folder of the test's own has the transport.
static void use_folder(struct fixture *fixture)
{
    fixture_write(fixture, "libstreambroker-carry.so", "", 0755);
    setenv("STREAMBROKER_TRANSPORT_PATH", fixture->folder, 1);
}

static void an_untrusted_end_is_refused_with_what_to_write(void **state)
{
    use_folder(*state);
    fixture_assert_message(*state,
                           NODES("untrusted") "links:\n  - {from: src.video, to: sink.in, "
                                              "transport: carry}\n",
                           "g.yaml:7:47: transport 'carry' is for trusted nodes, and 'src' is "
                           "untrusted: only a ring keeps what others write out of its reach; write "
                           "transport: ring, or sandbox: trusted");
}

static void links_of_one_output_have_the_same(void **state)
{
    use_folder(*state);
    fixture_assert_message(*state,
                           NODES("trusted") "links:\n  - {from: src.video, to: sink.in, "
                                            "transport: carry}\n  - src.video -> more.in\n",
                           "g.yaml:8:5: transport 'ring', but 'carry' on the link src.video -> "
                           "sink.in of the same output; write the same for both, or put a node "
                           "'pass' between");
}

static void what_is_not_installed_is_refused(void **state)
{
    use_folder(*state);
    struct diags diags;
    graph_destroy(fixture_check(*state,
                                NODES("trusted") "links:\n  - {from: src.video, to: sink.in, "
                                                 "transport: pigeon}\n",
                                &diags));
    assert_int_equal(diags_exit_status(&diags), 78);
    bool is_said = false;
    for (size_t i = 0; i < diags.count; i++) {
        is_said = is_said || strstr(diags.items[i].diag.text, "no libstreambroker-pigeon.so in");
    }
    assert_true(is_said);
}

static void trusted_ends_are_fine(void **state)
{
    use_folder(*state);
    struct diags diags;
    graph_destroy(fixture_check(*state,
                                NODES("trusted") "links:\n  - {from: src.video, to: sink.in, "
                                                 "transport: carry}\n",
                                &diags));
    assert_int_equal(diags_exit_status(&diags), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_untrusted_end_is_refused_with_what_to_write,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(links_of_one_output_have_the_same, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(what_is_not_installed_is_refused, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(trusted_ends_are_fine, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
