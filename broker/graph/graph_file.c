// SPDX-License-Identifier: Apache-2.0
// Walks the tree of a graph file by the table of keys and fills a struct graph.
#include "broker/graph/graph_file.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/nearest.h"
#include "base/text.h"
#include "base/units.h"
#include "broker/graph/arena.h"
#include "broker/graph/document.h"
#include "broker/graph/graph_fields.h"

enum { ARENA_BYTES_MAX = 256 * 1024 * 1024, PATH_KEY_BYTES_MAX = 256 };

struct loader {
    const char *file;
    struct arena *arena;
    struct diags *diags;
    bool is_out_of_memory;
};

// Where the values of one section go.
struct target {
    enum graph_section section;
    void *base;
    struct graph_place *places;
    struct graph_place place;  // of the whole
};

static void *take(struct loader *loader, size_t count, size_t item_bytes)
{
    void *memory = arena_alloc(loader->arena, count, item_bytes);
    loader->is_out_of_memory |= memory == NULL;
    return memory;
}

static const char *copy(struct loader *loader, const char *text)
{
    char *copied = arena_copy_string(loader->arena, text);
    loader->is_out_of_memory |= copied == NULL;
    return copied;
}

#define COMPLAIN(loader, place, ...)                                                               \
    diags_add((loader)->diags, DIAG_ERROR, (loader)->file, place, __VA_ARGS__)

// True when node has this kind; else says so. Nothing at all is an empty mapping and an empty list.
static bool expect(struct loader *loader, const struct document_node *node, enum document_kind kind,
                   const char *what, const char *example)
{
    if (node->is_bad) {
        return false;
    }
    bool is_empty = node->kind == DOCUMENT_SCALAR && node->is_null && kind != DOCUMENT_SCALAR;
    if (node->kind != kind && !is_empty) {
        COMPLAIN(loader, node->place, "%s is %s; write %s", diags_quote(what).bytes,
                 document_kind_name(node), example);
        return false;
    }
    if (kind == DOCUMENT_SCALAR && node->is_null) {
        COMPLAIN(loader, node->place, "%s has no value; write one, or leave the key out",
                 diags_quote(what).bytes);
        return false;
    }
    return true;
}

static void unknown_key(struct loader *loader, const struct target *target, const char *prefix,
                        const struct document_node *key)
{
    struct nearest nearest = nearest_to(key->text);
    char known[256] = "";
    struct text list = TEXT_OVER(known);
    char name[PATH_KEY_BYTES_MAX] = "";
    for (size_t i = 0; i < GRAPH_FIELDS_COUNT; i++) {
        const struct graph_field_row *row = graph_fields_row((enum graph_field)i);
        if (row->section != target->section || strncmp(row->path, prefix, strlen(prefix)) != 0) {
            continue;
        }
        const char *rest = row->path + strlen(prefix);
        size_t length = strcspn(rest, ".");
        // The rows of a group follow each other, so its name is listed once.
        if (strlen(name) != length || strncmp(name, rest, length) != 0) {
            snprintf(name, sizeof(name), "%.*s", (int)length, rest);
            nearest_offer(&nearest, name);
            text_add_format(&list, "%s%s", list.length > 0 ? ", " : "", name);
        }
    }
    if (target->section == GRAPH_SECTION_GRAPH && prefix[0] == '\0') {
        nearest_offer(&nearest, "nodes");
        nearest_offer(&nearest, "links");
        text_add(&list, ", nodes, links");
    }
    if (nearest.best[0] != '\0') {
        COMPLAIN(loader, key->place, "unknown key %s; did you mean '%s'?",
                 diags_quote(key->text).bytes, nearest.best);
    } else {
        bool is_node = target->section == GRAPH_SECTION_NODE && prefix[0] == '\0';
        COMPLAIN(loader, key->place, "unknown key %s; known here: %s%s",
                 diags_quote(key->text).bytes, known,
                 is_node ? "; parameters of its processor go under config" : "");
    }
}

