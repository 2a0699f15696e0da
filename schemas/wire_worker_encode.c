// SPDX-License-Identifier: Apache-2.0
// Encodes the messages between the broker and a worker; the structs are ours and are not checked.
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "schemas/wire_worker.h"
#include "worker.pb-c.h"

struct encoder {
    enum wire_type type;
    uint8_t *bytes;
    size_t size_bytes;
};

static ProtobufCBinaryData of_string(const char *string)
{
    // The encoder only reads what it is given.
    return (ProtobufCBinaryData){.len = strlen(string), .data = (uint8_t *)(size_t)string};
}

static int put(const struct encoder *encoder, const ProtobufCMessage *fields)
{
    size_t body_bytes = protobuf_c_message_get_packed_size(fields);
    size_t whole_bytes = WIRE_HEADER_BYTES + body_bytes;
    if (whole_bytes > encoder->size_bytes || whole_bytes > LIMIT_MESSAGE_BYTES_MAX) {
        return -EMSGSIZE;
    }
    struct wire_header header = {.version = WIRE_PROTOCOL_VERSION,
                                 .type = (uint16_t)encoder->type,
                                 .fd_count = (uint16_t)wire_worker_fd_count(encoder->type)};
    wire_put_header(&header, encoder->bytes);
    protobuf_c_message_pack(fields, encoder->bytes + WIRE_HEADER_BYTES);
    return (int)whole_bytes;
}

// A format in the shape of the encoder; it points into itself and into what it was made from.
struct packed_format {
    Sb__V1__Format format;
    Sb__V1__Video video;
    Sb__V1__Audio audio;
    Sb__V1__Tensor tensor;
};

static Sb__V1__Format *fill_format(struct packed_format *to, const struct sb_format *from)
{
    sb__v1__format__init(&to->format);
    to->format.kind = from->kind;
    if (from->kind == SB_FORMAT_VIDEO) {
        sb__v1__video__init(&to->video);
        to->video.pixel = from->video.pixel;
        to->video.width = from->video.width;
        to->video.height = from->video.height;
        to->video.fps_numerator = from->video.fps_numerator;
        to->video.fps_denominator = from->video.fps_denominator;
        to->format.video = &to->video;
    } else if (from->kind == SB_FORMAT_AUDIO) {
        sb__v1__audio__init(&to->audio);
        to->audio.sample = from->audio.sample;
        to->audio.rate = from->audio.rate;
        to->audio.channels = from->audio.channels;
        to->format.audio = &to->audio;
    } else if (from->kind == SB_FORMAT_TENSOR) {
        SB_ASSERT(from->tensor.rank <= SB_TENSOR_RANK_MAX);
        sb__v1__tensor__init(&to->tensor);
        to->tensor.element = from->tensor.element;
        to->tensor.n_shape = from->tensor.rank;
        to->tensor.shape = (uint32_t *)(size_t)from->tensor.shape;
        to->format.tensor = &to->tensor;
    } else if (from->kind == SB_FORMAT_BINARY || from->kind == SB_FORMAT_MESSAGE) {
        to->format.name = of_string(from->name);
    }
    return &to->format;
}

// Parameters in the shape of the encoder.
struct packed_params {
    Sb__V1__Param params[SB_PARAMS_MAX];
    Sb__V1__Param *pointers[SB_PARAMS_MAX];
};

static void fill_params(struct packed_params *to, const struct wire_param *from, size_t count)
{
    SB_ASSERT(count <= SB_PARAMS_MAX);
    for (size_t i = 0; i < count; i++) {
        sb__v1__param__init(&to->params[i]);
        to->params[i].name = of_string(from[i].name);
        to->params[i].value = of_string(from[i].value);
        to->pointers[i] = &to->params[i];
    }
}

static int put_hello(const struct encoder *encoder, const struct wire_message *message)
{
    const struct wire_hello *from = &message->hello;
    Sb__V1__Hello to = SB__V1__HELLO__INIT;
    to.protocol = from->protocol;
    to.sdk_version = of_string(from->sdk_version);
    to.name = of_string(from->name);
    to.version = of_string(from->version);
    to.digest = from->digest;
    return put(encoder, &to.base);
}

