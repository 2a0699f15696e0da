// SPDX-License-Identifier: Apache-2.0
// Counts the deaths of each frame.
#include "broker/supervision/poison.h"

#include <stdlib.h>

// A hostile reader claims what it likes: more frames than a step can have are not counted.
#define FRAMES_MAX 4096

static struct poison_frame *find(const struct poison *poison, uint64_t seq)
{
    for (size_t i = 0; i < poison->count; i++) {
        if (poison->frames[i].seq == seq) {
            return &poison->frames[i];
        }
    }
    return NULL;
}

static struct poison_frame *add(struct poison *poison, uint64_t seq)
{
    if (poison->count == FRAMES_MAX) {
        return NULL;
    }
    if (poison->count == poison->capacity) {
        size_t capacity = poison->capacity == 0 ? 8 : 2 * poison->capacity;
        struct poison_frame *frames = realloc(poison->frames, capacity * sizeof *frames);
        if (frames == NULL) {
            return NULL;
        }
        poison->frames = frames;
        poison->capacity = capacity;
    }
    struct poison_frame *frame = &poison->frames[poison->count++];
    *frame = (struct poison_frame){.seq = seq};
    return frame;
}

uint32_t poison_add(struct poison *poison, uint64_t seq, uint32_t after)
{
    struct poison_frame *frame = find(poison, seq);
    if (frame == NULL) {
        frame = add(poison, seq);
    }
    if (frame == NULL) {
        return 0;
    }
    frame->deaths++;
    frame->is_skipped = frame->is_skipped || frame->deaths >= after;
    return frame->deaths;
}

void poison_prune(struct poison *poison, uint64_t retired)
{
    size_t kept = 0;
    for (size_t i = 0; i < poison->count; i++) {
        if (poison->frames[i].seq > retired) {
            poison->frames[kept++] = poison->frames[i];
        }
    }
    poison->count = kept;
}

bool poison_is_skipped(const struct poison *poison, uint64_t seq)
{
    const struct poison_frame *frame = find(poison, seq);
    return frame != NULL && frame->is_skipped;
}

size_t poison_skips(const struct poison *poison, uint64_t *out_seqs, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < poison->count && count < max; i++) {
        if (poison->frames[i].is_skipped) {
            out_seqs[count++] = poison->frames[i].seq;
        }
    }
    return count;
}

uint32_t poison_attempt(const struct poison *poison)
{
    uint32_t most = 0;
    for (size_t i = 0; i < poison->count; i++) {
        bool is_more = !poison->frames[i].is_skipped && poison->frames[i].deaths > most;
        most = is_more ? poison->frames[i].deaths : most;
    }
    return most + 1;
}

void poison_fini(struct poison *poison)
{
    free(poison->frames);
    *poison = (struct poison){.count = 0};
}
