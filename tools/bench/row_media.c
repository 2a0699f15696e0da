// SPDX-License-Identifier: Apache-2.0
// Raw video through filters that change every pixel: ours in processes, GStreamer in one and in as
// many as ours.
#include <stddef.h>
#include <stdio.h>

#include "base/check.h"
#include "tools/bench/bench.h"
#include "tools/bench/media_peer.h"
#include "tools/bench/ours.h"

struct media_case {
    const char *name;
    uint64_t size;
};

static const struct media_case cases[] = {
    {"1080p", UINT64_C(1920) * 1080 * 4},
    {"4k", UINT64_C(3840) * 2160 * 4},
};

static const uint32_t hops[] = {1, 3, 5};

static void add(struct bench *bench, const char *name, uint32_t count, const char *who, double rate,
                double cpu_ns)
{
    figures_add(&bench->figures, bench->round, "1/s", rate, "media.%s.%u.%s.rate", name, count,
                who);
    figures_add(&bench->figures, bench->round, "ns", cpu_ns, "media.%s.%u.%s.cpu", name, count,
                who);
}

static void add_peer(struct bench *bench, const char *name, uint32_t count, const char *who,
                     const char *reason, const struct media_result *result)
{
    if (reason == NULL) {
        add(bench, name, count, who, result->rate, result->cpu_ns);
    } else {
        figures_miss(&bench->figures, reason, "media.%s.%u.%s.rate", name, count, who);
    }
}

static void measure(struct bench *bench, const struct media_case *what, uint32_t count,
                    bool is_touching)
{
    const char *kind = is_touching ? "" : ".untouched";
    char name[32];
    snprintf(name, sizeof name, "%s%s", what->name, kind);
    struct pair_shape shape = {.size = what->size,
                               .is_sleeping = true,
                               .cpus = {-1, -1},
                               .readers = 1,
                               .depth = is_touching ? 2 : 16,
                               .seconds = 2 * bench->seconds};
    struct ours_options options = {.filters = is_touching ? count : 0, .is_filter_touching = true};
    struct ours_result ours;
    if (ours_stream(bench, &shape, &options, &ours) == 0) {
        add(bench, name, count, "ours", ours.rate, ours.cpu_ns);
    } else {
        figures_miss(&bench->figures, "it failed", "media.%s.%u.ours.rate", name, count);
    }
    struct media_result peer;
    const char *reason = media_peer_run(what->size, count, is_touching, shape.seconds, &peer);
    add_peer(bench, name, count, "gstreamer", reason, &peer);
    if (is_touching) {
        reason = media_peer_run_shm(what->size, count, shape.seconds, &peer);
        add_peer(bench, name, count, "gstreamer-shm", reason, &peer);
    }
}

void row_media(struct bench *bench)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        for (size_t h = 0; h < ARRAY_COUNT(hops); h++) {
            measure(bench, &cases[i], hops[h], true);
        }
        // One hand-over alone: a link of ours, a queue of GStreamer.
        measure(bench, &cases[i], 1, false);
    }
}
