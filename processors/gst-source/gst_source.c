// SPDX-License-Identifier: Apache-2.0
// gst-source: video, audio and data out of any GStreamer launch fragment.
#include <errno.h>
#include <gst/app/gstappsink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <streambroker/streambroker.h>

#include "processors/common/pixels.h"
#include "processors/common/whole.h"
#include "processors/gst/caps.h"
#include "processors/gst/packing.h"
#include "processors/gst/pipeline.h"

#define PORTS 3
#define OFFERS_MAX 16
#define NS_PER_S 1000000000
#define POLL_NS 100000000      // how long a stop or pause may stay unseen
#define PATIENCE_NS 200000000  // for the slower port, to keep the ports in order
#define SAMPLES_MAX 4          // that GStreamer keeps ready per port
#define AUDIO_FRAMES 4096      // sample frames in one frame; longer buffers are cut

struct port {
    const char *name;
    enum sb_port_type type;
    struct sb_output *output;
    GstAppSink *sink;   // NULL = not linked
    GstSample *sample;  // the next one, owned
    bool is_ended;
    bool has_format;
    struct sb_format format;  // of the samples
    struct pixels_converter *converter;
    enum sb_pixel converted;  // what the converter makes
    uint8_t *picture;         // a packed picture before conversion
};

struct gst_source {
    struct pipeline *pipeline;
    struct port ports[PORTS];
    uint64_t data_bytes_max;
    bool is_live;
    bool is_started;
    int64_t start_ns;    // CLOCK_MONOTONIC of running time 0
    int64_t missing_ns;  // since when a port has nothing while another has, 0 = it is not so
};

static int fail(struct sb_node *node, const struct gst_source *source, int code)
{
    return sb_node_error(node, code, "%s", source->pipeline->text);
}

static GstFlowReturn on_sample(GstAppSink *sink, gpointer data)
{
    (void)sink;
    pipeline_notify(data);
    return GST_FLOW_OK;
}

static void on_eos(GstAppSink *sink, gpointer data)
{
    (void)sink;
    pipeline_notify(data);
}

static int open_port(struct sb_node *node, struct gst_source *source, struct port *port)
{
    bool has_element = pipeline_has(source->pipeline, port->name);
    port->output = sb_node_output(node, port->name);
    if (!sb_output_is_linked(port->output)) {
        int result = has_element ? pipeline_plug_output(source->pipeline, port->name) : 0;
        return result < 0 ? fail(node, source, result) : 0;
    }
    GstElement *sink = pipeline_end_of(source->pipeline, port->name, port->type, true);
    if (sink == NULL) {
        return fail(node, source, -EINVAL);
    }
    GstAppSinkCallbacks calls = {.eos = on_eos, .new_sample = on_sample, .new_preroll = on_sample};
    port->sink = GST_APP_SINK(sink);
    gst_app_sink_set_max_buffers(port->sink, SAMPLES_MAX);
    gst_app_sink_set_callbacks(port->sink, &calls, source->pipeline, NULL);
    g_object_set(sink, "sync", (gboolean)sb_param_bool(node, "paced"), NULL);
    return 0;
}

// The format of the samples, and with it all that video can be converted to.
static int offer(struct sb_node *node, struct gst_source *source, struct port *port,
                 const GstCaps *caps)
{
    struct sb_format offers[OFFERS_MAX];
    size_t count = 1;
    if (caps_to_format(caps, &offers[0]) < 0) {
        char *text = gst_caps_to_string(caps);
        sb_node_error(node, -EINVAL, "%s: cannot use %s", port->name, text);
        g_free(text);
        return -EINVAL;
    }
    if (port->has_format && sb_format_is_equal(&port->format, &offers[0])) {
        return 0;
    }
    port->format = offers[0];
    port->has_format = true;
    pixels_converter_destroy(port->converter);
    port->converter = NULL;
    uint64_t bytes_max = 0;
    if (offers[0].kind == SB_FORMAT_AUDIO) {
        bytes_max =
            AUDIO_FRAMES * sb_sample_bytes(offers[0].audio.sample) * offers[0].audio.channels;
    } else if (offers[0].kind != SB_FORMAT_VIDEO) {
        bytes_max = source->data_bytes_max;
    }
    for (int pixel = 1; offers[0].kind == SB_FORMAT_VIDEO && pixel <= SB_PIXEL_NV12; pixel++) {
        offers[count] = offers[0];
        offers[count].video.pixel = (enum sb_pixel)pixel;
        if (offers[count].video.pixel != offers[0].video.pixel &&
            sb_format_check(&offers[count]) == 0) {
            count++;
        }
    }
    return sb_output_offer(port->output, offers, count, bytes_max);
}

