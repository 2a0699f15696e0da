// SPDX-License-Identifier: Apache-2.0
// Publishes chunks on a thread of its own, because iceoryx keeps who publishes until the slowest
// subscriber that wants to be waited for has room.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <iceoryx_binding_c/publisher.h>

struct publish_thread {
    iox_pub_t publisher;  // borrowed until the stop
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    void *chunk;  // under the mutex: what is being published
    bool is_over;
    bool has_ended;
};

// Returns 0 or a negative errno.
int publish_thread_start(struct publish_thread *thread, iox_pub_t publisher);

// Gives it a chunk. It has none: publish_thread_wait() has said so.
void publish_thread_post(struct publish_thread *thread, void *chunk);

// True when it has no chunk any more; deadline_ns is CLOCK_MONOTONIC.
bool publish_thread_wait(struct publish_thread *thread, int64_t deadline_ns);

// True when it has ended before the deadline; else it is left behind, inside of iceoryx.
bool publish_thread_stop(struct publish_thread *thread, int64_t deadline_ns);
