// SPDX-License-Identifier: Apache-2.0
// The graph as the user wants it: plain data, no system calls. The keys, their bounds, defaults and
// meanings are the table graph_fields.def; this file holds the places where their values go.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <streambroker/processor.h>

#include "broker/graph/graph_values.h"
#include "broker/graph/graph_words.h"
#include "schemas/limits.h"

struct arena;
struct conversion;
struct descriptor;
struct descriptor_port;
struct trust_comment;

#define GRAPH_NODES_DEFAULT 256
#define GRAPH_DEPTH_DEFAULT 16
#define GRAPH_DEPTH_LATEST_DEFAULT 4
#define GRAPH_MAX_PAYLOAD_DEFAULT (UINT64_C(1) << 20)
#define GRAPH_CHECKSUM_BYTES 32

// "none", "unlimited" or "auto" where the meaning of a field allows such a word.
#define GRAPH_NONE_NS INT64_C(-1)
#define GRAPH_AUTO_NS INT64_C(-2)
#define GRAPH_NONE_BYTES UINT64_MAX
#define GRAPH_UNLIMITED UINT32_MAX

// One enum value per field of each section: indices into the places of its struct.
enum graph_field {
#define FIELD(SECTION, NAME, path, KIND, member, words, low, high, initial, meaning)               \
    GRAPH_FIELD_##SECTION##_##NAME,
#include "broker/graph/graph_fields.def"
#undef FIELD
    GRAPH_FIELDS_COUNT
};

struct graph_activation {
    enum sb_activation kind;  // SB_ACTIVATE_DEFAULT: the processor's
    uint32_t batch;
    int64_t within_ns;  // 0 = wait for the whole batch
    int64_t every_ns;
};

struct graph_sandbox {
    enum graph_tier tier;
    struct graph_strings read;
    struct graph_strings write;
    struct graph_strings devices;
    struct graph_strings require;
    struct graph_pairs env;
    const char *rootfs;  // NULL = none
    bool is_network;
    bool is_display;
    bool is_degrade;
};

struct graph_node_limits {
    uint64_t memory;        // bytes, 0 = by the tier, GRAPH_NONE_BYTES = none
    uint32_t cpu_permille;  // of one CPU, 0 = by weight only
    uint32_t pids;
    uint32_t files;
    uint64_t log_rate;  // bytes per second
    uint64_t tmpfs;
    uint64_t gpu_memory;
};

// A program that was found. Borrowed from the catalog.
struct graph_program {
    const char *path;                       // absolute, of exec[0]
    int fd;                                 // sealed bytes to execute in its place; up to 2 = none
    bool is_untrusted_only;                 // nobody vouches for it, and the graph wants that
    const struct trust_comment *signed_as;  // NULL when no signature vouches for it
};

// What graph_check() found out about a node. Borrowed from the catalog.
struct graph_node_found {
    const struct descriptor *descriptor;  // NULL when there is none
    const char *program;                  // absolute path of exec[0]; that of the next
    struct graph_program judged;
    const char *rootfs;  // absolute path of its root, NULL = the machine's
    enum sb_mode mode;   // what runs it, never SB_MODE_DEFAULT
    int64_t interval_ns;
    struct graph_activation activation;  // kind is never SB_ACTIVATE_DEFAULT
    struct graph_pairs params;           // as config, with absolute paths for those of type path
};

struct graph_node {
    const char *id;
    struct graph_strings exec;
    struct graph_pairs config;
    struct {
        enum sb_mode mode;    // SB_MODE_DEFAULT: the processor's
        int64_t interval_ns;  // only where places[] has it, else the processor's
        enum graph_priority priority;
        struct graph_numbers cpus;
        int64_t spin_ns;  // or GRAPH_AUTO_NS
    } run;
    struct graph_activation activate;
    struct {
        enum graph_restart_when when;
        uint32_t max;  // or GRAPH_UNLIMITED
        int64_t window_ns;
        int64_t delay_ns;
        int64_t max_delay_ns;
        enum graph_give_up then;
    } restart;
    struct {
        enum graph_crash_frame frame;
        uint32_t poison_after;
    } on_crash;
    enum graph_stall on_stall;
    struct {
        int64_t start_ns;
        int64_t process_ns;
        int64_t stop_ns;
    } timeouts;
    struct graph_sandbox sandbox;
    struct graph_node_limits limits;
    enum graph_gpu gpu;
    bool is_optional;
    bool is_inserted;  // a converter that the check added

