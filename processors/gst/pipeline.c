// SPDX-License-Identifier: Apache-2.0
// GStreamer pipelines with ends that are ports.
#include "processors/gst/pipeline.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <streambroker/processor.h>

#include "processors/gst/caps.h"

#define PATH_MARK "{path}"

// The registry lies in the folder streambroker beside the library, in the build tree as in an
// install.
static void choose_registry(void)
{
    Dl_info info;
    char path[4096];
    if (getenv("GST_REGISTRY") != NULL || dladdr((const void *)(uintptr_t)sb_now_ns, &info) == 0 ||
        info.dli_fname == NULL) {
        return;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    int length = slash == NULL ? 0 : (int)(slash - info.dli_fname);
    snprintf(path, sizeof path, "%.*s/streambroker/gst-registry.bin", length, info.dli_fname);
    if (length > 0 && access(path, R_OK) == 0) {
        setenv("GST_REGISTRY", path, 1);
    }
}

// No process of its own for the registry, and the registry that lies beside the library, if there
// is one.
static int start_library(char out_text[PIPELINE_TEXT_BYTES])
{
    GError *error = NULL;
    // A worker has no children: plugins are looked at in this process.
    setenv("GST_REGISTRY_FORK", "no", 1);
    // Where a user has no home, libraries look for one and complain.
    setenv("HOME", "/tmp", 0);
    choose_registry();
    if (!gst_init_check(NULL, NULL, &error)) {
        snprintf(out_text, PIPELINE_TEXT_BYTES, "GStreamer cannot start: %s",
                 error == NULL ? "unknown reason" : error->message);
        g_clear_error(&error);
        return -EIO;
    }
    return 0;
}

static void append_escaped(GString *text, const char *path)
{
    for (const char *at = path; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && strchr("/._-+", *at) == NULL) {
            g_string_append_c(text, '\\');
        }
        g_string_append_c(text, *at);
    }
}

static GString *expand(const char *fragment, const char *path)
{
    GString *text = g_string_new(NULL);
    const char *at = fragment;
    const char *mark;
    while ((mark = strstr(at, PATH_MARK)) != NULL) {
        g_string_append_len(text, at, mark - at);
        append_escaped(text, path);
        at = mark + strlen(PATH_MARK);
    }
    return g_string_append(text, at);
}

static void note_error(struct pipeline *pipeline, GstMessage *message)
{
    GError *error = NULL;
    char *debug = NULL;
    gst_message_parse_error(message, &error, &debug);
    if (!pipeline->has_failed) {
        // The last line of the debug text says what went wrong, the others where in the code.
        const char *detail = debug == NULL ? NULL : strrchr(debug, '\n');
        snprintf(pipeline->text, sizeof pipeline->text, "%s: %s%s%s",
                 GST_OBJECT_NAME(GST_MESSAGE_SRC(message)), error->message,
                 detail == NULL ? "" : " ", detail == NULL ? "" : detail + 1);
        pipeline->has_failed = true;
    }
    g_clear_error(&error);
    g_free(debug);
}

// Called by the thread that posts the message.
static GstBusSyncReply on_message(GstBus *bus, GstMessage *message, gpointer data)
{
    struct pipeline *pipeline = data;
    (void)bus;
    g_mutex_lock(&pipeline->lock);
    GstMessageType type = GST_MESSAGE_TYPE(message);
    if (type == GST_MESSAGE_ERROR) {
        note_error(pipeline, message);
    } else if (type == GST_MESSAGE_EOS) {
        pipeline->is_eos = true;
    } else if (type == GST_MESSAGE_ASYNC_DONE) {
        pipeline->is_prerolled = true;
    }
    pipeline->events++;
    g_cond_broadcast(&pipeline->wake);
    g_mutex_unlock(&pipeline->lock);
    gst_message_unref(message);
    return GST_BUS_DROP;
}

