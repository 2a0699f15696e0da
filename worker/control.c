// SPDX-License-Identifier: Apache-2.0
// Handles the broker's messages, between steps and inside every wait.
#include "worker/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "shm/segment.h"
#include "worker/device_memory.h"
#include "worker/input_link.h"
#include "worker/link_table.h"
#include "worker/node_log.h"
#include "worker/output.h"
#include "worker/output_memory.h"
#include "worker/param.h"
#include "worker/step.h"
#include "worker/uplink.h"

static int map_status(struct sb_node *node, const struct wire_memory *memory, int fd)
{
    auto_fd int page_fd = fd;
    if (memory->size_bytes < sizeof(struct status_page) || node->status_map.bytes != NULL) {
        return -EPROTO;
    }
    void *bytes;
    int failed = segment_map_writer(page_fd, memory->size_bytes, &bytes);
    if (failed == 0) {
        uint32_t phase = atomic_load_explicit(&node->status->phase, memory_order_relaxed);
        node->status_map = (struct mapping){bytes, memory->size_bytes};
        node->status = bytes;
        status_phase(node, (enum worker_phase)phase);
    }
    return failed;
}

static int map_by_kind(struct sb_node *node, const struct wire_memory *memory, int fd)
{
    auto_fd int page_fd = fd;
    struct input_link *input = NULL;
    struct output_link *link = NULL;
    switch (memory->kind) {
    case WIRE_MEMORY_STATUS:
        return map_status(node, memory, steal_fd(&page_fd));
    case WIRE_MEMORY_POOL:
        for (uint32_t i = 0; i < node->output_count; i++) {
            if (strcmp(node->outputs[i].name, memory->output) == 0) {
                return output_memory_add_pool(&node->outputs[i], memory, steal_fd(&page_fd));
            }
        }
        return -EPROTO;
    case WIRE_MEMORY_PUBLISH:
        link = link_table_output(node, memory->link_id);
        return link != NULL ? output_memory_add_page(link, memory, steal_fd(&page_fd)) : -EPROTO;
    case WIRE_MEMORY_CONSUME:
        input = link_table_input(node, memory->link_id);
        return input != NULL ? input_link_add_page(input, memory, steal_fd(&page_fd)) : -EPROTO;
    default:
        return -EPROTO;
    }
}

static int on_memory(struct sb_node *node, const struct wire_message *message, const int *fds)
{
    uint32_t serial = message->memory.serial;
    int failed = map_by_kind(node, &message->memory, fds[0]);
    if (failed == 0) {
        struct wire_message *answer = uplink_begin(node, WIRE_MAPPED);
        answer->mapped.serial = serial;
        failed = uplink_send(node);
    }
    return failed;
}

static int on_bell(struct sb_node *node, const struct wire_message *message, const int *fds)
{
    auto_fd int fd = fds[0];
    const void *bytes;
    if (message->bell.size_bytes < sizeof(struct bell_page) || node->bell_map.bytes != NULL) {
        return -EPROTO;
    }
    int failed = segment_map_reader(fd, message->bell.size_bytes, &bytes);
    if (failed == 0) {
        node->bell_map = (struct mapping){bytes, message->bell.size_bytes};
        node->bell = bytes;
    }
    return failed;
}

static int on_device_link(struct sb_node *node, const struct wire_message *message, const int *fds)
{
    struct input_link *link = link_table_input(node, message->device_link.link_id);
    if (link == NULL) {
        close(fds[0]);
        return -EPROTO;
    }
    return device_memory_add(link, &message->device_link, fds[0]);
}

static int on_read_link(struct sb_node *node, const struct wire_message *message, const int *fds)
{
    struct input_link *link = link_table_input(node, message->read_link.link_id);
    if (link == NULL) {
        close(fds[0]);
        close(fds[1]);
        return -EPROTO;
    }
    return input_link_add_generation(link, &message->read_link, fds[0], fds[1]);
}

static int on_write_link(struct sb_node *node, const struct wire_message *message, const int *fds)
{
    struct output_link *link = link_table_output(node, message->write_link.link_id);
    if (link == NULL) {
        close(fds[0]);
        return -EPROTO;
    }
    return output_memory_add_peer(link, &message->write_link, fds[0]);
}

