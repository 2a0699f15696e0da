// SPDX-License-Identifier: Apache-2.0
// A window that shows pictures of BGRA, in its own size whatever theirs.
#pragma once

#include <stdbool.h>

#include <streambroker/gpu.h>
#include <streambroker/streambroker.h>

struct window;

// Whether there is a screen that Vulkan can draw on: 0, or -ENODEV and the node's error says why.
// window_fini() is owed when it is there.
int window_init(struct sb_node *node);
void window_fini(void);

// Opens a window of a size and the device for it. Returns 0 or a negative errno, and the node's
// error says why.
int window_open(struct sb_node *node, const char *title, uint32_t width, uint32_t height,
                struct window **out_window);

// Shows one frame, and handles what came from the screen. -EPIPE when the window was closed.
int window_show(struct window *window, const struct sb_frame *frame);

// NULL is fine.
void window_close(struct sb_node *node, struct window *window);
