// SPDX-License-Identifier: Apache-2.0
// Writing PNG pictures.
#pragma once

#include <stdio.h>

#include <streambroker/format.h>

// Writes one packed picture of rgba, rgb or gray8. Returns 0; -EINVAL for another pixel format, or
// for pixels that do not fill the size; -EIO when writing fails; -ENOMEM.
int png_file_write(FILE *file, const struct sb_video_format *format, const void *pixels);
