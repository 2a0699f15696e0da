// SPDX-License-Identifier: Apache-2.0
// The graph as it is: nodes with their lives, outputs with their memory, links with their states.
//
// The graph as it is wanted is struct graph, which this points into. Nodes are found by their id
// and links by their two addresses, so that a newer graph can take the place of the one before;
// each keeps the graph alive that its `wanted` is in.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <streambroker/format.h>

#include "broker/graph/graph.h"
#include "broker/links/account.h"
#include "broker/links/counts.h"
#include "broker/links/device_pool.h"
#include "broker/links/link.h"
#include "broker/links/link_age.h"
#include "broker/links/link_plan.h"
#include "broker/lives/bell.h"
#include "broker/lives/call_times.h"
#include "broker/lives/exit_reason.h"
#include "broker/lives/node.h"
#include "broker/lives/worker_peer.h"
#include "broker/supervision/device_loss.h"
#include "broker/supervision/poison.h"
#include "broker/supervision/progress.h"
#include "broker/supervision/restart.h"
#include "sandbox/cgroup.h"

struct actual_link;
struct actual_node;
struct broker;
struct generation;
struct life_log;

#define LINK_WHY_BYTES 512

// A linked output port: one pool at a time feeds all its links.
struct actual_output {
    struct actual_node *node;  // borrowed
    char name[SB_NAME_BYTES_MAX];
    const struct descriptor_port *port;  // borrowed from the descriptor
    char address[LIMIT_ADDRESS_BYTES_MAX];
    size_t link_count;
    struct actual_link **links;  // owned array of borrowed
    size_t offer_count;
    struct sb_format offers[LIMIT_FORMATS_MAX];
    uint64_t frame_bytes_max;  // said with the offers
    bool is_offered;           // by the life that runs: what one before it offered binds nobody
    bool is_offer_new;         // nothing was agreed about the newest offers yet
    int64_t held_ns;           // since when other links stand against them, 0 = none does
    bool is_held_told;
    bool is_agreed;
    struct sb_format format;  // agreed last
    uint32_t generation;      // number of the newest generation, 0 = none yet
    size_t generation_count;
    struct generation **generations;  // owned array of owned, oldest first
    bool is_memory_awaited;           // agreed, but there is none before older ones are dropped
    bool is_room_told;                // that it waits for memory, or for its readers
    bool is_room_forced;              // the next one comes, wherever its readers are
    uint64_t first_number;            // frame number that the output goes on with
    struct device_choice choice;      // where payloads of the newest generation lie
    uint32_t meeting;  // number of the address where ends of a transport meet, 0 = none
};

struct actual_link {
    uint32_t id;                             // from 1, never used twice
    const struct graph_link *wanted;         // borrowed from graph
    struct graph *graph;                     // held
    char name[2 * LIMIT_ADDRESS_BYTES_MAX];  // "a.out -> b.in"
    struct actual_output *output;            // borrowed
    struct actual_node *to;                  // borrowed
    char to_address[LIMIT_ADDRESS_BYTES_MAX];
    enum link_state state;

    uint32_t depth;            // of the next generation
    uint64_t page_number;      // of the newest consume page
    uint64_t next_seq;         // after a producer's death: where the next generation begins, else 0
    uint64_t last_step;        // newest step that the link has, of dead producers
    struct poison poison;      // frames whose readers died
    uint32_t format_serial;    // INPUT_FORMAT that was not answered yet, 0 = none
    struct account past;       // of generations that are gone
    char why[LINK_WHY_BYTES];  // it is not wired; empty when it is
    struct link_age age;       // of its frames, by the looks so far
    struct link_age late;      // likewise, but only while its reader is not paused
    uint64_t late_told;        // newest frame that was told to be late
    int64_t late_peak_ns;      // longest wait since frames are late, 0 = they are not
    uint64_t evicted_told;     // of its frames, how many were told to be evicted
    struct link_age lag;       // likewise, but only while its reader could have taken them
    uint64_t lag_excused;      // frame whose time was doubled, because its reader had no CPU
    bool is_held;              // added by a change that is not made yet: nothing flows
    bool is_doomed;            // the change that is being prepared takes it away
    bool is_leaving;           // taken away: what was accepted is read, then it is gone
    bool is_leave_told;        // its reader knows that, and its writer is told
    bool is_voluntary;         // its reader left because it had finished: what it left is no loss
};