// The first sample of a port without taking it, or NULL when there is none yet.
static GstSample *peek(const struct gst_source *source, struct port *port)
{
    if (!source->is_live) {
        return gst_app_sink_try_pull_preroll(port->sink, 0);
    }
    if (port->sample == NULL) {
        port->sample = gst_app_sink_try_pull_sample(port->sink, 0);
    }
    return port->sample == NULL ? NULL : gst_sample_ref(port->sample);
}

// Waits for the first sample of each linked port, so that formats are known when open() returns.
static int learn_formats(struct sb_node *node, struct gst_source *source)
{
    int64_t deadline_ns = sb_now_ns() + sb_param_int(node, "timeout");
    for (;;) {
        uint64_t seen = pipeline_events(source->pipeline);
        int missing = 0;
        for (int i = 0; i < PORTS; i++) {
            struct port *port = &source->ports[i];
            if (port->sink == NULL || port->has_format || gst_app_sink_is_eos(port->sink)) {
                continue;
            }
            GstSample *sample = peek(source, port);
            missing += sample == NULL;
            if (sample != NULL) {
                int result = offer(node, source, port, gst_sample_get_caps(sample));
                gst_sample_unref(sample);
                if (result < 0) {
                    return result;
                }
            }
        }
        if (missing == 0) {
            return 0;
        }
        if (pipeline_has_failed(source->pipeline)) {
            return fail(node, source, -EIO);
        }
        if (sb_now_ns() >= deadline_ns || sb_node_should_stop(node)) {
            return sb_node_error(node, -ETIMEDOUT, "%d of the linked ports gave nothing in time",
                                 missing);
        }
        pipeline_wait(source->pipeline, seen, POLL_NS);
    }
}

static int gst_source_prepare(struct sb_node *node)
{
    char text[PIPELINE_TEXT_BYTES];
    struct gst_source *source = calloc(1, sizeof *source);
    if (source == NULL) {
        return -ENOMEM;
    }
    sb_node_set_data(node, source);
    *source = (struct gst_source){
        .ports = {{.name = "video", .type = SB_PORT_VIDEO},
                  {.name = "audio", .type = SB_PORT_AUDIO},
                  {.name = "data", .type = SB_PORT_DATA}},
        .data_bytes_max = (uint64_t)sb_param_int(node, "max_data"),
    };
    int result = pipeline_create(sb_param_string(node, "pipeline"), sb_param_string(node, "path"),
                                 &source->pipeline, text);
    if (result < 0) {
        return sb_node_error(node, result, "%s", result == -ENOMEM ? "no memory" : text);
    }
    for (int i = 0; i < PORTS; i++) {
        result = open_port(node, source, &source->ports[i]);
        if (result < 0) {
            return result;
        }
    }
    result = pipeline_set_state(source->pipeline, GST_STATE_PAUSED, &source->is_live);
    if (result >= 0 && source->is_live) {
        bool is_live_again = false;
        result = pipeline_set_state(source->pipeline, GST_STATE_PLAYING, &is_live_again);
    }
    return result < 0 ? fail(node, source, result) : learn_formats(node, source);
}

// CLOCK_MONOTONIC time of a sample. Live sources run on that clock themselves.
static int64_t time_of(const struct gst_source *source, GstSample *sample)
{
    GstBuffer *buffer = gst_sample_get_buffer(sample);
    const GstSegment *segment = gst_sample_get_segment(sample);
    GstClockTime running = GST_CLOCK_TIME_NONE;
    if (GST_BUFFER_PTS_IS_VALID(buffer)) {
        running = gst_segment_to_running_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
    }
    return GST_CLOCK_TIME_IS_VALID(running) ? source->start_ns + (int64_t)running : sb_now_ns();
}

static int publish(struct port *port, struct sb_buffer *buffer, const GstBuffer *from,
                   int64_t pts_ns, int64_t duration_ns)
{
    buffer->pts_ns = pts_ns;
    buffer->duration_ns = duration_ns;
    buffer->flags =
        GST_BUFFER_FLAG_IS_SET(from, GST_BUFFER_FLAG_DELTA_UNIT) ? 0 : SB_FRAME_KEYFRAME;
    if (GST_BUFFER_FLAG_IS_SET(from, GST_BUFFER_FLAG_DISCONT)) {
        buffer->flags |= SB_FRAME_DISCONTINUITY;
    }
    return sb_output_publish(port->output, buffer);
}

static int64_t duration_of(const GstBuffer *buffer)
{
    return GST_BUFFER_DURATION_IS_VALID(buffer) ? (int64_t)GST_BUFFER_DURATION(buffer) : 0;
}

