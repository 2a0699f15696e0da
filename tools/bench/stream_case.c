// SPDX-License-Identifier: Apache-2.0
// Measures one stream through a graph and through every peer, one right after the other.
#include "tools/bench/stream_case.h"

#include <stddef.h>

#include "tools/bench/bench.h"
#include "tools/bench/ours.h"
#include "tools/bench/peers.h"

static void add(struct bench *bench, const struct stream_case *what, const char *who, double rate,
                double cpu_ns)
{
    figures_add(&bench->figures, bench->round, "1/s", rate, "%s.%s.rate", what->name, who);
    figures_add(&bench->figures, bench->round, "ns", cpu_ns, "%s.%s.cpu", what->name, who);
}

static void measure_peer(struct bench *bench, const struct stream_case *what,
                         const struct pair_shape *shape, const struct pair_peer *peer)
{
    const char *reason = peer->missing(shape);
    struct pair_result result;
    if (reason == NULL && pair_stream(peer, shape, bench->folder, &result) != 0) {
        reason = "it failed";
    }
    if (reason == NULL) {
        add(bench, what, peer->name, result.rate, result.cpu_ns);
    } else {
        figures_miss(&bench->figures, reason, "%s.%s.rate", what->name, peer->name);
    }
}

void stream_case_measure(struct bench *bench, const struct stream_case *what)
{
    struct pair_shape shape = {
        .size = what->size,
        .is_touched = what->is_touched,
        .is_sleeping = what->is_sleeping,
        .cpus = {what->is_free ? -1 : bench->cpus[0], what->is_free ? -1 : bench->cpus[1]},
        .readers = what->readers,
        .depth = what->depth,
        .seconds = bench->seconds,
    };
    struct ours_options options = {.spin = what->spin};
    struct ours_result ours;
    if (ours_stream(bench, &shape, &options, &ours) == 0) {
        add(bench, what, "ours", ours.rate, ours.cpu_ns);
    } else {
        figures_miss(&bench->figures, "it failed", "%s.ours.rate", what->name);
    }
    shape.depth = what->peer_depth;
    const struct pair_peer *const *peers = peers_list();
    for (size_t i = 0; peers[i] != NULL; i++) {
        measure_peer(bench, what, &shape, peers[i]);
    }
    const char *const *lacking = peers_lacking();
    for (size_t i = 0; lacking[i] != NULL; i++) {
        figures_miss(&bench->figures, "not part of this build", "%s.%s.rate", what->name,
                     lacking[i]);
    }
}
