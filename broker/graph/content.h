// SPDX-License-Identifier: Apache-2.0
// What is in files, as hashes: each content is read once, and a large one beside the loop.
//
// A file is known by its device, number, size and times. One that was changed a moment before it
// was read may change again within the same tick of the clock: its hash is not kept.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define CONTENT_HASH_BYTES 32
#define CONTENT_BESIDE_BYTES (1024 * 1024)  // a larger file is read by the thread

struct content;

int content_create(struct content **out_content);
// Waits for the block that the thread reads just now.
void content_destroy(struct content *content);

// The hash of a file. With is_beside nobody waits for a large one: -EINPROGRESS, until
// content_take() has said that something is there. Returns 0; -ENOENT for what is no ordinary file
// or cannot be read; -ENOMEM.
int content_hash(struct content *content, const char *path, bool is_beside,
                 unsigned char out_hash[CONTENT_HASH_BYTES]);

// Readable when the thread is done with a file.
int content_fd(const struct content *content);

// Takes what the thread has read. Returns whether that was anything.
bool content_take(struct content *content);