static GstElement *parse(const char *fragment, const char *path, char *out_text)
{
    GError *error = NULL;
    GString *text = expand(fragment, path);
    // Without FATAL_ERRORS a fragment with an unknown element gives half a pipeline.
    GstElement *bin = gst_parse_bin_from_description_full(
        text->str, FALSE, NULL, GST_PARSE_FLAG_FATAL_ERRORS | GST_PARSE_FLAG_PLACE_IN_BIN, &error);
    g_string_free(text, TRUE);
    if (error != NULL || bin == NULL) {
        snprintf(out_text, PIPELINE_TEXT_BYTES, "pipeline: %s",
                 error == NULL ? "it is empty" : error->message);
        g_clear_error(&error);
        gst_clear_object(&bin);
        return NULL;
    }
    return bin;
}

int pipeline_create(const char *fragment, const char *path, struct pipeline **out_pipeline,
                    char out_text[PIPELINE_TEXT_BYTES])
{
    int failed = start_library(out_text);
    if (failed != 0) {
        return failed;
    }
    GstElement *bin = parse(fragment, path, out_text);
    if (bin == NULL) {
        return -EINVAL;
    }
    struct pipeline *pipeline = calloc(1, sizeof *pipeline);
    if (pipeline == NULL) {
        gst_object_unref(bin);
        return -ENOMEM;
    }
    g_mutex_init(&pipeline->lock);
    g_cond_init(&pipeline->wake);
    pipeline->top = gst_pipeline_new(NULL);
    pipeline->bin = GST_BIN(bin);
    gst_bin_add(GST_BIN(pipeline->top), bin);
    GstBus *bus = gst_element_get_bus(pipeline->top);
    gst_bus_set_sync_handler(bus, on_message, pipeline, NULL);
    gst_object_unref(bus);
    *out_pipeline = pipeline;
    return 0;
}

void pipeline_destroy(struct pipeline *pipeline)
{
    if (pipeline != NULL) {
        gst_element_set_state(pipeline->top, GST_STATE_NULL);
        gst_object_unref(pipeline->top);
        g_mutex_clear(&pipeline->lock);
        g_cond_clear(&pipeline->wake);
        free(pipeline);
    }
}

// Borrowed: the bin keeps its own reference.
static GstElement *find(const struct pipeline *pipeline, const char *name)
{
    GstElement *element = gst_bin_get_by_name(pipeline->bin, name);
    if (element != NULL) {
        gst_object_unref(element);
    }
    return element;
}

bool pipeline_has(const struct pipeline *pipeline, const char *name)
{
    return find(pipeline, name) != NULL;
}

static GstElement *add(struct pipeline *pipeline, const char *factory)
{
    GstElement *element = gst_element_factory_make(factory, NULL);
    if (element == NULL) {
        snprintf(pipeline->text, sizeof pipeline->text, "GStreamer has no element '%s'", factory);
        return NULL;
    }
    gst_bin_add(pipeline->bin, element);
    return element;
}

static GstElement *refuse(struct pipeline *pipeline, const char *name, const char *why)
{
    snprintf(pipeline->text, sizeof pipeline->text, "pipeline: the element '%s' %s", name, why);
    return NULL;
}

static bool is_factory(GstElement *element, const char *name)
{
    GstElementFactory *factory = gst_element_get_factory(element);
    return factory != NULL && strcmp(GST_OBJECT_NAME(factory), name) == 0;
}

static const char *converter_of(enum sb_port_type type)
{
    return type == SB_PORT_VIDEO ? "videoconvert" : type == SB_PORT_AUDIO ? "audioconvert" : NULL;
}

// named ! converter ! end, or end ! converter ! named
static bool link_end(struct pipeline *pipeline, GstElement *named, GstElement *end,
                     enum sb_port_type type, bool is_output)
{
    GstElement *converter = NULL;
    if (converter_of(type) != NULL) {
        converter = add(pipeline, converter_of(type));
        if (converter == NULL) {
            return false;
        }
    }
    GstElement *middle = converter == NULL ? end : converter;
    bool is_linked = converter == NULL || (is_output ? gst_element_link(converter, end)
                                                     : gst_element_link(end, converter));
    return is_linked &&
           (is_output ? gst_element_link(named, middle) : gst_element_link(middle, named));
}

