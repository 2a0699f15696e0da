// SPDX-License-Identifier: Apache-2.0
// Pictures between GStreamer's buffers, whose rows may be padded, and our packed payloads.
#pragma once

#include <gst/gst.h>

#include <streambroker/format.h>

// Copies a buffer of these caps into a packed picture of size_bytes. Returns 0; -EPROTO when the
// buffer is not a picture of that format or size.
int packing_load(GstBuffer *buffer, const GstCaps *caps, const struct sb_video_format *format,
                 void *packed, size_t size_bytes);

// A new buffer with the rows as GStreamer's elements expect them by default; NULL without memory.
GstBuffer *packing_store(const struct sb_video_format *format, const GstCaps *caps,
                         const void *packed);
