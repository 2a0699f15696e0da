// SPDX-License-Identifier: Apache-2.0
// Edits the canonical form of a graph.
#include "broker/graph/graph_edit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "broker/graph/graph_fields.h"
#include "broker/graph/graph_file.h"
#include "broker/graph/graph_save.h"

#define PATH_BYTES 256

struct graph_edit {
    char *file;    // owned
    json_t *root;  // owned
};

int graph_edit_begin(const struct graph *graph, struct graph_edit **out_edit)
{
    auto_free char *text = NULL;
    size_t count;
    int failed = graph_save_json(graph, &text, &count);
    if (failed != 0) {
        return failed;
    }
    struct graph_edit *edit = calloc(1, sizeof *edit);
    if (edit == NULL) {
        return -ENOMEM;
    }
    edit->file = strdup(graph->file);
    edit->root = json_loadb(text, count, 0, NULL);
    if (edit->file == NULL || edit->root == NULL) {
        graph_edit_destroy(edit);
        return -ENOMEM;
    }
    *out_edit = edit;
    return 0;
}

void graph_edit_destroy(struct graph_edit *edit)
{
    if (edit != NULL) {
        json_decref(edit->root);
        free(edit->file);
        free(edit);
    }
}

static json_t *nodes_of(struct graph_edit *edit)
{
    json_t *nodes = json_object_get(edit->root, "nodes");
    if (nodes == NULL) {
        nodes = json_object();
        json_object_set_new(edit->root, "nodes", nodes);
    }
    return nodes;
}

static json_t *links_of(struct graph_edit *edit)
{
    json_t *links = json_object_get(edit->root, "links");
    if (links == NULL) {
        links = json_array();
        json_object_set_new(edit->root, "links", links);
    }
    return links;
}

static int find_node(struct graph_edit *edit, const char *id, json_t **out_node, struct diag *why)
{
    json_t *node = json_object_get(nodes_of(edit), id);
    if (node == NULL) {
        diag_set(why, "there is no node %s", diags_quote(id).bytes);
        return -ENOENT;
    }
    *out_node = node;
    return 0;
}

static json_t *list_of(const char *const *items, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_string(items[i]));
    }
    return list;
}

int graph_edit_add_node(struct graph_edit *edit, const char *id, const char *const *exec,
                        size_t exec_count, struct diag *why)
{
    if (json_object_get(nodes_of(edit), id) != NULL) {
        diag_set(why, "there is a node %s already", diags_quote(id).bytes);
        return -EEXIST;
    }
    json_t *node = json_object();
    json_object_set_new(node, "exec", list_of(exec, exec_count));
    return json_object_set_new(nodes_of(edit), id, node) == 0 ? 0 : -ENOMEM;
}

int graph_edit_set_exec(struct graph_edit *edit, const char *id, const char *const *exec,
                        size_t exec_count, struct diag *why)
{
    json_t *node;
    int failed = find_node(edit, id, &node, why);
    if (failed != 0) {
        return failed;
    }
    return json_object_set_new(node, "exec", list_of(exec, exec_count)) == 0 ? 0 : -ENOMEM;
}

// --- Links ------------------------------------------------------------------------------------

// The two addresses of a link, in whichever of its two forms it is written.
static bool is_link(const json_t *link, const char *from, const char *to)
{
    if (json_is_object(link)) {
        const char *first = json_string_value(json_object_get(link, "from"));
        const char *second = json_string_value(json_object_get(link, "to"));
        return first != NULL && second != NULL && strcmp(first, from) == 0 &&
               strcmp(second, to) == 0;
    }
    char text[2 * LIMIT_ADDRESS_BYTES_MAX];
    struct text arrow = TEXT_OVER(text);
    text_add_format(&arrow, "%s -> %s", from, to);
    return json_is_string(link) && strcmp(json_string_value(link), text) == 0;
}

static size_t find_link(struct graph_edit *edit, const char *from, const char *to)
{
    json_t *links = links_of(edit);
    size_t place = 0;
    while (place < json_array_size(links) && !is_link(json_array_get(links, place), from, to)) {
        place++;
    }
    return place;
}

static bool is_of_node(const char *address, const char *id)
{
    size_t length = strlen(id);
    return strncmp(address, id, length) == 0 && address[length] == '.';
}

static bool touches(const json_t *link, const char *id)
{
    if (json_is_object(link)) {
        return is_of_node(json_string_value(json_object_get(link, "from")), id) ||
               is_of_node(json_string_value(json_object_get(link, "to")), id);
    }
    const char *arrow = json_string_value(link);
    const char *to = strstr(arrow, "-> ");
    return is_of_node(arrow, id) || (to != NULL && is_of_node(to + 3, id));
}

int graph_edit_remove_node(struct graph_edit *edit, const char *id, struct diag *why)
{
    json_t *node;
    int failed = find_node(edit, id, &node, why);
    if (failed != 0) {
        return failed;
    }
    json_t *links = links_of(edit);
    for (size_t i = json_array_size(links); i > 0; i--) {
        if (touches(json_array_get(links, i - 1), id)) {
            json_array_remove(links, i - 1);
        }
    }
    json_object_del(nodes_of(edit), id);
    return 0;
}

