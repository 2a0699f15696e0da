// SPDX-License-Identifier: Apache-2.0
// Measures and prints the columns of a table.
#include "tools/table.h"

#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"

#define CELL_BYTES 512
#define COLUMNS_MAX 32
#define GAP 2

enum kind {
    KIND_TEXT,
    KIND_NUMBER,
    KIND_BYTES,
    KIND_DURATION,
    KIND_MICROSECONDS,
    KIND_RATE,
    KIND_PERCENT,
    KIND_YES,
};

struct column {
    enum table_id table;
    const char *title;
    const char *key;
    enum kind kind;
};

static const struct column columns[] = {
#define TABLE(NAME)
#define COLUMN(NAME, column_title, column_key, column_kind)                                        \
    {.table = TABLE_##NAME,                                                                        \
     .title = (column_title),                                                                      \
     .key = (column_key),                                                                          \
     .kind = KIND_##column_kind},
#include "tools/columns.def"
};

const json_t *table_value(const json_t *object, const char *key)
{
    const char *dot = strchr(key, '.');
    if (dot == NULL) {
        return json_object_get(object, key);
    }
    char first[64];
    struct text text = TEXT_OVER(first);
    text_add_bytes(&text, key, (size_t)(dot - key));
    return table_value(json_object_get(object, first), dot + 1);
}

// People read two places, not nanoseconds.
static void add_duration(struct text *text, int64_t ns)
{
    static const struct {
        int64_t least_ns;
        const char *unit;
    } units[] = {{3600 * CLOCK_NS_PER_S, "h"},
                 {60 * CLOCK_NS_PER_S, "m"},
                 {CLOCK_NS_PER_S, "s"},
                 {CLOCK_NS_PER_MS, "ms"},
                 {CLOCK_NS_PER_US, "us"}};
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (ns >= units[i].least_ns) {
            text_add_format(text, "%.1f%s", (double)ns / (double)units[i].least_ns, units[i].unit);
            return;
        }
    }
    text_add_format(text, "%lldns", (long long)ns);
}

static void add_bytes(struct text *text, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (bytes >= 1024 && unit + 1 < ARRAY_COUNT(units)) {
        bytes /= 1024;
        unit++;
    }
    text_add_format(text, unit == 0 ? "%.0f%s" : "%.1f%s", bytes, units[unit]);
}

