// SPDX-License-Identifier: Apache-2.0
// Asks for a cache line before it is needed. Never wrong, only early or useless.
#pragma once

// A line that will be written: it is taken out of the caches that have it.
static inline void prefetch_write(const void *address)
{
#if defined(__x86_64__)
    // The builtin asks for a shared copy unless the compiler may use a newer CPU than any x86-64.
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)address));
#else
    __builtin_prefetch(address, 1);
#endif
}

static inline void prefetch_read(const void *address)
{
    __builtin_prefetch(address, 0);
}
