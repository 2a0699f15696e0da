// SPDX-License-Identifier: Apache-2.0
// Lends files to a worker's own user where their file system cannot map owners (stage.h): what
// belongs to the owner of the place belongs to the worker meanwhile, and is given back after its
// end, with whatever it made there.
//
// Life:
//   1. lend_open() in the launcher writes down what is lent, before anything changes.
//   2. lend_give() changes the owner, lend_take_back() changes it back: in processes of their own,
//      since a folder may have many files. Each may be repeated.
//   3. lend_close() forgets it.
//
// What is written down is locked for as long as its launcher lives. lend_sweep() gives back what
// launchers that were killed have left.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#define LEND_NAME_BYTES 64

struct lend {
    int fd;         // owned: what is lent, O_PATH
    int record_fd;  // owned, locked
    uid_t owner;
    gid_t group;                 // of the place: what the worker makes there has it in the end
    uid_t worker;                // also the number of its group
    char name[LEND_NAME_BYTES];  // of the record
};

// Where things are written down, instead of /run/streambroker/lent.
void lend_set_folder(const char *path);

// path is where fd was opened. user: whose files may be lent; for root they are the owner's of fd.
// Returns 0 or a negative errno.
int lend_open(int fd, const char *path, uid_t user, uid_t worker, struct lend *out_lend);

// Return 0 or a negative errno: then a part of it was done.
int lend_give(const struct lend *lend);
int lend_take_back(const struct lend *lend);

void lend_close(struct lend *lend);

// Returns how many places were given back.
unsigned lend_sweep(void);