static void add_plain(struct text *text, const json_t *value)
{
    if (json_is_string(value)) {
        text_add_escaped(text, json_string_value(value), json_string_length(value));
    } else if (json_is_integer(value)) {
        text_add_format(text, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        text_add_format(text, "%.1f", json_real_value(value));
    } else if (json_is_boolean(value)) {
        text_add(text, json_is_true(value) ? "yes" : "no");
    }
}

static void fill_cell(const struct column *column, const json_t *object, char *out)
{
    struct text text = text_over(out, CELL_BYTES);
    const json_t *value = table_value(object, column->key);
    double number = json_number_value(value);
    bool is_number = json_is_number(value);
    if (column->kind == KIND_YES) {
        text_add(&text, json_is_true(value) ? "yes" : "");
    } else if (column->kind == KIND_BYTES && is_number) {
        add_bytes(&text, number);
    } else if (column->kind == KIND_DURATION && is_number && number >= 0) {
        add_duration(&text, (int64_t)number);
    } else if (column->kind == KIND_MICROSECONDS && is_number) {
        add_duration(&text, (int64_t)number * CLOCK_NS_PER_US);
    } else if (column->kind == KIND_RATE && is_number) {
        text_add_format(&text, number < 100 ? "%.1f" : "%.0f", number);
    } else if (column->kind == KIND_PERCENT && is_number) {
        text_add_format(&text, "%.1f%%", number);
    } else if (column->kind != KIND_DURATION) {
        add_plain(&text, value);
    }
    if (text.length == 0) {
        text_add(&text, "-");
    }
}

// Columns on a screen: characters, not bytes.
static size_t width_of(const char *cell)
{
    size_t width = 0;
    for (; *cell != '\0'; cell++) {
        width += ((unsigned char)*cell & 0xc0) != 0x80;
    }
    return width;
}

static size_t columns_of(enum table_id id, const struct column *out[COLUMNS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_COUNT(columns); i++) {
        if (columns[i].table == id) {
            SB_ASSERT(count < COLUMNS_MAX);
            out[count++] = &columns[i];
        }
    }
    return count;
}

// One line: cells[] with their widths, numbers to the right, the last column without padding.
static void print_line(const struct column *const *table, size_t count, const size_t *widths,
                       char (*cells)[CELL_BYTES], size_t width, FILE *out)
{
    char bytes[COLUMNS_MAX * (CELL_BYTES + GAP)];
    struct text line = TEXT_OVER(bytes);
    for (size_t i = 0; i < count; i++) {
        size_t pad = widths[i] - width_of(cells[i]);
        bool is_right = table[i]->kind != KIND_TEXT && table[i]->kind != KIND_YES;
        text_add_format(&line, "%*s", is_right ? (int)pad : 0, "");
        text_add(&line, cells[i]);
        bool is_last = i + 1 == count;
        text_add_format(&line, "%*s", is_last ? 0 : (int)(is_right ? GAP : pad + GAP), "");
    }
    size_t length = line.length;
    while (length > 0 && bytes[length - 1] == ' ') {
        length--;
    }
    size_t shown = 0;
    size_t end = 0;
    while (end < length && (width == 0 || shown < width)) {
        size_t step = text_utf8_length(bytes + end, length - end);
        end += step > 0 ? step : 1;
        shown++;
    }
    fprintf(out, "%.*s\n", (int)end, bytes);
}

static void print_rows(enum table_id id, const json_t *rows, size_t width, FILE *out)
{
    const struct column *table[COLUMNS_MAX];
    size_t count = columns_of(id, table);
    size_t widths[COLUMNS_MAX];
    static char cells[COLUMNS_MAX][CELL_BYTES];
    for (size_t i = 0; i < count; i++) {
        widths[i] = width_of(table[i]->title);
    }
    size_t index;
    json_t *row;
    json_array_foreach((json_t *)(size_t)rows, index, row)
    {
        for (size_t i = 0; i < count; i++) {
            fill_cell(table[i], row, cells[i]);
            widths[i] = widths[i] > width_of(cells[i]) ? widths[i] : width_of(cells[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        text_copy(cells[i], CELL_BYTES, table[i]->title);
    }
    print_line(table, count, widths, cells, width, out);
    json_array_foreach((json_t *)(size_t)rows, index, row)
    {
        for (size_t i = 0; i < count; i++) {
            fill_cell(table[i], row, cells[i]);
        }
        print_line(table, count, widths, cells, width, out);
    }
}

static void print_ids(enum table_id id, const json_t *rows, FILE *out)
{
    const struct column *table[COLUMNS_MAX];
    SB_ASSERT(columns_of(id, table) > 0);
    char cell[CELL_BYTES];
    size_t index;
    json_t *row;
    json_array_foreach((json_t *)(size_t)rows, index, row)
    {
        fill_cell(table[0], row, cell);
        fprintf(out, "%s\n", cell);
    }
}

static void print_object(enum table_id id, const json_t *object, FILE *out)
{
    const struct column *table[COLUMNS_MAX];
    size_t count = columns_of(id, table);
    char cell[CELL_BYTES];
    for (size_t i = 0; i < count; i++) {
        fill_cell(table[i], object, cell);
        fprintf(out, "%-18s %s\n", table[i]->title, cell);
    }
}

void table_print(enum table_id id, const json_t *document, bool is_ids, size_t width, FILE *out)
{
    if (json_is_object(document)) {
        print_object(id, document, out);
    } else if (is_ids) {
        print_ids(id, document, out);
    } else {
        print_rows(id, document, width, out);
    }
}