struct actual_node {
    struct node_life life;
    struct broker *broker;            // borrowed, NULL before one runs it
    const struct graph_node *wanted;  // borrowed from graph
    struct graph *graph;              // held
    size_t index;                     // in the nodes of the actual graph
    size_t output_count;
    struct actual_output **outputs;  // owned array of owned: those that had a link once
    size_t input_count;
    struct actual_link **inputs;  // owned array of borrowed

    // Across lives:
    struct device_end gpu;           // the device that it works on
    bool is_observer;                // a tap: whatever becomes of it is nothing to the graph
    bool is_held;                    // prepared for a change: opened, and not started
    bool is_doomed;                  // taken away: does not start again
    struct actual_node *stands_for;  // borrowed: whose links it will take over, else NULL
    struct actual_node *successor;   // borrowed: who takes over its links, else NULL
    uint64_t status_job;             // of the memory thread, for this life
    uint32_t config_serial;          // CONFIG that was not answered yet, 0 = none
    int config_result;               // of the last one that was
    char config_text[LIMIT_ERROR_TEXT_BYTES_MAX];
    struct restart restart;
    int64_t restart_at_ns;       // when the next life begins, INT64_MAX = none is due
    int64_t restart_due_ns;      // when it may begin once its dead letters are written
    uint32_t letters_awaited;    // helpers that still read frames which it may not release yet
    struct device_stand device;  // with the device that it works on
    uint64_t first_step;         // of the running or next life
    bool is_repeat;              // that step was begun by the life before, and some outputs have it
    char last_reason[EXIT_REASON_TEXT_BYTES];  // why the life before ended, empty before a restart
    uint64_t settled;         // frames that were released when a frame was skipped last
    struct counts counts;     // of lives that are over
    uint32_t stalls;          // lives that ended because nothing moved
    uint64_t errors_told;     // failed steps that were told
    struct call_times times;  // likewise

    // Of the running life:
    uint32_t serial;  // of the launcher, 0 = none
    pid_t pid;
    int pidfd;  // owned
    struct worker_peer peer;
    struct bell bell;
    struct exit_reason reason;
    int denied_call;               // system call that it was ended for, -1 = none
    uint32_t denied_arch;          // AUDIT_ARCH_* of that call
    struct cgroup_counts metered;  // of its cgroup, at its end
    bool is_opened;
    bool is_start_sent;
    bool is_ended;           // ENDED came
    int64_t begun_ns;        // when this life began
    bool is_killed;          // we sent SIGKILL
    bool is_inside;          // of the domain
    bool is_domain_awaited;  // it has no process before that is ready
    bool is_unborn;          // nor before the loop comes to it; or it ends then, when it was killed
    bool is_stop_late;       // because the deadline of a stop had passed
    bool is_open_failed;     // FAILED came before READY
    uint32_t unmapped;       // MEMORY that was not answered by MAPPED yet
    uint32_t stale_maps;     // of these: memory that was dropped meanwhile
    uint32_t stale_formats;  // INPUT_FORMAT that a newer one replaced before the answer came
    uint32_t status_serial;  // of the MEMORY for the status page, 0 = answered
    int status_fd;           // owned: read-write until it is mapped, then read-only
    uint64_t status_bytes;
    const struct status_page *status;  // owned mapping, NULL before it was mapped
    int64_t deadline_ns;               // INT64_MAX = none
    const char *deadline_text;         // which one
    struct life_log *log;              // owned
    struct progress progress;
    int64_t cpu_wait_ns;     // waited for a CPU at half of its deadline, -1 = not read
    int64_t lag_wait_ns;     // likewise, at half of the shortest max_lag
    bool was_ready;          // in this or an earlier life
    bool is_pause_wanted;    // whatever life it has
    bool is_restart_wanted;  // it was asked to leave, and gets a new life at once
    bool is_stop_wanted;     // it alone was asked to end: what it leaves is no loss
    bool is_spent;           // its restarts were used up
};

