// SPDX-License-Identifier: Apache-2.0
// test: uses=processors,base
// Any bytes as a WAV or Y4M file: refused with the place, or a format within its bounds.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/check.h"
#include "processors/common/wav.h"
#include "processors/common/y4m.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void read_wav(FILE *file)
{
    char text[WAV_TEXT_BYTES] = "";
    uint64_t data_bytes = 0;
    struct sb_format format = {.kind = SB_FORMAT_AUDIO};
    if (wav_read_header(file, &format.audio, &data_bytes, text) < 0) {
        SB_ASSERT(text[0] != '\0' && format.audio.rate == 0);
        return;
    }
    SB_ASSERT(sb_format_check(&format) == 0 && data_bytes > 0);
    uint8_t header[WAV_HEADER_BYTES];
    wav_make_header(&format.audio, data_bytes, header);
}

static void read_y4m(FILE *file)
{
    char text[Y4M_TEXT_BYTES] = "";
    struct sb_format format = {.kind = SB_FORMAT_VIDEO};
    if (y4m_read_header(file, &format.video, text) < 0) {
        SB_ASSERT(text[0] != '\0' && format.video.width == 0);
        return;
    }
    SB_ASSERT(sb_format_check(&format) == 0 && y4m_can_hold(format.video.pixel));
    char line[Y4M_HEADER_BYTES_MAX];
    SB_ASSERT(y4m_make_header(&format.video, line) < Y4M_HEADER_BYTES_MAX);
    while (y4m_read_frame_line(file, text) == 1) {
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    void (*const readers[])(FILE * file) = {read_wav, read_y4m};
    for (size_t i = 0; i < 2; i++) {
        FILE *file = fmemopen((void *)(uintptr_t)data, size_bytes, "r");
        if (file == NULL) {
            return 0;
        }
        readers[i](file);
        fclose(file);
    }
    return 0;
}
