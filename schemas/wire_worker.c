// SPDX-License-Identifier: Apache-2.0
// Decodes and validates the messages between the broker and a worker; hostile bytes end here.
#include "schemas/wire_worker.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "schemas/link_layout.h"
#include "schemas/status_layout.h"
#include "schemas/wire_body.h"
#include "schemas/wire_field.h"
#include "worker.pb-c.h"

// Copies and checks the fields of one message; false when something is wrong with them.
typedef bool (*take_fn)(struct wire_decoder *decoder, const void *fields);

#define MESSAGE(NAME, name, id, direction, first, last, fds, text)                                 \
    static bool take_##name(struct wire_decoder *decoder, const void *fields);
#include "schemas/messages.def"
#undef MESSAGE

struct message_entry {
    const char *word;
    const ProtobufCMessageDescriptor *descriptor;
    take_fn take;
    enum wire_direction direction;
    enum wire_phase first;
    enum wire_phase last;
    uint8_t fd_count;
};

static const struct message_entry entries[] = {
#define MESSAGE(NAME, name, id, way, from, until, fds, text)                                       \
    [id] = {.word = #name,                                                                         \
            .descriptor = &sb__v1__##name##__descriptor,                                           \
            .take = take_##name,                                                                   \
            .direction = WIRE_##way,                                                               \
            .first = WIRE_##from,                                                                  \
            .last = WIRE_##until,                                                                  \
            .fd_count = fds},
#include "schemas/messages.def"
#undef MESSAGE
};

static const struct message_entry *find_entry(uint32_t type)
{
    return type < ARRAY_COUNT(entries) && entries[type].word != NULL ? &entries[type] : NULL;
}

static const char *const phase_names[] = {
    [WIRE_CONNECTED] = "connected", [WIRE_OPENING] = "opening", [WIRE_RUNNING] = "running"};

size_t wire_worker_fd_count(enum wire_type type)
{
    const struct message_entry *entry = find_entry(type);
    SB_ASSERT(entry != NULL);
    return entry->fd_count;
}

const char *wire_worker_type_name(uint32_t type)
{
    const struct message_entry *entry = find_entry(type);
    return entry != NULL ? entry->word : "?";
}

// Where what is decoded lies: in the message itself.
static struct wire_arena arena_of(struct wire_message *message)
{
    return (struct wire_arena){
        .bytes = message->arena, .size_bytes = sizeof message->arena, .used = &message->arena_used};
}

static void *allocate(struct wire_decoder *decoder, size_t size_bytes)
{
    struct wire_arena arena = arena_of(decoder->message);
    return wire_body_allocate(&arena, size_bytes);
}

// --- Messages, in the order of messages.def ---------------------------------------------------

static bool take_hello(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__Hello *from = fields;
    struct wire_hello *to = &decoder->message->hello;
    *to = (struct wire_hello){.protocol = from->protocol, .digest = from->digest};
    if (from->protocol != WIRE_PROTOCOL_VERSION) {
        return wire_field_refuse(decoder, "protocol version %u, but this side speaks %d",
                                 from->protocol, WIRE_PROTOCOL_VERSION);
    }
    return wire_field_take_name(decoder, "sdk_version", from->sdk_version, to->sdk_version,
                                sizeof to->sdk_version) &&
           wire_field_take_id(decoder, "name", from->name, to->name, sizeof to->name) &&
           wire_field_take_name(decoder, "version", from->version, to->version, sizeof to->version);
}

static bool take_param(struct wire_decoder *decoder, const Sb__V1__Param *from,
                       struct wire_param *to)
{
    if (!wire_field_take_name(decoder, "parameter", from->name, to->name, sizeof to->name) ||
        !wire_field_fits(decoder, to->name, from->value, SB_STRING_BYTES_MAX) ||
        !wire_field_has_no_zero(decoder, to->name, from->value) ||
        !wire_field_is_utf8(decoder, to->name, from->value)) {
        return false;
    }
    // It lies in the arena, with a zero behind it.
    to->value = from->value.len > 0 ? (const char *)from->value.data : "";
    return true;
}

