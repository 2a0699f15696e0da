// SPDX-License-Identifier: Apache-2.0
// gst-sink: video, audio and data into any GStreamer launch fragment.
#include <errno.h>
#include <gst/app/gstappsrc.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <streambroker/streambroker.h>

#include "processors/common/media_file.h"
#include "processors/common/whole.h"
#include "processors/gst/caps.h"
#include "processors/gst/packing.h"
#include "processors/gst/pipeline.h"

#define PORTS 3
#define POLL_NS 100000000    // how long an error of the pipeline may stay unseen
#define FULL_NS 5000000      // how long a frame of one port waits while another is full
#define FIRST_NS 1000000000  // how long the first frame of every port is waited for
#define END_NS 2000000000    // how long a file may take to be ended after a stop
#define QUEUE_BYTES (UINT64_C(4) << 20)
#define QUEUE_FRAMES 4

struct port {
    const char *name;
    enum sb_port_type type;
    struct sb_input *input;
    GstAppSrc *source;  // NULL = not linked
    GstCaps *caps;      // owned
    struct sb_format format;
    struct pipeline *pipeline;  // borrowed, for the calls of GStreamer's threads
    int is_full;                // written by GStreamer's threads, atomic
    bool is_ended;
    bool has_first;
    struct sb_frame first;  // held until all ports have theirs
    uint64_t frames;
};

struct gst_sink {
    struct pipeline *pipeline;
    struct port ports[PORTS];
    bool is_arrival;  // frames get the time at which they come
    bool has_base;
    bool is_over;
    int64_t base_ns;  // time that becomes 0
};

static int fail(struct sb_node *node, const struct gst_sink *sink, int code)
{
    return sb_node_error(node, code, "%s", sink->pipeline->text);
}

static void on_need(GstAppSrc *source, guint length, gpointer data)
{
    struct port *port = data;
    (void)source;
    (void)length;
    g_atomic_int_set(&port->is_full, 0);
    pipeline_notify(port->pipeline);
}

static void on_enough(GstAppSrc *source, gpointer data)
{
    struct port *port = data;
    (void)source;
    g_atomic_int_set(&port->is_full, 1);
}

// An end that nobody feeds is ended at once: a muxer would wait for it for ever.
static int plug_input(struct sb_node *node, struct gst_sink *sink, const struct port *port)
{
    GstElement *source = pipeline_end_of(sink->pipeline, port->name, port->type, false);
    if (source == NULL) {
        return fail(node, sink, -EINVAL);
    }
    gst_app_src_end_of_stream(GST_APP_SRC(source));
    return 0;
}

static int open_port(struct sb_node *node, struct gst_sink *sink, struct port *port)
{
    port->input = sb_node_input(node, port->name);
    port->pipeline = sink->pipeline;
    if (!sb_input_is_linked(port->input)) {
        return pipeline_has(sink->pipeline, port->name) ? plug_input(node, sink, port) : 0;
    }
    GstElement *source = pipeline_end_of(sink->pipeline, port->name, port->type, false);
    if (source == NULL) {
        return fail(node, sink, -EINVAL);
    }
    GstAppSrcCallbacks calls = {.need_data = on_need, .enough_data = on_enough};
    port->source = GST_APP_SRC(source);
    g_object_set(source, "format", GST_FORMAT_TIME, "block", FALSE, "min-percent", 50, "is-live",
                 (gboolean)sink->is_arrival, "do-timestamp", (gboolean)sink->is_arrival, NULL);
    gst_app_src_set_callbacks(port->source, &calls, port, NULL);
    return 0;
}

