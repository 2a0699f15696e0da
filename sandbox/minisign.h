// SPDX-License-Identifier: Apache-2.0
// Public keys and signatures as the program `minisign` writes them: a strict reader and a verifier.
//
// Only prehashed signatures ("ED": Ed25519 over BLAKE2b-512 of the content) with a trusted comment
// are accepted. Pure: bytes in, values out. sodium_init() must have been called.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sandbox/trust_verdict.h"

#define MINISIGN_KEY_ID_BYTES 8
#define MINISIGN_HASH_BYTES 64
#define MINISIGN_ID_TEXT_BYTES 17
#define MINISIGN_FIRST_LINE_BYTES_MAX 1024
#define MINISIGN_COMMENT_BYTES_MAX 8192
// Both comments at their longest, both lines of base64, and the ends of the lines.
#define MINISIGN_SIGNATURE_BYTES_MAX                                                               \
    (MINISIGN_FIRST_LINE_BYTES_MAX + MINISIGN_COMMENT_BYTES_MAX + 256)
#define MINISIGN_KEY_BYTES_MAX (MINISIGN_FIRST_LINE_BYTES_MAX + 128)

struct minisign_key {
    uint8_t id[MINISIGN_KEY_ID_BYTES];
    uint8_t key[32];
};

struct minisign_signature {
    uint8_t key_id[MINISIGN_KEY_ID_BYTES];
    uint8_t signature[64];
    uint8_t global[64];    // over signature and comment
    size_t comment_bytes;  // without the terminator
    char comment[MINISIGN_COMMENT_BYTES_MAX + 1];
};

// Reads a public key file. Returns 0, or -EBADMSG.
int minisign_read_key(const char *bytes, size_t count, struct minisign_key *out_key);

// Reads a signature file. Returns TRUST_GOOD when its form is right, which says nothing yet about
// who signed what; else what is wrong with it.
enum trust_verdict minisign_read(const char *bytes, size_t count,
                                 struct minisign_signature *out_signature);

// Verifies both signatures with a key whose id is the signature's. hash is BLAKE2b-512 of the
// content. Returns TRUST_GOOD, TRUST_CHANGED (the signature is genuine, the content is not),
// TRUST_SIGNATURE_CHANGED or TRUST_COMMENT_CHANGED.
enum trust_verdict minisign_verify(const struct minisign_signature *signature,
                                   const struct minisign_key *key,
                                   const uint8_t hash[MINISIGN_HASH_BYTES]);

// A key's id as minisign prints it: hexadecimal, without leading zeros.
void minisign_id_text(const uint8_t id[MINISIGN_KEY_ID_BYTES], char out[MINISIGN_ID_TEXT_BYTES]);

// The reverse: 1 to 16 digits, small or capital, and nothing else. Returns 0 or -EINVAL.
int minisign_id_read(const char *text, size_t count, uint8_t out_id[MINISIGN_KEY_ID_BYTES]);