static bool take_params(struct wire_decoder *decoder, Sb__V1__Param *const *from, size_t count,
                        const struct wire_param **out_params)
{
    if (!wire_field_is_within(decoder, "number of parameters", count, 0, SB_PARAMS_MAX)) {
        return false;
    }
    struct wire_param *params = allocate(decoder, count * sizeof *params);
    if (params == NULL) {
        return wire_field_refuse(decoder, "too large when decoded");
    }
    for (size_t i = 0; i < count; i++) {
        if (!take_param(decoder, from[i], &params[i])) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(params[i].name, params[j].name) == 0) {
                return wire_field_refuse(decoder, "parameter '%s' is given twice", params[i].name);
            }
        }
    }
    *out_params = params;
    return true;
}

// Both or none: a transport without a place where its ends meet carries nothing.
static bool take_transport(struct wire_decoder *decoder, const Sb__V1__Link *from,
                           struct wire_link *to)
{
    if (from->transport.len == 0 && from->address.len == 0) {
        return true;
    }
    return wire_field_take_id(decoder, "transport", from->transport, to->transport,
                              sizeof to->transport) &&
           wire_field_take_name(decoder, "address", from->address, to->address, sizeof to->address);
}

static bool is_delivery(struct wire_decoder *decoder, uint32_t delivery)
{
    return wire_field_is_within(decoder, "delivery", delivery, SB_DELIVERY_LOSSLESS,
                                SB_DELIVERY_LATEST);
}

static bool take_link_into(struct wire_decoder *decoder, const Sb__V1__Link *from,
                           struct wire_link *to)
{
    *to = (struct wire_link){.link_id = from->link_id,
                             .is_output = from->is_output,
                             .delivery = (enum sb_delivery)from->delivery,
                             .last_step = from->last_step,
                             .generation = from->generation};
    if (!from->is_output && (from->last_step != 0 || from->generation != 0)) {
        return wire_field_refuse(decoder, "an input link has a last step or a generation");
    }
    return wire_field_is_within(decoder, "link_id", from->link_id, 1, UINT32_MAX) &&
           is_delivery(decoder, from->delivery) &&
           wire_field_take_name(decoder, "port", from->port, to->port, sizeof to->port) &&
           wire_field_take_name(decoder, "peer", from->peer, to->peer, sizeof to->peer) &&
           take_transport(decoder, from, to);
}

static bool take_links(struct wire_decoder *decoder, Sb__V1__Link *const *from, size_t count,
                       const struct wire_link **out_links)
{
    if (!wire_field_is_within(decoder, "number of links", count, 0, WIRE_LINKS_MAX)) {
        return false;
    }
    struct wire_link *links = allocate(decoder, count * sizeof *links);
    if (links == NULL) {
        return wire_field_refuse(decoder, "too large when decoded");
    }
    size_t output_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!take_link_into(decoder, from[i], &links[i])) {
            return false;
        }
        output_count += links[i].is_output;
        for (size_t j = 0; j < i; j++) {
            if (links[i].link_id == links[j].link_id) {
                return wire_field_refuse(decoder, "link %u is given twice", links[i].link_id);
            }
        }
    }
    if (output_count > LIMIT_LINKS_PER_SIDE_MAX ||
        count - output_count > LIMIT_LINKS_PER_SIDE_MAX) {
        return wire_field_refuse(decoder, "%zu links in and %zu out, at most %d of each",
                                 count - output_count, output_count, LIMIT_LINKS_PER_SIDE_MAX);
    }
    *out_links = links;
    return true;
}

static bool is_activation(struct wire_decoder *decoder, const struct wire_setup *setup)
{
    uint32_t batch_least = setup->activation == SB_ACTIVATE_BATCH ? 1 : 0;
    int64_t every_least = setup->activation == SB_ACTIVATE_EVERY ? 1 : 0;
    return wire_field_is_within(decoder, "activation", setup->activation, SB_ACTIVATE_ANY,
                                SB_ACTIVATE_EVERY) &&
           wire_field_is_within(decoder, "batch_count", setup->batch_count, batch_least,
                                LIMIT_CLAIMS_MAX) &&
           wire_field_is_duration(decoder, "batch_within_ns", setup->batch_within_ns, 0) &&
           wire_field_is_duration(decoder, "every_ns", setup->every_ns, every_least);
}

