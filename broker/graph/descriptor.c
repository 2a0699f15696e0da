// SPDX-License-Identifier: Apache-2.0
// Checks the JSON of --describe field by field: a processor wrote it, so nothing in it is believed.
#include "broker/graph/descriptor.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/hash.h"
#include "base/text.h"
#include "broker/graph/arena.h"
#include "schemas/limits.h"

enum { ARENA_BYTES_MAX = 4 * 1024 * 1024, TEXT_BYTES_MAX = 4096, WANTS_MAX = 16 };

// What is read, and the first thing that was wrong with it.
struct parser {
    struct arena *arena;
    struct diag *why;
    const char *where;  // "input video", for messages
    bool is_failed;
    bool is_out_of_memory;
};

__attribute__((format(printf, 2, 3))) static void fail(struct parser *parser, const char *format,
                                                       ...)
{
    if (parser->is_failed) {
        return;
    }
    parser->is_failed = true;
    char said[256];
    struct text inner = TEXT_OVER(said);
    va_list list;
    va_start(list, format);
    text_add_format_list(&inner, format, list);
    va_end(list);
    struct text text = TEXT_OVER(parser->why->text);
    text_add(&text, "its description is wrong: ");
    text_add_escaped(&text, parser->where, strlen(parser->where));
    text_add(&text, ": ");
    text_add_escaped(&text, said, inner.length);
}

static void *take(struct parser *parser, size_t count, size_t item_bytes)
{
    void *memory = arena_alloc(parser->arena, count, item_bytes);
    if (memory == NULL) {
        parser->is_out_of_memory = true;
        parser->is_failed = true;
    }
    return memory;
}

// A member of this type; fails when it is absent or of another one.
static json_t *member(struct parser *parser, const json_t *object, const char *key, json_type type)
{
    json_t *value = json_object_get(object, key);
    if (value == NULL) {
        fail(parser, "no '%s'", key);
        return NULL;
    }
    bool is_bool = json_is_boolean(value) && (type == JSON_TRUE || type == JSON_FALSE);
    bool is_number = type == JSON_REAL && json_is_number(value);
    if (json_typeof(value) != type && !is_bool && !is_number) {
        fail(parser, "'%s' is of a wrong type", key);
        return NULL;
    }
    return value;
}

static bool read_bool(struct parser *parser, const json_t *object, const char *key)
{
    const json_t *value = member(parser, object, key, JSON_TRUE);
    return value != NULL && json_is_true(value);
}

static int64_t read_integer(struct parser *parser, const json_t *object, const char *key,
                            int64_t maximum)
{
    const json_t *value = member(parser, object, key, JSON_INTEGER);
    if (value == NULL) {
        return 0;
    }
    int64_t integer = json_integer_value(value);
    if (integer < 0 || integer > maximum) {
        fail(parser, "'%s' is %lld, allowed are 0 to %lld", key, (long long)integer,
             (long long)maximum);
        return 0;
    }
    return integer;
}

static uint32_t read_count(struct parser *parser, const json_t *object, const char *key,
                           uint32_t maximum)
{
    return (uint32_t)read_integer(parser, object, key, maximum);
}

static double read_real(struct parser *parser, const json_t *object, const char *key)
{
    const json_t *value = member(parser, object, key, JSON_REAL);
    double real = value != NULL ? json_number_value(value) : 0;
    if (!isfinite(real)) {
        fail(parser, "'%s' is not finite", key);
        return 0;
    }
    return real;
}

static const char *copy_string(struct parser *parser, const char *key, const json_t *value,
                               size_t length_max)
{
    // jansson refuses zero bytes in strings, so the length is that of the C string.
    size_t length = json_string_length(value);
    if (length > length_max) {
        fail(parser, "'%s' has %zu bytes, at most %zu are allowed", key, length, length_max);
        return "";
    }
    char *copy = take(parser, length + 1, 1);
    if (copy == NULL) {
        return "";
    }
    memcpy(copy, json_string_value(value), length);
    return copy;
}

static const char *read_string(struct parser *parser, const json_t *object, const char *key,
                               size_t length_max)
{
    const json_t *value = member(parser, object, key, JSON_STRING);
    return value == NULL ? "" : copy_string(parser, key, value, length_max);
}

// A string or null.
static const char *read_optional(struct parser *parser, const json_t *object, const char *key,
                                 size_t length_max)
{
    if (json_is_null(json_object_get(object, key))) {
        return NULL;
    }
    return read_string(parser, object, key, length_max);
}

