// SPDX-License-Identifier: Apache-2.0
// Health events: what happened to nodes and links, typed, numbered and with their time.
//
// Each event is one line of the log and one entry of a bounded ring. Whoever listens reads the ring
// at its own pace; one that is too slow is told how many it missed, and slows nobody.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "schemas/limits.h"

enum health_type {
#define EVENT(NAME, name, LEVEL, is_throttled, text) HEALTH_##NAME,
#include "broker/supervision/health.def"
#undef EVENT
    HEALTH_TYPE_COUNT
};

#define HEALTH_RING_EVENTS 512
#define HEALTH_TEXT_BYTES 1024
#define HEALTH_SUBJECTS_MAX 256  // throttled at the same time; further ones are not throttled

struct health_event {
    enum health_type type;
    uint64_t serial;                         // from 1, without gaps
    int64_t time_ns;                         // CLOCK_MONOTONIC
    char node[LIMIT_NODE_ID_BYTES_MAX];      // empty for the graph as a whole
    char link[2 * LIMIT_ADDRESS_BYTES_MAX];  // "a.out -> b.in", empty when it is about none
    uint32_t generation;                     // of the node, else of the link
    uint64_t seq;                            // of the frame that it is about, 0 = none
    uint64_t count;                          // how many of its kind it stands for
    char text[HEALTH_TEXT_BYTES];
};

// What is held back of a throttled kind.
struct health_subject {
    int64_t told_ns;
    uint64_t pending;
    struct health_event last;
};

struct health {
    uint64_t last_serial;
    struct health_event *ring;  // owned
    size_t subject_count;
    struct health_subject *subjects;  // owned
};

struct health_listener {
    uint64_t next;  // serial to read next
};

// Returns 0 or -ENOMEM.
int health_init(struct health *health);
void health_fini(struct health *health);

// Logs and keeps one event: type, node, link, generation, seq, count (0 = 1) and text are the
// caller's.
void health_emit(struct health *health, const struct health_event *event, int64_t now_ns);

// The same, with the text made here. node may be empty.
void health_say(struct health *health, enum health_type type, const char *node, uint32_t generation,
                uint64_t seq, const char *format, ...) __attribute__((format(printf, 6, 7)));

// When something that was held back is due, INT64_MAX = nothing is.
int64_t health_due_ns(const struct health *health);

// Tells what was held back and is due. is_all: everything, because it is the end.
void health_flush(struct health *health, int64_t now_ns, bool is_all);

// Tells what is held back of a node, whose end comes next.
void health_flush_node(struct health *health, const char *node, int64_t now_ns);

// What events of a type that are held back stand for, together.
uint64_t health_held(const struct health *health, enum health_type type);

// Listens from now on.
void health_listen(const struct health *health, struct health_listener *out_listener);

// The next event. Returns 1 and the event; 0 when there is none. out_missed: how many were
// overwritten before this listener came to read them.
int health_next(const struct health *health, struct health_listener *listener,
                struct health_event *out_event, uint64_t *out_missed);

const char *health_type_name(enum health_type type);
enum log_level health_type_level(enum health_type type);