static int gst_sink_prepare(struct sb_node *node)
{
    char text[PIPELINE_TEXT_BYTES];
    struct gst_sink *sink = calloc(1, sizeof *sink);
    if (sink == NULL) {
        return -ENOMEM;
    }
    sb_node_set_data(node, sink);
    *sink = (struct gst_sink){
        .ports = {{.name = "video", .type = SB_PORT_VIDEO},
                  {.name = "audio", .type = SB_PORT_AUDIO},
                  {.name = "data", .type = SB_PORT_DATA}},
        .is_arrival = sb_param_choice(node, "times") == 1,
    };
    int result = pipeline_create(sb_param_string(node, "pipeline"), sb_param_string(node, "path"),
                                 &sink->pipeline, text);
    if (result < 0) {
        return sb_node_error(node, result, "%s", result == -ENOMEM ? "no memory" : text);
    }
    for (int i = 0; i < PORTS; i++) {
        result = open_port(node, sink, &sink->ports[i]);
        if (result < 0) {
            return result;
        }
    }
    // Files are opened here, so that a wrong path is an error of the start.
    bool is_live = false;
    (void)media_file_make_folder(sb_param_string(node, "path"));
    result = pipeline_set_state(sink->pipeline, GST_STATE_PAUSED, &is_live);
    return result < 0 ? fail(node, sink, result) : 0;
}

static int gst_sink_format(struct sb_node *node, struct sb_input *input,
                           const struct sb_format *format)
{
    struct gst_sink *sink = sb_node_data(node);
    for (int i = 0; i < PORTS; i++) {
        struct port *port = &sink->ports[i];
        if (port->input != input || port->source == NULL) {
            continue;
        }
        GstCaps *caps = caps_of_format(format);
        if (caps == NULL) {
            return sb_node_error(node, -EINVAL, "%s: GStreamer has no caps for %s", port->name,
                                 sb_format_kind_name(format->kind));
        }
        gst_clear_caps(&port->caps);
        port->caps = caps;
        port->format = *format;
        uint64_t queue = QUEUE_FRAMES * sb_format_frame_bytes(format);
        gst_app_src_set_caps(port->source, caps);
        gst_app_src_set_max_bytes(port->source, queue > QUEUE_BYTES ? queue : QUEUE_BYTES);
    }
    return 0;
}

static GstBuffer *buffer_of(const struct gst_sink *sink, const struct port *port,
                            const struct sb_frame *frame)
{
    GstBuffer *buffer = NULL;
    if (port->format.kind == SB_FORMAT_VIDEO) {
        buffer = packing_store(&port->format.video, port->caps, frame->data);
    } else {
        buffer = gst_buffer_new_allocate(NULL, (gsize)frame->size_bytes, NULL);
        if (buffer != NULL) {
            gst_buffer_fill(buffer, 0, frame->data, (gsize)frame->size_bytes);
        }
    }
    if (buffer == NULL || sink->is_arrival) {
        return buffer;
    }
    int64_t time_ns = frame->pts_ns - sink->base_ns;
    GST_BUFFER_PTS(buffer) = (GstClockTime)(time_ns < 0 ? 0 : time_ns);
    if (frame->duration_ns > 0) {
        GST_BUFFER_DURATION(buffer) = (GstClockTime)frame->duration_ns;
    }
    if ((frame->flags & SB_FRAME_DISCONTINUITY) != 0) {
        GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
    }
    return buffer;
}

static int push(const struct gst_sink *sink, struct port *port, const struct sb_frame *frame)
{
    GstBuffer *buffer = buffer_of(sink, port, frame);
    if (buffer == NULL) {
        return -ENOMEM;
    }
    // What the pipeline thinks of it is found on its bus.
    (void)gst_app_src_push_buffer(port->source, buffer);
    port->frames++;
    return 0;
}

static void end_port(struct port *port)
{
    port->is_ended = true;
    gst_app_src_end_of_stream(port->source);
}