static void load_scalar(struct loader *loader, const struct target *target,
                        const struct graph_field_row *row, const struct document_node *node)
{
    if (!expect(loader, node, DOCUMENT_SCALAR, row->path, "one value")) {
        return;
    }
    // A word may be quoted, a number in quotes is text.
    bool is_number = row->kind == GRAPH_KIND_BOOL || row->kind == GRAPH_KIND_COUNT;
    bool is_text = is_number && node->is_quoted;
    for (size_t i = 0; i < row->words.count; i++) {
        is_text = is_text && strcmp(node->text, row->words.items[i].text) != 0;
    }
    const char *text = copy(loader, node->text);
    char why[DIAG_TEXT_BYTES_MAX];
    if (text == NULL) {
        return;
    }
    if (graph_fields_parse(row, text, target->base, why, sizeof(why)) != 0) {
        COMPLAIN(loader, node->place, "%s: %s", row->path, why);
    } else if (is_text) {
        COMPLAIN(loader, node->place, "%s is text in quotes; write it without them",
                 diags_quote(node->text).bytes);
    }
}

static bool check_string(struct loader *loader, const struct graph_field_row *row,
                         const struct document_node *item)
{
    size_t length = strlen(item->text);
    if (length < (size_t)row->low || length > (size_t)row->high) {
        COMPLAIN(loader, item->place, "%s: %zu bytes; write %lld to %lld", row->path, length,
                 (long long)row->low, (long long)row->high);
        return false;
    }
    for (size_t i = 0; i < row->words.count; i++) {
        if (strcmp(row->words.items[i].text, item->text) == 0) {
            return true;
        }
    }
    if (row->words.count > 0) {
        char words[128];
        graph_fields_list_words(&row->words, words, sizeof(words));
        COMPLAIN(loader, item->place, "%s: %s is not known here; write %s", row->path,
                 diags_quote(item->text).bytes, words);
        return false;
    }
    return true;
}

static void load_strings(struct loader *loader, const struct graph_field_row *row,
                         const struct document_node *node, struct graph_strings *out)
{
    if (!expect(loader, node, DOCUMENT_LIST, row->path, "a list, as [a, b]")) {
        return;
    }
    const char **items = take(loader, node->count, sizeof(*items));
    struct graph_place *places = take(loader, node->count, sizeof(*places));
    if (items == NULL || places == NULL) {
        return;
    }
    size_t count = 0;
    for (const struct document_node *item = node->first; item != NULL; item = item->next) {
        if (expect(loader, item, DOCUMENT_SCALAR, row->path, "one value per item") &&
            check_string(loader, row, item)) {
            items[count] = copy(loader, item->text);
            places[count++] = item->place;
        }
    }
    *out = (struct graph_strings){count, items, places};
}

static void load_numbers(struct loader *loader, const struct graph_field_row *row,
                         const struct document_node *node, struct graph_numbers *out)
{
    if (!expect(loader, node, DOCUMENT_LIST, row->path, "a list, as [0, 1]")) {
        return;
    }
    uint32_t *items = take(loader, node->count, sizeof(*items));
    if (items == NULL) {
        return;
    }
    size_t count = 0;
    for (const struct document_node *item = node->first; item != NULL; item = item->next) {
        int64_t value;
        if (!expect(loader, item, DOCUMENT_SCALAR, row->path, "one number per item")) {
            continue;
        }
        if (item->is_quoted || units_parse_integer(item->text, &value) != 0 || value < row->low ||
            value > row->high) {
            COMPLAIN(loader, item->place, "%s: %s is out of bounds; write %lld to %lld", row->path,
                     diags_quote(item->text).bytes, (long long)row->low, (long long)row->high);
            continue;
        }
        items[count++] = (uint32_t)value;
    }
    *out = (struct graph_numbers){count, items};
}

static int compare_pairs(const void *a, const void *b)
{
    const struct graph_pair *first = a;
    const struct graph_pair *second = b;
    return strcmp(first->name, second->name);
}

static bool check_pair(struct loader *loader, const struct graph_field_row *row,
                       const struct document_node *value)
{
    const struct document_node *key = value->key;
    if (!expect(loader, value, DOCUMENT_SCALAR, key->text, "one value")) {
        return false;
    }
    if (key->text[0] == '\0' || strchr(key->text, '=') != NULL ||
        strlen(key->text) >= SB_NAME_BYTES_MAX) {
        COMPLAIN(loader, key->place, "%s: %s is no name; write 1 to 63 characters without '='",
                 row->path, diags_quote(key->text).bytes);
        return false;
    }
    if (strlen(value->text) > (size_t)row->high) {
        COMPLAIN(loader, value->place, "%s: a value of %zu bytes; write at most %lld", row->path,
                 strlen(value->text), (long long)row->high);
        return false;
    }
    return true;
}

