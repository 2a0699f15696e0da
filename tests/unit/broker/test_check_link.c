// SPDX-License-Identifier: Apache-2.0
// Links between ports that are there or not, fit or not.
#include "unit/broker/graph_fixture.h"

#define NODES                                                                                      \
    "version: 1\nnodes:\n  src: {exec: [source], config: {path: x}}\n  blur: {exec: [blur]}\n"     \
    "  sink: {exec: [sink]}\n"

// A processor with one input and one output of these types and formats.
#define BOTH(name, in_type, in_formats, out_type, out_formats)                                     \
    "{\"streambroker\":1,\"name\":\"" name "\",\"version\":\"1\",\"summary\":\"\","                \
    "\"mode\":\"reactive\",\"interval_ns\":0,\"activation\":{\"kind\":\"any\",\"count\":0,"        \
    "\"within_ns\":0},\"wants\":[],\"inputs\":[{\"name\":\"in\",\"type\":\"" in_type "\","         \
    "\"help\":\"\",\"count\":2,\"optional\":true,\"delivery\":\"latest\",\"holds\":6,"             \
    "\"memory\":false,\"formats\":" in_formats                                                     \
    "}],\"outputs\":[{\"name\":\"out\",\"type\":\"" out_type                                       \
    "\",\"help\":\"\",\"count\":0,\"claims\":1,\"one_per_step\":true,"                             \
    "\"max_payload\":4096,\"follows\":null,\"formats\":" out_formats "}],\"params\":[]}"
#define FORMATS(kinds, pixels, samples, rate, channels, message)                                   \
    "{\"kinds\":[" kinds "],\"pixels\":[" pixels "],\"samples\":[" samples "],\"rate\":[" rate     \
    "],\"channels\":[" channels "],\"message\":" message "}"
#define FREE FORMATS("", "", "", "0,0", "0,0", "null")

// Links two nodes of one processor that gives what it does not take; checks the message.
static void assert_clash(struct fixture *fixture, const char *description, const char *message)
{
    fixture_add(fixture, "both", description);
    fixture_assert_message(fixture,
                           "version: 1\nnodes: {a: {exec: [both]}, b: {exec: [both]}}\n"
                           "links: [a.out -> b.in_1]\n",
                           message);
}

// R-GRAPH-005
static void a_node_that_is_not_there_is_refused_with_the_nearest(void **state)
{
    fixture_assert_message(*state, NODES "links: [scr.video -> blur.video]\n",
                           "g.yaml:6:9: no node 'scr'; did you mean 'src'?");
    fixture_assert_message(*state, NODES "links: [src.video -> elsewhere.in]\n",
                           "g.yaml:6:22: no node 'elsewhere'; add it under nodes");
}

// R-GRAPH-006
static void a_port_that_is_not_there_is_refused_with_those_that_are(void **state)
{
    fixture_assert_message(*state, NODES "links: [src.vidoe -> blur.video]\n",
                           "g.yaml:6:9: 'src' has no output 'vidoe'; did you mean 'video'?; "
                           "outputs of 'source': video (video), text (text)");
    fixture_assert_message(*state, NODES "links: [blur.video -> sink.out]\n",
                           "g.yaml:6:23: 'sink' has no input 'out'; inputs of 'sink': in (any)");
    fixture_assert_message(*state, NODES "links: [sink.in -> blur.video]\n",
                           "g.yaml:6:9: 'sink' has no output 'in'; 'in' is an input; outputs of "
                           "'sink': it has none");
    fixture_add(*state, "both", BOTH("both", "video", FREE, "video", FREE));
    fixture_assert_message(*state,
                           "version: 1\nnodes: {a: {exec: [both]}, b: {exec: [both]}}\n"
                           "links: [a.out -> b.in_2]\n",
                           "g.yaml:3:18: 'b' has no input 'in_2'; did you mean 'in'?; inputs of "
                           "'both': in_0 to in_1 (video)");
}

// R-NEG-001 R-NEG-002
static void types_that_differ_are_refused_with_both(void **state)
{
    fixture_assert_message(*state, NODES "links: [src.text -> blur.video]\n",
                           "g.yaml:6:9: src.text gives text, blur.video takes video; link ports "
                           "of one type");
}

