// SPDX-License-Identifier: Apache-2.0
// A format as people write it, in the words of sb_format_text(): "video rgba 640x360 30/1",
// "audio s16 48000 Hz 2 channels", "tensor f32 3x224x224", "text", "binary image/jpeg",
// "message package.Name". "Hz" and "channels" may be left out.
#pragma once

#include <streambroker/streambroker.h>

// Returns 0, or -EINVAL for what is not a valid format.
int format_words_read(const char *text, struct sb_format *out_format);