static bool take_setup(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__Setup *from = fields;
    struct wire_setup *to = &decoder->message->setup;
    *to = (struct wire_setup){.generation = from->generation,
                              .mode = (enum sb_mode)from->mode,
                              .interval_ns = from->interval_ns,
                              .activation = (enum sb_activation)from->activation,
                              .batch_count = from->batch_count,
                              .batch_within_ns = from->batch_within_ns,
                              .every_ns = from->every_ns,
                              .spin_ns = from->spin_ns,
                              .is_spin_auto = from->is_spin_auto,
                              .is_clock_precise = from->is_clock_precise,
                              .first_step = from->first_step,
                              .first_tick = from->first_tick,
                              .param_count = from->n_params,
                              .link_count = from->n_links};
    return wire_field_take_id(decoder, "node_id", from->node_id, to->node_id, sizeof to->node_id) &&
           wire_field_is_within(decoder, "generation", from->generation, 1, UINT32_MAX) &&
           wire_field_is_within(decoder, "mode", from->mode, SB_MODE_REACTIVE, SB_MODE_MANUAL) &&
           wire_field_is_duration(decoder, "interval_ns", from->interval_ns, 0) &&
           is_activation(decoder, to) &&
           wire_field_is_duration(decoder, "spin_ns", from->spin_ns, 0) &&
           wire_field_is_within(decoder, "first_step", from->first_step, 1, UINT64_MAX) &&
           take_params(decoder, from->params, from->n_params, &to->params) &&
           take_links(decoder, from->links, from->n_links, &to->links) &&
           wire_field_take_text(decoder, "transport_path", from->transport_path, to->transport_path,
                                sizeof to->transport_path);
}

static bool take_opened(struct wire_decoder *decoder, const void *fields)
{
    (void)decoder;
    (void)fields;
    return true;
}

static bool take_failed(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__Failed *from = fields;
    struct wire_failed *to = &decoder->message->failed;
    to->code = from->code;
    return wire_field_is_code(decoder, from->code, -1) &&
           wire_field_take_text(decoder, "text", from->text, to->text, sizeof to->text);
}

static bool take_formats(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__Formats *from = fields;
    struct wire_formats *to = &decoder->message->formats;
    to->frame_bytes_max = from->frame_bytes_max;
    to->format_count = from->n_formats;
    if (!wire_field_take_name(decoder, "output", from->output, to->output, sizeof to->output) ||
        !wire_field_is_within(decoder, "number of formats", from->n_formats, 1,
                              LIMIT_FORMATS_MAX) ||
        !wire_field_is_within(decoder, "frame_bytes_max", from->frame_bytes_max, 0,
                              LIMIT_PAYLOAD_BYTES_MAX)) {
        return false;
    }
    for (size_t i = 0; i < from->n_formats; i++) {
        if (!wire_field_take_format(decoder, from->formats[i], &to->formats[i])) {
            return false;
        }
    }
    return true;
}

static bool take_input_format(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__InputFormat *from = fields;
    struct wire_input_format *to = &decoder->message->input_format;
    to->link_id = from->link_id;
    to->serial = from->serial;
    to->frame_bytes_max = from->frame_bytes_max;
    return wire_field_is_within(decoder, "link_id", from->link_id, 1, UINT32_MAX) &&
           wire_field_is_within(decoder, "frame_bytes_max", from->frame_bytes_max, 0,
                                LIMIT_PAYLOAD_BYTES_MAX) &&
           wire_field_take_format(decoder, from->format, &to->format);
}

static bool take_format_taken(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__FormatTaken *from = fields;
    decoder->message->format_taken.serial = from->serial;
    return true;
}

