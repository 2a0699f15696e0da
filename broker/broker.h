// SPDX-License-Identifier: Apache-2.0
// The running broker: what all its parts share. It calls none of them; the loop does (loop.h).
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "broker/actual.h"
#include "broker/change/live_state.h"
#include "broker/control/log_ring.h"
#include "broker/lateness.h"
#include "broker/links/memory_thread.h"
#include "broker/lives/metering_state.h"
#include "broker/supervision/dead_letters.h"
#include "broker/supervision/device_loss.h"
#include "broker/supervision/health.h"
#include "sandbox/launcher.h"
#include "shm/budget.h"

enum broker_phase {
    BROKER_IDLE,      // loaded, nothing was started
    BROKER_STARTING,  // until every node is ready
    BROKER_RUNNING,
    BROKER_ENDING,  // asked to stop, or failed: waits for the last process
    BROKER_ENDED,   // every node is over
};

// A process that does not end although it was killed; its node goes on without it.
struct stuck_process {
    uint32_t serial;  // of the launcher
    pid_t pid;
    char node[LIMIT_NODE_ID_BYTES_MAX];
    uint32_t generation;
};

struct catalog;
struct domain;
struct control_server;
struct describing;

struct broker_options {
    bool is_keep;             // stay when every node has finished
    bool is_idle;             // load, do not start
    bool is_watched;          // apply the graph file when it changes
    struct catalog *catalog;  // borrowed: what a changed graph can name
    int control;              // listening socket, taken over; -1 = none
};

struct broker {
    struct broker_options options;
    sd_event *event;               // owned
    struct launcher *launcher;     // borrowed
    struct memory_thread *memory;  // owned
    struct graph *graph;           // held: what the actual graph follows
    struct live live;              // the graph as it is wanted, and how it becomes that
    struct actual *actual;         // owned: as it is
    struct bell_clock clock;
    int64_t loaded_ns;  // when the graph was taken over
    enum broker_phase phase;
    int exit_status;
    int forced_status;  // instead of exit_status, 0 = none
    int signal_count;

    struct metering metering;
    struct budget budget;
    uint64_t unmade_bytes;  // reserved, and not allocated yet
    uint64_t pages_bytes;   // reserved for status and bell pages

    struct wire_message *incoming;  // owned scratch: the message that is being handled
    struct wire_message *outgoing;  // owned scratch: the message that is being written
    uint32_t last_serial;           // of MEMORY and INPUT_FORMAT
    uint32_t last_launch;           // of the launcher
    uint64_t last_job;              // for a status page

    sd_event_source *launcher_source;  // owned
    sd_event_source *kept_source;      // owned: what was put aside
    sd_event_source *timer;            // owned: the earliest deadline
    int64_t timer_due_ns;              // when it was to fire
    bool is_timer_stale;               // a deadline is another one since it was set
    struct lateness lateness;          // of all timers
    struct log_ring *log_ring;         // owned
    struct control_server *control;    // owned, NULL when there is no socket
    size_t circle_count;               // nodes that wait in a circle, at the last look
    uint64_t circle_cursors;           // what had been counted then
    size_t left_count;
    struct stuck_process *left;  // owned: processes that were left behind
    struct health health;
    struct device_losses device_losses;
    struct dead_letters dead_letters;
    struct letter_job *letter_jobs;  // owned: helpers that write them
    struct describing *describing;   // owned: programs that were asked
    struct letter_replay *replay;    // owned: the letter that was sent last, or NULL
    int64_t watch_due_ns;            // next look at the workers, INT64_MAX = none
    int64_t stop_deadline_ns;        // of all nodes together, INT64_MAX = none
    bool is_draining;                // it ends gracefully, and its deadline has not passed
    bool is_advancing;               // wiring_advance() runs
    bool is_advance_wanted;          // and has to run again
    bool is_launcher_gone;
    struct domain *domain;  // owned, NULL before a node needs it
};

// Reserves the small pages that every node has, for one more node, and gives them back. Returns 0,
// or -ENOMEM with a sentence in text.
int broker_reserve_node(struct broker *broker, char *text, size_t text_bytes);
void broker_release_node(struct broker *broker);

// A deadline is another one: before it sleeps, the loop sets its timer to the earliest of all.
void broker_arm_timer(struct broker *broker);

// The loop makes another turn, after which whoever waits for something looks again.
void broker_turn_again(struct broker *broker);

// Takes the memory for the status and bell pages of so many nodes from the budget. Returns 0, or
// -ENOMEM and has logged it.
int broker_reserve_pages(struct broker *broker, size_t node_count);

// The number of the next MEMORY or INPUT_FORMAT.
uint32_t broker_next_serial(struct broker *broker);

// The exit status that is not 0 and came first stays.
void broker_set_status(struct broker *broker, int status);