static Sb__V1__Link *fill_link(Sb__V1__Link *to, const struct wire_link *from)
{
    sb__v1__link__init(to);
    to->link_id = from->link_id;
    to->port = of_string(from->port);
    to->peer = of_string(from->peer);
    to->is_output = from->is_output;
    to->delivery = from->delivery;
    to->last_step = from->last_step;
    to->generation = from->generation;
    to->transport = of_string(from->transport);
    to->address = of_string(from->address);
    return to;
}

static int put_setup(const struct encoder *encoder, const struct wire_message *message)
{
    const struct wire_setup *from = &message->setup;
    SB_ASSERT(from->link_count <= WIRE_LINKS_MAX);
    struct packed_params params;
    fill_params(&params, from->params, from->param_count);
    Sb__V1__Link links[WIRE_LINKS_MAX];
    Sb__V1__Link *link_pointers[WIRE_LINKS_MAX];
    for (size_t i = 0; i < from->link_count; i++) {
        link_pointers[i] = fill_link(&links[i], &from->links[i]);
    }
    Sb__V1__Setup to = SB__V1__SETUP__INIT;
    to.node_id = of_string(from->node_id);
    to.generation = from->generation;
    to.n_params = from->param_count;
    to.params = params.pointers;
    to.mode = from->mode;
    to.interval_ns = from->interval_ns;
    to.activation = from->activation;
    to.batch_count = from->batch_count;
    to.batch_within_ns = from->batch_within_ns;
    to.every_ns = from->every_ns;
    to.spin_ns = from->spin_ns;
    to.is_spin_auto = from->is_spin_auto;
    to.is_clock_precise = from->is_clock_precise;
    to.first_step = from->first_step;
    to.n_links = from->link_count;
    to.links = link_pointers;
    to.first_tick = from->first_tick;
    to.transport_path = of_string(from->transport_path);
    return put(encoder, &to.base);
}

static int put_opened(const struct encoder *encoder, const struct wire_message *message)
{
    (void)message;
    Sb__V1__Opened to = SB__V1__OPENED__INIT;
    return put(encoder, &to.base);
}

static int put_failed(const struct encoder *encoder, const struct wire_message *message)
{
    Sb__V1__Failed to = SB__V1__FAILED__INIT;
    to.code = message->failed.code;
    to.text = of_string(message->failed.text);
    return put(encoder, &to.base);
}

static int put_formats(const struct encoder *encoder, const struct wire_message *message)
{
    const struct wire_formats *from = &message->formats;
    SB_ASSERT(from->format_count <= LIMIT_FORMATS_MAX);
    struct packed_format formats[LIMIT_FORMATS_MAX];
    Sb__V1__Format *pointers[LIMIT_FORMATS_MAX];
    for (size_t i = 0; i < from->format_count; i++) {
        pointers[i] = fill_format(&formats[i], &from->formats[i]);
    }
    Sb__V1__Formats to = SB__V1__FORMATS__INIT;
    to.output = of_string(from->output);
    to.n_formats = from->format_count;
    to.formats = pointers;
    to.frame_bytes_max = from->frame_bytes_max;
    return put(encoder, &to.base);
}

static int put_input_format(const struct encoder *encoder, const struct wire_message *message)
{
    struct packed_format format;
    Sb__V1__InputFormat to = SB__V1__INPUT_FORMAT__INIT;
    to.link_id = message->input_format.link_id;
    to.serial = message->input_format.serial;
    to.format = fill_format(&format, &message->input_format.format);
    to.frame_bytes_max = message->input_format.frame_bytes_max;
    return put(encoder, &to.base);
}

static int put_format_taken(const struct encoder *encoder, const struct wire_message *message)
{
    Sb__V1__FormatTaken to = SB__V1__FORMAT_TAKEN__INIT;
    to.serial = message->format_taken.serial;
    return put(encoder, &to.base);
}

static int put_memory(const struct encoder *encoder, const struct wire_message *message)
{
    const struct wire_memory *from = &message->memory;
    struct packed_format format;
    Sb__V1__Memory to = SB__V1__MEMORY__INIT;
    to.serial = from->serial;
    to.kind = from->kind;
    to.size_bytes = from->size_bytes;
    to.output = of_string(from->output);
    to.link_id = from->link_id;
    to.generation = from->generation;
    to.slot_count = from->slot_count;
    to.payload_bytes = from->payload_bytes;
    to.depth = from->depth;
    to.claims_max = from->claims_max;
    to.first_seq = from->first_seq;
    to.page_number = from->page_number;
    to.first_number = from->first_number;
    to.carried_bytes = from->carried_bytes;
    to.device_slot_bytes = from->device_slot_bytes;
    to.delivery = from->delivery;
    if (from->kind == WIRE_MEMORY_POOL) {
        to.format = fill_format(&format, &from->format);
    }
    return put(encoder, &to.base);
}

