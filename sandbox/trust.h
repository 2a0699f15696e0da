// SPDX-License-Identifier: Apache-2.0
// Who vouches for a program, decided on bytes that nobody can change any more.
//
// trust_look() copies the program into a sealed memfd and judges that copy; who executes the memfd
// executes what was judged, whatever happens to the file meanwhile. Nothing is executed here.
#pragma once

#include <stdint.h>

#include "base/diag.h"
#include "sandbox/minisign.h"
#include "sandbox/sealed_copy.h"
#include "sandbox/trust_comment.h"
#include "sandbox/trust_verdict.h"

#define TRUST_PROGRAM_BYTES_MAX SEALED_PROGRAM_BYTES_MAX
#define TRUST_SIGNATURE_SUFFIX ".minisig"

struct trust;

struct trust_program {
    enum trust_verdict verdict;
    char text[DIAG_TEXT_BYTES_MAX];  // the verdict with its details, a sentence part
    int memfd;                       // its bytes, sealed; -1 when they cannot be had. The caller's
    uint8_t hash[MINISIGN_HASH_BYTES];      // of these bytes
    uint8_t key_id[MINISIGN_KEY_ID_BYTES];  // GOOD: who signed
    struct trust_comment comment;           // GOOD
};

// install is the folder of the stock processors, NULL for none; state the folder of the remembered
// versions, NULL = by the environment. Returns 0 or a negative errno.
int trust_create(const char *install, const char *state, struct trust **out_trust);
void trust_destroy(struct trust *trust);

// Adds keys and revocations; see trust_keys_add().
int trust_add_keys(struct trust *trust, const char *path, struct diag *out_why);

// Judges a program by its absolute path and the name by which it is known. Always fills all of
// out_program; close its memfd.
void trust_look(struct trust *trust, const char *path, const char *name,
                struct trust_program *out_program);

// Remembers the version of a program that is GOOD, before it runs. Returns 0, or a negative errno
// with a sentence in out_why->text.
int trust_remember(struct trust *trust, const struct trust_program *program, struct diag *out_why);
