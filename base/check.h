// SPDX-License-Identifier: Apache-2.0
// Assertions about our own code: they stay on in every build and are never used on foreign bytes.
#pragma once

// A condition that only a bug of this program can break. Never put a side effect inside.
#define SB_ASSERT(condition)                                                                       \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) {                                                   \
            check_failed(#condition, __FILE__, __LINE__, __func__);                                \
        }                                                                                          \
    } while (0)

#define SB_UNREACHABLE() check_failed("unreachable", __FILE__, __LINE__, __func__)

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

// Prints one line on stderr without allocating and aborts.
_Noreturn void check_failed(const char *condition, const char *file, int line,
                            const char *function);
