// SPDX-License-Identifier: Apache-2.0
// The public keys that a graph trusts, and the ids of those that it trusts no more.
//
// They come from folders: every NAME.pub is a key, the file `revoked` lists ids, one per line, '#'
// begins a comment. Folder and files must belong to root or to this process's user and be writable
// by nobody else, or nothing of them is taken. What cannot be read is an error: a list that is
// broken must not let a key through.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "sandbox/minisign.h"

#define TRUST_KEYS_MAX 256
#define TRUST_REVOKED_MAX 4096

struct trust_keys {
    size_t count;
    struct minisign_key items[TRUST_KEYS_MAX];
    size_t revoked_count;
    uint8_t revoked[TRUST_REVOKED_MAX][MINISIGN_KEY_ID_BYTES];
};

// Adds what a folder holds, or one file of that kind. Returns 0; else a negative errno and a
// sentence in out_why->text; keys may then hold a part of it and must not be used.
int trust_keys_add(struct trust_keys *keys, const char *path, struct diag *out_why);

// The key with this id, NULL when there is none. Does not look at the revoked ones.
const struct minisign_key *trust_keys_find(const struct trust_keys *keys,
                                           const uint8_t id[MINISIGN_KEY_ID_BYTES]);

bool trust_keys_is_revoked(const struct trust_keys *keys, const uint8_t id[MINISIGN_KEY_ID_BYTES]);

// Adds the ids of a revocation list. Returns 0, or -EBADMSG with the line in *out_line.
int trust_keys_read_revoked(struct trust_keys *keys, const char *bytes, size_t count,
                            size_t *out_line);
