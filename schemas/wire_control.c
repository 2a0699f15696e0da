// SPDX-License-Identifier: Apache-2.0
// Encodes, decodes and validates the messages between the broker and its clients.
#include "schemas/wire_control.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "control.pb-c.h"
#include "schemas/wire_body.h"
#include "schemas/wire_field.h"

// One decoding: the checks of fields know nothing of the message that they are for.
struct control_decoder {
    struct wire_decoder fields;
    struct control_message *message;
};

typedef bool (*take_fn)(struct control_decoder *decoder, const void *fields);

#define MESSAGE(NAME, name, id, direction, fds, text)                                              \
    static bool take_##name(struct control_decoder *decoder, const void *fields);
#include "schemas/control_messages.def"
#undef MESSAGE

struct control_entry {
    const char *word;
    const ProtobufCMessageDescriptor *descriptor;
    take_fn take;
    enum control_direction direction;
    uint8_t fd_count;
};

static const struct control_entry entries[] = {
#define MESSAGE(NAME, name, id, way, fds, text)                                                    \
    [id] = {.word = #name,                                                                         \
            .descriptor = &sb__control__v1__##name##__descriptor,                                  \
            .take = take_##name,                                                                   \
            .direction = CONTROL_##way,                                                            \
            .fd_count = fds},
#include "schemas/control_messages.def"
#undef MESSAGE
};

static const struct control_entry *find_entry(uint32_t type)
{
    return type < ARRAY_COUNT(entries) && entries[type].word != NULL ? &entries[type] : NULL;
}

size_t wire_control_fd_count(enum control_type type)
{
    const struct control_entry *entry = find_entry(type);
    SB_ASSERT(entry != NULL);
    return entry->fd_count;
}

const char *wire_control_type_name(uint32_t type)
{
    const struct control_entry *entry = find_entry(type);
    return entry != NULL ? entry->word : "?";
}

static struct wire_arena arena_of(struct control_message *message)
{
    return (struct wire_arena){
        .bytes = message->arena, .size_bytes = sizeof message->arena, .used = &message->arena_used};
}

// --- Decoding, in the order of control_messages.def -------------------------------------------

static bool take_welcome(struct control_decoder *decoder, const void *fields)
{
    const Sb__Control__V1__Welcome *from = fields;
    struct control_welcome *to = &decoder->message->welcome;
    *to = (struct control_welcome){.pid = from->pid};
    return wire_field_take_name(&decoder->fields, "version", from->version, to->version,
                                sizeof to->version) &&
           wire_field_take_id(&decoder->fields, "graph", from->graph, to->graph,
                              sizeof to->graph) &&
           wire_field_is_within(&decoder->fields, "pid", from->pid, 1, INT32_MAX);
}

static bool take_field(struct control_decoder *decoder, const Sb__Control__V1__Field *from,
                       struct control_field *to)
{
    if (!wire_field_take_name(&decoder->fields, "field", from->name, to->name, sizeof to->name) ||
        !wire_field_fits(&decoder->fields, to->name, from->value, SB_STRING_BYTES_MAX) ||
        !wire_field_has_no_zero(&decoder->fields, to->name, from->value) ||
        !wire_field_is_utf8(&decoder->fields, to->name, from->value)) {
        return false;
    }
    // It lies in the arena, with a zero behind it.
    to->value = from->value.len > 0 ? (const char *)from->value.data : "";
    return true;
}

static bool is_call(struct control_decoder *decoder, uint32_t call)
{
    return wire_field_is_within(&decoder->fields, "call", call, 1, UINT32_MAX);
}

static bool take_request(struct control_decoder *decoder, const void *fields)
{
    const Sb__Control__V1__Request *from = fields;
    struct control_request *to = &decoder->message->request;
    *to = (struct control_request){.call = from->call, .field_count = from->n_fields};
    if (!is_call(decoder, from->call) ||
        !wire_field_take_id(&decoder->fields, "verb", from->verb, to->verb, sizeof to->verb) ||
        !wire_field_is_within(&decoder->fields, "number of fields", from->n_fields, 0,
                              CONTROL_FIELDS_MAX)) {
        return false;
    }
    struct wire_arena arena = arena_of(decoder->message);
    struct control_field *taken = wire_body_allocate(&arena, from->n_fields * sizeof *taken);
    if (taken == NULL) {
        return wire_field_refuse(&decoder->fields, "too large when decoded");
    }
    for (size_t i = 0; i < from->n_fields; i++) {
        if (!take_field(decoder, from->fields[i], &taken[i])) {
            return false;
        }
    }
    to->fields = taken;
    return true;
}

static bool take_part(struct control_decoder *decoder, const void *fields)
{
    const Sb__Control__V1__Part *from = fields;
    decoder->message->part =
        (struct control_part){.call = from->call,
                              .text = from->text.len > 0 ? (const char *)from->text.data : "",
                              .text_bytes = from->text.len,
                              .is_end = from->is_end};
    return is_call(decoder, from->call) &&
           wire_field_fits(&decoder->fields, "text", from->text, CONTROL_PART_BYTES_MAX + 1) &&
           wire_field_has_no_zero(&decoder->fields, "text", from->text);
}

static bool take_answer(struct control_decoder *decoder, const void *fields)
{
    const Sb__Control__V1__Answer *from = fields;
    struct control_answer *to = &decoder->message->answer;
    *to = (struct control_answer){.call = from->call, .code = from->code};
    return is_call(decoder, from->call) &&
           wire_field_is_within(&decoder->fields, "code", from->code, 0, CONTROL_CODE_MAX) &&
           wire_field_take_text(&decoder->fields, "error", from->error, to->error,
                                sizeof to->error);
}

