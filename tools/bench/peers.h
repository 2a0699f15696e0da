// SPDX-License-Identifier: Apache-2.0
// Everything that messages can be compared with: limits of the machine and other transports.
#pragma once

#include "tools/bench/pair.h"

extern const struct pair_peer limit_line;
extern const struct pair_peer limit_line_futex;
extern const struct pair_peer peer_stream_pipe;
extern const struct pair_peer peer_stream_socket;
#ifdef BENCH_HAS_ICEORYX
extern const struct pair_peer peer_iceoryx;
#endif
#ifdef BENCH_HAS_ZEROMQ
extern const struct pair_peer peer_zeromq;
#endif
#ifdef BENCH_HAS_NNG
extern const struct pair_peer peer_nng;
#endif

// The peers that this build has, in the order of the tables, and the names of those it lacks.
const struct pair_peer *const *peers_list(void);
const char *const *peers_lacking(void);
const struct pair_peer *peers_find(const char *name);

// Ends what peers keep running beside measurements.
void peers_stop(void);