static void load_pairs(struct loader *loader, const struct graph_field_row *row,
                       const struct document_node *node, struct graph_pairs *out)
{
    if (!expect(loader, node, DOCUMENT_MAP, row->path, "a mapping, as {name: value}")) {
        return;
    }
    struct graph_pair *items = take(loader, node->count, sizeof(*items));
    if (items == NULL) {
        return;
    }
    size_t count = 0;
    for (const struct document_node *value = node->first; value != NULL; value = value->next) {
        if (check_pair(loader, row, value)) {
            items[count].name = copy(loader, value->key->text);
            items[count].value = copy(loader, value->text);
            items[count].name_place = value->key->place;
            items[count++].value_place = value->place;
        }
    }
    if (!loader->is_out_of_memory) {
        qsort(items, count, sizeof(*items), compare_pairs);
        *out = (struct graph_pairs){count, items};
    }
}

// Reads node.port from count bytes at text, which stand at place.
static void load_end(struct loader *loader, const char *text, size_t count,
                     struct graph_place place, struct graph_end *out_end)
{
    const char *address = arena_copy(loader->arena, text, count);
    if (address == NULL) {
        loader->is_out_of_memory = true;
        return;
    }
    const char *dot = strchr(address, '.');
    if (dot == NULL || dot == address || dot[1] == '\0' || strchr(dot + 1, '.') != NULL) {
        COMPLAIN(loader, place, "%s is not one node and one port; write node.port",
                 diags_quote(address).bytes);
        return;
    }
    char *node = arena_copy(loader->arena, address, (size_t)(dot - address));
    if (node == NULL) {
        loader->is_out_of_memory = true;
        return;
    }
    if (!text_is_id(node) || !text_is_id(dot + 1)) {
        COMPLAIN(loader, place, "%s is no address; write node.port, each of a-z, 0-9, _ and -",
                 diags_quote(address).bytes);
        return;
    }
    *out_end = (struct graph_end){node, dot + 1, place};
}

static void load_value(struct loader *loader, const struct target *target,
                       const struct graph_field_row *row, const struct document_node *node)
{
    void *member = (char *)target->base + row->offset;
    target->places[row->id] = node->place;
    switch (row->kind) {
    case GRAPH_KIND_STRINGS:
        load_strings(loader, row, node, member);
        break;
    case GRAPH_KIND_NUMBERS:
        load_numbers(loader, row, node, member);
        break;
    case GRAPH_KIND_PAIRS:
        load_pairs(loader, row, node, member);
        break;
    case GRAPH_KIND_END:
        if (expect(loader, node, DOCUMENT_SCALAR, row->path, "node.port")) {
            load_end(loader, node->text, strlen(node->text), node->place, member);
        }
        break;
    case GRAPH_KIND_ID:
    case GRAPH_KIND_PATH:
    case GRAPH_KIND_BOOL:
    case GRAPH_KIND_COUNT:
    case GRAPH_KIND_DURATION:
    case GRAPH_KIND_SIZE:
    case GRAPH_KIND_PERCENT:
    case GRAPH_KIND_SHARE:
    case GRAPH_KIND_FRACTION:
    case GRAPH_KIND_CHOICE:
        load_scalar(loader, target, row, node);
        break;
    }
}

// Reads one mapping: prefix is "" or "restart." and the like. Two levels, so no deeper than that.
static void load_map(struct loader *loader, const struct target *target, const char *prefix,
                     const struct document_node *map)
{
    for (const struct document_node *value = map->first; value != NULL; value = value->next) {
        bool is_top = target->section == GRAPH_SECTION_GRAPH && prefix[0] == '\0';
        if (is_top &&
            (strcmp(value->key->text, "nodes") == 0 || strcmp(value->key->text, "links") == 0)) {
            continue;
        }
        char path[PATH_KEY_BYTES_MAX];
        int length = snprintf(path, sizeof(path), "%s%s", prefix, value->key->text);
        bool is_known = strchr(value->key->text, '.') == NULL && length < (int)sizeof(path) - 1;
        const struct graph_field_row *row =
            is_known ? graph_fields_find(target->section, path) : NULL;
        bool is_group = is_known && graph_fields_is_group(target->section, path);
        if (row == NULL && !is_group) {
            unknown_key(loader, target, prefix, value->key);
        } else if (is_group && (row == NULL || value->kind != DOCUMENT_SCALAR)) {
            if (expect(loader, value, DOCUMENT_MAP, path, "a mapping, as {key: value}")) {
                path[length] = '.';
                path[length + 1] = '\0';
                load_map(loader, target, path, value);
            }
        } else {
            load_value(loader, target, row, value);
        }
    }
}

