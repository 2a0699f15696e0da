// SPDX-License-Identifier: Apache-2.0
// Who can write a file or folder besides root and this process's own user.
#pragma once

#include <stddef.h>

#include "base/diag.h"

// Returns 0 when nobody can; -EPERM with "who can" in out_why->text; or another negative errno.
int trust_owner_check(int fd, struct diag *out_why);

// As fd_read_file, for a file below a folder that was checked: no symbolic link, an ordinary file,
// checked itself. Returns 0, -EFBIG, -EINVAL (not an ordinary file), -EPERM, -ENOENT, others; with
// a sentence part in out_why->text.
int trust_owner_read(int folder_fd, const char *name, size_t size_max, char **out_bytes,
                     size_t *out_count, struct diag *out_why);
