// SPDX-License-Identifier: Apache-2.0
// Builds the tree from libyaml's events. The event interface, because the document interface of
// libyaml needs quadratic time for deep nesting and forgets duplicate keys.
#include "broker/graph/document.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <yaml.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/text.h"

enum { KEY_TABLE_SIZE_MAX = 131072 };  // a power of two, more than twice DOCUMENT_NODES_MAX

struct level {
    struct document_node *node;
    struct document_node *last;  // newest value in it
    struct document_node *key;   // MAP: a key that has no value yet
};

struct reader {
    const char *file;
    const char *bytes;
    size_t count;
    struct arena *arena;
    struct diags *diags;
    yaml_parser_t parser;
    struct level levels[DOCUMENT_DEPTH_MAX];
    size_t depth;
    size_t node_count;
    size_t document_count;
    struct document_node *root;
    // Every key of the document by map and text, for the search of duplicates.
    const struct document_node **keys;
    const struct document_node **key_maps;
    size_t key_table_size;  // a power of two
};

static struct graph_place place_of(const yaml_mark_t *mark)
{
    return (struct graph_place){(uint32_t)mark->line + 1, (uint32_t)mark->column + 1};
}

static int refuse(struct reader *reader, struct graph_place place, const char *text)
{
    diags_add(reader->diags, DIAG_ERROR, reader->file, place, "%s", text);
    return -EINVAL;
}