static const char *read_id(struct parser *parser, const json_t *object, const char *key)
{
    const char *id = read_string(parser, object, key, SB_NAME_BYTES_MAX - 1);
    if (!parser->is_failed && !text_is_id(id)) {
        fail(parser, "'%s' is '%s', which is no name", key, id);
    }
    return id;
}

// A list of at most count_max items.
static json_t *read_list(struct parser *parser, const json_t *object, const char *key,
                         size_t count_max)
{
    json_t *list = member(parser, object, key, JSON_ARRAY);
    if (list != NULL && json_array_size(list) > count_max) {
        fail(parser, "'%s' has %zu items, at most %zu are allowed", key, json_array_size(list),
             count_max);
        return NULL;
    }
    return list;
}

static const char *const *read_strings(struct parser *parser, const json_t *object, const char *key,
                                       size_t count_max, size_t *out_count)
{
    const json_t *list = read_list(parser, object, key, count_max);
    const char **strings =
        list != NULL ? take(parser, json_array_size(list), sizeof(*strings)) : NULL;
    if (strings == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        if (!json_is_string(item) || json_string_length(item) == 0) {
            fail(parser, "'%s' has an item that is no text", key);
            return NULL;
        }
        strings[i] = copy_string(parser, key, item, TEXT_BYTES_MAX);
    }
    *out_count = json_array_size(list);
    return strings;
}

typedef int (*value_of_name_fn)(const char *name);

static int kind_value(const char *name)
{
    return (int)sb_format_kind_from_name(name);
}

static int pixel_value(const char *name)
{
    return (int)sb_pixel_from_name(name);
}

static int memory_value(const char *name)
{
    return (int)sb_memory_from_name(name);
}

static int sample_value(const char *name)
{
    return (int)sb_sample_from_name(name);
}

static int port_type_value(const char *name)
{
    return (int)sb_port_type_from_name(name);
}

