// SPDX-License-Identifier: Apache-2.0
// Finds "rtsp://camera/" and says that "rtsps" is what nobody else can read or change.
#include "broker/graph/check_url.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/check.h"

static const struct {
    const char *scheme;
    const char *instead;  // "" when its kind has no other
} plain[] = {
    {"rtsp", "rtsps"}, {"rtmp", "rtmps"}, {"http", "https"}, {"ws", "wss"}, {"ftp", "ftps"},
    {"mqtt", "mqtts"}, {"nats", "tls"},   {"tcp", ""},       {"udp", ""},   {"rtp", ""},
};

// "user:password@host:554/path": the host alone.
static const char *host_of(const char *authority, size_t *out_length)
{
    size_t length = strcspn(authority, "/?# \t\r\n\"'<>`");
    const char *sign = memrchr(authority, '@', length);
    const char *host = sign != NULL ? sign + 1 : authority;
    length -= (size_t)(host - authority);
    *out_length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    *out_length = *out_length < length ? *out_length : length;
    return host;
}

static bool is_of_this_machine(const char *host, size_t length)
{
    static const char *const names[] = {"localhost", "[::1]"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (strlen(names[i]) == length && strncasecmp(host, names[i], length) == 0) {
            return true;
        }
    }
    return length >= 4 && strncmp(host, "127.", 4) == 0;
}

static bool is_plain(const char *scheme, size_t length, const char **out_instead)
{
    for (size_t i = 0; i < ARRAY_COUNT(plain); i++) {
        if (strlen(plain[i].scheme) == length &&
            strncasecmp(scheme, plain[i].scheme, length) == 0) {
            *out_instead = plain[i].instead;
            return true;
        }
    }
    return false;
}

size_t check_url_find(const char *text, const char **out_address, const char **out_instead)
{
    for (const char *at = text; (at = strstr(at, "://")) != NULL; at += 3) {
        const char *scheme = at;
        while (scheme > text && isalnum((unsigned char)scheme[-1])) {
            scheme--;
        }
        size_t length;
        const char *host = host_of(at + 3, &length);
        const char *instead;
        if (length > 0 && is_plain(scheme, (size_t)(at - scheme), &instead) &&
            !is_of_this_machine(host, length)) {
            *out_address = scheme;
            *out_instead = instead;
            return (size_t)(host + length - scheme);
        }
    }
    return 0;
}

static bool does_require_tls(const struct graph_node *node)
{
    for (size_t i = 0; i < node->sandbox.require.count; i++) {
        if (strcmp(node->sandbox.require.items[i], "tls") == 0) {
            return true;
        }
    }
    return false;
}

void check_url_node(const struct graph *graph, const struct graph_node *node, struct diags *diags)
{
    // Without a network it goes nowhere.
    bool is_required = does_require_tls(node);
    if (!is_required && node->sandbox.tier != GRAPH_TIER_TRUSTED && !node->sandbox.is_network) {
        return;
    }
    for (size_t i = 0; i < node->config.count; i++) {
        const char *address;
        const char *instead;
        size_t length = check_url_find(node->config.items[i].value, &address, &instead);
        if (length == 0) {
            continue;
        }
        diags_add(diags, is_required ? DIAG_REFUSED : DIAG_WARNING, graph->file,
                  node->config.items[i].value_place,
                  "%s: '%.*s' is not encrypted%s: who is on the way can read and change the frames "
                  "of node %s; %s%s",
                  node->config.items[i].name, (int)length, address,
                  is_required ? ", and its node requires tls" : "", diags_quote(node->id).bytes,
                  instead[0] != '\0' ? "write " : "send them through what is encrypted", instead);
    }
}