// Takes the first frame of every port, to know which time is 0 for all of them.
static int find_base(struct gst_sink *sink)
{
    int64_t deadline_ns = sb_now_ns() + FIRST_NS;
    sink->base_ns = INT64_MAX;
    for (int i = 0; i < PORTS; i++) {
        struct port *port = &sink->ports[i];
        int result = port->source == NULL ? -EPIPE : 0;
        while (result == 0) {
            result = sb_input_take(port->input, &port->first);
            if (result != 0) {
                break;
            }
            // The first port is waited for as long as it takes, the others for a moment.
            bool is_any = sink->base_ns != INT64_MAX;
            int waited = sb_input_wait(port->input, is_any ? deadline_ns : INT64_MAX);
            if (waited < 0) {
                return waited;
            }
            if (waited == 0) {
                result = -EAGAIN;
            }
        }
        if (result == 1) {
            port->has_first = true;
            int64_t time_ns = port->first.pts_ns;
            sink->base_ns = time_ns < sink->base_ns ? time_ns : sink->base_ns;
        } else if (result == -EPIPE && port->source != NULL) {
            end_port(port);
        }
    }
    sink->has_base = sink->base_ns != INT64_MAX;
    return 0;
}

// One frame of a port: 1 when there was something to do, 0 when not, or an error.
static int serve(struct gst_sink *sink, struct port *port)
{
    struct sb_frame frame;
    int result = 1;
    if (port->has_first) {
        frame = port->first;
        port->has_first = false;
    } else {
        result = sb_input_take(port->input, &frame);
    }
    if (result == -EPIPE) {
        end_port(port);
        return 1;
    }
    if (result != 1) {
        return result;
    }
    if (!sink->has_base) {
        sink->has_base = true;
        sink->base_ns = frame.pts_ns;
    }
    result = push(sink, port, &frame);
    sb_frame_release(&frame);
    return result < 0 ? result : 1;
}

// One round over all ports. Returns the number of open ones, or an error.
static int serve_all(struct gst_sink *sink, bool *out_has_worked, bool *out_is_any_full)
{
    int open_count = 0;
    *out_has_worked = false;
    *out_is_any_full = false;
    for (int i = 0; i < PORTS; i++) {
        struct port *port = &sink->ports[i];
        if (port->source == NULL || port->is_ended) {
            continue;
        }
        open_count++;
        if (g_atomic_int_get(&port->is_full) != 0) {
            *out_is_any_full = true;
            continue;
        }
        int result = serve(sink, port);
        if (result < 0) {
            return result;
        }
        *out_has_worked = *out_has_worked || result == 1;
    }
    return open_count;
}

// The pipeline has everything: waits until it wrote it.
static int wait_for_end(struct sb_node *node, struct gst_sink *sink, int64_t deadline_ns)
{
    for (;;) {
        uint64_t seen = pipeline_events(sink->pipeline);
        if (pipeline_has_failed(sink->pipeline)) {
            return fail(node, sink, -EIO);
        }
        if (pipeline_is_eos(sink->pipeline)) {
            sink->is_over = true;
            return 0;
        }
        if (sb_now_ns() >= deadline_ns) {
            return sb_node_error(node, -ETIMEDOUT, "the pipeline did not come to its end");
        }
        pipeline_wait(sink->pipeline, seen, POLL_NS);
    }
}

static void report(struct sb_node *node, const struct gst_sink *sink)
{
    const char *path = sb_param_string(node, "path");
    uint64_t frames = 0;
    for (int i = 0; i < PORTS; i++) {
        frames += sink->ports[i].frames;
    }
    if (path[0] != '\0') {
        sb_log(node, SB_LOG_INFO, "wrote %s: %" PRIu64 " frames", path, frames);
    }
}

static int feed(struct sb_node *node, struct gst_sink *sink)
{
    for (;;) {
        bool has_worked = false;
        bool is_any_full = false;
        uint64_t seen = pipeline_events(sink->pipeline);
        if (pipeline_has_failed(sink->pipeline)) {
            return fail(node, sink, -EIO);
        }
        if (sb_node_should_stop(node)) {
            return -ECANCELED;
        }
        int open_count = serve_all(sink, &has_worked, &is_any_full);
        if (open_count <= 0) {
            return open_count;
        }
        if (is_any_full && !has_worked) {
            pipeline_wait(sink->pipeline, seen, FULL_NS);
        } else if (!has_worked) {
            (void)sb_node_wait(node, sb_now_ns() + POLL_NS);
        }
    }
}

