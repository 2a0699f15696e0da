// SPDX-License-Identifier: Apache-2.0
// YAML as a tree with a place for every part. Hostile input: bounded in size, depth and number.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "broker/graph/arena.h"
#include "broker/graph/diags.h"

#define DOCUMENT_BYTES_MAX (1024 * 1024)
#define DOCUMENT_DEPTH_MAX 32
#define DOCUMENT_NODES_MAX 50000
#define DOCUMENT_SCALAR_BYTES_MAX (64 * 1024)

enum document_kind { DOCUMENT_SCALAR, DOCUMENT_LIST, DOCUMENT_MAP };

struct document_node {
    enum document_kind kind;
    struct graph_place place;
    const char *text;                   // SCALAR: terminated, without zero bytes inside
    bool is_quoted;                     // SCALAR: it is text, whatever it looks like
    bool is_null;                       // SCALAR: nothing was written, or null
    bool is_bad;                        // an error about it was reported: say nothing more
    size_t count;                       // LIST, MAP: values in it
    const struct document_node *first;  // LIST, MAP: the first value
    const struct document_node *next;   // the next value of the same list or map
    const struct document_node *key;    // in a MAP: the scalar before the colon
};

// Parses one document. Everything lives in the arena. Returns 0 and the root (NULL for an empty
// file), also when diags got errors that leave a usable tree (anchors, tags, duplicate keys);
// -EINVAL when there is no tree; -ENOMEM.
int document_parse(const char *file, const char *bytes, size_t count, struct arena *arena,
                   struct diags *diags, const struct document_node **out_root);

// "a mapping", "a list", "nothing", "a value".
const char *document_kind_name(const struct document_node *node);