static int prepare_converter(struct port *port, enum sb_pixel to)
{
    if (port->converter != NULL && port->converted == to) {
        return 0;
    }
    pixels_converter_destroy(port->converter);
    free(port->picture);
    port->converter = NULL;
    port->converted = to;
    port->picture = malloc((size_t)sb_format_frame_bytes(&port->format));
    if (port->picture == NULL) {
        return -ENOMEM;
    }
    return pixels_converter_create(&port->format.video, to,
                                   pixels_matrix_of(port->format.video.height), &port->converter);
}

static int publish_video(const struct gst_source *source, struct port *port)
{
    GstBuffer *from = gst_sample_get_buffer(port->sample);
    const GstCaps *caps = gst_sample_get_caps(port->sample);
    const struct sb_format *agreed = sb_output_format(port->output);
    struct sb_format wanted = port->format;
    struct sb_buffer buffer;
    if (agreed != NULL) {
        wanted.video.pixel = agreed->video.pixel;
    }
    uint64_t bytes = sb_format_frame_bytes(&wanted);
    int result = sb_output_claim(port->output, bytes, &buffer);
    if (result < 0) {
        return result;
    }
    size_t own_bytes = (size_t)sb_format_frame_bytes(&port->format);
    if (wanted.video.pixel == port->format.video.pixel) {
        result = packing_load(from, caps, &port->format.video, buffer.data, own_bytes);
    } else {
        result = prepare_converter(port, wanted.video.pixel);
        if (result == 0) {
            result = packing_load(from, caps, &port->format.video, port->picture, own_bytes);
        }
        if (result == 0) {
            pixels_convert(port->converter, port->picture, buffer.data);
        }
    }
    if (result < 0) {
        return result;
    }
    return publish(port, &buffer, from, time_of(source, port->sample), duration_of(from));
}

