// SPDX-License-Identifier: Apache-2.0
// Both ends of a rig at work: a producer and a consumer that sleep as a worker does, or poll.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unit/shm/ring_rig.h"

// A sleeper that nobody wakes for so long was left behind.
#define RING_RUN_LOST_WAKE_NS INT64_C(30000000000)

struct ring_run_random {
    uint64_t state;
};

uint64_t ring_run_next(struct ring_run_random *random, uint64_t below);

struct ring_run_producer {
    struct ring_rig *rig;
    uint64_t frames;
    bool is_sleeping;  // else it polls
    bool is_pausing;   // now and then, to meet other schedules
    struct ring_run_random random;
    const char *failed;
};

struct ring_run_consumer {
    struct ring_rig *rig;
    bool is_sleeping;
    bool is_pausing;
    struct ring_run_random random;
    uint64_t expected;  // lossless: seq of the next new frame
    uint64_t last;
    uint64_t taken;
    uint64_t released;
    uint32_t held_count;
    struct ring_lease held[64];
    const char *failed;
};

// Publishes one frame, waiting for space. Returns false and sets failed when it cannot.
bool ring_run_publish(struct ring_run_producer *producer);

// Publishes all frames and ends the stream. For pthread_create().
void *ring_run_produce(void *producer);

// Takes, checks and releases, in any order within its claims, until the end of the stream.
void *ring_run_consume(void *consumer);

// One step of it: a take or a release. False at the end of the stream or at a failure. When there
// is nothing to do and may_wait is true, it waits.
bool ring_run_consume_one(struct ring_run_consumer *consumer, bool may_wait);

// The seed of a test: its second argument, or a new one. It is printed, to repeat a failure.
uint64_t ring_run_seed(int argc, char **argv);

// The first argument, or otherwise.
uint64_t ring_run_frames(int argc, char **argv, uint64_t otherwise);

// Binds a thread to a CPU. On a machine with one CPU they take turns, which is a weaker test and no
// failure.
void ring_run_pin(pthread_t thread, size_t cpu);
