// SPDX-License-Identifier: Apache-2.0
// YAML becomes a tree with places, and what is refused is refused where it stands.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker/graph/document.h"

struct read {
    struct arena *arena;
    struct diags diags;
    const struct document_node *root;
    int result;
};

static struct read read_bytes(const char *bytes, size_t count)
{
    struct read read = {.arena = arena_create(64 * 1024 * 1024)};
    read.result = document_parse("g.yaml", bytes, count, read.arena, &read.diags, &read.root);
    return read;
}

static struct read read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

// The text is refused, and the first message is exactly this.
static void assert_message(const char *text, const char *message)
{
    struct read read = read_text(text);
    char line[DIAGS_LINE_BYTES_MAX];
    assert_true(read.diags.count > 0);
    diags_format(&read.diags.items[0], line, sizeof(line));
    assert_string_equal(line, message);
    arena_destroy(read.arena);
}

static void a_byte_order_mark_before_the_text_is_no_part_of_it(void **state)
{
    (void)state;
    struct read read = read_text("\xef\xbb\xbf"
                                 "a: 1\n");
    assert_int_equal(read.result, 0);
    assert_string_equal(read.root->first->key->text, "a");
    assert_int_equal(read.root->first->key->place.column, 1);
    arena_destroy(read.arena);
}

static void every_part_has_its_line_and_column(void **state)
{
    (void)state;
    struct read read = read_text("a: 1\nb:\n  c: [x, 'y']\n");
    assert_int_equal(read.result, 0);
    assert_int_equal(read.root->count, 2);
    const struct document_node *b = read.root->first->next;
    assert_string_equal(b->key->text, "b");
    assert_int_equal(b->key->place.line, 2);
    const struct document_node *list = b->first;
    assert_int_equal(list->place.line, 3);
    assert_int_equal(list->place.column, 6);
    assert_false(list->first->is_quoted);
    assert_true(list->first->next->is_quoted);
    assert_int_equal(list->first->next->place.column, 10);
    arena_destroy(read.arena);
}

// R-GRAPH-001
static void json_is_read_as_the_subset_that_it_is(void **state)
{
    (void)state;
    struct read read = read_text("{\"a\": {\"b\": [1, true, null, \"\\u00e9\"]}}\n");
    assert_int_equal(read.result, 0);
    const struct document_node *list = read.root->first->first;
    assert_int_equal(list->count, 4);
    assert_true(list->first->next->next->is_null);
    assert_string_equal(list->first->next->next->next->text, "\xC3\xA9");
    arena_destroy(read.arena);
}

// R-GRAPH-015
static void anchors_aliases_tags_and_second_documents_are_refused(void **state)
{
    (void)state;
    assert_message("a: &x 1\n", "g.yaml:1:4: an anchor (&); write the value where it is needed");
    assert_message("a: *x\n", "g.yaml:1:4: an alias (*); write the value where it is needed");
    assert_message("a: !!int 1\n", "g.yaml:1:4: a tag (!); leave it out, the key decides the type");
    assert_message("a: 1\n---\nb: 2\n",
                   "g.yaml:2:1: a second document (---); write one graph per file");
    assert_message("%TAG ! tag:x,1:\n---\na: 1\n", "g.yaml:1:1: a %TAG line; leave it out");
}

// R-GRAPH-009
static void a_duplicate_key_is_refused_with_both_places(void **state)
{
    (void)state;
    assert_message("a:\n  b: 1\n  c: 2\n  b: 3\n",
                   "g.yaml:4:3: duplicate key 'b', first in line 2 column 3; remove one of the "
                   "two");
}

static void the_same_key_in_another_mapping_is_no_duplicate(void **state)
{
    (void)state;
    struct read read = read_text("a: {b: 1}\nc: {b: 1}\n");
    assert_int_equal(read.result, 0);
    assert_int_equal(read.diags.count, 0);
    arena_destroy(read.arena);
}

static void wrong_syntax_is_reported_where_it_is(void **state)
{
    (void)state;
    assert_message("a: [1, 2\nb: 3\n",
                   "g.yaml:2:2: did not find expected ',' or ']' while parsing a flow sequence "
                   "that begins in line 1; correct the YAML here");
    assert_message("a: \u00e4\nb:\n\tc: 1\n",
                   "g.yaml:3:1: a tab where YAML wants spaces; indent with spaces");
}

