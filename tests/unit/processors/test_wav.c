// SPDX-License-Identifier: Apache-2.0
// WAV headers: made, read, and refused with the place of the error.
// test: uses=base
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "processors/common/wav.h"

static int read_bytes(const void *bytes, size_t count, struct sb_audio_format *out_format,
                      uint64_t *out_data_bytes, long *out_place, char text[WAV_TEXT_BYTES])
{
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    rewind(file);
    int result = wav_read_header(file, out_format, out_data_bytes, text);
    *out_place = ftell(file);
    fclose(file);
    return result;
}

static void what_is_made_can_be_read(void **state)
{
    (void)state;
    static const struct sb_audio_format formats[] = {
        {SB_SAMPLE_S16, 48000, 1}, {SB_SAMPLE_S32, 44100, 2}, {SB_SAMPLE_F32, 8000, 6}};
    for (size_t i = 0; i < 3; i++) {
        uint8_t header[WAV_HEADER_BYTES];
        struct sb_audio_format format = {0};
        uint64_t bytes = 0;
        long place = 0;
        char text[WAV_TEXT_BYTES];
        wav_make_header(&formats[i], 96000, header);
        assert_int_equal(read_bytes(header, sizeof header, &format, &bytes, &place, text), 0);
        assert_memory_equal(&format, &formats[i], sizeof format);
        assert_int_equal(bytes, 96000);
        assert_int_equal(place, WAV_HEADER_BYTES);
    }
}

static void more_than_4_gib_is_written_as_the_largest_size(void **state)
{
    (void)state;
    struct sb_audio_format format = {SB_SAMPLE_S16, 48000, 2};
    uint8_t header[WAV_HEADER_BYTES];
    wav_make_header(&format, UINT64_C(5) << 30, header);
    uint32_t size;
    memcpy(&size, header + 40, sizeof size);
    assert_int_equal(size, UINT32_MAX - WAV_HEADER_BYTES);
}

static void other_chunks_are_skipped_and_an_open_length_is_a_stream(void **state)
{
    (void)state;
    struct sb_audio_format wanted = {SB_SAMPLE_S16, 16000, 1};
    struct sb_audio_format format = {0};
    uint8_t header[WAV_HEADER_BYTES];
    uint8_t bytes[WAV_HEADER_BYTES + 12];
    uint64_t count = 0;
    long place = 0;
    char text[WAV_TEXT_BYTES];
    wav_make_header(&wanted, 0, header);
    memcpy(bytes, header, 12);
    memcpy(bytes + 12, "LIST\3\0\0\0abc\0", 12);  // an odd size is padded
    memcpy(bytes + 24, header + 12, WAV_HEADER_BYTES - 12);
    assert_int_equal(read_bytes(bytes, sizeof bytes, &format, &count, &place, text), 0);
    assert_memory_equal(&format, &wanted, sizeof format);
    assert_true(count == UINT64_MAX);
    assert_int_equal(place, sizeof bytes);
}

static void every_cut_off_or_wrong_header_is_refused_with_its_place(void **state)
{
    (void)state;
    struct sb_audio_format format = {SB_SAMPLE_S16, 48000, 1};
    uint8_t header[WAV_HEADER_BYTES];
    uint64_t count = 0;
    long place = 0;
    char text[WAV_TEXT_BYTES];
    wav_make_header(&format, 10, header);
    for (size_t size = 0; size < WAV_HEADER_BYTES; size++) {
        text[0] = '\0';
        assert_int_equal(read_bytes(header, size, &format, &count, &place, text), -EPROTO);
        assert_non_null(strstr(text, "at byte "));
    }
    static const struct {
        size_t place;
        uint8_t value;
    } changes[] = {{0, 'X'}, {8, 'X'}, {16, 3}, {20, 9}, {22, 0}, {34, 12}, {12, 'd'}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        uint8_t changed[WAV_HEADER_BYTES];
        memcpy(changed, header, sizeof header);
        changed[changes[i].place] = changes[i].value;
        assert_int_equal(read_bytes(changed, sizeof changed, &format, &count, &place, text),
                         -EPROTO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_can_be_read),
        cmocka_unit_test(more_than_4_gib_is_written_as_the_largest_size),
        cmocka_unit_test(other_chunks_are_skipped_and_an_open_length_is_a_stream),
        cmocka_unit_test(every_cut_off_or_wrong_header_is_refused_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
