// SPDX-License-Identifier: Apache-2.0
// Opening a processor as a whole or not at all.
#pragma once

struct sb_node;

// For .open of what acquires several things: prepare() acquires them one by one, and close() gives
// back as many as there are. close() is called here when prepare() fails, because nobody else calls
// it then. Returns what prepare() does.
int whole_open(struct sb_node *node, int (*prepare)(struct sb_node *node),
               void (*close)(struct sb_node *node));
