// SPDX-License-Identifier: Apache-2.0
// A ring of the newest dead letters.
#include "broker/dead_letters.h"

#include <stdlib.h>

#include "base/check.h"

void dead_letters_fini(struct dead_letters *letters)
{
    free(letters->letters);
    *letters = (struct dead_letters){.total = 0};
}

void dead_letters_add(struct dead_letters *letters, const struct dead_letter *letter)
{
    if (letters->letters == NULL) {
        letters->letters = calloc(DEAD_LETTERS_MAX, sizeof *letters->letters);
    }
    if (letters->letters != NULL) {
        letters->letters[letters->total % DEAD_LETTERS_MAX] = *letter;
    }
    letters->total++;
}

size_t dead_letters_count(const struct dead_letters *letters)
{
    if (letters->letters == NULL) {
        return 0;
    }
    return letters->total < DEAD_LETTERS_MAX ? (size_t)letters->total : DEAD_LETTERS_MAX;
}

const struct dead_letter *dead_letters_at(const struct dead_letters *letters, size_t index)
{
    SB_ASSERT(index < dead_letters_count(letters));
    uint64_t first = letters->total - dead_letters_count(letters);
    return &letters->letters[(first + index) % DEAD_LETTERS_MAX];
}
