// SPDX-License-Identifier: Apache-2.0
// The verb that taps an output for as long as its client is connected.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"
#include "broker/broker.h"
#include "broker/change/observer.h"
#include "broker/control/control_verb.h"
#include "broker/graph/catalog.h"
#include "broker/graph/descriptor.h"

// How long a tap may hold up that the memory of its output is replaced.
#define PATIENCE_NS CLOCK_NS_PER_S

struct client {
    struct broker *broker;
    char id[LIMIT_NODE_ID_BYTES_MAX];
    bool is_told;
    int64_t late_since_ns;  // INT64_MAX: it is not
};

static void drop(void *context)
{
    struct client *client = context;
    observer_close(client->broker, client->id);
    free(client);
}

static int say_end(struct control_call *call, const struct actual_node *node)
{
    if (node != NULL && node->life.state == NODE_FAILED && !node->is_doomed) {
        char reason[EXIT_REASON_TEXT_BYTES + 64];
        exit_reason_describe(&node->reason, reason, sizeof reason);
        return control_call_refuse(call, CONTROL_CODE_FAILED, "the tap failed: %s", reason);
    }
    return 0;
}

static bool is_too_late(struct client *client, int64_t now_ns)
{
    if (!observer_is_in_the_way(client->broker, client->id)) {
        client->late_since_ns = INT64_MAX;
    } else if (client->late_since_ns == INT64_MAX) {
        client->late_since_ns = now_ns;
    }
    return client->late_since_ns != INT64_MAX && now_ns - client->late_since_ns >= PATIENCE_NS;
}

static int look(struct control_call *call)
{
    struct client *client = call->context;
    const struct actual_node *node = actual_find_node(client->broker->actual, client->id);
    bool is_over = node == NULL || node->is_doomed || node_is_over(node->life.state);
    if (is_over || client->broker->phase == BROKER_ENDED) {
        return say_end(call, node);
    }
    if (!client->is_told && node->life.state == NODE_RUNNING) {
        client->is_told = true;
        control_call_say(call, json_pack("{s:s, s:s}", "node", client->id, "state", "running"));
    }
    if (is_too_late(client, clock_now_ns())) {
        return control_call_refuse(call, CONTROL_CODE_FAILED,
                                   "it was closed: it stood still while its output needed other "
                                   "memory");
    }
    int64_t since_ns = client->late_since_ns;
    return control_call_later(call, look,
                              since_ns == INT64_MAX ? since_ns : since_ns + PATIENCE_NS);
}

static int read_settings(struct control_call *call, struct observer_settings *settings)
{
    const char *interval = control_call_field(call, "interval");
    const char *bytes = control_call_field(call, "bytes");
    *settings = (struct observer_settings){.socket = control_call_field(call, "socket"),
                                           .is_rgb = control_call_is_set(call, "rgb")};
    if (settings->socket[0] != '/' && settings->socket[0] != '@') {
        return control_call_refuse(call, CONTROL_CODE_USAGE,
                                   "the socket is an absolute path, or '@' and an abstract name");
    }
    if (interval != NULL && (units_parse_duration(interval, &settings->interval_ns) != 0 ||
                             settings->interval_ns < 0)) {
        return control_call_refuse(call, CONTROL_CODE_USAGE,
                                   "the interval is a duration such as 100ms");
    }
    if (bytes != NULL && units_parse_size(bytes, &settings->bytes) != 0) {
        return control_call_refuse(call, CONTROL_CODE_USAGE, "bytes is a size such as 256");
    }
    return 0;
}

static int refuse_port(struct control_call *call, const struct descriptor *descriptor,
                       const char *id, const char *dot)
{
    char list[512] = "";
    struct text outputs = TEXT_OVER(list);
    for (uint32_t i = 0; i < descriptor->output_count; i++) {
        text_add_format(&outputs, "%s%s.%s", i > 0 ? ", " : "", id, descriptor->outputs[i].name);
    }
    const char *has = descriptor->output_count > 0 ? list : "it has none";
    if (dot == NULL) {
        return control_call_refuse(call, CONTROL_CODE_NO_SUCH,
                                   "'%s' is a node; write one of its outputs: %s", id, has);
    }
    return control_call_refuse(call, CONTROL_CODE_NO_SUCH, "'%s' is no output of '%s'; outputs: %s",
                               dot + 1, id, has);
}

// The node and the port of "node.port". Returns 0, or a code.
static int find_output(struct control_call *call, struct actual_node **out_node,
                       const char **out_port)
{
    const char *address = control_call_field(call, "output");
    const char *dot = strchr(address, '.');
    char id[LIMIT_NODE_ID_BYTES_MAX];
    struct text text = TEXT_OVER(id);
    text_add_bytes(&text, address, dot == NULL ? strlen(address) : (size_t)(dot - address));
    struct actual_node *node = actual_find_node(call->broker->actual, id);
    if (node == NULL || text.is_cut) {
        return control_call_refuse(call, CONTROL_CODE_NO_SUCH, "there is no node '%s'", id);
    }
    uint32_t index;
    if (dot == NULL ||
        descriptor_find_output(node->wanted->found.descriptor, dot + 1, &index) == NULL) {
        return refuse_port(call, node->wanted->found.descriptor, id, dot);
    }
    if (!node_is_alive(node->life.state)) {
        return control_call_refuse(call, CONTROL_CODE_NOT_RUNNING, "node '%s' does not run", id);
    }
    *out_node = node;
    *out_port = dot + 1;
    return 0;
}

int control_tap_output(struct control_call *call)
{
    struct observer_settings settings;
    struct actual_node *node = NULL;
    const char *port = NULL;
    int code = read_settings(call, &settings);
    code = code == 0 ? find_output(call, &node, &port) : code;
    if (code != 0) {
        return code;
    }
    struct catalog_entry program;
    struct diag why = {.text = ""};
    int found = catalog_find_stock(call->broker->live.catalog, "tap", &program, &why);
    if (found == -EINPROGRESS) {
        // With the turn in which it has described itself.
        return control_call_later(call, control_tap_output, INT64_MAX);
    }
    if (found != 0) {
        return control_call_refuse(call, CONTROL_CODE_NO_SUCH, "no processor 'tap': %s", why.text);
    }
    struct client *client = calloc(1, sizeof *client);
    int failed = client == NULL
                     ? -ENOMEM
                     : observer_open(call->broker, node, port, &program, &settings, client->id);
    if (failed != 0) {
        free(client);
        return control_call_refuse(call, CONTROL_CODE_FAILED, "it cannot be tapped: %s",
                                   failed == -EBUSY ? "it has as many links as a node can have"
                                                    : strerrordesc_np(-failed));
    }
    client->broker = call->broker;
    client->late_since_ns = INT64_MAX;
    call->context = client;
    call->drop = drop;
    return control_call_later(call, look, INT64_MAX);
}