static int on_link_end(struct sb_node *node, const struct wire_message *message, const int *fds)
{
    (void)fds;
    struct input_link *link = link_table_input(node, message->link_end.link_id);
    if (link == NULL) {
        return -EPROTO;
    }
    input_link_set_end(link, &message->link_end);
    return 0;
}

static int on_unlink(struct sb_node *node, const struct wire_message *message, const int *fds)
{
    (void)fds;
    struct input_link *input = link_table_input(node, message->unlink.link_id);
    struct output_link *output = link_table_output(node, message->unlink.link_id);
    // One that came to nothing before this worker heard of it is none as well.
    if (input != NULL) {
        input_link_unlink(input, message->unlink.is_ended);
        link_table_forget_input(input);
    }
    if (output != NULL) {
        output_memory_unlink(output);
    }
    return 0;
}

static int on_link(struct sb_node *node, const struct wire_message *message, const int *fds)
{
    (void)fds;
    return link_table_add(node, &message->link);
}

static int on_leave(struct sb_node *node, const struct wire_message *message, const int *fds)
{
    (void)fds;
    uint32_t link_id = message->leave.link_id;
    struct input_link *input = link_table_input(node, link_id);
    struct output_link *output = link_table_output(node, link_id);
    if (input == NULL) {
        return output == NULL ? -EPROTO : output_memory_leave(output);
    }
    // Said first: the end that LEFT tells of must not come before it.
    uplink_begin(node, WIRE_LEAVING)->leaving.link_id = link_id;
    int failed = uplink_send(node);
    input_link_leave(input);
    return failed;
}

static int on_input_format(struct sb_node *node, const struct wire_message *message, const int *fds)
{
    (void)fds;
    struct input_link *link = link_table_input(node, message->input_format.link_id);
    if (link == NULL) {
        return -EPROTO;
    }
    uint32_t serial = message->input_format.serial;
    // While frames run, a format comes with the generation that it holds for, in order with them.
    if (node->phase == WIRE_OPENING) {
        struct sb_input *input = link->input;
        link->is_format_told = true;
        step_set_format(input, &message->input_format.format,
                        message->input_format.frame_bytes_max);
        if (node->is_format_refused) {
            struct wire_message *answer = uplink_begin(node, WIRE_FAILED);
            answer->failed.code = -EINVAL;
            snprintf(answer->failed.text, sizeof answer->failed.text, "on_format of input %s: %s",
                     input->name, node_log_error_text(node, -EINVAL));
            return uplink_send(node);
        }
    }
    struct wire_message *answer = uplink_begin(node, WIRE_FORMAT_TAKEN);
    answer->format_taken.serial = serial;
    return uplink_send(node);
}

static int on_start(struct sb_node *node, const struct wire_message *message, const int *fds)
{
    (void)message;
    (void)fds;
    if (node->bell_map.bytes == NULL || node->status_map.bytes == NULL) {
        return -EPROTO;
    }
    node->is_started = true;
    return 0;
}

static int answer_config(struct sb_node *node, uint32_t serial, int code, const char *text)
{
    struct wire_config_done *done = &uplink_begin(node, WIRE_CONFIG_DONE)->config_done;
    done->serial = serial;
    done->code = code < 0 ? code : 0;
    if (code < 0) {
        text_copy(done->text, sizeof done->text, text);
    }
    return uplink_send(node);
}

static int apply_config(struct sb_node *node, const struct wire_config *config)
{
    // on_config() may wait, and a message that comes meanwhile is written over this one.
    uint32_t serial = config->serial;
    node->error[0] = '\0';
    int failed = param_set(node, config->params, config->param_count);
    if (failed == 0 && node->processor->on_config != NULL) {
        node->is_in_call = true;
        failed = node->processor->on_config(node);
        node->is_in_call = false;
        if (failed < 0) {
            param_restore(node);
        }
    }
    return answer_config(node, serial, failed, node_log_error_text(node, failed));
}

int control_apply_deferred(struct sb_node *node)
{
    node->has_deferred_config = false;
    return apply_config(node, &node->deferred->config);
}

