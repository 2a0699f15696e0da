// SPDX-License-Identifier: Apache-2.0
// Walks the grants of a node, once to say what is wrong with them and once to have them.
#include "broker/lives/granting.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/graph/descriptor.h"
#include "broker/lives/cage.h"

// One word or path of a node, to be added to a set.
struct granting_entry {
    enum grant grant;
    const char *text;
    struct graph_place place;
    bool is_path;
    bool is_device;
};

struct walk {
    const struct graph *graph;
    const struct graph_node *node;
    struct grant_set *set;
    bool is_making;
    struct diags *diags;   // NULL = stop at the first error
    struct diag *out_why;  // of that one
};

static void say(const struct walk *walk, const struct granting_entry *entry, const char *why)
{
    struct diags_quoted name = diags_quote(entry->text);
    const char *use = entry->is_device               ? "use"
                      : entry->grant == GRANT_WRITE  ? "write"
                      : entry->grant == GRANT_ROOTFS ? "have as its root"
                                                     : "read";
    char text[DIAG_TEXT_BYTES_MAX];
    bool is_missing = strstr(why, "not exist") != NULL;
    snprintf(text, sizeof text, "%s, which node '%s' may %s, %s%s", name.bytes, walk->node->id, use,
             why, is_missing ? "; make it, or correct the path" : "");
    if (walk->diags != NULL) {
        diags_add(walk->diags, DIAG_ERROR, walk->graph->file, entry->place, "%s", text);
    } else {
        diag_set(walk->out_why, "%s", text);
    }
}

static int add(const struct walk *walk, const struct granting_entry *entry)
{
    const char *why = "cannot be used";
    int failed;
    if (entry->is_device) {
        failed = grant_add_device(walk->set, entry->text, &why);
    } else if (entry->is_path) {
        failed = grant_add_path(walk->set, entry->grant, walk->graph->folder, entry->text,
                                walk->is_making, &why);
    } else {
        failed = grant_add_word(walk->set, entry->grant);
    }
    if (failed != 0) {
        say(walk, entry, why);
    }
    return walk->diags != NULL ? 0 : failed;
}

static int add_paths(const struct walk *walk, enum grant grant, const struct graph_strings *paths)
{
    int failed = 0;
    for (size_t i = 0; i < paths->count && failed == 0; i++) {
        failed = add(walk, &(struct granting_entry){.grant = grant,
                                                    .text = paths->items[i],
                                                    .place = paths->places[i],
                                                    .is_path = true});
    }
    return failed;
}

static int add_devices(const struct walk *walk, const struct graph_strings *devices)
{
    static const enum grant words[] = {GRANT_GPU, GRANT_CAMERA, GRANT_SOUND};
    int failed = 0;
    for (size_t i = 0; i < devices->count && failed == 0; i++) {
        struct granting_entry entry = {.grant = GRANT_DEVICE,
                                       .text = devices->items[i],
                                       .place = devices->places[i],
                                       .is_device = true};
        for (size_t j = 0; j < sizeof words / sizeof words[0]; j++) {
            if (strcmp(devices->items[i], grant_word(words[j])) == 0) {
                entry.grant = words[j];
                entry.is_device = false;
            }
        }
        failed = add(walk, &entry);
    }
    return failed;
}

static int add_all(const struct walk *walk)
{
    const struct graph_sandbox *sandbox = &walk->node->sandbox;
    int failed = 0;
    if (sandbox->rootfs != NULL) {
        failed = add(walk, &(struct granting_entry){
                               .grant = GRANT_ROOTFS,
                               .text = sandbox->rootfs,
                               .place = graph_node_place(walk->node, GRAPH_FIELD_NODE_ROOTFS),
                               .is_path = true});
    }
    if (failed == 0 && sandbox->is_network) {
        failed = add(walk, &(struct granting_entry){.grant = GRANT_NETWORK, .text = "network"});
    }
    if (failed == 0 && sandbox->is_display) {
        failed = add(walk, &(struct granting_entry){.grant = GRANT_DISPLAY, .text = "display"});
    }
    failed = failed == 0 ? add_devices(walk, &sandbox->devices) : failed;
    failed = failed == 0 ? add_paths(walk, GRANT_READ, &sandbox->read) : failed;
    return failed == 0 ? add_paths(walk, GRANT_WRITE, &sandbox->write) : failed;
}

