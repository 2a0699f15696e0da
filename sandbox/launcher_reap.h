// SPDX-License-Identifier: Apache-2.0
// What becomes of the processes that the launcher has started: news of them, their ends, and what
// is said of both.
#pragma once

#include <stdbool.h>

#include "sandbox/launched.h"

// What news of this child comes through, -1 = its end only.
int launcher_reap_watched_fd(const struct launched *child);

// There is something to read from it. The child may be forgotten by that.
void launcher_reap_news(struct launched *child);

// Takes one process that has ended. Returns false when there is none.
bool launcher_reap_one(void);

// All of them. What a worker left behind outside of its group has become ours: workers do not fork,
// so nobody misses it.
void launcher_reap_all(void);

// Reports those whose sandboxes are empty now.
void launcher_reap_finish(void);