struct actual {
    size_t node_count;
    struct actual_node **nodes;  // owned, in the order in which they were added
    size_t link_count;
    struct actual_link **links;  // owned, likewise
    size_t *order;               // owned: node indices, sources first
    uint32_t last_link_id;
};

// Builds nodes, outputs and links of a checked graph, which is held. Nothing runs yet. Returns 0 or
// -ENOMEM.
int actual_create(struct graph *graph, struct actual **out_actual);

// Adds a node of the graph; nothing runs yet, and no order is known until actual_sort(). Returns 0
// or -ENOMEM.
int actual_add_node(struct actual *actual, struct graph *graph, const struct graph_node *wanted,
                    struct actual_node **out_node);

// Adds a link of the graph between two nodes that are there. Returns 0 or -ENOMEM.
int actual_add_link(struct actual *actual, struct graph *graph, const struct graph_link *wanted,
                    struct actual_node *from, struct actual_node *to,
                    struct actual_link **out_link);

// Lets the link lead to another node of the graph, as `wanted` says. Its writer learns nothing of
// it. Returns 0 or -ENOMEM.
int actual_redirect_link(struct actual_link *link, struct graph *graph,
                         const struct graph_link *wanted, struct actual_node *to);

// Takes a link out and frees it. No generation may have it any more.
void actual_remove_link(struct actual *actual, struct actual_link *link);

// Takes a node out and frees it. It must have no link, no generation and no life any more.
void actual_remove_node(struct actual *actual, struct actual_node *node);

// Finds the order again after nodes or links came or went. Returns 0 or -ENOMEM.
int actual_sort(struct actual *actual);

// The output of that name, made when the node has none yet. NULL without memory.
struct actual_output *actual_get_output(struct actual_node *node, const char *name,
                                        const struct descriptor_port *port);

// From now on the node or link is that one of this graph, which is held instead of the one before.
void actual_follow_node(struct actual_node *node, struct graph *graph,
                        const struct graph_node *wanted);
void actual_follow_link(struct actual_link *link, struct graph *graph,
                        const struct graph_link *wanted);

// Lookups, NULL when there is none. The newest of those that have the same address, and never a
// node that is only to take over from another one.
struct actual_node *actual_find_node(const struct actual *actual, const char *id);
struct actual_link *actual_find_link(const struct actual *actual, const struct graph_end *from,
                                     const struct graph_end *to);

// Everything that belongs to lives must be gone before.
void actual_destroy(struct actual *actual);

// INPUT_FORMAT with this serial is about to be sent for the link.
void actual_expect_format(struct actual_link *link, uint32_t serial);

// FORMAT_TAKEN came. False when it answers nothing.
bool actual_take_format(struct actual_node *node, uint32_t serial);

// Lookups by what a worker sent: NULL when the node has no such link or output.
struct actual_link *actual_input_of(const struct actual_node *node, uint32_t link_id);
struct actual_output *actual_output_of(const struct actual_node *node, const char *name);

// What carries the payloads of an output, NULL = a ring. All of its links have the same.
const char *actual_transport(const struct actual_output *output);

// Delivery, depth and claims of a link, as the check found them.
enum sb_delivery actual_delivery(const struct actual_link *link);
uint32_t actual_depth(const struct actual_link *link);
uint32_t actual_claims(const struct actual_link *link);