// Audio is cut into pieces; data must fit as it is.
static int publish_bytes(const struct gst_source *source, struct port *port, const GstMapInfo *map)
{
    GstBuffer *from = gst_sample_get_buffer(port->sample);
    bool is_audio = port->format.kind == SB_FORMAT_AUDIO;
    size_t unit =
        is_audio ? sb_sample_bytes(port->format.audio.sample) * port->format.audio.channels : 1;
    size_t piece = is_audio ? AUDIO_FRAMES * unit : map->size;
    size_t total = map->size / unit * unit;
    int64_t pts_ns = time_of(source, port->sample);
    for (size_t at = 0; at < total; at += piece) {
        size_t count = total - at < piece ? total - at : piece;
        int64_t passed_ns = 0;
        int64_t duration_ns = duration_of(from);
        if (is_audio) {
            passed_ns = (int64_t)(at / unit) * NS_PER_S / port->format.audio.rate;
            duration_ns = (int64_t)(count / unit) * NS_PER_S / port->format.audio.rate;
        }
        struct sb_buffer buffer;
        int result = sb_output_claim(port->output, count, &buffer);
        if (result < 0) {
            return result;
        }
        memcpy(buffer.data, map->data + at, count);
        result = publish(port, &buffer, from, pts_ns + passed_ns, duration_ns);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static int publish_sample(struct sb_node *node, struct gst_source *source, struct port *port)
{
    GstMapInfo map;
    int result = offer(node, source, port, gst_sample_get_caps(port->sample));
    if (result < 0) {
        return result;
    }
    if (port->format.kind == SB_FORMAT_VIDEO) {
        result = publish_video(source, port);
    } else if (gst_buffer_map(gst_sample_get_buffer(port->sample), &map, GST_MAP_READ)) {
        result = publish_bytes(source, port, &map);
        gst_buffer_unmap(gst_sample_get_buffer(port->sample), &map);
    } else {
        result = -EPROTO;
    }
    gst_sample_unref(port->sample);
    port->sample = NULL;
    return result;
}

// Takes what is there. Returns the number of ports that have not ended.
static int fill_ports(struct gst_source *source)
{
    int open_count = 0;
    for (int i = 0; i < PORTS; i++) {
        struct port *port = &source->ports[i];
        if (port->sink == NULL || port->is_ended) {
            continue;
        }
        if (port->sample == NULL) {
            port->sample = gst_app_sink_try_pull_sample(port->sink, 0);
        }
        if (port->sample == NULL && gst_app_sink_is_eos(port->sink)) {
            port->is_ended = true;
            sb_output_end(port->output);
            continue;
        }
        open_count++;
    }
    return open_count;
}

// The port whose sample is the earliest. A port without a sample is waited for a while when the
// source is not live: a consumer that joins the ports must not get one far ahead of the other.
static struct port *choose_port(struct gst_source *source)
{
    struct port *chosen = NULL;
    bool is_missing = false;
    int64_t earliest_ns = INT64_MAX;
    for (int i = 0; i < PORTS; i++) {
        struct port *port = &source->ports[i];
        if (port->sink == NULL || port->is_ended) {
            continue;
        }
        if (port->sample == NULL) {
            is_missing = true;
            continue;
        }
        int64_t time_ns = time_of(source, port->sample);
        if (time_ns < earliest_ns) {
            earliest_ns = time_ns;
            chosen = port;
        }
    }
    if (chosen == NULL || !is_missing || source->is_live) {
        source->missing_ns = 0;
        return chosen;
    }
    int64_t now_ns = sb_now_ns();
    source->missing_ns = source->missing_ns == 0 ? now_ns : source->missing_ns;
    return now_ns - source->missing_ns >= PATIENCE_NS ? chosen : NULL;
}

static int start(struct sb_node *node, struct gst_source *source)
{
    bool is_live = false;
    if (!source->is_live) {
        int result = pipeline_set_state(source->pipeline, GST_STATE_PLAYING, &is_live);
        if (result < 0) {
            return fail(node, source, result);
        }
    }
    source->is_started = true;
    source->start_ns =
        source->is_live ? (int64_t)gst_element_get_base_time(source->pipeline->top) : sb_now_ns();
    return 0;
}

static int gst_source_run(struct sb_node *node)
{
    struct gst_source *source = sb_node_data(node);
    int result = start(node, source);
    while (result == 0 && !sb_node_should_stop(node)) {
        uint64_t seen = pipeline_events(source->pipeline);
        if (sb_node_is_paused(node)) {
            (void)sb_node_wait(node, sb_now_ns() + POLL_NS);
            continue;
        }
        int open_count = fill_ports(source);
        if (pipeline_has_failed(source->pipeline)) {
            return fail(node, source, -EIO);
        }
        if (open_count == 0) {
            break;
        }
        struct port *port = choose_port(source);
        if (port != NULL) {
            result = publish_sample(node, source, port);
        } else {
            pipeline_wait(source->pipeline, seen, POLL_NS);
        }
    }
    sb_node_finish(node);
    return result == -ECANCELED ? 0 : result;
}

static void gst_source_close(struct sb_node *node)
{
    struct gst_source *source = sb_node_data(node);
    if (source == NULL) {
        return;
    }
    for (int i = 0; i < PORTS; i++) {
        if (source->ports[i].sample != NULL) {
            gst_sample_unref(source->ports[i].sample);
        }
        pixels_converter_destroy(source->ports[i].converter);
        free(source->ports[i].picture);
    }
    pipeline_destroy(source->pipeline);
    free(source);
}

static int gst_source_open(struct sb_node *node)
{
    return whole_open(node, gst_source_prepare, gst_source_close);
}

static const struct sb_port outputs[] = {
    {.name = "video",
     .type = SB_PORT_VIDEO,
     .help = "Raw video of the element named video.",
     .is_one_per_step = true,
     .is_timed = true},
    {.name = "audio",
     .type = SB_PORT_AUDIO,
     .help = "Raw audio of the element named audio.",
     .is_timed = true},
    {.name = "data",
     .type = SB_PORT_DATA,
     .help = "Whatever the element named data gives, as binary with its media type.",
     .is_timed = true,
     .kinds = SB_BIT(SB_FORMAT_BINARY)},
};

static const struct sb_param params[] = {
    {.name = "pipeline",
     .type = SB_PARAM_STRING,
     .help = "GStreamer launch fragment; the elements named video, audio and data (name=video) are "
             "the ends of the ports; {path} stands for the parameter path.",
     .maximum = 8000,
     .is_fixed = true},
    {.name = "path",
     .type = SB_PARAM_PATH,
     .help = "A file that the fragment names as {path}.",
     .initial = "",
     .is_fixed = true},
    {.name = "paced",
     .type = SB_PARAM_BOOL,
     .help = "Give frames at their own pace instead of as fast as they are taken.",
     .initial = "false",
     .is_fixed = true},
    {.name = "max_data",
     .type = SB_PARAM_SIZE,
     .help = "Largest frame of the port data.",
     .initial = "1MiB",
     .minimum = 1,
     .maximum = 1073741824,
     .is_fixed = true},
    {.name = "timeout",
     .type = SB_PARAM_DURATION,
     .help = "How long the first frame of each port may take.",
     .initial = "8s",
     .is_fixed = true},
};

// Its media library makes machine code for what it does to pictures and samples.
static const char *const wants[] = {"executable-memory", NULL};

static const struct sb_processor gst_source = {
    .struct_size = sizeof gst_source,
    .name = "gst-source",
    .version = "1.0.0",
    .summary = "Video, audio and data out of any GStreamer launch fragment.",
    .wants = wants,
    .outputs = outputs,
    .output_count = PORTS,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .mode = SB_MODE_MANUAL,
    .open = gst_source_open,
    .run = gst_source_run,
    .close = gst_source_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&gst_source, argc, argv);
}