static void check_required(struct loader *loader, const struct target *target, const char *what)
{
    for (size_t i = 0; i < GRAPH_FIELDS_COUNT; i++) {
        const struct graph_field_row *row = graph_fields_row((enum graph_field)i);
        if (row->section == target->section && graph_fields_is_required(row) &&
            target->places[i].line == 0) {
            COMPLAIN(loader, target->place, "%s has no '%s'; add it (%s)", what, row->path,
                     graph_fields_kind_name(row->kind));
        }
    }
}

static void finish_activation(struct loader *loader, struct graph_node *node)
{
    const struct graph_place *places = node->places;
    bool is_batch = places[GRAPH_FIELD_NODE_BATCH].line > 0;
    bool is_every = places[GRAPH_FIELD_NODE_EVERY].line > 0;
    bool is_within = places[GRAPH_FIELD_NODE_WITHIN].line > 0;
    if (is_batch && is_every) {
        COMPLAIN(loader, places[GRAPH_FIELD_NODE_EVERY],
                 "activate has both 'batch' and 'every'; write one of them");
    } else if (is_within && !is_batch) {
        COMPLAIN(loader, places[GRAPH_FIELD_NODE_WITHIN],
                 "'within' is the time limit of a batch; add 'batch', or write 'every'");
    }
    if (is_batch) {
        node->activate.kind = SB_ACTIVATE_BATCH;
    } else if (is_every) {
        node->activate.kind = SB_ACTIVATE_EVERY;
    }
}

static void load_node(struct loader *loader, const struct document_node *value,
                      struct graph_node *node)
{
    const struct document_node *key = value->key;
    node->id = copy(loader, key->text);
    node->place = key->place;
    graph_fields_init(GRAPH_SECTION_NODE, node);
    if (!text_is_id(key->text)) {
        COMPLAIN(loader, key->place,
                 "%s is no node id; write 1 to 63 of a-z, 0-9, _ and -, a "
                 "letter first",
                 diags_quote(key->text).bytes);
    }
    if (!expect(loader, value, DOCUMENT_MAP, key->text, "a mapping, as {exec: [program]}")) {
        return;
    }
    struct target target = {GRAPH_SECTION_NODE, node, node->places, key->place};
    load_map(loader, &target, "", value);
    char what[DIAGS_QUOTED_BYTES_MAX + 8];
    snprintf(what, sizeof(what), "node %s", diags_quote(key->text).bytes);
    check_required(loader, &target, what);
    if (node->places[GRAPH_FIELD_NODE_EXEC].line > 0 &&
        (node->exec.count == 0 || node->exec.items[0][0] == '\0')) {
        COMPLAIN(loader, node->places[GRAPH_FIELD_NODE_EXEC],
                 "exec names no program; write [program] or [program, argument]");
    }
    finish_activation(loader, node);
}

// "a.out -> b.in"
static void load_arrow(struct loader *loader, const struct document_node *value,
                       struct graph_link *link)
{
    const char *arrow = strstr(value->text, "->");
    if (arrow == NULL || strstr(arrow + 2, "->") != NULL) {
        COMPLAIN(loader, value->place, "%s is no link; write from.port -> to.port",
                 diags_quote(value->text).bytes);
        return;
    }
    const char *from_end = arrow;
    while (from_end > value->text && isspace((unsigned char)from_end[-1])) {
        from_end--;
    }
    const char *to = arrow + 2;
    while (isspace((unsigned char)*to)) {
        to++;
    }
    struct graph_place to_place = value->place;
    to_place.column += (uint32_t)(to - value->text) + (value->is_quoted ? 1 : 0);
    size_t to_length = strlen(to);
    link->places[GRAPH_FIELD_LINK_FROM] = value->place;
    link->places[GRAPH_FIELD_LINK_TO] = to_place;
    load_end(loader, value->text, (size_t)(from_end - value->text), value->place, &link->from);
    load_end(loader, to, to_length, to_place, &link->to);
}