// Of the fields that depend on the kind, exactly those of this kind may be set.
static bool has_only_its_fields(struct wire_decoder *decoder, const Sb__V1__Memory *from)
{
    bool is_pool_kind = from->kind == WIRE_MEMORY_POOL;
    bool is_publish = from->kind == WIRE_MEMORY_PUBLISH;
    bool is_consume = from->kind == WIRE_MEMORY_CONSUME;
    bool has_of_pool = from->output.len > 0 || from->slot_count != 0 || from->payload_bytes != 0 ||
                       from->format != NULL || from->first_number != 0 ||
                       from->carried_bytes != 0 || from->device_slot_bytes != 0;
    bool has_of_page = from->link_id != 0 || from->depth != 0;
    bool is_foreign = (has_of_pool && !is_pool_kind) ||
                      (has_of_page && !is_publish && !is_consume) ||
                      ((from->first_seq != 0 || from->delivery != 0) && !is_publish) ||
                      ((from->claims_max != 0 || from->page_number != 0) && !is_consume) ||
                      (from->generation != 0 && from->kind == WIRE_MEMORY_STATUS);
    return !is_foreign ||
           wire_field_refuse(decoder, "kind %u has a field of another kind", from->kind);
}

// In memory of a device each payload begins where every device can be shown it.
static bool is_on_device(struct wire_decoder *decoder, uint64_t carried_bytes, uint64_t slot_bytes)
{
    if (slot_bytes == 0) {
        return true;
    }
    if (carried_bytes == 0 || slot_bytes % WIRE_DEVICE_ALIGN != 0) {
        return wire_field_refuse(decoder, "device_slot_bytes %llu do not fit the payload",
                                 (unsigned long long)slot_bytes);
    }
    return wire_field_is_within(decoder, "device_slot_bytes", slot_bytes, carried_bytes,
                                LIMIT_PAYLOAD_BYTES_MAX + WIRE_DEVICE_ALIGN);
}

// Where payloads lie elsewhere, the slots are as small as they can be.
static bool is_carried(struct wire_decoder *decoder, uint64_t payload_bytes, uint64_t carried_bytes)
{
    return carried_bytes == 0 ||
           (wire_field_is_within(decoder, "carried_bytes", carried_bytes, 1,
                                 LIMIT_PAYLOAD_BYTES_MAX) &&
            wire_field_is_within(decoder, "payload_bytes", payload_bytes, WIRE_CARRIED_SLOT_BYTES,
                                 WIRE_CARRIED_SLOT_BYTES));
}

static bool is_memory(struct wire_decoder *decoder, const Sb__V1__Memory *from,
                      struct wire_memory *to)
{
    switch (to->kind) {
    case WIRE_MEMORY_POOL:
        return wire_field_take_name(decoder, "output", from->output, to->output,
                                    sizeof to->output) &&
               wire_field_is_within(decoder, "generation", from->generation, 1, UINT32_MAX) &&
               wire_field_is_pool(decoder, "size_bytes", from->size_bytes, from->slot_count,
                                  from->payload_bytes) &&
               is_carried(decoder, from->payload_bytes, from->carried_bytes) &&
               is_on_device(decoder, from->carried_bytes, from->device_slot_bytes) &&
               wire_field_take_format(decoder, from->format, &to->format);
    case WIRE_MEMORY_PUBLISH:
        return wire_field_is_link(decoder, from->link_id, from->generation) &&
               is_delivery(decoder, from->delivery) &&
               wire_field_is_publish_page(decoder, "size_bytes", from->size_bytes, from->depth);
    case WIRE_MEMORY_CONSUME:
        return wire_field_is_link(decoder, from->link_id, from->generation) &&
               wire_field_is_within(decoder, "page_number", from->page_number, 1, UINT64_MAX) &&
               wire_field_is_consume_page(decoder, "size_bytes", from->size_bytes, from->depth,
                                          from->claims_max);
    case WIRE_MEMORY_STATUS:
        return wire_field_is_segment(decoder, "size_bytes", from->size_bytes,
                                     sizeof(struct status_page));
    default:
        return wire_field_refuse(decoder, "kind %u is unknown", from->kind);
    }
}

