// SPDX-License-Identifier: Apache-2.0
// The launcher's side of one sandbox: from its plan to the exact end of its worker.
//
// Life:
//   1. launcher_jail_open() takes a user of its own and prepares everything.
//   2. A fork of the launcher becomes bwrap (launcher_child_run_jail), which becomes the shim.
//      launcher_jail_order() says which worker it is for; until then it waits.
//   3. The socket of the shim: launcher_jail_receive() when it is readable.
//   4. The first process is gone (reaped by the launcher) and launcher_jail_is_over(): everything
//      that was inside is gone.
//   5. launcher_jail_close().
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/text.h"
#include "sandbox/launcher_child.h"
#include "sandbox/launcher_request.h"
#include "sandbox/lend.h"
#include "sandbox/shim_wire.h"

#define LAUNCHER_LENDS_MAX 32

struct launcher_jail {
    int socket;                  // owned: to the shim, -1 = closed
    int init_fd;                 // owned: pidfd of the shim, -1 before it said HELLO
    int errors_fd;               // owned: what bwrap has to complain about
    int claim_fd;                // owned: keeps the uid
    uid_t uid;                   // 0 = the launcher's own
    pid_t worker_pid;            // 0 before there is one
    uint32_t missing_walls;      // of a degraded sandbox
    struct shim_orders *orders;  // owned until sent
    int fds[SHIM_FD_COUNT];      // owned until sent
    size_t fd_count;
    size_t lend_count;
    struct lend lends[LAUNCHER_LENDS_MAX];  // until the end of everything inside
    bool is_killed;
    bool is_greeted;           // the shim said HELLO and was not answered yet
    struct shim_news failure;  // kind 0 = none
    struct shim_news end;      // kind 0 = not yet
};

enum launcher_jail_event { LAUNCHER_JAIL_NOTHING, LAUNCHER_JAIL_WORKER, LAUNCHER_JAIL_FAILED };

// The walls that this machine lacks (walls.h), looked for once.
uint32_t launcher_jail_missing_walls(void);

// Whether a user of its own stands in for the user namespace that this machine does not give.
bool launcher_jail_is_own_uid(void);

// False with the walls that are missing as a sentence part, where the plan does not give them up.
bool launcher_jail_is_walled(const struct sandbox_plan *plan, struct text *out_text);

// Where the shim is; NULL = beside the running program. Before the launcher is started.
void launcher_jail_set_shim(const char *path);

// Prepares a sandbox, whoever its worker will be. out_child is what the fork needs; close its
// descriptors with launcher_jail_close_child() after the fork. Returns 0, or a negative errno and
// the step.
int launcher_jail_open(const struct launcher_spawn *spawn, uint32_t missing_walls,
                       struct launcher_jail *out_jail, struct launcher_child_jail *out_child,
                       enum launch_step *out_step);
void launcher_jail_close_child(struct launcher_child_jail *child);

// Says who its worker is, once: before the shim is there or after. Returns 0 or a negative errno;
// the sandbox is of no use then.
int launcher_jail_order(struct launcher_jail *jail, const struct launcher_spawn *spawn);

enum launcher_jail_event launcher_jail_receive(struct launcher_jail *jail);

// Kills everything inside, now or as soon as it exists.
void launcher_jail_kill(struct launcher_jail *jail);

// Whether nothing inside is left. The first process must have been reaped.
bool launcher_jail_is_over(const struct launcher_jail *jail);

// How it ended, as a wait status; the rest of it from jail->end.
int launcher_jail_wait_status(const struct launcher_jail *jail);

// What bwrap said last, for a sandbox that never came to be.
void launcher_jail_read_errors(const struct launcher_jail *jail, char *out, size_t size_bytes);

// Gives back what was lent to its worker, once everything inside is gone. It takes as long as there
// are files. Returns 0 or a negative errno.
int launcher_jail_take_back(struct launcher_jail *jail);

void launcher_jail_close(struct launcher_jail *jail);
