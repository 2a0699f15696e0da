// SPDX-License-Identifier: Apache-2.0
// The processors that a graph can name: where they are, and what they say about themselves. Each is
// asked once per content, for the life of the broker.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "broker/graph/descriptor.h"
#include "broker/graph/graph.h"
#include "sandbox/trust.h"

struct catalog;

// Runs, in the sandbox of the node (NULL = trusted), the program with argv[1]... --describe (argv
// is NULL-terminated and has --describe as its last item; argv[0] is the path) in folder with a
// deadline of 2 s. Returns 0 and what it wrote to stdout (malloc, at most DESCRIPTOR_BYTES_MAX
// bytes, else -EFBIG), or a negative errno with a sentence part in out_why->text ("did not answer
// within 2 s"); -EOPNOTSUPP when a wall of that sandbox is missing.
typedef int (*catalog_describe_fn)(void *context, const struct graph_node *node,
                                   const struct graph_program *program, const char *folder,
                                   char *const *argv, char **out_json, size_t *out_count,
                                   struct diag *out_why);

// Begins to run it likewise, and returns 0; the answer is given to catalog_answer() later, never
// before it returns. -EBUSY: it has to wait for others. Other failures are the answer.
typedef int (*catalog_begin_fn)(void *context, const struct graph_node *node,
                                const struct graph_program *program, const char *folder,
                                char *const *argv, void *question, struct diag *out_why);

struct catalog_entry {
    struct graph_program program;         // lives as long as the catalog
    const struct descriptor *descriptor;  // likewise
};

// path is the value of $STREAMBROKER_PROCESSOR_PATH (may be NULL), libexec the folder of the stock
// processors (NULL = found beside the running program). Both are copied.
int catalog_create(const char *path, const char *libexec, catalog_describe_fn describe,
                   void *context, struct catalog **out_catalog);
void catalog_destroy(struct catalog *catalog);

// From now on every program is judged by its signature before it is asked, and asked as the bytes
// that were judged. One that nobody vouches for is -EKEYREJECTED where is_required; else it is
// asked as untrusted, and out_why->text says why. trust NULL ends it; borrowed until then.
void catalog_set_trust(struct catalog *catalog, struct trust *trust, bool is_required);

// From now on nobody waits for a program: a question that has no answer yet is -EINPROGRESS, and is
// asked with begin. NULL ends it.
void catalog_set_begin(struct catalog *catalog, catalog_begin_fn begin, void *context);

// The answer to a question: failed and why, or what the program wrote.
void catalog_answer(struct catalog *catalog, void *question, int failed, const char *json,
                    size_t count, const struct diag *why);

// The question was taken back.
void catalog_forget(struct catalog *catalog, void *question);

// Large files are read beside the loop from then on as well: readable when one was. Then
// catalog_take_content() lets who got -EINPROGRESS ask again.
int catalog_content_fd(const struct catalog *catalog);
void catalog_take_content(struct catalog *catalog);

// How many questions were answered or taken back: who got -EINPROGRESS asks again when it changes.
uint64_t catalog_answers(const struct catalog *catalog);

// The folder of the stock processors, NULL when there is none.
const char *catalog_install(const struct catalog *catalog);

// Finds exec[0] and its descriptor, asked for in the sandbox of the node. exec is NULL-terminated,
// folder is the graph's. Returns 0; -ENOENT (not found: the places that were searched are in
// out_why); -EACCES (not executable); -EPROTO (its description is no good); -EKEYREJECTED;
// -EINPROGRESS; or what describe returned; with out_why->text.
int catalog_find(struct catalog *catalog, const char *folder, const char *const *exec,
                 const struct graph_node *node, struct catalog_entry *out_entry,
                 struct diag *out_why);

// The same for a stock processor without arguments: only the install is searched.
int catalog_find_stock(struct catalog *catalog, const char *name, struct catalog_entry *out_entry,
                       struct diag *out_why);

// The name among the processors of the search path that is nearest to name. False when none is.
bool catalog_nearest(struct catalog *catalog, const char *name, char *out, size_t size_bytes);