#define NAMED_VALUES(function, LIST, PREFIX)                                                       \
    static int function(const char *name)                                                          \
    {                                                                                              \
        LIST(NAMED_VALUE_##PREFIX)                                                                 \
        return 0;                                                                                  \
    }
#define NAMED_VALUE_DELIVERY(NAME, text)                                                           \
    if (strcmp(name, text) == 0) {                                                                 \
        return SB_DELIVERY_##NAME;                                                                 \
    }
#define NAMED_VALUE_MODE(NAME, text)                                                               \
    if (strcmp(name, text) == 0) {                                                                 \
        return SB_MODE_##NAME;                                                                     \
    }
#define NAMED_VALUE_ACTIVATE(NAME, text)                                                           \
    if (strcmp(name, text) == 0) {                                                                 \
        return SB_ACTIVATE_##NAME;                                                                 \
    }
#define NAMED_VALUE_PARAM(NAME, text)                                                              \
    if (strcmp(name, text) == 0) {                                                                 \
        return SB_PARAM_##NAME;                                                                    \
    }
NAMED_VALUES(delivery_value, SB_DELIVERIES, DELIVERY)
NAMED_VALUES(mode_value, SB_MODES, MODE)
NAMED_VALUES(activation_value, SB_ACTIVATIONS, ACTIVATE)
NAMED_VALUES(param_type_value, SB_PARAM_TYPES, PARAM)

static int read_word(struct parser *parser, const json_t *object, const char *key,
                     value_of_name_fn value_of)
{
    const char *name = read_string(parser, object, key, SB_NAME_BYTES_MAX);
    int value = parser->is_failed ? 0 : value_of(name);
    if (value == 0) {
        fail(parser, "'%s' is '%s', which is not known here", key, name);
    }
    return value;
}

static uint32_t read_set(struct parser *parser, const json_t *object, const char *key,
                         value_of_name_fn value_of)
{
    size_t count = 0;
    const char *const *names = read_strings(parser, object, key, 32, &count);
    uint32_t set = 0;
    for (size_t i = 0; names != NULL && i < count && !parser->is_failed; i++) {
        int value = value_of(names[i]);
        if (value <= 0) {
            fail(parser, "'%s' has '%s', which is not known here", key, names[i]);
            return 0;
        }
        set |= SB_BIT(value);
    }
    return set;
}

// [low, high], 0 = no bound.
static void read_range(struct parser *parser, const json_t *object, const char *key,
                       uint32_t maximum, uint32_t *out_low, uint32_t *out_high)
{
    const json_t *list = read_list(parser, object, key, 2);
    if (list == NULL) {
        return;
    }
    uint32_t bounds[2] = {0, 0};
    for (size_t i = 0; i < 2; i++) {
        const json_t *item = json_array_get(list, i);
        json_int_t value = json_integer_value(item);
        if (!json_is_integer(item) || value < 0 || value > maximum) {
            fail(parser, "'%s' is not two numbers of 0 to %u", key, maximum);
            return;
        }
        bounds[i] = (uint32_t)value;
    }
    if (bounds[1] != 0 && bounds[0] > bounds[1]) {
        fail(parser, "'%s' begins above its end", key);
    }
    *out_low = bounds[0];
    *out_high = bounds[1];
}

static void read_formats(struct parser *parser, const json_t *port,
                         struct descriptor_formats *formats)
{
    const json_t *object = member(parser, port, "formats", JSON_OBJECT);
    if (object == NULL) {
        return;
    }
    // Programs of before there were others work on the CPU.
    formats->memories = json_object_get(object, "memories") == NULL
                            ? SB_BIT(SB_MEMORY_CPU)
                            : read_set(parser, object, "memories", memory_value);
    if (formats->memories == 0) {
        fail(parser, "'memories' is empty");
    }
    formats->kinds = read_set(parser, object, "kinds", kind_value);
    formats->pixels = read_set(parser, object, "pixels", pixel_value);
    formats->samples = read_set(parser, object, "samples", sample_value);
    read_range(parser, object, "rate", SB_AUDIO_RATE_MAX, &formats->rate_min, &formats->rate_max);
    read_range(parser, object, "channels", SB_AUDIO_CHANNELS_MAX, &formats->channels_min,
               &formats->channels_max);
    formats->message = read_optional(parser, object, "message", SB_FORMAT_NAME_MAX - 1);
}

static void read_port(struct parser *parser, const json_t *object, bool is_input,
                      struct descriptor_port *port)
{
    if (!json_is_object(object)) {
        fail(parser, "a port is not an object");
        return;
    }
    port->name = read_id(parser, object, "name");
    parser->where = parser->is_failed ? parser->where : port->name;
    port->type = (enum sb_port_type)read_word(parser, object, "type", port_type_value);
    port->help = read_string(parser, object, "help", TEXT_BYTES_MAX);
    port->count = read_count(parser, object, "count", SB_PORT_ARRAY_MAX);
    read_formats(parser, object, &port->formats);
    if (is_input) {
        port->is_optional = read_bool(parser, object, "optional");
        port->delivery = (enum sb_delivery)read_word(parser, object, "delivery", delivery_value);
        port->holds = read_count(parser, object, "holds", LIMIT_CLAIMS_MAX);
        port->holds = port->holds == 0 ? 1 : port->holds;
        port->is_memory = read_bool(parser, object, "memory");
    } else {
        port->claims = read_count(parser, object, "claims", LIMIT_CLAIMS_MAX);
        port->claims = port->claims == 0 ? 1 : port->claims;
        port->is_one_per_step = read_bool(parser, object, "one_per_step");
        port->max_payload =
            (uint64_t)read_integer(parser, object, "max_payload", (int64_t)LIMIT_PAYLOAD_BYTES_MAX);
        port->follows = read_optional(parser, object, "follows", SB_NAME_BYTES_MAX - 1);
    }
}

// True when name is a member of this port array, or looks like one.
static bool is_member(const struct descriptor_port *port, const char *name)
{
    size_t length = strlen(port->name);
    return port->count > 0 && strncmp(port->name, name, length) == 0 && name[length] == '_' &&
           isdigit((unsigned char)name[length + 1]);
}

// Members of arrays have names too, so that "video_3" could be another port's name.
static bool is_taken(const struct descriptor_port *ports, size_t count,
                     const struct descriptor_port *port)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(ports[i].name, port->name) == 0 || is_member(&ports[i], port->name) ||
            is_member(port, ports[i].name)) {
            return true;
        }
    }
    return false;
}

static const struct descriptor_port *read_ports(struct parser *parser, const json_t *root,
                                                const char *key, bool is_input, size_t *out_count)
{
    const json_t *list = read_list(parser, root, key, SB_PORTS_MAX);
    if (list == NULL) {
        return NULL;
    }
    size_t count = json_array_size(list);
    struct descriptor_port *ports = take(parser, count, sizeof(*ports));
    for (size_t i = 0; i < count && !parser->is_failed; i++) {
        parser->where = key;
        read_port(parser, json_array_get(list, i), is_input, &ports[i]);
        if (!parser->is_failed && is_taken(ports, i, &ports[i])) {
            fail(parser, "two ports of this name");
        }
    }
    *out_count = count;
    return ports;
}

