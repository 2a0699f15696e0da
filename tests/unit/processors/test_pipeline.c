// SPDX-License-Identifier: Apache-2.0
// Launch fragments: their ends, their errors, and what they tell.
// test: uses=processors_gst,streambroker_lib
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "processors/gst/pipeline.h"

#define WAIT_NS INT64_C(5000000000)

static struct pipeline *make(const char *fragment, const char *path)
{
    struct pipeline *pipeline = NULL;
    char text[PIPELINE_TEXT_BYTES] = "";
    int result = pipeline_create(fragment, path, &pipeline, text);
    if (result < 0) {
        fail_msg("%s: %s", fragment, text);
    }
    return pipeline;
}

static void wait_for(struct pipeline *pipeline, bool (*flag)(struct pipeline *pipeline))
{
    for (int i = 0; i < 100 && !flag(pipeline); i++) {
        uint64_t seen = pipeline_events(pipeline);
        if (!flag(pipeline)) {
            pipeline_wait(pipeline, seen, WAIT_NS / 100);
        }
    }
    assert_true(flag(pipeline));
}

static void a_fragment_with_an_unknown_element_is_refused_by_name(void **state)
{
    (void)state;
    struct pipeline *pipeline = NULL;
    char text[PIPELINE_TEXT_BYTES] = "";
    assert_int_equal(pipeline_create("videotestsrc ! nosuchelement", "", &pipeline, text), -EINVAL);
    assert_non_null(strstr(text, "nosuchelement"));
    assert_int_equal(pipeline_create("videotestsrc nosuch=1", "", &pipeline, text), -EINVAL);
    assert_int_equal(pipeline_create("", "", &pipeline, text), -EINVAL);
    assert_null(pipeline);
    pipeline_destroy(NULL);
}

static void the_element_called_like_a_port_is_its_end(void **state)
{
    (void)state;
    struct pipeline *pipeline = make("videotestsrc num-buffers=1 ! identity name=video", "");
    assert_true(pipeline_has(pipeline, "video"));
    assert_false(pipeline_has(pipeline, "audio"));
    assert_non_null(pipeline_end_of(pipeline, "video", SB_PORT_VIDEO, true));
    assert_null(pipeline_end_of(pipeline, "audio", SB_PORT_AUDIO, true));
    assert_non_null(strstr(pipeline->text, "'audio'"));
    pipeline_destroy(pipeline);
}

static void an_element_without_a_free_pad_is_refused(void **state)
{
    (void)state;
    struct pipeline *pipeline = make("videotestsrc ! fakesink name=video", "");
    assert_null(pipeline_end_of(pipeline, "video", SB_PORT_VIDEO, true));
    assert_non_null(strstr(pipeline->text, "free pad"));
    pipeline_destroy(pipeline);
    pipeline = make("audiotestsrc name=audio ! fakesink", "");
    assert_null(pipeline_end_of(pipeline, "audio", SB_PORT_AUDIO, false));
    pipeline_destroy(pipeline);
}

static void an_appsink_of_that_name_is_used_itself(void **state)
{
    (void)state;
    struct pipeline *pipeline = make("videotestsrc ! appsink name=video", "");
    GstElement *end = pipeline_end_of(pipeline, "video", SB_PORT_VIDEO, true);
    assert_non_null(end);
    assert_string_equal(GST_OBJECT_NAME(end), "video");
    pipeline_destroy(pipeline);
}

static void an_error_on_the_bus_is_kept_with_its_element(void **state)
{
    (void)state;
    struct pipeline *pipeline = make("filesrc location=/no/such/file name=reader ! fakesink", "");
    bool is_live = false;
    assert_true(pipeline_set_state(pipeline, GST_STATE_PAUSED, &is_live) < 0);
    assert_true(pipeline_has_failed(pipeline));
    assert_non_null(strstr(pipeline->text, "reader"));
    assert_non_null(strstr(pipeline->text, "/no/such/file"));
    pipeline_destroy(pipeline);
}

static void the_end_and_the_preroll_are_seen(void **state)
{
    (void)state;
    struct pipeline *pipeline = make("videotestsrc num-buffers=2 ! fakesink sync=false", "");
    bool is_live = true;
    assert_true(pipeline_set_state(pipeline, GST_STATE_PAUSED, &is_live) >= 0);
    assert_false(is_live);
    wait_for(pipeline, pipeline_is_prerolled);
    assert_true(pipeline_set_state(pipeline, GST_STATE_PLAYING, &is_live) >= 0);
    wait_for(pipeline, pipeline_is_eos);
    assert_false(pipeline_has_failed(pipeline));
    pipeline_destroy(pipeline);
}

static void a_live_source_says_so(void **state)
{
    (void)state;
    struct pipeline *pipeline = make("videotestsrc is-live=true ! fakesink", "");
    bool is_live = false;
    assert_int_equal(pipeline_set_state(pipeline, GST_STATE_PAUSED, &is_live), 0);
    assert_true(is_live);
    pipeline_destroy(pipeline);
}

static void a_path_with_odd_letters_stays_one_word(void **state)
{
    (void)state;
    static const char path[] = "/tmp/a b!c\"d'e\\f=g.raw";
    char *location = NULL;
    struct pipeline *pipeline = make("fakesrc ! filesink name=file location={path}", path);
    GstElement *file = gst_bin_get_by_name(pipeline->bin, "file");
    g_object_get(file, "location", &location, NULL);
    assert_string_equal(location, path);
    g_free(location);
    gst_object_unref(file);
    pipeline_destroy(pipeline);
}

static void a_wait_ends_when_it_is_told(void **state)
{
    (void)state;
    struct pipeline *pipeline = make("fakesrc ! fakesink", "");
    uint64_t seen = pipeline_events(pipeline);
    pipeline_notify(pipeline);
    pipeline_wait(pipeline, seen, WAIT_NS);  // returns at once, or the test's time is over
    assert_true(pipeline_events(pipeline) > seen);
    pipeline_wait(pipeline, pipeline_events(pipeline), 1000000);
    pipeline_destroy(pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fragment_with_an_unknown_element_is_refused_by_name),
        cmocka_unit_test(the_element_called_like_a_port_is_its_end),
        cmocka_unit_test(an_element_without_a_free_pad_is_refused),
        cmocka_unit_test(an_appsink_of_that_name_is_used_itself),
        cmocka_unit_test(an_error_on_the_bus_is_kept_with_its_element),
        cmocka_unit_test(the_end_and_the_preroll_are_seen),
        cmocka_unit_test(a_live_source_says_so),
        cmocka_unit_test(a_path_with_odd_letters_stays_one_word),
        cmocka_unit_test(a_wait_ends_when_it_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
