// SPDX-License-Identifier: Apache-2.0
// GStreamer's caps and our formats.
#pragma once

#include <gst/gst.h>

#include <streambroker/format.h>

// The format that caps stand for: raw video and audio by their fields, everything else binary with
// its media type. -EINVAL when caps are not fixed, or are raw in a way that no format describes.
int caps_to_format(const GstCaps *caps, struct sb_format *out_format);

// Caps of a format; the caller unrefs them. NULL for a format without any (tensor, message).
GstCaps *caps_of_format(const struct sb_format *format);

// Caps of everything that a port of this type can carry; the caller unrefs them.
GstCaps *caps_of_port(enum sb_port_type type);