static void read_param(struct parser *parser, const json_t *object, struct descriptor_param *param)
{
    if (!json_is_object(object)) {
        fail(parser, "a parameter is not an object");
        return;
    }
    param->name = read_id(parser, object, "name");
    parser->where = parser->is_failed ? parser->where : param->name;
    param->type = (enum sb_param_type)read_word(parser, object, "type", param_type_value);
    param->help = read_string(parser, object, "help", TEXT_BYTES_MAX);
    param->initial = read_optional(parser, object, "default", SB_STRING_BYTES_MAX - 1);
    param->minimum = read_real(parser, object, "minimum");
    param->maximum = read_real(parser, object, "maximum");
    param->choices = read_strings(parser, object, "choices", SB_CHOICES_MAX, &param->choice_count);
    param->is_fixed = read_bool(parser, object, "fixed");
    if (!parser->is_failed && param->type == SB_PARAM_CHOICE && param->choice_count == 0) {
        fail(parser, "a choice without 'choices'");
    }
}

static void read_params(struct parser *parser, const json_t *root, struct descriptor *descriptor)
{
    const json_t *list = read_list(parser, root, "params", SB_PARAMS_MAX);
    if (list == NULL) {
        return;
    }
    size_t count = json_array_size(list);
    struct descriptor_param *params = take(parser, count, sizeof(*params));
    descriptor->params = params;
    for (size_t i = 0; i < count && !parser->is_failed; i++) {
        parser->where = "params";
        read_param(parser, json_array_get(list, i), &params[i]);
        if (!parser->is_failed && descriptor_find_param(descriptor, params[i].name) != NULL) {
            fail(parser, "two parameters of this name");
        }
        descriptor->param_count = i + 1;
    }
}

static void check_follows(struct parser *parser, const struct descriptor *descriptor)
{
    for (size_t i = 0; i < descriptor->output_count && !parser->is_failed; i++) {
        const char *follows = descriptor->outputs[i].follows;
        uint32_t index;
        parser->where = descriptor->outputs[i].name;
        if (follows != NULL && descriptor_find_input(descriptor, follows, &index) == NULL) {
            fail(parser, "it follows '%s', which is no input", follows);
        }
    }
}

static void read_activation(struct parser *parser, const json_t *root,
                            struct descriptor *descriptor)
{
    const json_t *object = member(parser, root, "activation", JSON_OBJECT);
    if (object == NULL) {
        return;
    }
    parser->where = "activation";
    descriptor->activation =
        (enum sb_activation)read_word(parser, object, "kind", activation_value);
    descriptor->batch_count = read_count(parser, object, "count", LIMIT_CLAIMS_MAX);
    descriptor->batch_within_ns = read_integer(parser, object, "within_ns", INT64_MAX);
    if (!parser->is_failed && descriptor->activation == SB_ACTIVATE_BATCH &&
        descriptor->batch_count == 0) {
        fail(parser, "a batch of 0 frames");
    }
    parser->where = "descriptor";
}

static void read_root(struct parser *parser, const json_t *root, struct descriptor *descriptor)
{
    if (!json_is_object(root)) {
        fail(parser, "not an object");
        return;
    }
    int64_t schema = read_integer(parser, root, "streambroker", INT32_MAX);
    if (!parser->is_failed && schema != DESCRIPTOR_SCHEMA) {
        fail(parser, "version %lld, this broker knows %d; build both from one version",
             (long long)schema, DESCRIPTOR_SCHEMA);
    }
    descriptor->name = read_id(parser, root, "name");
    descriptor->version = read_string(parser, root, "version", SB_NAME_BYTES_MAX - 1);
    descriptor->summary = read_string(parser, root, "summary", TEXT_BYTES_MAX);
    descriptor->mode = (enum sb_mode)read_word(parser, root, "mode", mode_value);
    if (json_object_get(root, "modes") != NULL) {
        descriptor->modes = read_set(parser, root, "modes", mode_value);
    }
    descriptor->interval_ns = read_integer(parser, root, "interval_ns", INT64_MAX);
    read_activation(parser, root, descriptor);
    descriptor->wants = read_strings(parser, root, "wants", WANTS_MAX, &descriptor->want_count);
    descriptor->inputs = read_ports(parser, root, "inputs", true, &descriptor->input_count);
    descriptor->outputs = read_ports(parser, root, "outputs", false, &descriptor->output_count);
    parser->where = "descriptor";
    read_params(parser, root, descriptor);
    check_follows(parser, descriptor);
}

