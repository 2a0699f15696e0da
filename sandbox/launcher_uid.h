// SPDX-License-Identifier: Apache-2.0
// Users of their own for untrusted workers: each number is one worker's at a time on this machine.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Numbers that neither Debian nor systemd gives to anybody (systemd's "UIDs and GIDs" page).
#define LAUNCHER_UID_FIRST 60578U
#define LAUNCHER_UID_LAST 61183U

#define LAUNCHER_UID_GROUPS_MAX 8

// Other numbers; before launcher_start().
void launcher_uid_set_range(uid_t first, uid_t last);

// Takes a user that nobody has. out_claim keeps it until it is closed, also beyond the death of
// whoever closes nothing. Returns 0; -EPERM where this process may not become somebody else;
// -EAGAIN when all are taken.
int launcher_uid_claim(uid_t *out_uid, int *out_claim);

// Whether this process could.
bool launcher_uid_can_claim(void);

// Becomes that user, with these other groups and no more, for ever. Returns 0 or a negative errno.
int launcher_uid_become(uid_t uid, const gid_t *groups, size_t group_count);

// Adds the groups of a device, or of the devices in a folder, that a user of its own needs to open
// them; that of root is never one. Returns the new count, at most LAUNCHER_UID_GROUPS_MAX.
size_t launcher_uid_add_groups(const char *device, gid_t *groups, size_t count);