static bool take_memory(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__Memory *from = fields;
    struct wire_memory *to = &decoder->message->memory;
    *to = (struct wire_memory){.serial = from->serial,
                               .kind = (enum wire_memory_kind)from->kind,
                               .size_bytes = from->size_bytes,
                               .link_id = from->link_id,
                               .generation = from->generation,
                               .slot_count = from->slot_count,
                               .payload_bytes = from->payload_bytes,
                               .depth = from->depth,
                               .claims_max = from->claims_max,
                               .first_seq = from->first_seq,
                               .page_number = from->page_number,
                               .first_number = from->first_number,
                               .carried_bytes = from->carried_bytes,
                               .device_slot_bytes = from->device_slot_bytes,
                               .delivery = (enum sb_delivery)from->delivery};
    return is_memory(decoder, from, to) && has_only_its_fields(decoder, from);
}

static bool take_bell(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__Bell *from = fields;
    decoder->message->bell.size_bytes = from->size_bytes;
    return wire_field_is_segment(decoder, "size_bytes", from->size_bytes, sizeof(struct bell_page));
}

static bool take_mapped(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__Mapped *from = fields;
    decoder->message->mapped.serial = from->serial;
    return true;
}

static bool take_read_link(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__ReadLink *from = fields;
    struct wire_read_link *to = &decoder->message->read_link;
    *to = (struct wire_read_link){.link_id = from->link_id,
                                  .generation = from->generation,
                                  .pool_bytes = from->pool_bytes,
                                  .page_bytes = from->page_bytes,
                                  .slot_count = from->slot_count,
                                  .payload_bytes = from->payload_bytes,
                                  .depth = from->depth,
                                  .first_seq = from->first_seq,
                                  .is_producer_gone = from->is_producer_gone,
                                  .skip_count = from->n_skip,
                                  .attempt = from->attempt,
                                  .is_single = from->is_single,
                                  .carried_bytes = from->carried_bytes,
                                  .device_slot_bytes = from->device_slot_bytes,
                                  .delivery = (enum sb_delivery)from->delivery};
    if (!wire_field_is_link(decoder, from->link_id, from->generation) ||
        !is_delivery(decoder, from->delivery) ||
        !wire_field_is_pool(decoder, "pool_bytes", from->pool_bytes, from->slot_count,
                            from->payload_bytes) ||
        !is_carried(decoder, from->payload_bytes, from->carried_bytes) ||
        !is_on_device(decoder, from->carried_bytes, from->device_slot_bytes) ||
        !wire_field_is_publish_page(decoder, "page_bytes", from->page_bytes, from->depth) ||
        !wire_field_take_format(decoder, from->format, &to->format) ||
        !wire_field_is_within(decoder, "number of skips", from->n_skip, 0, WIRE_SKIPS_MAX)) {
        return false;
    }
    for (size_t i = 0; i < from->n_skip; i++) {
        if (!wire_field_is_within(decoder, "skip", from->skip[i], 1, UINT64_MAX)) {
            return false;
        }
        to->skips[i] = from->skip[i];
    }
    return true;
}

static bool take_write_link(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__WriteLink *from = fields;
    decoder->message->write_link = (struct wire_write_link){.link_id = from->link_id,
                                                            .generation = from->generation,
                                                            .page_bytes = from->page_bytes,
                                                            .page_number = from->page_number,
                                                            .claims_max = from->claims_max};
    // The depth is that of the publish page, which this worker has.
    return wire_field_is_link(decoder, from->link_id, from->generation) &&
           wire_field_is_within(decoder, "page_number", from->page_number, 1, UINT64_MAX) &&
           wire_field_is_consume_page(decoder, "page_bytes", from->page_bytes, 1, from->claims_max);
}

static bool take_link_end(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__LinkEnd *from = fields;
    decoder->message->link_end = (struct wire_link_end){.link_id = from->link_id,
                                                        .generation = from->generation,
                                                        .end_seq = from->end_seq,
                                                        .kind = from->kind};
    return wire_field_is_link(decoder, from->link_id, from->generation) &&
           wire_field_is_within(decoder, "end_seq", from->end_seq, 1, UINT64_MAX) &&
           wire_field_is_within(decoder, "kind", from->kind, LINK_END_STREAM, LINK_END_LOST);
}

