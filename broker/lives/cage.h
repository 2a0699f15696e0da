// SPDX-License-Identifier: Apache-2.0
// The sandbox of one process of a node: what its tier shows and allows, before its grants and its
// meters are added to the plan.
//
// cage_open() for each start; the plan and the command line are good until cage_close(). What adds
// to the plan afterwards (grants, metering) keeps its own descriptors open until the launch.
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "broker/lives/libraries.h"
#include "broker/lives/rootfs.h"
#include "sandbox/plan.h"

struct graph_node;
struct graph_program;

#define CAGE_BASE_BINDS_MAX 16
#define CAGE_PREFIX_MAX 4
#define CAGE_LIBRARY_PATH_BYTES 8192
#define CAGE_LIBRARY_TARGET_BYTES 512

struct cage {
    struct sandbox_plan plan;
    // The command line begins with these: of a script, its interpreter and that one's argument;
    // then the path of the program. Else the path alone.
    size_t prefix_count;
    const char *prefix[CAGE_PREFIX_MAX];
    // LD_LIBRARY_PATH=..., where libraries lie outside of the system's folders; else NULL. The
    // loader cannot find its program's own folder without /proc.
    const char *library_path;
    // PYTHONPATH=..., of a program in Python: where the module streambroker is; else NULL.
    const char *python_path;

    // Of the cage itself:
    int program_fd;  // owned
    int script_fd;   // owned
    int data_fd;     // owned
    char data_folder[PATH_MAX];
    struct rootfs rootfs;
    struct libraries libraries;
    int library_fds[LIBRARIES_MAX];  // owned
    char interpreter_line[256];
    char interpreter[256];
    // Where they are inside.
    char library_targets[LIBRARIES_MAX][CAGE_LIBRARY_TARGET_BYTES];
    char library_path_bytes[CAGE_LIBRARY_PATH_BYTES];
    char python_path_bytes[PATH_MAX + 64];
};

// Whether the node is untrusted; one that says nothing is.
bool cage_is_wanted(const struct graph_node *node);

// Whether its sandbox shows nothing but what every sandbox shows: then another one can be made
// before it is wanted.
bool cage_is_plain(const struct graph_node *node);

// node NULL is a trusted one. Returns 0; or a negative errno with a sentence part in out_why. For a
// trusted node the plan says no more than that, and which bytes were judged.
int cage_open(const struct graph_node *node, const struct graph_program *program,
              struct cage **out_cage, struct diag *out_why);

// The whole command line: the prefix, then rest (NULL-terminated), into out, which has room for
// LAUNCH_ARGUMENTS_MAX and the terminator. Returns 0 or -E2BIG.
int cage_command(const struct cage *cage, const char *const *rest, const char **out);

// Takes the top folders of the node's own root out of the way of what is shown in them and is not
// there: a place cannot be made in a folder that is read-only. Call it when grants were added.
void cage_make_room(struct cage *cage);

void cage_close(struct cage *cage);
