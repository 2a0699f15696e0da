// SPDX-License-Identifier: Apache-2.0
// Runs a GStreamer pipeline in a child and counts what its sink gets.
#include "tools/bench/media_peer.h"

#include <stddef.h>

#ifdef BENCH_HAS_GSTREAMER

#include <gst/gst.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define PIPELINE_BYTES 4096
#define LIMIT_S 30

struct shared {
    _Atomic uint64_t frames;
    int64_t first_ns;
    int64_t last_ns;
    int64_t cpu_ns;
};

static struct shared *shared;

static void invert(uint64_t *restrict to, const uint64_t *restrict from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = ~from[i];
    }
}

// As a filter does that cannot work in place (a blur, a scaler): from one buffer into another.
static GstPadProbeReturn change(GstPad *pad, GstPadProbeInfo *info, gpointer context)
{
    (void)pad;
    GstBuffer *from = GST_PAD_PROBE_INFO_BUFFER(info);
    GstBuffer *to = NULL;
    if (gst_buffer_pool_acquire_buffer(context, &to, NULL) != GST_FLOW_OK) {
        return GST_PAD_PROBE_DROP;
    }
    GstMapInfo read;
    GstMapInfo write;
    if (gst_buffer_map(from, &read, GST_MAP_READ)) {
        if (gst_buffer_map(to, &write, GST_MAP_WRITE)) {
            invert((uint64_t *)(void *)write.data, (const uint64_t *)(const void *)read.data,
                   read.size / sizeof(uint64_t));
            gst_buffer_unmap(to, &write);
        }
        gst_buffer_unmap(from, &read);
    }
    GST_PAD_PROBE_INFO_DATA(info) = to;
    gst_buffer_unref(from);
    return GST_PAD_PROBE_OK;
}

static GstBufferPool *make_pool(uint64_t size_bytes)
{
    GstBufferPool *pool = gst_buffer_pool_new();
    GstStructure *config = gst_buffer_pool_get_config(pool);
    gst_buffer_pool_config_set_params(config, NULL, (guint)size_bytes, 2, 0);
    gst_buffer_pool_set_config(pool, config);
    gst_buffer_pool_set_active(pool, TRUE);
    return pool;
}

static GstPadProbeReturn count(GstPad *pad, GstPadProbeInfo *info, gpointer context)
{
    (void)pad;
    (void)info;
    (void)context;
    shared->last_ns = clock_now_ns();
    if (atomic_fetch_add(&shared->frames, 1) == 0) {
        shared->first_ns = shared->last_ns;
    }
    return GST_PAD_PROBE_OK;
}

static void add_probe(GstElement *pipeline, const char *name, const char *pad_name,
                      GstPadProbeCallback callback, gpointer context)
{
    GstElement *element = gst_bin_get_by_name(GST_BIN(pipeline), name);
    GstPad *pad = gst_element_get_static_pad(element, pad_name);
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, callback, context, NULL);
    gst_object_unref(pad);
    gst_object_unref(element);
}

static void run(uint64_t size_bytes, uint32_t hops, bool is_touching, double seconds)
{
    char text[PIPELINE_BYTES];
    int length =
        snprintf(text, sizeof text, "fakesrc sizetype=fixed sizemax=%llu filltype=nothing ",
                 (unsigned long long)size_bytes);
    // As many in flight as a link of ours holds.
    unsigned depth = is_touching ? 2 : 16;
    for (uint32_t i = 0; i < hops; i++) {
        length += snprintf(text + length, sizeof text - (size_t)length,
                           "! queue max-size-buffers=%u max-size-bytes=0 max-size-time=0 "
                           "! identity name=hop%u ",
                           depth, i);
    }
    const char *last =
        is_touching ? "! queue max-size-buffers=2 max-size-bytes=0 max-size-time=0 " : "";
    snprintf(text + length, sizeof text - (size_t)length, "%s! fakesink name=end sync=false", last);
    GstElement *pipeline = gst_parse_launch(text, NULL);
    if (pipeline == NULL) {
        _exit(1);
    }
    for (uint32_t i = 0; is_touching && i < hops; i++) {
        char name[16];
        snprintf(name, sizeof name, "hop%u", i);
        add_probe(pipeline, name, "src", change, make_pool(size_bytes));
    }
    add_probe(pipeline, "end", "sink", count, NULL);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    struct timespec span = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &span, NULL);
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    shared->cpu_ns = used.tv_sec * CLOCK_NS_PER_S + used.tv_nsec;
    gst_element_set_state(pipeline, GST_STATE_NULL);
}

const char *media_peer_run(uint64_t size_bytes, uint32_t hops, bool is_touching, double seconds,
                           struct media_result *out_result)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return "no memory";
    }
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm((unsigned)seconds + LIMIT_S);
        gst_init(NULL, NULL);
        run(size_bytes, hops, is_touching, seconds);
        _exit(0);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    uint64_t frames = atomic_load(&shared->frames);
    double span_ns = (double)(shared->last_ns - shared->first_ns);
    struct shared last = {.cpu_ns = shared->cpu_ns};
    munmap(shared, sizeof *shared);
    if (status != 0 || frames < 2 || span_ns <= 0) {
        return "the pipeline failed";
    }
    *out_result = (struct media_result){.rate = (double)(frames - 1) * 1e9 / span_ns,
                                        .cpu_ns = (double)last.cpu_ns / (double)frames};
    return NULL;
}

#else

const char *media_peer_run(uint64_t size_bytes, uint32_t hops, bool is_touching, double seconds,
                           struct media_result *out_result)
{
    (void)size_bytes;
    (void)hops;
    (void)is_touching;
    (void)seconds;
    (void)out_result;
    return "GStreamer is not part of this build";
}

#endif
