// SPDX-License-Identifier: Apache-2.0
// Nodes that wait for each other in a circle: for space, and for frames. Pure.
//
// A node is stuck when what it waits for can only come from stuck nodes: one full link whose reader
// is stuck is enough, and so is one input without frames all of whose producers are stuck. A node
// that takes any input is stuck only when all its producers are.
//
// Not everybody who is stuck is in a circle: who waits behind one goes on when it is open, and no
// space at that place opens it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wait_node {
    bool is_for_space;
    bool is_for_frames;
    bool needs_all;  // frames of every open input
};

struct wait_link {
    size_t from;      // node index
    size_t to;        // node index
    uint32_t port;    // of the reader: links with the same one feed the same input
    bool is_open;     // more may come
    bool is_full;     // its writer would need space here
    bool is_missing;  // its input has too few frames for the next step

    // Set by wait_cycle_find(), of links between nodes that are stuck.
    bool is_space_awaited;    // its writer waits for its reader
    bool are_frames_awaited;  // its reader waits for its writer
};

// Sets stuck[] per node, and what is awaited on each link. Returns how many nodes are stuck.
// Repeats at most once per node.
size_t wait_cycle_find(const struct wait_node *nodes, size_t node_count, struct wait_link *links,
                       size_t link_count, bool *stuck);

// After wait_cycle_find(): gives each node the number of the circle that it is part of, from 1 on;
// 0 for who is in none. Circles that share a node are one.
void wait_cycle_number(const struct wait_link *links, size_t link_count, size_t node_count,
                       uint32_t *circles);

// Both ends of the link are in one circle.
bool wait_cycle_has(const struct wait_link *link, const uint32_t *circles);
