// SPDX-License-Identifier: Apache-2.0
// Single fields of a decoded message: each is checked against its bounds and copied once.
#include "schemas/wire_field.h"

#include <string.h>

#include "schemas/limits.h"
#include "schemas/link_layout.h"

bool wire_field_refuse(struct wire_decoder *decoder, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    text_add_format_list(&decoder->reason, format, list);
    va_end(list);
    return false;
}

bool wire_field_is_within(struct wire_decoder *decoder, const char *field, uint64_t value,
                          uint64_t least, uint64_t most)
{
    if (value >= least && value <= most) {
        return true;
    }
    return wire_field_refuse(decoder, "%s is %llu, not %llu to %llu", field,
                             (unsigned long long)value, (unsigned long long)least,
                             (unsigned long long)most);
}

bool wire_field_is_duration(struct wire_decoder *decoder, const char *field, int64_t ns,
                            int64_t least)
{
    if (ns >= least && ns <= LIMIT_DURATION_NS_MAX) {
        return true;
    }
    return wire_field_refuse(decoder, "%s is %lld ns, not %lld to %lld", field, (long long)ns,
                             (long long)least, (long long)LIMIT_DURATION_NS_MAX);
}

// 0, or the negative errno of a call that failed.
bool wire_field_is_code(struct wire_decoder *decoder, int32_t code, int32_t highest)
{
    return (code <= highest && code >= -4095) ||
           wire_field_refuse(decoder, "code is %d, not -4095 to %d", code, highest);
}

bool wire_field_has_no_zero(struct wire_decoder *decoder, const char *field,
                            ProtobufCBinaryData bytes)
{
    return bytes.len == 0 || memchr(bytes.data, '\0', bytes.len) == NULL ||
           wire_field_refuse(decoder, "%s has a zero byte in it", field);
}

bool wire_field_fits(struct wire_decoder *decoder, const char *field, ProtobufCBinaryData bytes,
                     size_t size_bytes)
{
    return bytes.len < size_bytes ||
           wire_field_refuse(decoder, "%s has %zu bytes, at most %zu are allowed", field, bytes.len,
                             size_bytes - 1);
}

bool wire_field_is_utf8(struct wire_decoder *decoder, const char *field, ProtobufCBinaryData bytes)
{
    const char *characters = (const char *)bytes.data;
    for (size_t i = 0; i < bytes.len;) {
        size_t length = text_utf8_length(characters + i, bytes.len - i);
        if (length == 0) {
            return wire_field_refuse(decoder, "%s is no valid UTF-8", field);
        }
        i += length;
    }
    return true;
}

// Free text: what a processor wrote. Any byte but zero; whoever prints it escapes it.
bool wire_field_take_text(struct wire_decoder *decoder, const char *field,
                          ProtobufCBinaryData bytes, char *out, size_t size_bytes)
{
    if (!wire_field_fits(decoder, field, bytes, size_bytes) ||
        !wire_field_has_no_zero(decoder, field, bytes)) {
        return false;
    }
    if (bytes.len > 0) {
        memcpy(out, bytes.data, bytes.len);
    }
    out[bytes.len] = '\0';
    return true;
}

// A name: not empty, valid UTF-8, no control characters.
bool wire_field_take_name(struct wire_decoder *decoder, const char *field,
                          ProtobufCBinaryData bytes, char *out, size_t size_bytes)
{
    if (bytes.len == 0) {
        return wire_field_refuse(decoder, "%s is empty", field);
    }
    if (!wire_field_is_utf8(decoder, field, bytes) ||
        !wire_field_take_text(decoder, field, bytes, out, size_bytes)) {
        return false;
    }
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.data[i] < 0x20 || bytes.data[i] == 0x7f) {
            return wire_field_refuse(decoder, "%s has a control character in it", field);
        }
    }
    return true;
}

bool wire_field_take_id(struct wire_decoder *decoder, const char *field, ProtobufCBinaryData bytes,
                        char *out, size_t size_bytes)
{
    return wire_field_take_name(decoder, field, bytes, out, size_bytes) &&
           (text_is_id(out) || wire_field_refuse(decoder, "%s is no id", field));
}

static bool take_video(struct wire_decoder *decoder, const Sb__V1__Video *from,
                       struct sb_video_format *out)
{
    if (from == NULL) {
        return wire_field_refuse(decoder, "a video format has no video part");
    }
    *out = (struct sb_video_format){.pixel = (enum sb_pixel)from->pixel,
                                    .width = from->width,
                                    .height = from->height,
                                    .fps_numerator = from->fps_numerator,
                                    .fps_denominator = from->fps_denominator};
    return true;
}