static int put_bell(const struct encoder *encoder, const struct wire_message *message)
{
    Sb__V1__Bell to = SB__V1__BELL__INIT;
    to.size_bytes = message->bell.size_bytes;
    return put(encoder, &to.base);
}

static int put_mapped(const struct encoder *encoder, const struct wire_message *message)
{
    Sb__V1__Mapped to = SB__V1__MAPPED__INIT;
    to.serial = message->mapped.serial;
    return put(encoder, &to.base);
}

static int put_read_link(const struct encoder *encoder, const struct wire_message *message)
{
    const struct wire_read_link *from = &message->read_link;
    SB_ASSERT(from->skip_count <= WIRE_SKIPS_MAX);
    struct packed_format format;
    Sb__V1__ReadLink to = SB__V1__READ_LINK__INIT;
    to.link_id = from->link_id;
    to.generation = from->generation;
    to.pool_bytes = from->pool_bytes;
    to.page_bytes = from->page_bytes;
    to.slot_count = from->slot_count;
    to.payload_bytes = from->payload_bytes;
    to.depth = from->depth;
    to.first_seq = from->first_seq;
    to.format = fill_format(&format, &from->format);
    to.is_producer_gone = from->is_producer_gone;
    to.n_skip = from->skip_count;
    to.skip = (uint64_t *)(size_t)from->skips;
    to.attempt = from->attempt;
    to.is_single = from->is_single;
    to.carried_bytes = from->carried_bytes;
    to.device_slot_bytes = from->device_slot_bytes;
    to.delivery = from->delivery;
    return put(encoder, &to.base);
}

static int put_write_link(const struct encoder *encoder, const struct wire_message *message)
{
    const struct wire_write_link *from = &message->write_link;
    Sb__V1__WriteLink to = SB__V1__WRITE_LINK__INIT;
    to.link_id = from->link_id;
    to.generation = from->generation;
    to.page_bytes = from->page_bytes;
    to.page_number = from->page_number;
    to.claims_max = from->claims_max;
    return put(encoder, &to.base);
}

static int put_link_end(const struct encoder *encoder, const struct wire_message *message)
{
    Sb__V1__LinkEnd to = SB__V1__LINK_END__INIT;
    to.link_id = message->link_end.link_id;
    to.generation = message->link_end.generation;
    to.end_seq = message->link_end.end_seq;
    to.kind = message->link_end.kind;
    return put(encoder, &to.base);
}

static int put_unlink(const struct encoder *encoder, const struct wire_message *message)
{
    Sb__V1__Unlink to = SB__V1__UNLINK__INIT;
    to.link_id = message->unlink.link_id;
    to.is_ended = message->unlink.is_ended;
    return put(encoder, &to.base);
}

static int put_ready(const struct encoder *encoder, const struct wire_message *message)
{
    (void)message;
    Sb__V1__Ready to = SB__V1__READY__INIT;
    return put(encoder, &to.base);
}

static int put_start(const struct encoder *encoder, const struct wire_message *message)
{
    (void)message;
    Sb__V1__Start to = SB__V1__START__INIT;
    return put(encoder, &to.base);
}

static int put_config(const struct encoder *encoder, const struct wire_message *message)
{
    struct packed_params params;
    fill_params(&params, message->config.params, message->config.param_count);
    Sb__V1__Config to = SB__V1__CONFIG__INIT;
    to.serial = message->config.serial;
    to.n_params = message->config.param_count;
    to.params = params.pointers;
    return put(encoder, &to.base);
}

static int put_config_done(const struct encoder *encoder, const struct wire_message *message)
{
    Sb__V1__ConfigDone to = SB__V1__CONFIG_DONE__INIT;
    to.serial = message->config_done.serial;
    to.code = message->config_done.code;
    to.text = of_string(message->config_done.text);
    return put(encoder, &to.base);
}

