// SPDX-License-Identifier: Apache-2.0
// One link into this node: its generations one after the other.
#pragma once

#include "worker/runtime.h"

enum input_link_state { INPUT_LINK_EMPTY, INPUT_LINK_READY, INPUT_LINK_ENDED };

// A consume page came (MEMORY): maps it and keeps it for its READ_LINK. Owns fd from here on.
int input_link_add_page(struct input_link *link, const struct wire_memory *memory, int fd);

// Pool and publish page came (READ_LINK). Owns the fds.
int input_link_add_generation(struct input_link *link, const struct wire_read_link *message,
                              int pool_fd, int publish_fd);

// The producer of a generation is gone.
void input_link_set_end(struct input_link *link, const struct wire_link_end *message);

// The link is gone. What is held stays readable until it is released.
void input_link_unlink(struct input_link *link, bool is_ended);

// The link is taken away: at its end it is gone, as if it had never been, and nothing has ended.
void input_link_leave(struct input_link *link);

// Is there a frame to take? Moves on to the next generation at the end of one.
enum input_link_state input_link_check(struct input_link *link);

// What a processor sees of a frame that was taken.
static inline void input_link_fill(struct input_link *link, const struct input_generation *now,
                                   const struct ring_lease *lease, struct sb_frame *out_frame)
{
    struct frame_header header = ring_reader_header(&now->reader, lease);
    // What is true of this link only is in the cell.
    uint32_t flags = header.flags & (SB_FRAME_KEYFRAME | SB_FRAME_DISCONTINUITY);
    flags |= lease->flags & (SB_FRAME_DISCONTINUITY | SB_FRAME_REDELIVERED);
    *out_frame = (struct sb_frame){
        .data = ring_reader_payload(&now->reader, lease),
        .size_bytes = lease->length_bytes,
        .seq = lease->seq,
        .number = header.number,
        .pts_ns = header.pts_ns,
        .duration_ns = header.duration_ns,
        .flags = flags | (lease->is_redelivered ? SB_FRAME_REDELIVERED : 0U),
        .attempt = lease->is_redelivered ? now->attempt : 1,
        .trace_id = header.trace_id,
        .job_id = header.job_id,
        .input = link->input,
        .format = &now->format,
        .lease = lease->seq,
        .source = link,
    };
}

// Takes the next frame. Returns 1; 0; -EPIPE at the end of the stream; -EBUSY.
int input_link_take_slowly(struct input_link *link, struct sb_frame *out_frame);

__attribute__((always_inline)) static inline int input_link_take(struct input_link *link,
                                                                 struct sb_frame *out_frame)
{
    struct input_generation *now = link->plain;
    struct ring_lease lease;
    if (now != NULL && now->reader.next < now->reader.pace_seq &&
        ring_reader_take_plain(&now->reader, &lease)) {
        input_link_fill(link, now, &lease, out_frame);
        return 1;
    }
    return input_link_take_slowly(link, out_frame);
}

// Frames that wait, a hint.
uint32_t input_link_queued(const struct input_link *link);

// Returns 0, or -EINVAL when that seq is not held.
int input_link_release_slowly(struct input_link *link, uint64_t seq);

static inline int input_link_release(struct input_link *link, uint64_t seq)
{
    struct input_generation *now = link->plain;
    if (now != NULL && ring_reader_release_plain(&now->reader, seq)) {
        return 0;
    }
    return input_link_release_slowly(link, seq);
}

bool input_link_is_held(const struct input_link *link, uint64_t seq);

// Where its next frame will come: the reader to wait on, NULL when there is none.
struct ring_reader *input_link_waited(struct input_link *link);

// The lowest seq above this one that is held, 0 when there is none.
uint64_t input_link_next_held(const struct input_link *link, uint64_t above);

// True when what is queued is all that comes before the end or before another format.
bool input_link_is_rest(const struct input_link *link);

void input_link_fini(struct input_link *link);
