// SPDX-License-Identifier: Apache-2.0
// Checks of single fields, for the decoders of this room. Each returns true, or false with a
// sentence part in the decoder's reason; what is copied goes to out.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "schemas/wire_worker.h"
#include "worker.pb-c.h"

// One decoding: where it goes, and the first thing that is wrong.
struct wire_decoder {
    struct wire_message *message;
    struct text reason;
};

// Always false.
bool wire_field_refuse(struct wire_decoder *decoder, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

bool wire_field_is_within(struct wire_decoder *decoder, const char *field, uint64_t value,
                          uint64_t least, uint64_t most);
bool wire_field_is_duration(struct wire_decoder *decoder, const char *field, int64_t ns,
                            int64_t least);
// A negative errno, or 0 where highest is 0.
bool wire_field_is_code(struct wire_decoder *decoder, int32_t code, int32_t highest);

bool wire_field_has_no_zero(struct wire_decoder *decoder, const char *field,
                            ProtobufCBinaryData bytes);
bool wire_field_fits(struct wire_decoder *decoder, const char *field, ProtobufCBinaryData bytes,
                     size_t size_bytes);
bool wire_field_is_utf8(struct wire_decoder *decoder, const char *field, ProtobufCBinaryData bytes);

// Free text of a processor: any byte but zero; whoever prints it escapes it.
bool wire_field_take_text(struct wire_decoder *decoder, const char *field,
                          ProtobufCBinaryData bytes, char *out, size_t size_bytes);
// Not empty, valid UTF-8, no control characters.
bool wire_field_take_name(struct wire_decoder *decoder, const char *field,
                          ProtobufCBinaryData bytes, char *out, size_t size_bytes);
bool wire_field_take_id(struct wire_decoder *decoder, const char *field, ProtobufCBinaryData bytes,
                        char *out, size_t size_bytes);
// Has exactly the part that its kind names, and is valid.
bool wire_field_take_format(struct wire_decoder *decoder, const Sb__V1__Format *from,
                            struct sb_format *out_format);

// Ids and generations count from 1.
bool wire_field_is_link(struct wire_decoder *decoder, uint32_t link_id, uint32_t generation);
// Sizes of memory: at least what must lie in it.
bool wire_field_is_segment(struct wire_decoder *decoder, const char *field, uint64_t size_bytes,
                           uint64_t least_bytes);
bool wire_field_is_pool(struct wire_decoder *decoder, const char *field, uint64_t size_bytes,
                        uint32_t slot_count, uint64_t payload_bytes);
bool wire_field_is_publish_page(struct wire_decoder *decoder, const char *field,
                                uint64_t size_bytes, uint32_t depth);
bool wire_field_is_consume_page(struct wire_decoder *decoder, const char *field,
                                uint64_t size_bytes, uint32_t depth, uint32_t claims_max);
