// SPDX-License-Identifier: Apache-2.0
// Reads and writes single values by the rows of graph_fields.def.
#include "broker/graph/graph_fields.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "base/units.h"
#include "broker/graph/diags.h"

// Each list ends with an entry without text, because C has no arrays of nothing.
#define WORD(NAME, text) {text, PREFIX(NAME)},
#define PREFIX(NAME) GRAPH_COMMIT_##NAME
static const struct graph_word words_COMMITS[] = {GRAPH_COMMITS(WORD){NULL, 0}};
#undef PREFIX
#define PREFIX(NAME) GRAPH_POLICY_##NAME
static const struct graph_word words_POLICIES[] = {GRAPH_POLICIES(WORD){NULL, 0}};
#undef PREFIX
#define PREFIX(NAME) GRAPH_PRIORITY_##NAME
static const struct graph_word words_PRIORITIES[] = {GRAPH_PRIORITIES(WORD){NULL, 0}};
#undef PREFIX
#define PREFIX(NAME) GRAPH_RESTART_##NAME
static const struct graph_word words_RESTARTS[] = {GRAPH_RESTARTS(WORD){NULL, 0}};
#undef PREFIX
#define PREFIX(NAME) GRAPH_GIVE_UP_##NAME
static const struct graph_word words_GIVE_UPS[] = {GRAPH_GIVE_UPS(WORD){NULL, 0}};
#undef PREFIX
#define PREFIX(NAME) GRAPH_CRASH_FRAME_##NAME
static const struct graph_word words_CRASH_FRAMES[] = {GRAPH_CRASH_FRAMES(WORD){NULL, 0}};
#undef PREFIX
#define PREFIX(NAME) GRAPH_STALL_##NAME
static const struct graph_word words_STALLS[] = {GRAPH_STALLS(WORD){NULL, 0}};
#undef PREFIX
#define PREFIX(NAME) GRAPH_TIER_##NAME
static const struct graph_word words_TIERS[] = {GRAPH_TIERS(WORD){NULL, 0}};
#undef PREFIX
#define PREFIX(NAME) GRAPH_GPU_##NAME
static const struct graph_word words_GPUS[] = {GRAPH_GPUS(WORD){NULL, 0}};
#undef PREFIX
#define PREFIX(NAME) GRAPH_MEMORY_##NAME
static const struct graph_word words_MEMORIES[] = {GRAPH_MEMORIES(WORD){NULL, 0}};
#undef PREFIX
#define PREFIX(NAME) SB_MODE_##NAME
static const struct graph_word words_MODES[] = {SB_MODES(WORD){NULL, 0}};
#undef PREFIX
#define PREFIX(NAME) SB_DELIVERY_##NAME
static const struct graph_word words_DELIVERIES[] = {SB_DELIVERIES(WORD){NULL, 0}};
#undef PREFIX
#undef WORD
// The other activations are mappings.
static const struct graph_word words_ACTIVATIONS[] = {
    {"any", SB_ACTIVATE_ANY}, {"all", SB_ACTIVATE_ALL}, {NULL, 0}};
static const struct graph_word words_METERS[] = {
    {"cgroup", 0}, {"own-uid", 0}, {"memory", 0}, {"cpu", 0}, {"pids", 0}, {"tls", 0}, {NULL, 0}};
static const struct graph_word words_NONE_NS[] = {{"none", GRAPH_NONE_NS}, {NULL, 0}};
static const struct graph_word words_AUTO_NS[] = {{"auto", GRAPH_AUTO_NS}, {NULL, 0}};
static const struct graph_word words_NONE_BYTES[] = {{"none", (int64_t)GRAPH_NONE_BYTES},
                                                     {NULL, 0}};