static void load_link(struct loader *loader, const struct document_node *value,
                      struct graph_link *link)
{
    link->place = value->place;
    graph_fields_init(GRAPH_SECTION_LINK, link);
    if (value->kind == DOCUMENT_SCALAR && !value->is_null && !value->is_bad) {
        load_arrow(loader, value, link);
        return;
    }
    if (!value->is_null &&
        expect(loader, value, DOCUMENT_MAP, "link", "from.port -> to.port, or {from: , to: }")) {
        struct target target = {GRAPH_SECTION_LINK, link, link->places, value->place};
        load_map(loader, &target, "", value);
        check_required(loader, &target, "the link");
    } else if (value->is_null) {
        COMPLAIN(loader, value->place, "an empty link; write from.port -> to.port");
    }
}

static void load_nodes(struct loader *loader, const struct document_node *map, struct graph *graph)
{
    if (!expect(loader, map, DOCUMENT_MAP, "nodes", "a mapping, as {id: {exec: [program]}}")) {
        return;
    }
    if (map->count > graph->limits.nodes) {
        COMPLAIN(loader, map->place,
                 "%zu nodes, at most %u are allowed; raise limits.nodes or split the graph",
                 map->count, graph->limits.nodes);
        return;
    }
    graph->nodes = take(loader, map->count, sizeof(*graph->nodes));
    for (const struct document_node *value = map->first; value != NULL && graph->nodes != NULL;
         value = value->next) {
        load_node(loader, value, &graph->nodes[graph->node_count++]);
    }
}

static void load_links(struct loader *loader, const struct document_node *list, struct graph *graph)
{
    if (!expect(loader, list, DOCUMENT_LIST, "links", "a list, as [a.video -> b.video]")) {
        return;
    }
    graph->links = take(loader, list->count, sizeof(*graph->links));
    for (const struct document_node *value = list->first; value != NULL && graph->links != NULL;
         value = value->next) {
        load_link(loader, value, &graph->links[graph->link_count++]);
    }
}

static const struct document_node *find_key(const struct document_node *map, const char *key)
{
    for (const struct document_node *value = map->first; value != NULL; value = value->next) {
        if (strcmp(value->key->text, key) == 0) {
            return value;
        }
    }
    return NULL;
}

// The file's name without its ending, in the letters of ids.
static const char *name_of_file(struct loader *loader)
{
    const char *slash = strrchr(loader->file, '/');
    const char *start = slash != NULL ? slash + 1 : loader->file;
    char name[SB_NAME_BYTES_MAX];
    size_t length = 0;
    for (const char *c = start; *c != '\0' && *c != '.' && length < sizeof(name) - 1; c++) {
        int lower = tolower((unsigned char)*c);
        bool is_fine = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') ||
                       lower == '_' || lower == '-';
        if (length > 0 || (lower >= 'a' && lower <= 'z')) {
            name[length++] = is_fine ? (char)lower : '-';
        }
    }
    name[length] = '\0';
    return copy(loader, length > 0 ? name : "graph");
}

static const char *folder_of_file(struct loader *loader)
{
    const char *slash = strrchr(loader->file, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - loader->file);
    char *named = arena_copy(loader->arena, loader->file, length);
    auto_free char *folder = realpath(slash == NULL ? "." : length == 0 ? "/" : named, NULL);
    // A folder that is not there any more has no files either: what is looked up says so.
    return copy(loader, folder != NULL ? folder : slash == NULL ? "." : named);
}

static void load_root(struct loader *loader, const struct document_node *root, struct graph *graph)
{
    struct target target = {GRAPH_SECTION_GRAPH, graph, graph->places, root->place};
    load_map(loader, &target, "", root);
    check_required(loader, &target, "the graph");
    const struct document_node *nodes = find_key(root, "nodes");
    const struct document_node *links = find_key(root, "links");
    if (nodes != NULL) {
        load_nodes(loader, nodes, graph);
    } else {
        COMPLAIN(loader, root->place, "the graph has no 'nodes'; add them, {} for none");
    }
    if (links != NULL) {
        load_links(loader, links, graph);
    }
    if (graph->signatures.keys.count > 0 && graph->places[GRAPH_FIELD_GRAPH_POLICY].line == 0) {
        graph->signatures.policy = GRAPH_POLICY_WARN;
    }
}