static int parse(struct parser *parser, const char *json, size_t count,
                 struct descriptor **out_descriptor)
{
    struct descriptor *descriptor = take(parser, 1, sizeof(*descriptor));
    if (descriptor == NULL) {
        return -ENOMEM;
    }
    descriptor->arena = parser->arena;
    descriptor->digest = hash_bytes(json, count);
    json_error_t error;
    json_t *root = json_loadb(json, count, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        parser->why->line = error.line > 0 ? (uint32_t)error.line : 0;
        parser->why->column = error.column > 0 ? (uint32_t)error.column : 0;
        fail(parser, "%s", error.text);
        return -EPROTO;
    }
    read_root(parser, root, descriptor);
    json_decref(root);
    if (parser->is_failed) {
        return parser->is_out_of_memory ? -ENOMEM : -EPROTO;
    }
    *out_descriptor = descriptor;
    return 0;
}

int descriptor_parse(const char *json, size_t count, struct descriptor **out_descriptor,
                     struct diag *out_why)
{
    if (count > DESCRIPTOR_BYTES_MAX) {
        diag_set(out_why, "its description is wrong: more than %d bytes", DESCRIPTOR_BYTES_MAX);
        return -EPROTO;
    }
    while (count > 0 && isspace((unsigned char)json[count - 1])) {
        count--;
    }
    while (count > 0 && isspace((unsigned char)json[0])) {
        json++;
        count--;
    }
    if (count == 0) {
        diag_set(out_why, "it is no processor: it printed nothing for --describe");
        return -EPROTO;
    }
    struct parser parser = {
        .arena = arena_create(ARENA_BYTES_MAX), .why = out_why, .where = "descriptor"};
    if (parser.arena == NULL) {
        return -ENOMEM;
    }
    int failed = parse(&parser, json, count, out_descriptor);
    if (failed != 0) {
        arena_destroy(parser.arena);
    }
    return failed;
}

void descriptor_destroy(struct descriptor *descriptor)
{
    if (descriptor != NULL) {
        arena_destroy(descriptor->arena);
    }
}

// The member that "video_3" means in an array called video, -1 when it means none.
static int member_index(const struct descriptor_port *port, const char *name)
{
    size_t length = strlen(port->name);
    if (strncmp(port->name, name, length) != 0 || name[length] != '_') {
        return -1;
    }
    const char *digits = name + length + 1;
    size_t digit_count = strspn(digits, "0123456789");
    bool is_number = digit_count > 0 && digit_count <= 3 && digits[digit_count] == '\0' &&
                     (digits[0] != '0' || digit_count == 1);
    if (!is_number) {
        return -1;
    }
    int index = 0;
    for (size_t i = 0; i < digit_count; i++) {
        index = index * 10 + (digits[i] - '0');
    }
    return index < (int)port->count ? index : -1;
}

static const struct descriptor_port *find_port(const struct descriptor_port *ports, size_t count,
                                               const char *name, uint32_t *out_index)
{
    for (size_t i = 0; i < count; i++) {
        if (ports[i].count == 0 && strcmp(ports[i].name, name) == 0) {
            *out_index = 0;
            return &ports[i];
        }
        int index = ports[i].count > 0 ? member_index(&ports[i], name) : -1;
        if (index >= 0) {
            *out_index = (uint32_t)index;
            return &ports[i];
        }
    }
    return NULL;
}

const struct descriptor_port *descriptor_find_input(const struct descriptor *descriptor,
                                                    const char *name, uint32_t *out_index)
{
    return find_port(descriptor->inputs, descriptor->input_count, name, out_index);
}

const struct descriptor_port *descriptor_find_output(const struct descriptor *descriptor,
                                                     const char *name, uint32_t *out_index)
{
    return find_port(descriptor->outputs, descriptor->output_count, name, out_index);
}

const struct descriptor_param *descriptor_find_param(const struct descriptor *descriptor,
                                                     const char *name)
{
    for (size_t i = 0; i < descriptor->param_count; i++) {
        if (strcmp(descriptor->params[i].name, name) == 0) {
            return &descriptor->params[i];
        }
    }
    return NULL;
}