void granting_check(const struct graph *graph, const struct graph_node *node, struct diags *diags)
{
    struct grant_set set;
    grant_set_init(&set);
    const struct walk walk = {.graph = graph, .node = node, .set = &set, .diags = diags};
    if (cage_is_wanted(node)) {
        add_all(&walk);
    }
    grant_set_fini(&set);
}

static int open_set(const struct graph *graph, const struct graph_node *node, bool is_making,
                    struct grant_set *out_set, struct diag *out_why)
{
    struct grant_set set;
    grant_set_init(&set);
    const struct walk walk = {
        .graph = graph, .node = node, .set = &set, .is_making = is_making, .out_why = out_why};
    int failed = cage_is_wanted(node) ? add_all(&walk) : 0;
    if (failed != 0) {
        grant_set_fini(&set);
        return failed;
    }
    *out_set = set;
    return 0;
}

static bool is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/') {
        length--;
    }
    return strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

// Without links; of a file that is still to be made, its folder's.
static bool resolve(const char *path, char out_path[PATH_MAX])
{
    if (realpath(path, out_path) != NULL) {
        return true;
    }
    char folder[PATH_MAX];
    const char *name = strrchr(path, '/');
    size_t length = name != NULL ? (size_t)(name - path) : PATH_MAX;
    if (length >= sizeof folder) {
        return false;
    }
    memcpy(folder, path, length);
    folder[length] = '\0';
    char real[PATH_MAX];
    if (realpath(length > 0 ? folder : "/", real) == NULL) {
        return false;
    }
    int wanted = snprintf(out_path, PATH_MAX, "%s%s", real, name);
    return wanted > 0 && wanted < PATH_MAX;
}

static bool is_shown(const struct grant_set *set, const char *path)
{
    static const char *const always[] = {"/usr", "/bin", "/sbin", "/lib", "/lib64", "/dev"};
    char real[PATH_MAX];
    const char *resolved = resolve(path, real) ? real : path;
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
        if (is_below(path, always[i]) || is_below(resolved, always[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < set->count; i++) {
        char target[PATH_MAX];
        if (is_below(path, set->items[i].target) ||
            (resolve(set->items[i].target, target) && is_below(resolved, target))) {
            return true;
        }
    }
    return false;
}

void granting_check_params(const struct graph *graph, const struct graph_node *node,
                           const struct descriptor *descriptor, struct diags *diags)
{
    struct grant_set set;
    struct diag why;
    if (!cage_is_wanted(node) || node->sandbox.rootfs != NULL ||
        open_set(graph, node, false, &set, &why) != 0) {
        return;
    }
    for (size_t i = 0; i < node->found.params.count; i++) {
        const struct graph_pair *pair = &node->found.params.items[i];
        const struct descriptor_param *param = descriptor_find_param(descriptor, pair->name);
        if (param != NULL && param->type == SB_PARAM_PATH && pair->value[0] == '/' &&
            !is_shown(&set, pair->value)) {
            diags_add(diags, DIAG_WARNING, graph->file, pair->value_place,
                      "%s is not shown to node '%s' in its sandbox; add sandbox: {read: [%s]} or "
                      "{write: [%s]}",
                      diags_quote(pair->value).bytes, node->id, node->config.items[i].value,
                      node->config.items[i].value);
        }
    }
    grant_set_fini(&set);
}

int granting_open(const struct graph *graph, const struct graph_node *node,
                  struct grant_set *out_set, struct diag *out_why)
{
    return open_set(graph, node, true, out_set, out_why);
}

int granting_look(const struct graph *graph, const struct graph_node *node,
                  struct grant_set *out_set)
{
    struct diag why;
    return open_set(graph, node, false, out_set, &why);
}