static const struct graph_word words_UNLIMITED[] = {{"unlimited", GRAPH_UNLIMITED}, {NULL, 0}};
static const struct graph_word words_NONE[] = {{NULL, 0}};
#define WORDS_OF(WORDS)                                                                            \
    {                                                                                              \
        ARRAY_COUNT(words_##WORDS) - 1, words_##WORDS                                              \
    }

#define BASE_GRAPH struct graph
#define BASE_NODE struct graph_node
#define BASE_LINK struct graph_link

static const struct graph_field_row rows[GRAPH_FIELDS_COUNT] = {
#define FIELD(SECTION, NAME, path, KIND, member, WORDS, low, high, initial, meaning)               \
    [GRAPH_FIELD_##SECTION##_##NAME] = {GRAPH_FIELD_##SECTION##_##NAME,                            \
                                        GRAPH_SECTION_##SECTION,                                   \
                                        GRAPH_KIND_##KIND,                                         \
                                        path,                                                      \
                                        offsetof(BASE_##SECTION, member),                          \
                                        WORDS_OF(WORDS),                                           \
                                        (int64_t)(low),                                            \
                                        (int64_t)(high),                                           \
                                        initial,                                                   \
                                        meaning},
#include "broker/graph/graph_fields.def"
#undef FIELD
};

// A member has the size of its kind, else a row would write over its neighbour.
#define X(NAME, type, text) typedef type kind_##NAME;
GRAPH_KINDS(X)
#undef X
#define FIELD(SECTION, NAME, path, KIND, member, WORDS, low, high, initial, meaning)               \
    _Static_assert(sizeof(((BASE_##SECTION *)0)->member) == sizeof(kind_##KIND), #SECTION " " path);
#include "broker/graph/graph_fields.def"
#undef FIELD

const struct graph_field_row *graph_fields_row(enum graph_field field)
{
    SB_ASSERT(field < GRAPH_FIELDS_COUNT);
    return &rows[field];
}

const char *graph_fields_kind_name(enum graph_kind kind)
{
    static const char *const names[] = {
#define X(NAME, type, text) text,
        GRAPH_KINDS(X)
#undef X
    };
    return names[kind];
}

const char *graph_fields_section_name(enum graph_section section)
{
    static const char *const names[] = {"graph", "node", "link"};
    return names[section];
}

const struct graph_field_row *graph_fields_find(enum graph_section section, const char *path)
{
    for (size_t i = 0; i < GRAPH_FIELDS_COUNT; i++) {
        if (rows[i].section == section && strcmp(rows[i].path, path) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

bool graph_fields_is_group(enum graph_section section, const char *path)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < GRAPH_FIELDS_COUNT; i++) {
        if (rows[i].section == section && strncmp(rows[i].path, path, length) == 0 &&
            rows[i].path[length] == '.') {
            return true;
        }
    }
    return false;
}

bool graph_fields_is_required(const struct graph_field_row *row)
{
    return strcmp(row->initial, "required") == 0;
}

void graph_fields_list_words(const struct graph_words *words, char *out, size_t size_bytes)
{
    struct text text = text_over(out, size_bytes);
    for (size_t i = 0; i < words->count; i++) {
        text_add(&text, i == 0 ? "" : i + 1 == words->count ? " or " : ", ");
        text_add(&text, words->items[i].text);
    }
}

static const struct graph_word *find_word(const struct graph_words *words, const char *text)
{
    for (size_t i = 0; i < words->count; i++) {
        if (strcmp(words->items[i].text, text) == 0) {
            return &words->items[i];
        }
    }
    return NULL;
}

void graph_fields_format_bound(enum graph_kind kind, int64_t bound, char *out, size_t size_bytes)
{
    if (kind == GRAPH_KIND_DURATION) {
        units_format_duration(bound, out, size_bytes);
    } else if (kind == GRAPH_KIND_SIZE || kind == GRAPH_KIND_SHARE) {
        units_format_size((uint64_t)bound, out, size_bytes);
    } else if (kind == GRAPH_KIND_PERCENT) {
        snprintf(out, size_bytes, "%.10g%%", (double)bound / 10);
    } else {
        snprintf(out, size_bytes, "%lld", (long long)bound);
    }
}

static int say_bounds(const struct graph_field_row *row, const char *text, char *why,
                      size_t why_bytes)
{
    char low[32];
    char high[32];
    graph_fields_format_bound(row->kind, row->low, low, sizeof(low));
    graph_fields_format_bound(row->kind, row->high, high, sizeof(high));
    if (row->high == INT64_MAX) {
        snprintf(why, why_bytes, "%s is out of bounds; write at least %s", diags_quote(text).bytes,
                 low);
    } else if (row->low == row->high) {
        snprintf(why, why_bytes, "%s is not known here; write %s", diags_quote(text).bytes, low);
    } else {
        snprintf(why, why_bytes, "%s is out of bounds; write %s to %s", diags_quote(text).bytes,
                 low, high);
    }
    return -EINVAL;
}

static const char *example_of(enum graph_kind kind)
{
    switch (kind) {
    case GRAPH_KIND_COUNT:
        return "a whole number such as 16";
    case GRAPH_KIND_DURATION:
        return "a number with ns, us, ms, s, m or h, such as 250ms";
    case GRAPH_KIND_SIZE:
        return "bytes, or a number with KiB, MiB or GiB, such as 64MiB";
    case GRAPH_KIND_PERCENT:
        return "a percentage such as 50%";
    case GRAPH_KIND_SHARE:
        return "a size such as 512MiB or a percentage such as 50%";
    case GRAPH_KIND_FRACTION:
        return "a number such as 30 or a fraction such as \"30000/1001\"";
    case GRAPH_KIND_ID:
        return "1 to 63 of a-z, 0-9, _ and -, a letter first";
    case GRAPH_KIND_PATH:
    case GRAPH_KIND_BOOL:
    case GRAPH_KIND_CHOICE:
    case GRAPH_KIND_END:
    case GRAPH_KIND_STRINGS:
    case GRAPH_KIND_NUMBERS:
    case GRAPH_KIND_PAIRS:
        break;
    }
    SB_UNREACHABLE();
}

static int say_form(const struct graph_field_row *row, const char *text, char *why,
                    size_t why_bytes)
{
    char words[128] = "";
    graph_fields_list_words(&row->words, words, sizeof(words));
    if (row->kind == GRAPH_KIND_CHOICE) {
        snprintf(why, why_bytes, "%s is not known here; write %s", diags_quote(text).bytes, words);
        return -EINVAL;
    }
    if (row->kind == GRAPH_KIND_BOOL) {
        snprintf(why, why_bytes, "%s is neither true nor false; write one of them",
                 diags_quote(text).bytes);
        return -EINVAL;
    }
    snprintf(why, why_bytes, "%s is not a %s; write %s%s%s", diags_quote(text).bytes,
             graph_fields_kind_name(row->kind), example_of(row->kind),
             row->words.count > 0 ? ", or " : "", words);
    return -EINVAL;
}

// Reads a kind that is one number. Returns what base/units.h returns.
static int read_number(enum graph_kind kind, const char *text, int64_t *out_value)
{
    if (kind == GRAPH_KIND_COUNT) {
        return units_parse_integer(text, out_value);
    }
    if (kind == GRAPH_KIND_DURATION) {
        return units_parse_duration(text, out_value);
    }
    uint64_t size = 0;
    uint32_t permille = 0;
    int failed = kind == GRAPH_KIND_PERCENT ? units_parse_percent(text, &permille)
                                            : units_parse_size(text, &size);
    if (failed == 0) {
        *out_value = kind == GRAPH_KIND_PERCENT ? (int64_t)permille : (int64_t)size;
    }
    return failed;
}

static void store_number(const struct graph_field_row *row, int64_t value, void *base)
{
    void *member = (char *)base + row->offset;
    if (row->kind == GRAPH_KIND_DURATION) {
        *(int64_t *)member = value;
    } else if (row->kind == GRAPH_KIND_SIZE) {
        *(uint64_t *)member = (uint64_t)value;
    } else if (row->kind == GRAPH_KIND_SHARE) {
        *(struct graph_share *)member = (struct graph_share){.bytes = (uint64_t)value};
    } else {
        // COUNT, PERCENT and CHOICE are all of four bytes.
        uint32_t narrow = (uint32_t)value;
        memcpy(member, &narrow, sizeof(narrow));
    }
}

static int64_t load_number(const struct graph_field_row *row, const void *base)
{
    const void *member = (const char *)base + row->offset;
    if (row->kind == GRAPH_KIND_DURATION) {
        return *(const int64_t *)member;
    }
    if (row->kind == GRAPH_KIND_SIZE) {
        return (int64_t) * (const uint64_t *)member;
    }
    if (row->kind == GRAPH_KIND_SHARE) {
        return (int64_t)((const struct graph_share *)member)->bytes;
    }
    uint32_t narrow;
    memcpy(&narrow, member, sizeof(narrow));
    return narrow;
}

static int parse_number(const struct graph_field_row *row, const char *text, void *base, char *why,
                        size_t why_bytes)
{
    int64_t value;
    int failed = read_number(row->kind, text, &value);
    if (failed == -EINVAL) {
        return say_form(row, text, why, why_bytes);
    }
    if (failed != 0 || value < row->low || value > row->high) {
        return say_bounds(row, text, why, why_bytes);
    }
    store_number(row, value, base);
    return 0;
}

static int parse_share(const struct graph_field_row *row, const char *text, void *base, char *why,
                       size_t why_bytes)
{
    uint32_t permille;
    if (strchr(text, '%') == NULL) {
        return parse_number(row, text, base, why, why_bytes);
    }
    int failed = units_parse_percent(text, &permille);
    if (failed == -EINVAL) {
        return say_form(row, text, why, why_bytes);
    }
    if (failed != 0 || permille == 0 || permille > 1000) {
        snprintf(why, why_bytes, "%s is out of bounds; write 0.1%% to 100%%",
                 diags_quote(text).bytes);
        return -EINVAL;
    }
    struct graph_share share = {.permille = permille};
    memcpy((char *)base + row->offset, &share, sizeof(share));
    return 0;
}

static int parse_fraction(const struct graph_field_row *row, const char *text, void *base,
                          char *why, size_t why_bytes)
{
    struct graph_fraction value;
    int failed = units_parse_fraction(text, &value.numerator, &value.denominator);
    if (failed == -EINVAL) {
        return say_form(row, text, why, why_bytes);
    }
    if (failed != 0 || value.numerator > (uint64_t)row->high * value.denominator) {
        snprintf(why, why_bytes, "%s is out of bounds; write more than 0 and at most %lld",
                 diags_quote(text).bytes, (long long)row->high);
        return -EINVAL;
    }
    memcpy((char *)base + row->offset, &value, sizeof(value));
    return 0;
}

static int parse_text(const struct graph_field_row *row, const char *text, void *base, char *why,
                      size_t why_bytes)
{
    const char *value = text;
    if (row->kind == GRAPH_KIND_ID && !text_is_id(text)) {
        return say_form(row, text, why, why_bytes);
    }
    if (row->kind == GRAPH_KIND_PATH && (text[0] == '\0' || strlen(text) > (size_t)row->high)) {
        snprintf(why, why_bytes, "a path of %zu bytes; write 1 to %lld", strlen(text),
                 (long long)row->high);
        return -EINVAL;
    }
    if (row->kind == GRAPH_KIND_PATH && strcmp(text, "none") == 0) {
        value = NULL;
    }
    memcpy((char *)base + row->offset, &value, sizeof(value));
    return 0;
}

int graph_fields_parse(const struct graph_field_row *row, const char *text, void *base, char *why,
                       size_t why_bytes)
{
    const struct graph_word *word = find_word(&row->words, text);
    if (word != NULL) {
        store_number(row, word->value, base);
        return 0;
    }
    bool is_true;
    switch (row->kind) {
    case GRAPH_KIND_ID:
    case GRAPH_KIND_PATH:
        return parse_text(row, text, base, why, why_bytes);
    case GRAPH_KIND_BOOL:
        if (units_parse_bool(text, &is_true) != 0) {
            return say_form(row, text, why, why_bytes);
        }
        *((bool *)((char *)base + row->offset)) = is_true;
        return 0;
    case GRAPH_KIND_COUNT:
    case GRAPH_KIND_DURATION:
    case GRAPH_KIND_SIZE:
    case GRAPH_KIND_PERCENT:
        return parse_number(row, text, base, why, why_bytes);
    case GRAPH_KIND_SHARE:
        return parse_share(row, text, base, why, why_bytes);
    case GRAPH_KIND_FRACTION:
        return parse_fraction(row, text, base, why, why_bytes);
    case GRAPH_KIND_CHOICE:
        return say_form(row, text, why, why_bytes);
    case GRAPH_KIND_END:
    case GRAPH_KIND_STRINGS:
    case GRAPH_KIND_NUMBERS:
    case GRAPH_KIND_PAIRS:
        break;
    }
    SB_UNREACHABLE();
}

static bool has_default(const struct graph_field_row *row)
{
    return row->kind <= GRAPH_KIND_CHOICE && row->initial[0] != '(' &&
           !graph_fields_is_required(row);
}

void graph_fields_init(enum graph_section section, void *base)
{
    for (size_t i = 0; i < GRAPH_FIELDS_COUNT; i++) {
        if (rows[i].section == section && has_default(&rows[i])) {
            char why[DIAG_TEXT_BYTES_MAX];
            int failed = graph_fields_parse(&rows[i], rows[i].initial, base, why, sizeof(why));
            SB_ASSERT(failed == 0);
        }
    }
}

static void format_fraction(struct graph_fraction value, char *out, size_t size_bytes)
{
    if (value.denominator == 1) {
        snprintf(out, size_bytes, "%u", value.numerator);
    } else {
        snprintf(out, size_bytes, "%u/%u", value.numerator, value.denominator);
    }
}

void graph_fields_format(const struct graph_field_row *row, const void *base, char *out,
                         size_t size_bytes)
{
    const void *member = (const char *)base + row->offset;
    if (row->kind == GRAPH_KIND_ID || row->kind == GRAPH_KIND_PATH) {
        const char *text;
        memcpy(&text, member, sizeof(text));
        snprintf(out, size_bytes, "%s", text != NULL ? text : "none");
        return;
    }
    if (row->kind == GRAPH_KIND_BOOL) {
        snprintf(out, size_bytes, "%s", *(const bool *)member ? "true" : "false");
        return;
    }
    if (row->kind == GRAPH_KIND_FRACTION) {
        format_fraction(*(const struct graph_fraction *)member, out, size_bytes);
        return;
    }
    if (row->kind == GRAPH_KIND_SHARE && ((const struct graph_share *)member)->permille > 0) {
        graph_fields_format_bound(GRAPH_KIND_PERCENT,
                                  ((const struct graph_share *)member)->permille, out, size_bytes);
        return;
    }
    int64_t value = load_number(row, base);
    for (size_t i = 0; i < row->words.count; i++) {
        if (row->words.items[i].value == value) {
            snprintf(out, size_bytes, "%s", row->words.items[i].text);
            return;
        }
    }
    graph_fields_format_bound(row->kind, value, out, size_bytes);
}

// Compares as text, both in the form that is printed: 300s is 5m.
static bool is_initial(const struct graph_field_row *row, const void *base)
{
    union {
        struct graph graph;
        struct graph_node node;
        struct graph_link link;
    } scratch;
    char why[DIAG_TEXT_BYTES_MAX];
    char now[4352];
    char initial[64];
    int failed = graph_fields_parse(row, row->initial, &scratch, why, sizeof(why));
    SB_ASSERT(failed == 0);
    graph_fields_format(row, base, now, sizeof(now));
    graph_fields_format(row, &scratch, initial, sizeof(initial));
    return strcmp(now, initial) == 0;
}

bool graph_fields_is_default(const struct graph_field_row *row, const void *base)
{
    const void *member = (const char *)base + row->offset;
    if (row->kind == GRAPH_KIND_STRINGS) {
        return ((const struct graph_strings *)member)->count == 0;
    }
    if (row->kind == GRAPH_KIND_NUMBERS) {
        return ((const struct graph_numbers *)member)->count == 0;
    }
    if (row->kind == GRAPH_KIND_PAIRS) {
        return ((const struct graph_pairs *)member)->count == 0;
    }
    if (row->kind == GRAPH_KIND_END) {
        return false;
    }
    if (graph_fields_is_required(row)) {
        return false;
    }
    if (has_default(row)) {
        return is_initial(row, base);
    }
    if (row->kind == GRAPH_KIND_ID || row->kind == GRAPH_KIND_PATH) {
        const char *text;
        memcpy(&text, member, sizeof(text));
        return text == NULL;
    }
    return load_number(row, base) == 0;
}

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_same_strings(const struct graph_strings *a, const struct graph_strings *b)
{
    bool is_same = a->count == b->count;
    for (size_t i = 0; is_same && i < a->count; i++) {
        is_same = is_same_text(a->items[i], b->items[i]);
    }
    return is_same;
}

static bool is_same_pairs(const struct graph_pairs *a, const struct graph_pairs *b)
{
    bool is_same = a->count == b->count;
    for (size_t i = 0; is_same && i < a->count; i++) {
        is_same = is_same_text(a->items[i].name, b->items[i].name) &&
                  is_same_text(a->items[i].value, b->items[i].value);
    }
    return is_same;
}

static bool is_same_numbers(const struct graph_numbers *a, const struct graph_numbers *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->items, b->items, a->count * sizeof a->items[0]) == 0);
}

bool graph_fields_is_equal(const struct graph_field_row *row, const void *a, const void *b)
{
    const void *first = (const char *)a + row->offset;
    const void *second = (const char *)b + row->offset;
    if (row->kind == GRAPH_KIND_STRINGS) {
        return is_same_strings(first, second);
    }
    if (row->kind == GRAPH_KIND_NUMBERS) {
        return is_same_numbers(first, second);
    }
    if (row->kind == GRAPH_KIND_PAIRS) {
        return is_same_pairs(first, second);
    }
    if (row->kind == GRAPH_KIND_END) {
        const struct graph_end *one = first;
        const struct graph_end *other = second;
        return is_same_text(one->node, other->node) && is_same_text(one->port, other->port);
    }
    char texts[2][4352];
    graph_fields_format(row, a, texts[0], sizeof texts[0]);
    graph_fields_format(row, b, texts[1], sizeof texts[1]);
    return strcmp(texts[0], texts[1]) == 0;
}
