// SPDX-License-Identifier: Apache-2.0
// The peers of this build.
#include "tools/bench/peers.h"

#include <stddef.h>
#include <string.h>

#ifdef BENCH_HAS_ICEORYX
#include "tools/bench/roudi.h"
#endif

static const struct pair_peer *const present[] = {
#ifdef BENCH_HAS_ICEORYX
    &peer_iceoryx,
#endif
#ifdef BENCH_HAS_ZEROMQ
    &peer_zeromq,
#endif
#ifdef BENCH_HAS_NNG
    &peer_nng,
#endif
    &peer_stream_socket, &peer_stream_pipe, NULL,
};

static const char *const lacking[] = {
#ifndef BENCH_HAS_ICEORYX
    "iceoryx",
#endif
#ifndef BENCH_HAS_ZEROMQ
    "zeromq",
#endif
#ifndef BENCH_HAS_NNG
    "nng",
#endif
    NULL,
};

const struct pair_peer *const *peers_list(void)
{
    return present;
}

const char *const *peers_lacking(void)
{
    return lacking;
}

const struct pair_peer *peers_find(const char *name)
{
    for (size_t i = 0; present[i] != NULL; i++) {
        if (strcmp(present[i]->name, name) == 0) {
            return present[i];
        }
    }
    return NULL;
}

void peers_stop(void)
{
#ifdef BENCH_HAS_ICEORYX
    roudi_stop();
#endif
}
