// SPDX-License-Identifier: Apache-2.0
// The broker's end of one worker, played by the test: a real process, a real control socket, real
// sealed segments, the real protocol. The test is also the peer of every link.
//
// The worker is a forked child that runs sb_processor_main() with a descriptor of the test. What
// its call-backs see is noted on a board that both processes share; gates hold a call-back until
// the test opens them.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <streambroker/processor.h>

#include "schemas/link_layout.h"
#include "schemas/status_layout.h"
#include "schemas/wire_worker.h"
#include "shm/pool.h"
#include "shm/ring_reader.h"
#include "shm/ring_writer.h"

#define RIG_LINKS_MAX 8
#define RIG_GENERATIONS_MAX 12
#define RIG_NOTES_MAX 1024
#define RIG_GATES_MAX 4
#define RIG_PARAMS_MAX 8
#define RIG_PAYLOAD_BYTES 128
#define RIG_DEADLINE_NS (10 * INT64_C(1000000000))

struct rig_board {
    _Atomic uint32_t note_count;
    _Atomic uint32_t gates[RIG_GATES_MAX];
    _Atomic uint64_t notes[RIG_NOTES_MAX];
};

// Shared with the child; made by rig_init().
extern struct rig_board *rig_board;

// In a call-back: notes a value, waits for a gate.
void rig_note(uint64_t value);
void rig_wait_gate(uint32_t gate);
// Notes a result, and returns it.
int rig_note_result(int result);
// In the test.
void rig_open_gate(uint32_t gate);
void rig_await_notes(uint32_t count);
// Waits for that note, and gives it as the result that it is.
int64_t rig_note_at(uint32_t index);
void rig_expect_result(uint32_t index, int64_t result);

struct rig_segment {
    const void *bytes;
    uint64_t size_bytes;
    int fd;  // the broker's own
};

// One generation of a link. Input: the test writes with writer. Output: it reads with reader.
struct rig_generation {
    struct rig_segment pool_segment;
    struct rig_segment publish;
    struct rig_segment consume;
    struct pool pool;
    struct ring_writer writer;
    struct ring_reader reader;
};

struct rig_link {
    struct rig *rig;
    uint32_t id;
    bool is_output;
    const char *port;
    enum sb_delivery delivery;
    uint32_t depth;
    uint32_t claims;
    uint32_t slots;
    uint64_t payload_bytes;
    struct sb_format format;
    // Input: frames that a life before this one had taken, and how they come again.
    uint64_t taken;
    uint32_t attempt;
    bool is_single;
    uint32_t generation;  // of the newest one
    struct rig_generation generations[RIG_GENERATIONS_MAX];
};

struct rig {
    const struct sb_processor *processor;
    struct wire_message *message;  // the one received last, or the one to send
    struct wire_setup setup;
    struct wire_param params[RIG_PARAMS_MAX];
    struct wire_formats formats;  // that came last
    uint32_t formats_count;
    struct rig_link links[RIG_LINKS_MAX];
    uint32_t link_count;
    uint32_t serial;
    int socket;
    int log;  // what the worker writes to stderr
    pid_t pid;
    int pidfd;
    enum wire_phase phase;
    struct bell_page *bell;
    struct rig_segment bell_segment;
    const struct status_page *status;
    struct rig_segment status_segment;
};

void rig_init(struct rig *rig, const struct sb_processor *processor);
struct rig_link *rig_add_input(struct rig *rig, const char *port, enum sb_delivery delivery,
                               uint32_t depth);
struct rig_link *rig_add_output(struct rig *rig, const char *port, enum sb_delivery delivery,
                                uint32_t depth);
void rig_add_param(struct rig *rig, const char *name, const char *value);

// Forks the worker and receives its HELLO.
void rig_fork(struct rig *rig);
// The two messages that a worker needs before open().
void rig_setup(struct rig *rig);
void rig_give_bell(struct rig *rig);
// From HELLO to OPENED.
void rig_open(struct rig *rig);
// All of it: fork, handshake, memory, links, READY.
void rig_start(struct rig *rig);
void rig_want(struct rig *rig, enum worker_want want);
void rig_set_clock(struct rig *rig, uint32_t fps, int64_t epoch_ns);
void rig_ring(struct rig *rig);

// The message to fill, all zero but its type.
struct wire_message *rig_begin(struct rig *rig, enum wire_type type);
void rig_send(struct rig *rig, const int *fds, size_t fd_count);
// Receives the next message; the test fails when it is of another type.
struct wire_message *rig_expect(struct rig *rig, enum wire_type type);
// Like rig_expect, but passes over others.
struct wire_message *rig_await(struct rig *rig, enum wire_type type);

// Waits for the end of the worker. Its exit status, or 128 and the signal.
int rig_exit_status(struct rig *rig);
// True when the worker wrote this to stderr.
bool rig_has_logged(struct rig *rig, const char *text);
void rig_await_phase(struct rig *rig, enum worker_phase phase);
// Stops what still runs and gives everything back.
void rig_end(struct rig *rig);
// The worker ends by itself and is content.
void rig_finish(struct rig *rig);

// --- links (worker_rig_link.c)

// Makes and sends the memory of a new generation of the link. first_seq 0: goes on. Links of one
// output share the pool of the first, which must have slots for all of them.
void rig_wire(struct rig_link *link, uint64_t first_seq);
void rig_free_link(struct rig_link *link);
struct rig_generation *rig_now(struct rig_link *link);

// Input: publishes a frame whose payload is its number. False when there is no space.
bool rig_put(struct rig_link *link, uint64_t number);
void rig_end_link(struct rig_link *link, enum link_end kind);

// Output: waits for the next frame of the newest generation and its number. At the end: false.
bool rig_take(struct rig_link *link, struct ring_lease *out_lease, uint64_t *out_number);
void rig_release(struct rig_link *link, const struct ring_lease *lease);
// Takes, releases, and compares the number.
void rig_expect_frame(struct rig_link *link, uint64_t number);
void rig_expect_end(struct rig_link *link);
