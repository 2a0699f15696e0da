// SPDX-License-Identifier: Apache-2.0
// Reads the lines of key and signature files strictly, and verifies with libsodium.
#include "sandbox/minisign.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/check.h"

#define UNTRUSTED "untrusted comment: "
#define TRUSTED "trusted comment: "

enum {
    ALGORITHM_BYTES = 2,
    KEY_FILE_BYTES = 42,  // algorithm, id, key
    SIGNED_BYTES = 74,    // algorithm, id, signature
    SIGNATURE_BYTES = 64,
    BINARY_BYTES_MAX = 74,
};

static_assert(SIGNATURE_BYTES == crypto_sign_BYTES, "Ed25519");
static_assert(sizeof(((struct minisign_key *)0)->key) == crypto_sign_PUBLICKEYBYTES, "Ed25519");

struct line {
    const char *bytes;
    size_t count;
};

struct reader {
    const char *at;
    const char *end;
};

// The next line without its end (one \r in front of it is tolerated). False at the end of the file.
static bool next_line(struct reader *reader, struct line *out_line)
{
    if (reader->at == reader->end) {
        return false;
    }
    size_t left = (size_t)(reader->end - reader->at);
    const char *stop = memchr(reader->at, '\n', left);
    const char *end = stop != NULL ? stop : reader->end;
    *out_line = (struct line){reader->at, (size_t)(end - reader->at)};
    reader->at = stop != NULL ? stop + 1 : reader->end;
    if (out_line->count > 0 && out_line->bytes[out_line->count - 1] == '\r') {
        out_line->count--;
    }
    return true;
}

static bool take_prefix(struct line *line, const char *prefix, size_t rest_max)
{
    size_t length = strlen(prefix);
    if (line->count < length || memcmp(line->bytes, prefix, length) != 0 ||
        line->count - length > rest_max) {
        return false;
    }
    line->bytes += length;
    line->count -= length;
    return memchr(line->bytes, '\0', line->count) == NULL;
}

