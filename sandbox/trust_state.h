// SPDX-License-Identifier: Apache-2.0
// The newest version of each signed processor that ran here: an older one is refused from then on.
//
// One text file, `NAME VERSION` per line, replaced atomically; brokers that change it at the same
// moment wait for each other. It must belong to root or this process's user and be writable by
// nobody else.
#pragma once

#include <limits.h>

#include "base/diag.h"
#include "sandbox/trust_comment.h"

// Folder of the file: $STATE_DIRECTORY, for root /var/lib/streambroker, else
// $XDG_STATE_HOME/streambroker or ~/.local/state/streambroker. Returns 0, -ENOENT, -ENAMETOOLONG.
int trust_state_folder(char out_folder[PATH_MAX]);

// Returns 0; -ENOENT when no version of it ran; -EBADMSG for a file that is damaged; others. A
// sentence is in out_why->text for all but 0 and -ENOENT.
int trust_state_find(const char *folder, const char *name, struct trust_version *out_version,
                     struct diag *out_why);

// Remembers a version that is newer. Makes the folder. Returns 0 or as trust_state_find().
int trust_state_raise(const char *folder, const char *name, const struct trust_version *version,
                      struct diag *out_why);
