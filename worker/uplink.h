// SPDX-License-Identifier: Apache-2.0
// The worker's end of the control socket.
#pragma once

#include <stddef.h>

#include "worker/runtime.h"

// The message to fill before uplink_send(). Its type is set, everything else is 0.
struct wire_message *uplink_begin(struct sb_node *node, enum wire_type type);

// Sends what was begun. Waits while the socket is full. Returns 0, or -EPIPE when the broker is
// gone.
int uplink_send(struct sb_node *node);

// Likewise, with the one descriptor that the message carries; it stays the caller's.
int uplink_send_fd(struct sb_node *node, int fd);

// Receives one message into node->incoming. Returns 1; 0 when there is none; -EPIPE when the broker
// is gone; -EPROTO when it sent nonsense (the reason is in node->error). The caller owns the fds.
int uplink_receive(struct sb_node *node, int *out_fds, size_t *out_fd_count);

// Waits until a message can be received or the broker is gone.
int uplink_wait(const struct sb_node *node);