// Exactly count bytes in canonical base64, and nothing else.
static bool take_base64(const struct line *line, uint8_t *out, size_t count)
{
    uint8_t bytes[BINARY_BYTES_MAX];
    size_t got = 0;
    const char *end = NULL;
    SB_ASSERT(count <= sizeof bytes);
    if (line->count != sodium_base64_encoded_len(count, sodium_base64_VARIANT_ORIGINAL) - 1 ||
        sodium_base642bin(bytes, count, line->bytes, line->count, NULL, &got, &end,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        got != count || end != line->bytes + line->count) {
        return false;
    }
    memcpy(out, bytes, count);
    return true;
}

int minisign_read_key(const char *bytes, size_t count, struct minisign_key *out_key)
{
    struct reader reader = {bytes, bytes + count};
    struct line line;
    uint8_t binary[KEY_FILE_BYTES];
    if (count > MINISIGN_KEY_BYTES_MAX || !next_line(&reader, &line) ||
        !take_prefix(&line, UNTRUSTED, MINISIGN_FIRST_LINE_BYTES_MAX) ||
        !next_line(&reader, &line) || !take_base64(&line, binary, sizeof binary) ||
        reader.at != reader.end || memcmp(binary, "Ed", ALGORITHM_BYTES) != 0) {
        return -EBADMSG;
    }
    memcpy(out_key->id, binary + ALGORITHM_BYTES, sizeof out_key->id);
    memcpy(out_key->key, binary + ALGORITHM_BYTES + sizeof out_key->id, sizeof out_key->key);
    return 0;
}

// The first two lines: who signed, and the signature of the content.
static enum trust_verdict read_signed(struct reader *reader, struct minisign_signature *signature)
{
    struct line line;
    uint8_t binary[SIGNED_BYTES];
    if (!next_line(reader, &line) ||
        !take_prefix(&line, UNTRUSTED, MINISIGN_FIRST_LINE_BYTES_MAX)) {
        return TRUST_FIRST_LINE;
    }
    if (!next_line(reader, &line) || !take_base64(&line, binary, sizeof binary)) {
        return TRUST_SECOND_LINE;
    }
    if (memcmp(binary, "Ed", ALGORITHM_BYTES) == 0) {
        return TRUST_LEGACY;
    }
    if (memcmp(binary, "ED", ALGORITHM_BYTES) != 0) {
        return TRUST_ALGORITHM;
    }
    memcpy(signature->key_id, binary + ALGORITHM_BYTES, sizeof signature->key_id);
    memcpy(signature->signature, binary + ALGORITHM_BYTES + sizeof signature->key_id,
           sizeof signature->signature);
    return TRUST_GOOD;
}

enum trust_verdict minisign_read(const char *bytes, size_t count,
                                 struct minisign_signature *out_signature)
{
    if (count == 0) {
        return TRUST_SIGNATURE_EMPTY;
    }
    if (count > MINISIGN_SIGNATURE_BYTES_MAX) {
        return TRUST_SIGNATURE_LONG;
    }
    struct reader reader = {bytes, bytes + count};
    struct minisign_signature signature;
    enum trust_verdict verdict = read_signed(&reader, &signature);
    if (verdict != TRUST_GOOD) {
        return verdict;
    }
    struct line line;
    if (!next_line(&reader, &line)) {
        return TRUST_NO_TRUSTED;
    }
    if (!take_prefix(&line, TRUSTED, MINISIGN_COMMENT_BYTES_MAX)) {
        return TRUST_THIRD_LINE;
    }
    memcpy(signature.comment, line.bytes, line.count);
    signature.comment[line.count] = '\0';
    signature.comment_bytes = line.count;
    if (!next_line(&reader, &line) ||
        !take_base64(&line, signature.global, sizeof signature.global)) {
        return TRUST_FOURTH_LINE;
    }
    if (reader.at != reader.end) {
        return TRUST_JUNK;
    }
    *out_signature = signature;
    return TRUST_GOOD;
}

enum trust_verdict minisign_verify(const struct minisign_signature *signature,
                                   const struct minisign_key *key,
                                   const uint8_t hash[MINISIGN_HASH_BYTES])
{
    SB_ASSERT(memcmp(signature->key_id, key->id, sizeof key->id) == 0);
    uint8_t covered[SIGNATURE_BYTES + MINISIGN_COMMENT_BYTES_MAX];
    memcpy(covered, signature->signature, SIGNATURE_BYTES);
    memcpy(covered + SIGNATURE_BYTES, signature->comment, signature->comment_bytes);
    bool is_global_good =
        crypto_sign_verify_detached(signature->global, covered,
                                    SIGNATURE_BYTES + signature->comment_bytes, key->key) == 0;
    bool is_content_good =
        crypto_sign_verify_detached(signature->signature, hash, MINISIGN_HASH_BYTES, key->key) == 0;
    if (is_global_good) {
        return is_content_good ? TRUST_GOOD : TRUST_CHANGED;
    }
    return is_content_good ? TRUST_COMMENT_CHANGED : TRUST_SIGNATURE_CHANGED;
}

// The eight bytes are a little-endian number, and people see the number.
void minisign_id_text(const uint8_t id[MINISIGN_KEY_ID_BYTES], char out[MINISIGN_ID_TEXT_BYTES])
{
    uint64_t number = 0;
    for (size_t i = MINISIGN_KEY_ID_BYTES; i > 0; i--) {
        number = number << 8 | id[i - 1];
    }
    snprintf(out, MINISIGN_ID_TEXT_BYTES, "%" PRIX64, number);
}

static int digit_value(char digit)
{
    static const char digits[] = "0123456789ABCDEFabcdef";
    const char *found = digit != '\0' ? strchr(digits, digit) : NULL;
    if (found == NULL) {
        return -1;
    }
    int value = (int)(found - digits);
    return value < 16 ? value : value - 6;
}

int minisign_id_read(const char *text, size_t count, uint8_t out_id[MINISIGN_KEY_ID_BYTES])
{
    uint64_t number = 0;
    if (count == 0 || count > (size_t)2 * MINISIGN_KEY_ID_BYTES) {
        return -EINVAL;
    }
    for (size_t i = 0; i < count; i++) {
        int value = digit_value(text[i]);
        if (value < 0) {
            return -EINVAL;
        }
        number = number << 4 | (uint64_t)value;
    }
    for (size_t i = 0; i < MINISIGN_KEY_ID_BYTES; i++) {
        out_id[i] = (uint8_t)(number >> (8 * i));
    }
    return 0;
}
