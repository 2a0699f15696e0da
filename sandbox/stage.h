// SPDX-License-Identifier: Apache-2.0
// Puts what a worker was granted where a user of its own can reach it, also below a folder that
// only its owner may enter, and makes it that user's for as long as the worker lives.
//
// Done between fork and exec by a process that is still root: in a mount namespace of its own it
// moves a copy of each mount below one folder, and maps the owner of the file to the worker's user.
// Nothing of it is seen from outside, nothing is changed on the disk, and it is gone with the last
// process inside, whoever is killed: a file that the worker makes or writes belongs to the owner of
// the place, as if he had written it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define STAGE_ITEMS_MAX 128

struct stage_item {
    int fd;          // O_PATH, or open for reading
    bool is_mapped;  // what belongs to the owner there is the worker's inside
    bool is_needed;  // without the mapping there is no use for it: it is an error
};

// Makes this process see every item below a folder that every user can enter: each fd becomes that
// of the same file there (same number, close-on-exec). user: who may be mapped to the worker; for
// root it is the owner of each item. worker: also the number of its group.
// Returns 0, or a negative errno and the index of the item (count when it was none of them):
// -EOPNOTSUPP where the file system of the item cannot map owners.
int stage_enter(const struct stage_item *items, size_t count, uid_t user, uid_t worker,
                size_t *out_index);

// Whether the file system of an item can map its owner to the worker. Returns 0, or a negative
// errno when it cannot, or when this process may not.
int stage_can_map(int fd, uid_t user, uid_t worker);

// Tries it in a process of its own, with the root folder. Returns as stage_enter().
int stage_try(uid_t worker);