GstElement *pipeline_end_of(struct pipeline *pipeline, const char *name, enum sb_port_type type,
                            bool is_output)
{
    const char *factory = is_output ? "appsink" : "appsrc";
    GstElement *named = find(pipeline, name);
    GstElement *end = named;
    if (named == NULL) {
        return refuse(pipeline, name, "is missing: call one like the port (name=...)");
    }
    if (!is_factory(named, factory)) {
        end = add(pipeline, factory);
        if (end == NULL) {
            return NULL;
        }
        if (!link_end(pipeline, named, end, type, is_output)) {
            return refuse(pipeline, name,
                          is_output ? "has no free pad that gives what the port carries"
                                    : "has no free pad that takes what the port carries");
        }
    }
    if (is_output) {
        GstCaps *caps = caps_of_port(type);
        g_object_set(end, "caps", caps, NULL);
        gst_caps_unref(caps);
    }
    return end;
}

int pipeline_plug_output(struct pipeline *pipeline, const char *name)
{
    GstElement *named = find(pipeline, name);
    if (is_factory(named, "appsink")) {
        g_object_set(named, "drop", TRUE, "max-buffers", 1, "async", FALSE, "sync", FALSE, NULL);
        return 0;
    }
    GstElement *plug = add(pipeline, "fakesink");
    if (plug == NULL) {
        return -EINVAL;
    }
    g_object_set(plug, "async", FALSE, "sync", FALSE, NULL);
    if (!gst_element_link(named, plug)) {
        refuse(pipeline, name, "has no free pad");
        return -EINVAL;
    }
    return 0;
}

int pipeline_set_state(struct pipeline *pipeline, GstState state, bool *out_is_live)
{
    GstStateChangeReturn changed = gst_element_set_state(pipeline->top, state);
    if (changed == GST_STATE_CHANGE_FAILURE) {
        g_mutex_lock(&pipeline->lock);
        if (!pipeline->has_failed) {
            snprintf(pipeline->text, sizeof pipeline->text, "the pipeline cannot start");
        }
        g_mutex_unlock(&pipeline->lock);
        return -EIO;
    }
    *out_is_live = changed == GST_STATE_CHANGE_NO_PREROLL;
    return changed == GST_STATE_CHANGE_SUCCESS;
}

uint64_t pipeline_events(struct pipeline *pipeline)
{
    g_mutex_lock(&pipeline->lock);
    uint64_t events = pipeline->events;
    g_mutex_unlock(&pipeline->lock);
    return events;
}

void pipeline_wait(struct pipeline *pipeline, uint64_t seen, int64_t time_ns)
{
    int64_t until_us = g_get_monotonic_time() + time_ns / 1000;
    g_mutex_lock(&pipeline->lock);
    while (pipeline->events == seen &&
           g_cond_wait_until(&pipeline->wake, &pipeline->lock, until_us)) {
    }
    g_mutex_unlock(&pipeline->lock);
}

void pipeline_notify(struct pipeline *pipeline)
{
    g_mutex_lock(&pipeline->lock);
    pipeline->events++;
    g_cond_broadcast(&pipeline->wake);
    g_mutex_unlock(&pipeline->lock);
}

static bool read_flag(struct pipeline *pipeline, const bool *flag)
{
    g_mutex_lock(&pipeline->lock);
    bool value = *flag;
    g_mutex_unlock(&pipeline->lock);
    return value;
}

bool pipeline_is_eos(struct pipeline *pipeline)
{
    return read_flag(pipeline, &pipeline->is_eos);
}

bool pipeline_has_failed(struct pipeline *pipeline)
{
    return read_flag(pipeline, &pipeline->has_failed);
}

bool pipeline_is_prerolled(struct pipeline *pipeline)
{
    return read_flag(pipeline, &pipeline->is_prerolled);
}

#ifdef SB_SANITIZE_NAME
// GLib makes a table when it is loaded and leaves it behind on purpose when it grows. Only whole
// call chains tell that from leaks of ours, and workers have no environment to say it in.
SB_API const char *__asan_default_options(void);
SB_API const char *__lsan_default_options(void);
SB_API const char *__lsan_default_suppressions(void);

// tidy: allow names: the sanitizer calls it
const char *__asan_default_options(void)
{
    return "fast_unwind_on_malloc=0";
}

// tidy: allow names: the sanitizer calls it
const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}

// tidy: allow names: the sanitizer calls it
const char *__lsan_default_suppressions(void)
{
    return "leak:_dl_init";
}
#endif
