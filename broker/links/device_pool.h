// SPDX-License-Identifier: Apache-2.0
// Pools in memory of a device: whether a generation has one, its descriptor, and what it counts.
//
// The producer makes the memory and the broker keeps a descriptor of it, so that published frames
// stay when the producer is gone. The broker never maps it and calls no driver: it asks the kernel
// what the descriptor is, and gives it to readers that are on the same device. Beside it there is
// a pool of the broker's own as always, whose slots hold the headers.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/wire_worker.h"

struct actual_node;
struct actual_output;
struct broker;
struct generation;
struct generation_link;

#define DEVICE_POOL_WHY_BYTES 512

// What was chosen for an output.
struct device_choice {
    bool is_device;
    char why[DEVICE_POOL_WHY_BYTES];
    char refusal[DEVICE_POOL_WHY_BYTES];  // why no device is asked any more, empty = may be asked
};

// A node as one end of a link in memory of a device.
struct device_end {
    bool is_known;              // DEVICE came, in this life or one before
    struct wire_device device;  // what it said
};

struct device_pool {
    uint64_t slot_bytes;  // 0 = payloads lie in the slots of the pool
    uint64_t size_bytes;
    struct wire_device device;  // that makes it
    bool is_trusted;            // so is its producer
    bool is_refused;            // it could not be made: nothing is sent in this generation
    int fd;                     // owned, -1 = it has not come
    uint64_t counted_bytes;     // what the kernel says of it, before it came what was asked for
};

// Whether the node may send such a descriptor: it may use a device.
bool device_pool_may_send(const struct actual_node *node);

// Chooses where the payloads of a generation lie whose links and slots are known, and notes the
// reason at its output. Returns 0, with a slot_bytes when it is memory of a device; -EDQUOT when it
// has to be that and passes the limit gpu_memory of its node, with the sentence at the output.
int device_pool_plan(struct generation *generation, uint64_t payload_bytes);

// Its producer has to answer for it before it says that the pool is mapped.
bool device_pool_is_owed(const struct device_pool *pool);

// Memory of devices in the pools of a node's outputs, those that are still read included.
uint64_t device_pool_bytes_of(const struct actual_node *node);

// DEVICE_POOL came for the pool of this generation. Takes the descriptor out of fd when it keeps
// it. Returns 0, or -EPROTO with a sentence part.
int device_pool_take(struct generation *generation, uint64_t size_bytes, int *fd,
                     const char **out_fault);

// Before READ_LINK: gives the memory to the consumer.
void device_pool_send(struct broker *broker, const struct generation *generation,
                      const struct generation_link *pages);

// Gives the descriptor back.
void device_pool_drop(struct broker *broker, struct device_pool *pool);
