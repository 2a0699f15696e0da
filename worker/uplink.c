// SPDX-License-Identifier: Apache-2.0
// Sends and receives control messages; the broker may be gone at any time.
#include "worker/uplink.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fd.h"
#include "base/text.h"

struct wire_message *uplink_begin(struct sb_node *node, enum wire_type type)
{
    struct wire_message *message = node->outgoing;
    // The arena behind it is for decoding only and large.
    memset(message, 0, offsetof(struct wire_message, arena));
    message->type = type;
    return message;
}

static int wait_for(int fd, short events)
{
    struct pollfd wait = {.fd = fd, .events = events};
    while (poll(&wait, 1, -1) < 0) {
        if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

static int send_with(struct sb_node *node, const int *fds, size_t fd_count)
{
    if (node->is_selftest) {
        return 0;
    }
    uint8_t bytes[LIMIT_MESSAGE_BYTES_MAX];
    int size = wire_worker_encode(node->outgoing, bytes, sizeof bytes);
    SB_ASSERT(size > 0);
    for (;;) {
        int failed = fd_send_message(node->control, bytes, (size_t)size, fds, fd_count);
        if (failed == -EAGAIN) {
            failed = wait_for(node->control, POLLOUT);
            if (failed == 0) {
                continue;
            }
        }
        if (failed != 0) {
            node->is_broker_gone = true;
            return -EPIPE;
        }
        return 0;
    }
}

int uplink_send(struct sb_node *node)
{
    return send_with(node, NULL, 0);
}

int uplink_send_fd(struct sb_node *node, int fd)
{
    return send_with(node, &fd, 1);
}

int uplink_receive(struct sb_node *node, int *out_fds, size_t *out_fd_count)
{
    if (node->is_selftest) {
        return 0;
    }
    uint8_t bytes[LIMIT_MESSAGE_BYTES_MAX];
    int fds[LIMIT_MESSAGE_FDS_MAX];
    size_t fd_count = 0;
    int size = fd_receive_message(node->control, bytes, sizeof bytes, fds, LIMIT_MESSAGE_FDS_MAX,
                                  &fd_count);
    if (size == -EAGAIN) {
        return 0;
    }
    if (size <= 0 && size != -EPROTO) {
        node->is_broker_gone = true;
        return -EPIPE;
    }
    int failed = size;
    if (failed < 0) {
        text_copy(node->error, sizeof node->error, "too long, or too many descriptors");
    }
    if (size > 0) {
        failed = wire_worker_decode(bytes, (size_t)size, fd_count, WIRE_TO_WORKER, node->phase,
                                    node->incoming, node->error, sizeof node->error);
    }
    if (failed < 0) {
        for (size_t i = 0; i < fd_count; i++) {
            close(fds[i]);
        }
        return -EPROTO;
    }
    memcpy(out_fds, fds, fd_count * sizeof(int));
    *out_fd_count = fd_count;
    return 1;
}

int uplink_wait(const struct sb_node *node)
{
    return wait_for(node->control, POLLIN);
}