// R-NEG-004 R-NEG-005 R-NEG-011
static void without_auto_transfer_formats_that_a_converter_could_join_are_an_error(void **state)
{
    static const struct {
        const char *description;
        const char *message;
    } cases[] = {
        {BOTH("both", "video", FORMATS("", "\"rgba\",\"bgra\"", "", "0,0", "0,0", "null"), "video",
              FORMATS("", "\"i420\",\"nv12\"", "", "0,0", "0,0", "null")),
         "a.out gives i420, nv12, b.in_1 takes rgba, bgra; auto_transfer is false: leave it out "
         "and "
         "'convert' is inserted, or put a node between them"},
        {BOTH("both", "audio", FORMATS("", "", "\"s16\"", "0,0", "0,0", "null"), "audio",
              FORMATS("", "", "\"f32\"", "0,0", "0,0", "null")),
         "a.out gives f32, b.in_1 takes s16; auto_transfer is false: leave it out and 'resample' "
         "is "
         "inserted, or put a node between them"},
        {BOTH("both", "audio", FORMATS("", "", "", "8000,16000", "0,0", "null"), "audio",
              FORMATS("", "", "", "44100,48000", "0,0", "null")),
         "a.out gives 44100 to 48000 Hz, b.in_1 takes 8000 to 16000 Hz; auto_transfer is false: "
         "leave it out and 'resample' is inserted, or put a node between them"},
        {BOTH("both", "audio", FORMATS("", "", "", "0,0", "1,1", "null"), "audio",
              FORMATS("", "", "", "0,0", "2,2", "null")),
         "a.out gives 2 to 2 channels, b.in_1 takes 1 to 1 channels; auto_transfer is false: leave "
         "it out and 'resample' is inserted, or put a node between them"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char message[512];
        snprintf(message, sizeof message, "g.yaml:3:16: %s", cases[i].message);
        fixture_add(*state, "both", cases[i].description);
        fixture_assert_message(*state,
                               "version: 1\nnodes: {a: {exec: [both]}, b: {exec: [both]}}\n"
                               "links: [{from: a.out, to: b.in_1, auto_transfer: false}]\n",
                               message);
    }
}

// R-NEG-003 R-NEG-008
static void formats_that_cannot_meet_are_refused_with_both_lists(void **state)
{
    assert_clash(*state,
                 BOTH("both", "data", FORMATS("\"tensor\"", "", "", "0,0", "0,0", "null"), "data",
                      FORMATS("\"binary\",\"message\"", "", "", "0,0", "0,0", "null")),
                 "g.yaml:3:9: a.out gives binary, message, b.in_1 takes tensor; link ports of one "
                 "kind");
    assert_clash(*state,
                 BOTH("both", "data", FORMATS("\"message\"", "", "", "0,0", "0,0", "\"my.Pose\""),
                      "data", FORMATS("\"message\"", "", "", "0,0", "0,0", "\"my.Face\"")),
                 "g.yaml:3:9: a.out gives 'my.Face', b.in_1 takes 'my.Pose'; link ports of one "
                 "message type");
}

static void a_port_of_type_any_is_linked_with_every_type(void **state)
{
    struct diags diags;
    graph_destroy(fixture_check(*state,
                                NODES "links: [src.text -> sink.in, src.video -> sink.in,"
                                      " src.video -> blur.video]\n",
                                &diags));
    assert_int_equal(diags.counts[DIAG_ERROR], 0);
}

// R-DATA-006
static void delivery_depth_and_payload_come_from_the_ports_unless_written(void **state)
{
    struct diags diags;
    fixture_add(*state, "both", BOTH("both", "video", FREE, "video", FREE));
    struct graph *graph =
        fixture_check(*state,
                      "version: 1\nnodes: {a: {exec: [both]}, b: {exec: [both]}}\n"
                      "links: [a.out -> b.in_1, {from: a.out, to: b.in_0, delivery: ordered}]\n",
                      &diags);
    const struct graph_link_found *found = &graph->links[0].found;
    assert_int_equal(found->delivery, SB_DELIVERY_LATEST);
    // Four by the delivery, but six frames may be held beside the next one.
    assert_int_equal(found->depth, 7);
    assert_int_equal(found->claims, 7);
    assert_int_equal(found->max_payload, 4096);
    assert_int_equal(found->to_index, 1);
    assert_int_equal(graph->links[1].found.delivery, SB_DELIVERY_ORDERED);
    assert_int_equal(graph->links[1].found.depth, GRAPH_DEPTH_DEFAULT);
    graph_destroy(graph);
}

static void a_depth_below_the_batch_or_what_is_held_is_refused(void **state)
{
    fixture_assert_message(*state,
                           "version: 1\nnodes:\n  src: {exec: [source], config: {path: x}}\n"
                           "  blur: {exec: [blur], activate: {batch: 8}}\n"
                           "links: [{from: src.video, to: blur.video, depth: 4}]\n",
                           "g.yaml:5:50: depth 4, but 'blur' waits for a batch of 8; make the "
                           "depth 8 or more");
    fixture_add(*state, "both", BOTH("both", "video", FREE, "video", FREE));
    fixture_assert_message(*state,
                           "version: 1\nnodes: {a: {exec: [both]}, b: {exec: [both]}}\n"
                           "links: [{from: a.out, to: b.in_1, depth: 2}]\n",
                           "g.yaml:3:42: depth 2, but b.in_1 may hold back 6 frames; make the "
                           "depth 7 or more");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_node_that_is_not_there_is_refused_with_the_nearest),
        CASE(a_port_that_is_not_there_is_refused_with_those_that_are),
        CASE(types_that_differ_are_refused_with_both),
        CASE(without_auto_transfer_formats_that_a_converter_could_join_are_an_error),
        CASE(formats_that_cannot_meet_are_refused_with_both_lists),
        CASE(a_port_of_type_any_is_linked_with_every_type),
        CASE(delivery_depth_and_payload_come_from_the_ports_unless_written),
        CASE(a_depth_below_the_batch_or_what_is_held_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