// R-GRAPH-016
static void bytes_that_are_no_text_are_refused_with_their_place(void **state)
{
    (void)state;
    struct read read = read_bytes("a: 1\nb: \xC3\xA9\xFF\n", 11);
    assert_int_equal(read.result, -EINVAL);
    assert_int_equal(read.diags.items[0].diag.line, 2);
    assert_int_equal(read.diags.items[0].diag.column, 5);
    assert_non_null(strstr(read.diags.items[0].diag.text, "write the file as text in UTF-8"));
    arena_destroy(read.arena);
    read = read_bytes("a: \0b\n", 6);
    assert_int_equal(read.result, -EINVAL);
    assert_int_equal(read.diags.items[0].diag.column, 4);
    arena_destroy(read.arena);
    assert_message("a: \"x\\0y\"\n", "g.yaml:1:4: a zero byte (\\0) in a value; leave it out");
}

// R-GRAPH-016
static void what_is_too_deep_is_refused_at_once(void **state)
{
    (void)state;
    enum { COUNT = 200000 };
    char *deep = malloc(COUNT);
    memset(deep, '[', COUNT);
    struct read read = read_bytes(deep, COUNT);
    assert_int_equal(read.result, -EINVAL);
    assert_int_equal(read.diags.items[0].diag.line, 1);
    assert_int_equal(read.diags.items[0].diag.column, DOCUMENT_DEPTH_MAX + 1);
    arena_destroy(read.arena);
    free(deep);
}

// R-GRAPH-016
static void what_is_too_large_or_too_much_is_refused(void **state)
{
    (void)state;
    size_t count = DOCUMENT_BYTES_MAX + 1;
    char *large = malloc(count);
    memset(large, 'x', count);
    struct read read = read_bytes(large, count);
    assert_int_equal(read.result, -EINVAL);
    assert_non_null(strstr(read.diags.items[0].diag.text, "larger than 1 MiB"));
    arena_destroy(read.arena);
    read = read_bytes(large, DOCUMENT_SCALAR_BYTES_MAX + 1);
    assert_int_equal(read.result, -EINVAL);
    assert_non_null(strstr(read.diags.items[0].diag.text, "more than 64 KiB"));
    arena_destroy(read.arena);
    // One list of "x,x,x,...": more than 50000 values.
    for (size_t i = 0; i < DOCUMENT_BYTES_MAX; i++) {
        large[i] = i == 0 ? '[' : i % 2 == 1 ? 'x' : ',';
    }
    read = read_bytes(large, DOCUMENT_BYTES_MAX);
    assert_int_equal(read.result, -EINVAL);
    assert_non_null(strstr(read.diags.items[0].diag.text, "more than 50000 values"));
    arena_destroy(read.arena);
    free(large);
}

static void a_key_that_is_no_word_is_refused(void **state)
{
    (void)state;
    assert_message("? [a]\n: 1\n",
                   "g.yaml:1:3: a key is not a word; write a name before the colon");
    assert_message("~: 1\n", "g.yaml:1:1: a key is not a word; write a name before the colon");
}

static void an_empty_file_has_no_root(void **state)
{
    (void)state;
    struct read read = read_text("# nothing\n");
    assert_int_equal(read.result, 0);
    assert_null(read.root);
    arena_destroy(read.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_has_its_line_and_column),
        cmocka_unit_test(a_byte_order_mark_before_the_text_is_no_part_of_it),
        cmocka_unit_test(json_is_read_as_the_subset_that_it_is),
        cmocka_unit_test(anchors_aliases_tags_and_second_documents_are_refused),
        cmocka_unit_test(a_duplicate_key_is_refused_with_both_places),
        cmocka_unit_test(the_same_key_in_another_mapping_is_no_duplicate),
        cmocka_unit_test(wrong_syntax_is_reported_where_it_is),
        cmocka_unit_test(bytes_that_are_no_text_are_refused_with_their_place),
        cmocka_unit_test(what_is_too_deep_is_refused_at_once),
        cmocka_unit_test(what_is_too_large_or_too_much_is_refused),
        cmocka_unit_test(a_key_that_is_no_word_is_refused),
        cmocka_unit_test(an_empty_file_has_no_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
