// SPDX-License-Identifier: Apache-2.0
// Landlock: what may be read, written and executed, as a second wall behind the mounts.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct shim_landlock_rule {
    int kind;          // enum sandbox_bind_kind
    const char *path;  // as it is inside; one that is missing is left out
};

// The newest version of Landlock that the kernel has, 0 = none.
int shim_landlock_version(void);

// Restricts this process and its children to the rules for ever; everything else in the file
// system is denied, TCP as well unless it has the network, and signals and abstract sockets end at
// the sandbox, as far as the kernel knows these. Needs no_new_privs. Returns 0, -ENOSYS, or a
// negative errno.
int shim_landlock_enter(const struct shim_landlock_rule *rules, size_t rule_count,
                        bool has_network);