static bool take_body(struct control_decoder *decoder, const struct control_entry *entry,
                      const uint8_t *bytes, size_t size_bytes)
{
    struct wire_arena arena = arena_of(decoder->message);
    const ProtobufCMessage *fields =
        wire_body_unpack(&decoder->fields, entry->descriptor, &arena, bytes, size_bytes);
    return fields != NULL && entry->take(decoder, fields);
}

int wire_control_decode(const uint8_t *bytes, size_t size_bytes, size_t fd_count,
                        enum control_direction direction, struct control_message *out_message,
                        char *reason, size_t reason_bytes)
{
    struct control_decoder decoder = {.fields = {.reason = text_over(reason, reason_bytes)},
                                      .message = out_message};
    out_message->arena_used = 0;
    struct wire_header header;
    if (!wire_body_take_header(&decoder.fields, bytes, size_bytes, fd_count, &header)) {
        return -EPROTO;
    }
    const struct control_entry *entry = find_entry(header.type);
    if (entry == NULL) {
        wire_field_refuse(&decoder.fields, "message type %u is unknown", header.type);
        return -EPROTO;
    }
    text_add_format(&decoder.fields.reason, "%s: ", entry->word);
    out_message->type = (enum control_type)header.type;
    if (entry->direction != direction) {
        wire_field_refuse(&decoder.fields, "it goes the other way");
        return -EPROTO;
    }
    if (entry->fd_count != fd_count) {
        wire_field_refuse(&decoder.fields, "it carries %zu descriptors, not %u", fd_count,
                          entry->fd_count);
        return -EPROTO;
    }
    if (!take_body(&decoder, entry, bytes + WIRE_HEADER_BYTES, size_bytes - WIRE_HEADER_BYTES)) {
        return -EPROTO;
    }
    text_copy(reason, reason_bytes, "");
    return 0;
}

// --- Encoding ---------------------------------------------------------------------------------

struct control_encoder {
    enum control_type type;
    uint8_t *bytes;
    size_t size_bytes;
};

static ProtobufCBinaryData of_bytes(const char *bytes, size_t count)
{
    // The encoder only reads what it is given.
    return (ProtobufCBinaryData){.len = count, .data = (uint8_t *)(size_t)bytes};
}

static ProtobufCBinaryData of_string(const char *string)
{
    return of_bytes(string, strlen(string));
}

static int put(const struct control_encoder *encoder, const ProtobufCMessage *fields)
{
    size_t whole_bytes = WIRE_HEADER_BYTES + protobuf_c_message_get_packed_size(fields);
    if (whole_bytes > encoder->size_bytes || whole_bytes > LIMIT_MESSAGE_BYTES_MAX) {
        return -EMSGSIZE;
    }
    struct wire_header header = {.version = WIRE_PROTOCOL_VERSION,
                                 .type = (uint16_t)encoder->type,
                                 .fd_count = (uint16_t)wire_control_fd_count(encoder->type)};
    wire_put_header(&header, encoder->bytes);
    protobuf_c_message_pack(fields, encoder->bytes + WIRE_HEADER_BYTES);
    return (int)whole_bytes;
}

static int put_welcome(const struct control_encoder *encoder, const struct control_message *message)
{
    Sb__Control__V1__Welcome to = SB__CONTROL__V1__WELCOME__INIT;
    to.version = of_string(message->welcome.version);
    to.graph = of_string(message->welcome.graph);
    to.pid = message->welcome.pid;
    return put(encoder, &to.base);
}

static int put_request(const struct control_encoder *encoder, const struct control_message *message)
{
    const struct control_request *from = &message->request;
    SB_ASSERT(from->field_count <= CONTROL_FIELDS_MAX);
    Sb__Control__V1__Field fields[CONTROL_FIELDS_MAX];
    Sb__Control__V1__Field *pointers[CONTROL_FIELDS_MAX];
    for (size_t i = 0; i < from->field_count; i++) {
        sb__control__v1__field__init(&fields[i]);
        fields[i].name = of_string(from->fields[i].name);
        fields[i].value = of_string(from->fields[i].value);
        pointers[i] = &fields[i];
    }
    Sb__Control__V1__Request to = SB__CONTROL__V1__REQUEST__INIT;
    to.call = from->call;
    to.verb = of_string(from->verb);
    to.n_fields = from->field_count;
    to.fields = pointers;
    return put(encoder, &to.base);
}

static int put_part(const struct control_encoder *encoder, const struct control_message *message)
{
    Sb__Control__V1__Part to = SB__CONTROL__V1__PART__INIT;
    to.call = message->part.call;
    to.text = of_bytes(message->part.text, message->part.text_bytes);
    to.is_end = message->part.is_end;
    return put(encoder, &to.base);
}

static int put_answer(const struct control_encoder *encoder, const struct control_message *message)
{
    Sb__Control__V1__Answer to = SB__CONTROL__V1__ANSWER__INIT;
    to.call = message->answer.call;
    to.code = message->answer.code;
    to.error = of_string(message->answer.error);
    return put(encoder, &to.base);
}

int wire_control_encode(const struct control_message *message, uint8_t *bytes, size_t size_bytes)
{
    struct control_encoder encoder = {
        .type = message->type, .bytes = bytes, .size_bytes = size_bytes};
    switch (message->type) {
#define MESSAGE(NAME, name, id, direction, fds, text)                                              \
    case CONTROL_##NAME:                                                                           \
        return put_##name(&encoder, message);
#include "schemas/control_messages.def"
#undef MESSAGE
    default:
        SB_UNREACHABLE();
    }
}