static bool take_unlink(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__Unlink *from = fields;
    decoder->message->unlink =
        (struct wire_unlink){.link_id = from->link_id, .is_ended = from->is_ended};
    return wire_field_is_within(decoder, "link_id", from->link_id, 1, UINT32_MAX);
}

static bool take_ready(struct wire_decoder *decoder, const void *fields)
{
    (void)decoder;
    (void)fields;
    return true;
}

static bool take_start(struct wire_decoder *decoder, const void *fields)
{
    (void)decoder;
    (void)fields;
    return true;
}

static bool take_config(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__Config *from = fields;
    struct wire_config *to = &decoder->message->config;
    to->serial = from->serial;
    to->param_count = from->n_params;
    return take_params(decoder, from->params, from->n_params, &to->params);
}

static bool take_config_done(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__ConfigDone *from = fields;
    struct wire_config_done *to = &decoder->message->config_done;
    to->serial = from->serial;
    to->code = from->code;
    return wire_field_is_code(decoder, from->code, 0) &&
           wire_field_take_text(decoder, "text", from->text, to->text, sizeof to->text);
}

static bool take_drained(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__Drained *from = fields;
    decoder->message->drained =
        (struct wire_drained){.link_id = from->link_id, .generation = from->generation};
    return wire_field_is_link(decoder, from->link_id, from->generation);
}

static bool take_ended(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__Ended *from = fields;
    decoder->message->ended.exit_status = from->exit_status;
    return wire_field_is_within(decoder, "exit_status", from->exit_status, 0, 255);
}

static bool take_link(struct wire_decoder *decoder, const void *fields)
{
    return take_link_into(decoder, fields, &decoder->message->link);
}

static bool take_link_id(struct wire_decoder *decoder, uint32_t link_id, struct wire_link_id *to)
{
    to->link_id = link_id;
    return wire_field_is_within(decoder, "link_id", link_id, 1, UINT32_MAX);
}

static bool take_leave(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__Leave *from = fields;
    return take_link_id(decoder, from->link_id, &decoder->message->leave);
}

static bool take_leaving(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__Leaving *from = fields;
    return take_link_id(decoder, from->link_id, &decoder->message->leaving);
}

static bool take_left(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__Left *from = fields;
    return take_link_id(decoder, from->link_id, &decoder->message->left);
}

static bool take_uuid(struct wire_decoder *decoder, const char *what, ProtobufCBinaryData from,
                      uint8_t to[SB_DEVICE_UUID_BYTES])
{
    if (!wire_field_is_within(decoder, what, from.len, SB_DEVICE_UUID_BYTES,
                              SB_DEVICE_UUID_BYTES)) {
        return false;
    }
    memcpy(to, from.data, SB_DEVICE_UUID_BYTES);
    return true;
}

static bool take_device_into(struct wire_decoder *decoder, const Sb__V1__Device *from,
                             struct wire_device *to)
{
    to->vendor = from->vendor;
    to->is_software = from->is_software;
    to->has_pools = from->has_pools;
    to->has_timelines = from->has_timelines;
    return take_uuid(decoder, "bytes of device_uuid", from->device_uuid, to->device_uuid) &&
           take_uuid(decoder, "bytes of driver_uuid", from->driver_uuid, to->driver_uuid) &&
           wire_field_take_name(decoder, "name", from->name, to->name, sizeof to->name);
}

static bool take_device(struct wire_decoder *decoder, const void *fields)
{
    return take_device_into(decoder, fields, &decoder->message->device);
}

static bool take_device_pool(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__DevicePool *from = fields;
    decoder->message->device_pool =
        (struct wire_device_pool){.serial = from->serial, .size_bytes = from->size_bytes};
    return wire_field_is_within(decoder, "serial", from->serial, 1, UINT32_MAX) &&
           wire_field_is_within(decoder, "size_bytes", from->size_bytes, 1,
                                LIMIT_SEGMENT_BYTES_MAX);
}