    struct graph_place place;                       // of the id
    struct graph_place places[GRAPH_FIELDS_COUNT];  // of the value of each field
    struct graph_node_found found;
};

// A converter that can be inserted; all NULL when it cannot.
struct graph_stock {
    struct graph_program program;
    const struct descriptor *descriptor;  // NULL when it is not installed
};

// One end of a link as written: node.port.
struct graph_end {
    const char *node;
    const char *port;
    struct graph_place place;
};

// What graph_check() found out about a link; node indices are valid for the graph as checked.
struct graph_link_found {
    size_t from_node;
    size_t to_node;
    const struct descriptor_port *from_port;  // borrowed from the descriptor
    const struct descriptor_port *to_port;
    uint32_t from_index;  // member of a port array, 0 for a single port
    uint32_t to_index;
    enum sb_delivery delivery;  // never SB_DELIVERY_DEFAULT
    uint32_t depth;
    uint32_t claims;        // frames that the reader may have taken: 2, the batch or holds
    uint64_t max_payload;   // bytes, an upper bound
    enum sb_memory memory;  // where both ends work on its frames
    const struct conversion *conversion;  // what has to be put into it, NULL = nothing
};

struct graph_link {
    struct graph_end from;
    struct graph_end to;
    uint32_t depth;             // 0 = GRAPH_DEPTH_DEFAULT, or GRAPH_DEPTH_LATEST_DEFAULT
    enum sb_delivery delivery;  // SB_DELIVERY_DEFAULT: the consumer port's
    bool is_auto_transfer;
    const char *transport;
    uint64_t max_payload;  // 0 = the output port's, else GRAPH_MAX_PAYLOAD_DEFAULT
    enum graph_memory memory;
    int64_t max_lag_ns;                // or GRAPH_NONE_NS
    struct graph_link *written;        // of a converted link's first part: the whole; else NULL
    bool is_inserted;                  // a further part of one
    const struct conversion *decided;  // what negotiation found that it needs, NULL = nothing yet
    struct graph_place place;
    struct graph_place places[GRAPH_FIELDS_COUNT];
    struct graph_link_found found;
};

struct graph {
    const char *file;    // as the user wrote it
    bool is_incomplete;  // its file has errors: fit for finding more of them, and nothing else
    const char *folder;  // absolute path of the folder that relative paths start from
    uint32_t version;
    const char *name;
    struct {
        struct graph_fraction fps;
        bool is_precise;
    } clock;
    enum graph_commit commit;
    struct {
        uint32_t nodes;
        struct graph_share shared_memory;
    } limits;
    struct {
        enum graph_policy policy;
        struct graph_strings keys;
    } signatures;
    struct {
        const char *dir;  // NULL = none
        uint64_t max;     // bytes
    } dead_letters;
    size_t node_count;
    struct graph_node *nodes;  // in the order of the file
    size_t link_count;
    struct graph_link *links;
    const struct graph_stock *stock;  // by enum converter: those that links may need; or NULL
    struct graph_place places[GRAPH_FIELDS_COUNT];
    size_t holder_count;  // beside its first owner
    struct arena *arena;  // owned: holds everything that is reached from here
};

// The place of a field's value, or of the whole where the field was not given.
struct graph_place graph_node_place(const struct graph_node *node, enum graph_field field);
struct graph_place graph_link_place(const struct graph_link *link, enum graph_field field);

// Index of a node, -ENOENT.
int graph_find_node(const struct graph *graph, const char *id);

// Node indices, sources first, sinks last, ties in the order of the file. out_order has room for
// node_count. Returns 0, -ELOOP (out_order is undefined), -ENOMEM. Needs `found` of the links.
int graph_order(const struct graph *graph, size_t *out_order);

// One more owner, for whom graph_destroy() is called once more.
struct graph *graph_hold(struct graph *graph);

// Frees it when nobody else holds it.
void graph_destroy(struct graph *graph);
