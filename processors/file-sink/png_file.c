// SPDX-License-Identifier: Apache-2.0
// PNG by libpng.
#include "processors/file-sink/png_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdint.h>

#include <png.h>

static int colour_type(enum sb_pixel pixel)
{
    if (pixel == SB_PIXEL_RGBA) {
        return PNG_COLOR_TYPE_RGB_ALPHA;
    }
    if (pixel == SB_PIXEL_RGB) {
        return PNG_COLOR_TYPE_RGB;
    }
    return pixel == SB_PIXEL_GRAY8 ? PNG_COLOR_TYPE_GRAY : -1;
}

int png_file_write(FILE *file, const struct sb_video_format *format, const void *pixels)
{
    struct sb_video_layout layout;
    int type = colour_type(format->pixel);
    if (type < 0 || sb_video_layout_get(format, &layout) < 0) {
        return -EINVAL;
    }
    png_infop info = NULL;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    if (png == NULL || (info = png_create_info_struct(png)) == NULL) {
        png_destroy_write_struct(&png, NULL);
        return -ENOMEM;
    }
    if (setjmp(png_jmpbuf(png)) != 0) {
        png_destroy_write_struct(&png, &info);
        return -EIO;
    }
    png_init_io(png, file);
    png_set_IHDR(png, info, format->width, format->height, 8, type, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (uint32_t y = 0; y < format->height; y++) {
        png_write_row(png, (png_const_bytep)pixels + y * layout.planes[0].stride_bytes);
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return 0;
}