static struct graph *create_graph(struct loader *loader)
{
    struct graph *graph = take(loader, 1, sizeof(*graph));
    if (graph != NULL) {
        graph->arena = loader->arena;
        graph_fields_init(GRAPH_SECTION_GRAPH, graph);
        graph->file = copy(loader, loader->file);
        graph->name = name_of_file(loader);
        graph->folder = folder_of_file(loader);
    }
    return graph;
}

static int load(struct loader *loader, const char *bytes, size_t count, struct graph **out_graph)
{
    // The tree is only needed while it is walked.
    struct arena *tree = arena_create(ARENA_BYTES_MAX);
    if (tree == NULL) {
        return -ENOMEM;
    }
    const struct document_node *root;
    size_t errors_before = loader->diags->counts[DIAG_ERROR];
    int failed = document_parse(loader->file, bytes, count, tree, loader->diags, &root);
    struct graph *graph = failed == 0 ? create_graph(loader) : NULL;
    if (graph == NULL) {
        arena_destroy(tree);
        return failed != 0 ? failed : -ENOMEM;
    }
    if (root == NULL || (root->kind == DOCUMENT_SCALAR && root->is_null)) {
        COMPLAIN(loader, ((struct graph_place){1, 1}),
                 "the file is empty; write version: 1 and nodes:");
    } else if (expect(loader, root, DOCUMENT_MAP, "the graph", "version: 1 and nodes:")) {
        load_root(loader, root, graph);
    }
    arena_destroy(tree);
    if (loader->is_out_of_memory) {
        return -ENOMEM;
    }
    graph->is_incomplete = loader->diags->counts[DIAG_ERROR] > errors_before;
    *out_graph = graph;
    return 0;
}

int graph_file_load_part(const char *path, const char *bytes, size_t count,
                         struct graph **out_graph, struct diags *diags)
{
    struct loader loader = {.file = path, .diags = diags, .arena = arena_create(ARENA_BYTES_MAX)};
    if (loader.arena == NULL) {
        return -ENOMEM;
    }
    int failed = load(&loader, bytes, count, out_graph);
    if (failed != 0) {
        arena_destroy(loader.arena);
    }
    return failed;
}

int graph_file_load(const char *path, const char *bytes, size_t count, struct graph **out_graph,
                    struct diags *diags)
{
    struct graph *graph;
    int failed = graph_file_load_part(path, bytes, count, &graph, diags);
    if (failed != 0) {
        return failed;
    }
    if (graph->is_incomplete) {
        graph_destroy(graph);
        return -EINVAL;
    }
    *out_graph = graph;
    return 0;
}

static int read_within(const char *path, int64_t wait_ns, struct graph **out_graph,
                       struct diags *diags)
{
    auto_free char *bytes = NULL;
    size_t count;
    struct graph_place nowhere = {0, 0};
    int failed = fd_read_file_within(path, GRAPH_FILE_BYTES_MAX, wait_ns, &bytes, &count);
    if (failed == -EFBIG) {
        diags_add(diags, DIAG_ERROR, path, nowhere,
                  "larger than 1 MiB; a graph file is smaller than that");
        return -EINVAL;
    }
    if (failed == -ENOTSUP) {
        diags_add(diags, DIAG_ERROR, path, nowhere,
                  "is a pipe or a device, for which a broker does not wait; name an ordinary file");
    } else if (failed == -ETIMEDOUT) {
        diags_add(diags, DIAG_ERROR, path, nowhere,
                  "did not come to an end within %d seconds; name a graph file",
                  (int)(GRAPH_FILE_WAIT_NS / CLOCK_NS_PER_S));
    } else if (failed != 0) {
        diags_add(diags, DIAG_ERROR, path, nowhere, "cannot be read (%s); name a graph file",
                  strerror(-failed));
    }
    return failed != 0 ? failed : graph_file_load_part(path, bytes, count, out_graph, diags);
}

int graph_file_read(const char *path, struct graph **out_graph, struct diags *diags)
{
    return read_within(path, GRAPH_FILE_WAIT_NS, out_graph, diags);
}

int graph_file_read_at_once(const char *path, struct graph **out_graph, struct diags *diags)
{
    return read_within(path, 0, out_graph, diags);
}