// libyaml has no mark for bytes that are no characters, only their offset.
static struct graph_place place_of_offset(const struct reader *reader, size_t offset)
{
    struct graph_place place = {1, 1};
    for (size_t i = 0; i < offset && i < reader->count; i++) {
        unsigned char byte = (unsigned char)reader->bytes[i];
        if (byte == '\n') {
            place.line++;
            place.column = 1;
        } else if ((byte & 0xC0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

// The most usual mistake, which libyaml calls a character that cannot start any token.
static bool is_tab_at(const struct reader *reader, const yaml_mark_t *mark)
{
    size_t line = 0;
    size_t column = 0;
    for (size_t at = 0; at < reader->count && line <= mark->line; at++) {
        unsigned char byte = (unsigned char)reader->bytes[at];
        if (line == mark->line && column == mark->column && (byte & 0xC0) != 0x80) {
            return byte == '\t';
        }
        line += byte == '\n';
        column = byte == '\n' ? 0 : column + ((byte & 0xC0) != 0x80);
    }
    return false;
}

static int syntax_error(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR) {
        return -ENOMEM;
    }
    const char *problem = parser->problem != NULL ? parser->problem : "no YAML";
    if (parser->error == YAML_READER_ERROR) {
        struct graph_place place = place_of_offset(reader, parser->problem_offset);
        diags_add(reader->diags, DIAG_ERROR, reader->file, place,
                  "%s (byte %zu); write the file as text in UTF-8", problem,
                  parser->problem_offset + 1);
        return -EINVAL;
    }
    struct graph_place place = place_of(&parser->problem_mark);
    if (is_tab_at(reader, &parser->problem_mark)) {
        diags_add(reader->diags, DIAG_ERROR, reader->file, place,
                  "a tab where YAML wants spaces; indent with spaces");
        return -EINVAL;
    }
    if (parser->context != NULL) {
        diags_add(reader->diags, DIAG_ERROR, reader->file, place,
                  "%s %s that begins in line %zu; correct the YAML here", problem, parser->context,
                  parser->context_mark.line + 1);
    } else {
        diags_add(reader->diags, DIAG_ERROR, reader->file, place, "%s; correct the YAML here",
                  problem);
    }
    return -EINVAL;
}

// Finds the key with this text in this map, or enters it.
static const struct document_node *enter_key(struct reader *reader, const struct document_node *map,
                                             const struct document_node *key)
{
    uint64_t slot = hash_bytes(key->text, strlen(key->text)) ^ ((uintptr_t)map * UINT64_C(31));
    for (;; slot++) {
        size_t index = slot & (reader->key_table_size - 1);
        if (reader->keys[index] == NULL) {
            reader->keys[index] = key;
            reader->key_maps[index] = map;
            return NULL;
        }
        if (reader->key_maps[index] == map && strcmp(reader->keys[index]->text, key->text) == 0) {
            return reader->keys[index];
        }
    }
}

static int take_key(struct reader *reader, struct level *level, struct document_node *node)
{
    if (node->kind != DOCUMENT_SCALAR || node->is_null) {
        return refuse(reader, node->place, "a key is not a word; write a name before the colon");
    }
    const struct document_node *other = enter_key(reader, level->node, node);
    if (other != NULL) {
        diags_add(reader->diags, DIAG_ERROR, reader->file, node->place,
                  "duplicate key %s, first in line %u column %u; remove one of the two",
                  diags_quote(node->text).bytes, other->place.line, other->place.column);
        node->is_bad = true;
    }
    level->key = node;
    return 0;
}

// Puts a node where it belongs: root, item of a list, key or value of a map.
static int attach(struct reader *reader, struct document_node *node)
{
    if (reader->depth == 0) {
        reader->root = node;
        return 0;
    }
    struct level *level = &reader->levels[reader->depth - 1];
    if (level->node->kind == DOCUMENT_MAP) {
        if (level->key == NULL) {
            return take_key(reader, level, node);
        }
        node->key = level->key;
        level->key = NULL;
        if (node->key->is_bad) {
            // The second of two equal keys is reported and left out.
            return 0;
        }
    }
    if (level->last == NULL) {
        level->node->first = node;
    } else {
        level->last->next = node;
    }
    level->last = node;
    level->node->count++;
    return 0;
}

static int add_node(struct reader *reader, enum document_kind kind, const yaml_event_t *event,
                    struct document_node **out_node)
{
    struct graph_place place = place_of(&event->start_mark);
    if (++reader->node_count > DOCUMENT_NODES_MAX) {
        return refuse(reader, place, "more than 50000 values; make the file smaller");
    }
    struct document_node *node = arena_alloc(reader->arena, 1, sizeof(*node));
    if (node == NULL) {
        return -ENOMEM;
    }
    node->kind = kind;
    node->place = place;
    *out_node = node;
    return 0;
}

static void refuse_extras(struct reader *reader, struct document_node *node,
                          const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor != NULL) {
        refuse(reader, node->place, "an anchor (&); write the value where it is needed");
    }
    if (tag != NULL) {
        refuse(reader, node->place, "a tag (!); leave it out, the key decides the type");
    }
}

static bool is_null_word(const char *text)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int on_scalar(struct reader *reader, const yaml_event_t *event)
{
    struct document_node *node;
    int failed = add_node(reader, DOCUMENT_SCALAR, event, &node);
    if (failed != 0) {
        return failed;
    }
    size_t length = event->data.scalar.length;
    if (length > DOCUMENT_SCALAR_BYTES_MAX) {
        return refuse(reader, node->place, "a value of more than 64 KiB; make it shorter");
    }
    const char *value = (const char *)event->data.scalar.value;
    if (memchr(value, '\0', length) != NULL) {
        refuse(reader, node->place, "a zero byte (\\0) in a value; leave it out");
        node->is_bad = true;
        length = 0;
    }
    refuse_extras(reader, node, event->data.scalar.anchor, event->data.scalar.tag);
    node->text = arena_copy(reader->arena, value, length);
    if (node->text == NULL) {
        return -ENOMEM;
    }
    node->is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->is_null = !node->is_quoted && is_null_word(node->text);
    return attach(reader, node);
}

static int on_alias(struct reader *reader, const yaml_event_t *event)
{
    struct document_node *node;
    int failed = add_node(reader, DOCUMENT_SCALAR, event, &node);
    if (failed != 0) {
        return failed;
    }
    refuse(reader, node->place, "an alias (*); write the value where it is needed");
    node->text = "*";
    node->is_bad = true;
    return attach(reader, node);
}

static int on_start(struct reader *reader, enum document_kind kind, const yaml_event_t *event)
{
    struct document_node *node;
    int failed = add_node(reader, kind, event, &node);
    if (failed != 0) {
        return failed;
    }
    if (reader->depth == DOCUMENT_DEPTH_MAX) {
        return refuse(reader, node->place, "deeper than 32 levels; make it flatter");
    }
    if (kind == DOCUMENT_MAP) {
        refuse_extras(reader, node, event->data.mapping_start.anchor,
                      event->data.mapping_start.tag);
    } else {
        refuse_extras(reader, node, event->data.sequence_start.anchor,
                      event->data.sequence_start.tag);
    }
    failed = attach(reader, node);
    reader->levels[reader->depth++] = (struct level){.node = node};
    return failed;
}

static int on_document(struct reader *reader, const yaml_event_t *event)
{
    if (++reader->document_count > 1) {
        return refuse(reader, place_of(&event->start_mark),
                      "a second document (---); write one graph per file");
    }
    if (event->data.document_start.tag_directives.start !=
        event->data.document_start.tag_directives.end) {
        return refuse(reader, place_of(&event->start_mark), "a %TAG line; leave it out");
    }
    return 0;
}

static int on_event(struct reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return on_document(reader, event);
    case YAML_SCALAR_EVENT:
        return on_scalar(reader, event);
    case YAML_ALIAS_EVENT:
        return on_alias(reader, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_start(reader, DOCUMENT_LIST, event);
    case YAML_MAPPING_START_EVENT:
        return on_start(reader, DOCUMENT_MAP, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        SB_ASSERT(reader->depth > 0);
        reader->depth--;
        return 0;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return 0;
    }
    SB_UNREACHABLE();
}

static int read_events(struct reader *reader)
{
    for (;;) {
        yaml_event_t event;
        if (yaml_parser_parse(&reader->parser, &event) == 0) {
            return syntax_error(reader);
        }
        int failed = on_event(reader, &event);
        yaml_event_type_t type = event.type;
        yaml_event_delete(&event);
        if (failed != 0 || type == YAML_STREAM_END_EVENT) {
            return failed;
        }
    }
}

int document_parse(const char *file, const char *bytes, size_t count, struct arena *arena,
                   struct diags *diags, const struct document_node **out_root)
{
    // Some editors begin a file with a byte order mark; places are told as if it were not there.
    size_t mark = count >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    bytes += mark;
    count -= mark;
    struct reader reader = {
        .file = file, .bytes = bytes, .count = count, .arena = arena, .diags = diags};
    if (count > DOCUMENT_BYTES_MAX) {
        return refuse(&reader, (struct graph_place){0, 0},
                      "larger than 1 MiB; a graph file is smaller than that");
    }
    // A key takes at least two bytes, so half of the table stays empty.
    reader.key_table_size = 16;
    while (reader.key_table_size < count && reader.key_table_size < KEY_TABLE_SIZE_MAX) {
        reader.key_table_size *= 2;
    }
    reader.keys = calloc(reader.key_table_size, sizeof(*reader.keys));
    reader.key_maps = calloc(reader.key_table_size, sizeof(*reader.key_maps));
    int failed = -ENOMEM;
    if (reader.keys != NULL && reader.key_maps != NULL && yaml_parser_initialize(&reader.parser)) {
        yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&reader.parser, (const unsigned char *)bytes, count);
        failed = read_events(&reader);
        yaml_parser_delete(&reader.parser);
    }
    free(reader.keys);
    free(reader.key_maps);
    if (failed == 0) {
        *out_root = reader.root;
    }
    return failed;
}

const char *document_kind_name(const struct document_node *node)
{
    switch (node->kind) {
    case DOCUMENT_LIST:
        return "a list";
    case DOCUMENT_MAP:
        return "a mapping";
    case DOCUMENT_SCALAR:
        return node->is_null ? "nothing" : "a value";
    }
    SB_UNREACHABLE();
}
