// SPDX-License-Identifier: Apache-2.0
// Headers of YUV4MPEG2 files.
#pragma once

#include <stdint.h>
#include <stdio.h>

#include <streambroker/format.h>

#define Y4M_HEADER_BYTES_MAX 256
#define Y4M_TEXT_BYTES 160

// Reads the first line. Returns 0; -EPROTO or -EIO with the reason in out_text.
int y4m_read_header(FILE *file, struct sb_video_format *out_format, char out_text[Y4M_TEXT_BYTES]);

// Reads the line before a frame. Returns 1; 0 at the end of the file; -EPROTO or -EIO with the
// reason and the offset in out_text.
int y4m_read_frame_line(FILE *file, char out_text[Y4M_TEXT_BYTES]);

// True for the pixel formats that such a file can hold: i420 and gray8.
int y4m_can_hold(enum sb_pixel pixel);

// The first line with its end of line; returns its length.
int y4m_make_header(const struct sb_video_format *format, char out_line[Y4M_HEADER_BYTES_MAX]);