static bool take_audio(struct wire_decoder *decoder, const Sb__V1__Audio *from,
                       struct sb_audio_format *out)
{
    if (from == NULL) {
        return wire_field_refuse(decoder, "an audio format has no audio part");
    }
    *out = (struct sb_audio_format){
        .sample = (enum sb_sample)from->sample, .rate = from->rate, .channels = from->channels};
    return true;
}

static bool take_tensor(struct wire_decoder *decoder, const Sb__V1__Tensor *from,
                        struct sb_tensor_format *out)
{
    if (from == NULL) {
        return wire_field_refuse(decoder, "a tensor format has no tensor part");
    }
    if (!wire_field_is_within(decoder, "rank", from->n_shape, 1, SB_TENSOR_RANK_MAX)) {
        return false;
    }
    *out = (struct sb_tensor_format){.element = (enum sb_element)from->element,
                                     .rank = (uint32_t)from->n_shape};
    memcpy(out->shape, from->shape, from->n_shape * sizeof out->shape[0]);
    return true;
}

bool wire_field_take_format(struct wire_decoder *decoder, const Sb__V1__Format *from,
                            struct sb_format *out_format)
{
    if (from == NULL) {
        return wire_field_refuse(decoder, "the format is missing");
    }
    struct sb_format format = {.kind = (enum sb_format_kind)from->kind};
    bool is_named = format.kind == SB_FORMAT_BINARY || format.kind == SB_FORMAT_MESSAGE;
    if ((from->video != NULL && format.kind != SB_FORMAT_VIDEO) ||
        (from->audio != NULL && format.kind != SB_FORMAT_AUDIO) ||
        (from->tensor != NULL && format.kind != SB_FORMAT_TENSOR) ||
        (from->name.len > 0 && !is_named)) {
        return wire_field_refuse(decoder, "a format of kind %u has a part of another kind",
                                 from->kind);
    }
    bool is_taken = true;
    if (format.kind == SB_FORMAT_VIDEO) {
        is_taken = take_video(decoder, from->video, &format.video);
    } else if (format.kind == SB_FORMAT_AUDIO) {
        is_taken = take_audio(decoder, from->audio, &format.audio);
    } else if (format.kind == SB_FORMAT_TENSOR) {
        is_taken = take_tensor(decoder, from->tensor, &format.tensor);
    } else if (from->name.len > 0) {
        is_taken = wire_field_take_name(decoder, "format name", from->name, format.name,
                                        sizeof format.name);
    }
    if (!is_taken) {
        return false;
    }
    if (sb_format_check(&format) < 0) {
        char text[192];
        sb_format_text(&format, text, sizeof text);
        return wire_field_refuse(decoder, "the format '%s' is not valid", text);
    }
    *out_format = format;
    return true;
}

// Ids and generations count from 1; 0 means that there is none.
bool wire_field_is_link(struct wire_decoder *decoder, uint32_t link_id, uint32_t generation)
{
    return wire_field_is_within(decoder, "link_id", link_id, 1, UINT32_MAX) &&
           wire_field_is_within(decoder, "generation", generation, 1, UINT32_MAX);
}

bool wire_field_is_segment(struct wire_decoder *decoder, const char *field, uint64_t size_bytes,
                           uint64_t least_bytes)
{
    return wire_field_is_within(decoder, field, size_bytes, least_bytes, LIMIT_SEGMENT_BYTES_MAX);
}

bool wire_field_is_pool(struct wire_decoder *decoder, const char *field, uint64_t size_bytes,
                        uint32_t slot_count, uint64_t payload_bytes)
{
    return wire_field_is_within(decoder, "slot_count", slot_count, 1, LIMIT_SLOTS_MAX) &&
           wire_field_is_within(decoder, "payload_bytes", payload_bytes, 0,
                                LIMIT_PAYLOAD_BYTES_MAX) &&
           wire_field_is_segment(decoder, field, size_bytes,
                                 slot_count * layout_slot_bytes(payload_bytes));
}

bool wire_field_is_publish_page(struct wire_decoder *decoder, const char *field,
                                uint64_t size_bytes, uint32_t depth)
{
    return wire_field_is_within(decoder, "depth", depth, 1, LIMIT_DEPTH_MAX) &&
           wire_field_is_segment(decoder, field, size_bytes, layout_publish_page_bytes(depth));
}

bool wire_field_is_consume_page(struct wire_decoder *decoder, const char *field,
                                uint64_t size_bytes, uint32_t depth, uint32_t claims_max)
{
    return wire_field_is_within(decoder, "depth", depth, 1, LIMIT_DEPTH_MAX) &&
           wire_field_is_within(decoder, "claims_max", claims_max, 1, LIMIT_CLAIMS_MAX) &&
           wire_field_is_segment(decoder, field, size_bytes,
                                 layout_consume_page_bytes(depth, claims_max));
}
