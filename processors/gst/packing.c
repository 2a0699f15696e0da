// SPDX-License-Identifier: Apache-2.0
// Rows of pictures, with and without padding.
#include "processors/gst/packing.h"

#include <errno.h>
#include <gst/video/video.h>
#include <string.h>

static void copy_rows(const uint8_t *source, size_t source_stride, uint8_t *target,
                      size_t target_stride, const struct sb_plane *plane)
{
    if (source_stride == target_stride && source_stride == plane->row_bytes) {
        memcpy(target, source, plane->row_bytes * plane->rows);
        return;
    }
    for (uint32_t y = 0; y < plane->rows; y++) {
        memcpy(target + y * target_stride, source + y * source_stride, plane->row_bytes);
    }
}

int packing_load(GstBuffer *buffer, const GstCaps *caps, const struct sb_video_format *format,
                 void *packed, size_t size_bytes)
{
    GstVideoInfo info;
    GstVideoFrame frame;
    struct sb_video_layout layout;
    if (sb_video_layout_get(format, &layout) < 0 || layout.size_bytes != size_bytes ||
        !gst_video_info_from_caps(&info, caps)) {
        return -EPROTO;
    }
    // Takes strides and offsets from the buffer's GstVideoMeta where it has one.
    if (!gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ)) {
        return -EPROTO;
    }
    int result = -EPROTO;
    if (GST_VIDEO_FRAME_N_PLANES(&frame) == layout.plane_count &&
        (uint32_t)GST_VIDEO_FRAME_WIDTH(&frame) == format->width &&
        (uint32_t)GST_VIDEO_FRAME_HEIGHT(&frame) == format->height) {
        for (uint32_t i = 0; i < layout.plane_count; i++) {
            const struct sb_plane *plane = &layout.planes[i];
            copy_rows(GST_VIDEO_FRAME_PLANE_DATA(&frame, i),
                      (size_t)GST_VIDEO_FRAME_PLANE_STRIDE(&frame, i),
                      (uint8_t *)packed + plane->offset_bytes, plane->stride_bytes, plane);
        }
        result = 0;
    }
    gst_video_frame_unmap(&frame);
    return result;
}

GstBuffer *packing_store(const struct sb_video_format *format, const GstCaps *caps,
                         const void *packed)
{
    GstVideoInfo info;
    GstMapInfo map;
    struct sb_video_layout layout;
    if (sb_video_layout_get(format, &layout) < 0 || !gst_video_info_from_caps(&info, caps)) {
        return NULL;
    }
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, GST_VIDEO_INFO_SIZE(&info), NULL);
    if (buffer == NULL || !gst_buffer_map(buffer, &map, GST_MAP_WRITE)) {
        gst_clear_buffer(&buffer);
        return NULL;
    }
    for (uint32_t i = 0; i < layout.plane_count; i++) {
        const struct sb_plane *plane = &layout.planes[i];
        copy_rows((const uint8_t *)packed + plane->offset_bytes, plane->stride_bytes,
                  map.data + GST_VIDEO_INFO_PLANE_OFFSET(&info, i),
                  (size_t)GST_VIDEO_INFO_PLANE_STRIDE(&info, i), plane);
    }
    gst_buffer_unmap(buffer, &map);
    return buffer;
}