static int gst_sink_run(struct sb_node *node)
{
    struct gst_sink *sink = sb_node_data(node);
    bool is_live = false;
    int result = pipeline_set_state(sink->pipeline, GST_STATE_PLAYING, &is_live);
    if (result < 0) {
        return fail(node, sink, result);
    }
    result = find_base(sink);
    if (result == 0) {
        result = feed(node, sink);
    }
    if (result == 0) {
        result = wait_for_end(node, sink, INT64_MAX);
    }
    if (result == 0) {
        report(node, sink);
    }
    sb_node_finish(node);
    return result == -ECANCELED ? 0 : result;
}

// Stopped before the end: what is there becomes a whole file all the same.
static void end_early(struct sb_node *node, struct gst_sink *sink)
{
    bool is_fed = false;
    for (int i = 0; i < PORTS; i++) {
        struct port *port = &sink->ports[i];
        is_fed = is_fed || port->frames > 0;
        if (port->source != NULL && !port->is_ended) {
            end_port(port);
        }
    }
    if (is_fed && !pipeline_has_failed(sink->pipeline)) {
        (void)wait_for_end(node, sink, sb_now_ns() + END_NS);
    }
}

static void gst_sink_close(struct sb_node *node)
{
    struct gst_sink *sink = sb_node_data(node);
    if (sink == NULL) {
        return;
    }
    if (sink->pipeline != NULL && !sink->is_over) {
        end_early(node, sink);
    }
    pipeline_destroy(sink->pipeline);
    for (int i = 0; i < PORTS; i++) {
        gst_clear_caps(&sink->ports[i].caps);
    }
    free(sink);
}

static int gst_sink_open(struct sb_node *node)
{
    return whole_open(node, gst_sink_prepare, gst_sink_close);
}

static const struct sb_port inputs[] = {
    {.name = "video",
     .type = SB_PORT_VIDEO,
     .help = "Raw video for the element named video.",
     .is_optional = true},
    {.name = "audio",
     .type = SB_PORT_AUDIO,
     .help = "Raw audio for the element named audio.",
     .is_optional = true},
    {.name = "data",
     .type = SB_PORT_DATA,
     .help = "Binary frames with a media type for the element named data.",
     .is_optional = true,
     .kinds = SB_BIT(SB_FORMAT_BINARY)},
};

static const char *const times[] = {"stream", "arrival", NULL};

static const struct sb_param params[] = {
    {.name = "pipeline",
     .type = SB_PARAM_STRING,
     .help = "GStreamer launch fragment; the elements named video, audio and data (name=video) are "
             "the ends of the ports; {path} stands for the parameter path.",
     .maximum = 8000,
     .is_fixed = true},
    {.name = "path",
     .type = SB_PARAM_PATH,
     .help = "A file that the fragment names as {path}; its folder is made when it is missing.",
     .initial = "",
     .is_fixed = true},
    {.name = "times",
     .type = SB_PARAM_CHOICE,
     .help = "Times of the frames: their own from the first one on (files), or those of their "
             "arrival (windows, loudspeakers, live streams).",
     .initial = "stream",
     .choices = times,
     .is_fixed = true},
};

// Its media library makes machine code for what it does to pictures and samples.
static const char *const wants[] = {"executable-memory", NULL};

static const struct sb_processor gst_sink = {
    .struct_size = sizeof gst_sink,
    .name = "gst-sink",
    .version = "1.0.0",
    .summary = "Video, audio and data into any GStreamer launch fragment.",
    .wants = wants,
    .inputs = inputs,
    .input_count = PORTS,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .mode = SB_MODE_MANUAL,
    .open = gst_sink_open,
    .on_format = gst_sink_format,
    .run = gst_sink_run,
    .close = gst_sink_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&gst_sink, argc, argv);
}