int graph_edit_connect(struct graph_edit *edit, const char *from, const char *to, struct diag *why)
{
    json_t *links = links_of(edit);
    if (find_link(edit, from, to) < json_array_size(links)) {
        diag_set(why, "there is a link %s -> %s already", from, to);
        return -EEXIST;
    }
    json_t *link = json_pack("{s:s, s:s}", "from", from, "to", to);
    return json_array_append_new(links, link) == 0 ? 0 : -ENOMEM;
}

static void refuse_link(const char *from, const char *to, struct diag *why)
{
    bool is_address = strchr(from, '.') != NULL && strchr(to, '.') != NULL;
    diag_set(why, "there is no link %s -> %s%s", from, to,
             is_address ? "" : "; write node.port for both ends");
}

int graph_edit_disconnect(struct graph_edit *edit, const char *from, const char *to,
                          struct diag *why)
{
    json_t *links = links_of(edit);
    size_t place = find_link(edit, from, to);
    if (place == json_array_size(links)) {
        refuse_link(from, to, why);
        return -ENOENT;
    }
    json_array_remove(links, place);
    return 0;
}

// --- Assignments ------------------------------------------------------------------------------

// "[a, b]" without quotes, as a file may have it. NULL when it is something else.
static json_t *words_of(const char *text)
{
    size_t length = strlen(text);
    if (length < 2 || text[0] != '[' || text[length - 1] != ']' ||
        strcspn(text + 1, "[{\"':") < length - 1) {
        return NULL;
    }
    json_t *list = json_array();
    for (const char *at = text + 1; at < text + length - 1;) {
        at += strspn(at, " ,");
        size_t count = strcspn(at, ",]");
        size_t kept = count;
        while (kept > 0 && at[kept - 1] == ' ') {
            kept--;
        }
        if (kept > 0) {
            json_array_append_new(list, json_stringn(at, kept));
        }
        at += count;
    }
    return list;
}

// Numbers, booleans, lists and mappings as a file would have them; everything else is text.
static json_t *value_of(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    value = value != NULL ? value : words_of(text);
    return value != NULL ? value : json_string(text);
}

// The mapping in which the last key of a path stands. A short form ("sandbox: trusted") becomes the
// mapping that it stands for.
static json_t *inner_of(json_t *map, const char *group, const char *word)
{
    json_t *inner = json_object_get(map, group);
    if (json_is_object(inner)) {
        return inner;
    }
    json_t *fresh = json_object();
    if (inner != NULL && word != NULL) {
        json_object_set(fresh, word, inner);
    }
    json_object_set_new(map, group, fresh);
    return fresh;
}

static int assign(json_t *map, enum graph_section section, const char *assignment, struct diag *why)
{
    const char *equals = strchr(assignment, '=');
    size_t length = equals == NULL ? 0 : (size_t)(equals - assignment);
    char path[PATH_BYTES];
    bool has_key = length > 0 && assignment[0] != '.' && assignment[length - 1] != '.';
    if (!has_key || length >= sizeof path) {
        // The parameters of `set` come with the name of their group before them.
        bool is_parameter = strncmp(assignment, "config.", 7) == 0;
        diag_set(why, "%s is no assignment; write key=value",
                 diags_quote(assignment + (is_parameter ? 7 : 0)).bytes);
        return -EINVAL;
    }
    memcpy(path, assignment, length);
    path[length] = '\0';
    char *dot = strchr(path, '.');
    const char *key = path;
    if (dot != NULL) {
        *dot = '\0';
        key = dot + 1;
        bool is_tier = section == GRAPH_SECTION_NODE && strcmp(path, "sandbox") == 0;
        map = inner_of(map, path, is_tier ? "tier" : NULL);
    }
    if (equals[1] == '\0') {
        json_object_del(map, key);
        return 0;
    }
    return json_object_set_new(map, key, value_of(equals + 1)) == 0 ? 0 : -ENOMEM;
}

int graph_edit_set_node(struct graph_edit *edit, const char *id, const char *assignment,
                        struct diag *why)
{
    json_t *node;
    int failed = find_node(edit, id, &node, why);
    return failed != 0 ? failed : assign(node, GRAPH_SECTION_NODE, assignment, why);
}

int graph_edit_set_link(struct graph_edit *edit, const char *from, const char *to,
                        const char *assignment, struct diag *why)
{
    json_t *links = links_of(edit);
    size_t place = find_link(edit, from, to);
    if (place == json_array_size(links)) {
        refuse_link(from, to, why);
        return -ENOENT;
    }
    json_t *link = json_array_get(links, place);
    if (!json_is_object(link)) {
        json_array_set_new(links, place, json_pack("{s:s, s:s}", "from", from, "to", to));
        link = json_array_get(links, place);
    }
    return assign(link, GRAPH_SECTION_LINK, assignment, why);
}

int graph_edit_set_graph(struct graph_edit *edit, const char *assignment, struct diag *why)
{
    return assign(edit->root, GRAPH_SECTION_GRAPH, assignment, why);
}

int graph_edit_load(const struct graph_edit *edit, struct graph **out_graph, struct diags *diags)
{
    auto_free char *text = json_dumps(edit->root, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text == NULL) {
        return -ENOMEM;
    }
    return graph_file_load(edit->file, text, strlen(text), out_graph, diags);
}
