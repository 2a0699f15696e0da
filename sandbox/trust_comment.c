// SPDX-License-Identifier: Apache-2.0
// Reads the trusted comment strictly.
#include "sandbox/trust_comment.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_word(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' ||
           byte == '-' || byte == '.';
}

struct words {
    const char *at;
    const char *end;
};

static bool take(struct words *words, const char *literal)
{
    size_t length = strlen(literal);
    if ((size_t)(words->end - words->at) < length || memcmp(words->at, literal, length) != 0) {
        return false;
    }
    words->at += length;
    return true;
}

// The word up to a space or the end.
static bool take_word(struct words *words, char *out, size_t size_bytes)
{
    size_t count = 0;
    while (words->at + count < words->end && is_word(words->at[count])) {
        count++;
    }
    if (count == 0 || count >= size_bytes) {
        return false;
    }
    memcpy(out, words->at, count);
    out[count] = '\0';
    words->at += count;
    return true;
}

int trust_comment_read(const char *text, size_t count, struct trust_comment *out_comment)
{
    struct words words = {text, text + count};
    struct trust_comment comment;
    char version[TRUST_VERSION_TEXT_BYTES];
    if (!take(&words, "streambroker1 name=") ||
        !take_word(&words, comment.name, sizeof comment.name) || !take(&words, " version=") ||
        !take_word(&words, version, sizeof version) ||
        trust_version_read(version, strlen(version), &comment.version) != 0 ||
        !take(&words, " arch=") || !take_word(&words, comment.arch, sizeof comment.arch) ||
        words.at != words.end) {
        return -EBADMSG;
    }
    *out_comment = comment;
    return 0;
}