static int put_drained(const struct encoder *encoder, const struct wire_message *message)
{
    Sb__V1__Drained to = SB__V1__DRAINED__INIT;
    to.link_id = message->drained.link_id;
    to.generation = message->drained.generation;
    return put(encoder, &to.base);
}

static int put_ended(const struct encoder *encoder, const struct wire_message *message)
{
    Sb__V1__Ended to = SB__V1__ENDED__INIT;
    to.exit_status = message->ended.exit_status;
    return put(encoder, &to.base);
}

static int put_link(const struct encoder *encoder, const struct wire_message *message)
{
    Sb__V1__Link to;
    return put(encoder, &fill_link(&to, &message->link)->base);
}

static int put_leave(const struct encoder *encoder, const struct wire_message *message)
{
    Sb__V1__Leave to = SB__V1__LEAVE__INIT;
    to.link_id = message->leave.link_id;
    return put(encoder, &to.base);
}

static int put_leaving(const struct encoder *encoder, const struct wire_message *message)
{
    Sb__V1__Leaving to = SB__V1__LEAVING__INIT;
    to.link_id = message->leaving.link_id;
    return put(encoder, &to.base);
}

static int put_left(const struct encoder *encoder, const struct wire_message *message)
{
    Sb__V1__Left to = SB__V1__LEFT__INIT;
    to.link_id = message->left.link_id;
    return put(encoder, &to.base);
}

static ProtobufCBinaryData of_uuid(const uint8_t uuid[SB_DEVICE_UUID_BYTES])
{
    return (ProtobufCBinaryData){.len = SB_DEVICE_UUID_BYTES, .data = (uint8_t *)(size_t)uuid};
}

static Sb__V1__Device *fill_device(Sb__V1__Device *to, const struct wire_device *from)
{
    sb__v1__device__init(to);
    to->device_uuid = of_uuid(from->device_uuid);
    to->driver_uuid = of_uuid(from->driver_uuid);
    to->vendor = from->vendor;
    to->is_software = from->is_software;
    to->has_pools = from->has_pools;
    to->has_timelines = from->has_timelines;
    to->name = of_string(from->name);
    return to;
}

static int put_device(const struct encoder *encoder, const struct wire_message *message)
{
    Sb__V1__Device to;
    return put(encoder, &fill_device(&to, &message->device)->base);
}

static int put_device_pool(const struct encoder *encoder, const struct wire_message *message)
{
    Sb__V1__DevicePool to = SB__V1__DEVICE_POOL__INIT;
    to.serial = message->device_pool.serial;
    to.size_bytes = message->device_pool.size_bytes;
    return put(encoder, &to.base);
}

static int put_device_link(const struct encoder *encoder, const struct wire_message *message)
{
    const struct wire_device_link *from = &message->device_link;
    Sb__V1__Device device;
    Sb__V1__DeviceLink to = SB__V1__DEVICE_LINK__INIT;
    to.link_id = from->link_id;
    to.generation = from->generation;
    to.size_bytes = from->size_bytes;
    to.device = fill_device(&device, &from->device);
    to.is_trusted = from->is_trusted;
    return put(encoder, &to.base);
}

static int put_device_refused(const struct encoder *encoder, const struct wire_message *message)
{
    const struct wire_device_refused *from = &message->device_refused;
    Sb__V1__DeviceRefused to = SB__V1__DEVICE_REFUSED__INIT;
    to.link_id = from->link_id;
    to.output = of_string(from->output);
    to.generation = from->generation;
    to.text = of_string(from->text);
    return put(encoder, &to.base);
}

static int put_device_lost(const struct encoder *encoder, const struct wire_message *message)
{
    Sb__V1__DeviceLost to = SB__V1__DEVICE_LOST__INIT;
    to.text = of_string(message->device_lost.text);
    return put(encoder, &to.base);
}

int wire_worker_encode(const struct wire_message *message, uint8_t *bytes, size_t size_bytes)
{
    struct encoder encoder = {.type = message->type, .bytes = bytes, .size_bytes = size_bytes};
    switch (message->type) {
#define MESSAGE(NAME, name, id, direction, first, last, fds, text)                                 \
    case WIRE_##NAME:                                                                              \
        return put_##name(&encoder, message);
#include "schemas/messages.def"
#undef MESSAGE
    default:
        SB_UNREACHABLE();
    }
}
