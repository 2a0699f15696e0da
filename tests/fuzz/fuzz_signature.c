// SPDX-License-Identifier: Apache-2.0
// test: uses=sandbox
// Any bytes as a key, a signature, a trusted comment or a revocation list: refused, or bounded.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <sodium.h>

#include "base/check.h"
#include "sandbox/minisign.h"
#include "sandbox/trust_comment.h"
#include "sandbox/trust_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void check_comment(const char *bytes, size_t count)
{
    struct trust_comment comment;
    if (trust_comment_read(bytes, count, &comment) != 0) {
        return;
    }
    SB_ASSERT(strlen(comment.name) < TRUST_NAME_BYTES_MAX && comment.name[0] != '\0');
    SB_ASSERT(strlen(comment.arch) < TRUST_ARCH_BYTES_MAX && comment.arch[0] != '\0');
    // A version that is read can be written, and is then the same.
    char text[TRUST_VERSION_TEXT_BYTES];
    struct trust_version again;
    trust_version_text(&comment.version, text);
    SB_ASSERT(trust_version_read(text, strlen(text), &again) == 0);
    SB_ASSERT(trust_version_compare(&comment.version, &again) == 0);
}

static void check_signature(const char *bytes, size_t count)
{
    static struct minisign_signature signature;
    if (minisign_read(bytes, count, &signature) != TRUST_GOOD) {
        return;
    }
    SB_ASSERT(signature.comment_bytes <= MINISIGN_COMMENT_BYTES_MAX);
    SB_ASSERT(strlen(signature.comment) == signature.comment_bytes);
    check_comment(signature.comment, signature.comment_bytes);
    // Nobody's key has signed it.
    struct minisign_key key = {.key = {1}};
    const uint8_t hash[MINISIGN_HASH_BYTES] = {0};
    memcpy(key.id, signature.key_id, sizeof key.id);
    SB_ASSERT(minisign_verify(&signature, &key, hash) != TRUST_GOOD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    static struct trust_keys keys;
    const char *bytes = (const char *)data;
    struct minisign_key key;
    size_t line = 0;
    SB_ASSERT(sodium_init() >= 0);
    check_signature(bytes, size_bytes);
    check_comment(bytes, size_bytes);
    if (minisign_read_key(bytes, size_bytes, &key) == 0) {
        SB_ASSERT(size_bytes <= MINISIGN_KEY_BYTES_MAX);
    }
    keys.revoked_count = 0;
    if (trust_keys_read_revoked(&keys, bytes, size_bytes, &line) != 0) {
        SB_ASSERT(line > 0);
    }
    SB_ASSERT(keys.revoked_count <= TRUST_REVOKED_MAX);
    return 0;
}
