// SPDX-License-Identifier: Apache-2.0
// Runs GStreamer pipelines in children and counts what the last sink gets.
#include "tools/bench/media_peer.h"

#include <stddef.h>

#ifdef BENCH_HAS_GSTREAMER

#include <glob.h>
#include <gst/gst.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define PIPELINE_BYTES 4096
#define LIMIT_S 30
#define PARTS_MAX 8
#define FOLDER_BYTES 64

struct shared {
    _Atomic uint64_t frames;
    int64_t first_ns;
    int64_t last_ns;
    int64_t cpu_ns[PARTS_MAX];  // of each process
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

// Plays it for the time that is measured, and notes what this process used.
static void play(const char *text, uint64_t size_bytes, uint32_t hops, bool is_counted,
                 double seconds, uint32_t part)
{
    GstElement *pipeline = gst_parse_launch(text, NULL);
    if (pipeline == NULL) {
        _exit(1);
    }
    for (uint32_t i = 0; i < hops; i++) {
        char name[16];
        snprintf(name, sizeof name, "hop%u", i);
        add_probe(pipeline, name, "src", change, make_pool(size_bytes));
    }
    if (is_counted) {
        add_probe(pipeline, "end", "sink", count, NULL);
    }
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    struct timespec span = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &span, NULL);
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    shared->cpu_ns[part] = used.tv_sec * CLOCK_NS_PER_S + used.tv_nsec;
}

static void run_one(uint64_t size_bytes, uint32_t hops, bool is_touching, double seconds)
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
    play(text, size_bytes, is_touching ? hops : 0, true, seconds, 0);
}

static bool make_shared(void)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared != MAP_FAILED;
}

// What the sink has counted, and what all parts used for it.
static const char *read_shared(struct media_result *out_result)
{
    uint64_t frames = atomic_load(&shared->frames);
    double span_ns = (double)(shared->last_ns - shared->first_ns);
    double cpu_ns = 0;
    for (uint32_t i = 0; i < PARTS_MAX; i++) {
        cpu_ns += (double)shared->cpu_ns[i];
    }
    munmap(shared, sizeof *shared);
    if (frames < 2 || span_ns <= 0) {
        return "too few frames in this time";
    }
    *out_result = (struct media_result){.rate = (double)(frames - 1) * 1e9 / span_ns,
                                        .cpu_ns = cpu_ns / (double)frames};
    return NULL;
}

static void begin_part(double seconds)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm((unsigned)seconds + LIMIT_S);
    gst_init(NULL, NULL);
}

const char *media_peer_run(uint64_t size_bytes, uint32_t hops, bool is_touching, double seconds,
                           struct media_result *out_result)
{
    if (!make_shared()) {
        return "no memory";
    }
    pid_t pid = fork();
    if (pid == 0) {
        begin_part(seconds);
        run_one(size_bytes, hops, is_touching, seconds);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    return read_shared(out_result);
}

static bool has_shm(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        begin_part(0);
        _exit(gst_element_factory_find("shmsink") != NULL ? 0 : 1);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    return status == 0;
}

// Part 0 is the source, the last one the sink. Each but the last offers a socket of its own number.
static void run_part(const char *folder, uint64_t size_bytes, uint32_t part, uint32_t last,
                     double seconds)
{
    char from[PIPELINE_BYTES / 2];
    char to[PIPELINE_BYTES / 2];
    char text[PIPELINE_BYTES];
    unsigned long long size = size_bytes;
    if (part == 0) {
        snprintf(from, sizeof from, "fakesrc sizetype=fixed sizemax=%llu filltype=nothing ", size);
    } else {
        snprintf(from, sizeof from, "shmsrc socket-path=%s/%u ! identity name=hop0 ", folder,
                 part - 1);
    }
    if (part == last) {
        snprintf(to, sizeof to, "! fakesink name=end sync=false");
    } else {
        // Room for as many frames as a link of ours holds, and the one that is written.
        snprintf(to, sizeof to,
                 "! shmsink socket-path=%s/%u shm-size=%llu sync=false "
                 "wait-for-connection=true",
                 folder, part, 3 * size + (1 << 20));
    }
    snprintf(text, sizeof text, "%s%s", from, to);
    play(text, size_bytes, part > 0 && part < last ? 1 : 0, part == last, seconds, part);
}

// A source of shared memory fails where its socket is not there yet.
static void await_socket(const char *folder, uint32_t part)
{
    char path[FOLDER_BYTES + 16];
    snprintf(path, sizeof path, "%s/%u", folder, part);
    for (int looks = 0; access(path, F_OK) != 0 && looks < 5000; looks++) {
        struct timespec moment = {0, CLOCK_NS_PER_MS};
        clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL);
    }
}

// What its shmsink leaves behind when its reader ended first.
static void remove_areas(pid_t pid)
{
    char pattern[FOLDER_BYTES];
    snprintf(pattern, sizeof pattern, "/dev/shm/shmpipe.%5d.*", pid);
    glob_t found;
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            unlink(found.gl_pathv[i]);
        }
        globfree(&found);
    }
}

static void end_parts(const pid_t *pids, uint32_t last, const char *folder)
{
    for (uint32_t part = 0; part <= last; part++) {
        waitpid(pids[part], NULL, 0);
        remove_areas(pids[part]);
        char path[FOLDER_BYTES + 16];
        snprintf(path, sizeof path, "%s/%u", folder, part);
        unlink(path);
    }
    rmdir(folder);
}

const char *media_peer_run_shm(uint64_t size_bytes, uint32_t hops, double seconds,
                               struct media_result *out_result)
{
    char folder[FOLDER_BYTES] = "/tmp/streambench-XXXXXX";
    uint32_t last = hops + 1;
    if (!has_shm()) {
        return "gstreamer1.0-plugins-bad is not installed";
    }
    if (last >= PARTS_MAX || !make_shared() || mkdtemp(folder) == NULL) {
        return "no room for it";
    }
    pid_t pids[PARTS_MAX];
    for (uint32_t part = 0; part <= last; part++) {
        if (part > 0) {
            await_socket(folder, part - 1);
        }
        pids[part] = fork();
        if (pids[part] == 0) {
            begin_part(seconds);
            run_part(folder, size_bytes, part, last, seconds);
            // The peers must not see an end: whoever is done first ends without a word.
            _exit(0);
        }
    }
    end_parts(pids, last, folder);
    return read_shared(out_result);
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

const char *media_peer_run_shm(uint64_t size_bytes, uint32_t hops, double seconds,
                               struct media_result *out_result)
{
    return media_peer_run(size_bytes, hops, false, seconds, out_result);
}

#endif