static bool take_device_link(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__DeviceLink *from = fields;
    struct wire_device_link *to = &decoder->message->device_link;
    to->link_id = from->link_id;
    to->generation = from->generation;
    to->size_bytes = from->size_bytes;
    to->is_trusted = from->is_trusted;
    if (from->device == NULL) {
        return wire_field_refuse(decoder, "there is no device");
    }
    return wire_field_is_link(decoder, from->link_id, from->generation) &&
           wire_field_is_within(decoder, "size_bytes", from->size_bytes, 1,
                                LIMIT_SEGMENT_BYTES_MAX) &&
           take_device_into(decoder, from->device, &to->device);
}

static bool take_device_refused(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__DeviceRefused *from = fields;
    struct wire_device_refused *to = &decoder->message->device_refused;
    to->link_id = from->link_id;
    to->generation = from->generation;
    to->output[0] = '\0';
    if ((from->link_id != 0) == (from->output.len != 0)) {
        return wire_field_refuse(decoder, "it names both a link and an output, or neither");
    }
    return (from->link_id != 0 ||
            wire_field_take_name(decoder, "output", from->output, to->output, sizeof to->output)) &&
           wire_field_is_within(decoder, "generation", from->generation, 1, UINT32_MAX) &&
           wire_field_take_text(decoder, "text", from->text, to->text, sizeof to->text);
}

static bool take_device_lost(struct wire_decoder *decoder, const void *fields)
{
    const Sb__V1__DeviceLost *from = fields;
    struct wire_device_lost *to = &decoder->message->device_lost;
    return wire_field_take_text(decoder, "text", from->text, to->text, sizeof to->text);
}

// --- One datagram -----------------------------------------------------------------------------

static bool is_expected(struct wire_decoder *decoder, const struct message_entry *entry,
                        enum wire_direction direction, enum wire_phase phase, size_t fd_count)
{
    if (entry->direction != direction) {
        return wire_field_refuse(decoder, "it goes the other way");
    }
    if (phase < entry->first || phase > entry->last) {
        return wire_field_refuse(decoder, "not expected in phase %s", phase_names[phase]);
    }
    return entry->fd_count == fd_count ||
           wire_field_refuse(decoder, "it carries %zu descriptors, not %u", fd_count,
                             entry->fd_count);
}

static bool take_body(struct wire_decoder *decoder, const struct message_entry *entry,
                      const uint8_t *bytes, size_t size_bytes)
{
    struct wire_arena arena = arena_of(decoder->message);
    const ProtobufCMessage *fields =
        wire_body_unpack(decoder, entry->descriptor, &arena, bytes, size_bytes);
    return fields != NULL && entry->take(decoder, fields);
}

int wire_worker_decode(const uint8_t *bytes, size_t size_bytes, size_t fd_count,
                       enum wire_direction direction, enum wire_phase phase,
                       struct wire_message *out_message, char *reason, size_t reason_bytes)
{
    SB_ASSERT(phase <= WIRE_RUNNING);
    struct wire_decoder decoder = {.message = out_message,
                                   .reason = text_over(reason, reason_bytes)};
    out_message->arena_used = 0;
    struct wire_header header;
    if (!wire_body_take_header(&decoder, bytes, size_bytes, fd_count, &header)) {
        return -EPROTO;
    }
    const struct message_entry *entry = find_entry(header.type);
    if (entry == NULL) {
        wire_field_refuse(&decoder, "message type %u is unknown", header.type);
        return -EPROTO;
    }
    text_add_format(&decoder.reason, "%s: ", entry->word);
    out_message->type = (enum wire_type)header.type;
    if (!is_expected(&decoder, entry, direction, phase, fd_count) ||
        !take_body(&decoder, entry, bytes + WIRE_HEADER_BYTES, size_bytes - WIRE_HEADER_BYTES)) {
        return -EPROTO;
    }
    text_copy(reason, reason_bytes, "");
    return 0;
}
