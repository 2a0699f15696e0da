// SPDX-License-Identifier: Apache-2.0
// Transports as this room sees them: found by name, loaded once, and called for payloads that do
// not lie in the slots of a pool.
//
// A link whose payloads are carried has pages and a pool like any other; the slots hold headers
// only, and the ticket in a header names the payload. Only nodes that were given folders to look in
// load anything: an untrusted one has none.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "worker/carrier_state.h"
#include "worker/runtime.h"

// Ends the worker because a transport failed. What has to be tried later (-EAGAIN) is a fresh start
// that costs the node none of its restarts.
void carrier_fail(struct sb_node *node, int code);

// Opens the writer of a generation whose pool is there. Returns 0 or a negative errno with the
// reason in the node's error text.
int carrier_open_writer(struct sb_output *output, struct output_generation *generation,
                        uint64_t payload_bytes);
void carrier_close_writer(struct carrier_writer *writer);

// Whether every reader of an output is attached: what is sent before that does not reach them all.
bool carrier_is_heard(const struct sb_output *output);

// A buffer for the payload of a slot. Returns 0; -EAGAIN when there is none now; and others.
int carrier_loan(struct carrier_writer *writer, uint32_t slot, uint64_t size_bytes,
                 void **out_data);

// Sends the payload of a slot. Returns 0 and its ticket; -EAGAIN and others, and it is still ours.
int carrier_publish(struct carrier_writer *writer, uint32_t slot, const struct sb_buffer *buffer,
                    const struct sb_format *format, uint64_t *out_ticket);

// Gives back what is loaned for a slot, if anything is.
void carrier_abandon(struct carrier_writer *writer, uint32_t slot);

// Opens the reader of a generation whose pages are there. Returns as carrier_open_writer().
int carrier_open_reader(struct input_link *link, struct input_generation *generation);
void carrier_close_reader(struct carrier_reader *reader);

// Looks whether the readers that are not attached yet are so by now, and tells their writers.
// Returns whether some are still not: then nobody should sleep for long.
bool carrier_attach(struct sb_node *node);

// Whether what is on the link can be taken: a reader in place of one that died has to be attached
// before it finds what that one left.
static inline bool carrier_is_open(const struct carrier_reader *reader)
{
    return !reader->is_kept_for || reader->is_attached;
}

// The payload of a frame that was taken. Returns 0, or -ENODATA when it is gone.
int carrier_take(struct carrier_reader *reader, uint64_t seq, uint64_t ticket,
                 struct sb_frame *frame);
void carrier_release(struct carrier_reader *reader, uint64_t seq);
