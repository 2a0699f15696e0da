// SPDX-License-Identifier: Apache-2.0
// A list of the newest dead letters.
#include "broker/supervision/dead_letters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void dead_letters_fini(struct dead_letters *letters)
{
    free(letters->letters);
    *letters = (struct dead_letters){.total = 0};
}

static void take_out(struct dead_letters *letters, size_t index)
{
    struct dead_letter *at = &letters->letters[index];
    memmove(at, at + 1, (letters->count - index - 1) * sizeof *at);
    letters->count--;
}

uint64_t dead_letters_add(struct dead_letters *letters, const struct dead_letter *letter)
{
    if (letters->letters == NULL) {
        letters->letters = calloc(DEAD_LETTERS_MAX, sizeof *letters->letters);
    }
    uint64_t id = ++letters->total;
    if (letters->letters != NULL) {
        if (letters->count == DEAD_LETTERS_MAX) {
            take_out(letters, 0);
        }
        struct dead_letter *kept = &letters->letters[letters->count++];
        *kept = *letter;
        kept->id = id;
    }
    return id;
}

size_t dead_letters_count(const struct dead_letters *letters)
{
    return letters->count;
}

const struct dead_letter *dead_letters_at(const struct dead_letters *letters, size_t index)
{
    SB_ASSERT(index < letters->count);
    return &letters->letters[index];
}

struct dead_letter *dead_letters_find(const struct dead_letters *letters, uint64_t id)
{
    for (size_t i = 0; i < letters->count; i++) {
        if (letters->letters[i].id == id) {
            return &letters->letters[i];
        }
    }
    return NULL;
}

int dead_letters_drop(struct dead_letters *letters, uint64_t id)
{
    for (size_t i = 0; i < letters->count; i++) {
        if (letters->letters[i].id == id) {
            take_out(letters, i);
            return 0;
        }
    }
    return -ENOENT;
}

const char *dead_letters_state_name(enum dead_letter_state state)
{
    static const char *const names[] = {
#define X(name, text) [DEAD_LETTER_##name] = (text),
        DEAD_LETTER_STATES(X)
#undef X
    };
    return (size_t)state < ARRAY_COUNT(names) ? names[state] : "?";
}
