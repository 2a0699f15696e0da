// SPDX-License-Identifier: Apache-2.0
// Finds "scheme://user:password@" and leaves "scheme://***@".
#include "base/redact.h"

#include <string.h>

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

// Ends a URL wherever it stands.
static bool is_end(char byte)
{
    return (unsigned char)byte <= ' ' || byte == '"' || byte == '\'' || byte == '<' ||
           byte == '>' || byte == '`';
}

// "host:8080/" has no password; "user:pa/ss@" has one that should have been encoded.
static bool is_port(const char *bytes, size_t count)
{
    const char *colon = memchr(bytes, ':', count);
    if (colon == NULL) {
        return true;
    }
    for (const char *at = colon + 1; at < bytes + count; at++) {
        if (!is_digit(*at)) {
            return false;
        }
    }
    return true;
}

// Length of the user and password at the start of what follows "://", 0 when there are none.
static size_t secret_length(const char *bytes, size_t count)
{
    size_t authority = 0;
    while (authority < count && !is_end(bytes[authority]) && bytes[authority] != '/' &&
           bytes[authority] != '?' && bytes[authority] != '#') {
        authority++;
    }
    const char *sign = memrchr(bytes, '@', authority);
    if (sign != NULL) {
        return (size_t)(sign - bytes);
    }
    if (is_port(bytes, authority)) {
        return 0;
    }
    size_t whole = authority;
    while (whole < count && !is_end(bytes[whole])) {
        whole++;
    }
    sign = memrchr(bytes, '@', whole);
    if (sign != NULL) {
        return (size_t)(sign - bytes);
    }
    // A text that was cut may have lost its sign.
    return whole == count ? count : 0;
}

// Start of the next secret from at on, count when there is none.
static size_t find_secret(const char *bytes, size_t count, size_t at, size_t *out_length)
{
    for (size_t i = at; i + 3 <= count; i++) {
        if (memcmp(bytes + i, "://", 3) != 0 || i == 0 ||
            !(is_letter(bytes[i - 1]) || is_digit(bytes[i - 1]))) {
            continue;
        }
        size_t length = secret_length(bytes + i + 3, count - i - 3);
        if (length > 0) {
            *out_length = length;
            return i + 3;
        }
    }
    return count;
}

size_t redact_urls(char *bytes, size_t count)
{
    size_t at = 0;
    size_t length = 0;
    while ((at = find_secret(bytes, count, at, &length)) < count) {
        size_t stars = length < 3 ? length : 3;
        memset(bytes + at, '*', stars);
        memmove(bytes + at + stars, bytes + at + length, count - at - length);
        count -= length - stars;
        at += stars;
    }
    return count;
}

void redact_string(char *string)
{
    string[redact_urls(string, strlen(string))] = '\0';
}

bool redact_is_needed(const char *string)
{
    size_t count = strlen(string);
    size_t length = 0;
    return find_secret(string, count, 0, &length) < count;
}