bool control_is_due_in_wait(const struct sb_node *node)
{
    return node->mode == SB_MODE_MANUAL && node->has_deferred_config && !node->is_in_call;
}

void control_apply_in_wait(struct sb_node *node)
{
    if (control_is_due_in_wait(node)) {
        control_apply_deferred(node);
    }
}

static int on_config(struct sb_node *node, const struct wire_message *message, const int *fds)
{
    (void)fds;
    if (!node->is_in_step && !node->is_in_call) {
        return apply_config(node, &message->config);
    }
    // The call-back that waits right now keeps the parameters that it began with.
    if (node->has_deferred_config) {
        int failed = answer_config(node, node->deferred->config.serial, -ECANCELED,
                                   "replaced by newer parameters");
        if (failed != 0) {
            return failed;
        }
    }
    struct wire_message *swapped = node->deferred;
    node->deferred = node->incoming;
    node->incoming = swapped;
    node->has_deferred_config = true;
    return 0;
}

typedef int (*message_fn)(struct sb_node *node, const struct wire_message *message, const int *fds);

// By type; SETUP comes once and is taken by boot.c.
static const message_fn handlers[] = {
    [WIRE_MEMORY] = on_memory,       [WIRE_BELL] = on_bell,
    [WIRE_READ_LINK] = on_read_link, [WIRE_WRITE_LINK] = on_write_link,
    [WIRE_LINK_END] = on_link_end,   [WIRE_UNLINK] = on_unlink,
    [WIRE_START] = on_start,         [WIRE_INPUT_FORMAT] = on_input_format,
    [WIRE_CONFIG] = on_config,       [WIRE_LINK] = on_link,
    [WIRE_LEAVE] = on_leave,         [WIRE_DEVICE_LINK] = on_device_link,
};

static void give_up(struct sb_node *node, const char *why)
{
    if (!node->is_broker_gone) {
        node_log(node, SB_LOG_ERROR, "[%s] control message refused: %s; the node ends", node->id,
                 why);
    }
    node->is_broker_gone = true;
    node->want = WANT_STOP;
}

// What ports know of their links may not hold any more: one may have come in that has less space
// than those whose space was counted, or that brings another format, or one may leave.
static void look_again(struct sb_node *node)
{
    for (uint32_t i = 0; i < node->input_link_count; i++) {
        node->input_links[i].plain = NULL;
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        node->outputs[i].credit = 0;
        node->outputs[i].is_plain = false;
    }
}

// Receives and handles one message. Returns 1, 0 when there is none, or a negative errno.
static int handle_one(struct sb_node *node)
{
    int fds[LIMIT_MESSAGE_FDS_MAX];
    size_t fd_count = 0;
    int received = uplink_receive(node, fds, &fd_count);
    if (received <= 0) {
        if (received < 0) {
            give_up(node, node->error);
        }
        return received;
    }
    look_again(node);
    const struct wire_message *message = node->incoming;
    size_t type = (size_t)message->type;
    message_fn handler = type < ARRAY_COUNT(handlers) ? handlers[type] : NULL;
    int failed = handler != NULL ? handler(node, message, fds) : -EPROTO;
    if (failed < 0) {
        char text[128];
        snprintf(text, sizeof text, "%s: %s", wire_worker_type_name((uint32_t)type),
                 sb_error_text(failed));
        give_up(node, text);
        return failed;
    }
    return 1;
}

void control_poll(struct sb_node *node)
{
    uint32_t word = atomic_load_explicit(&node->bell->word, memory_order_acquire);
    if (word == node->bell_seen) {
        return;
    }
    // Remembered before the messages are read: what comes behind them rings again.
    node->bell_seen = word;
    uint32_t want = atomic_load_explicit(&node->bell->want, memory_order_acquire);
    if (!node->is_broker_gone && want < WANT_COUNT) {
        node->want = (enum worker_want)want;
    }
    while (!node->is_broker_gone && handle_one(node) > 0) {
    }
    look_again(node);
}

int control_wait_message(struct sb_node *node)
{
    for (;;) {
        int handled = handle_one(node);
        if (handled != 0) {
            return handled < 0 ? handled : 0;
        }
        int failed = uplink_wait(node);
        if (failed != 0) {
            return failed;
        }
    }
}
