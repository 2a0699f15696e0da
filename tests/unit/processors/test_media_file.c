// SPDX-License-Identifier: Apache-2.0
// Kinds of files by their names, and the folders that they are put in.
// test: uses=base
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "processors/common/media_file.h"

static void the_ending_of_a_name_says_what_is_inside(void **state)
{
    (void)state;
    assert_int_equal(media_file_kind_of("a.y4m"), MEDIA_FILE_Y4M);
    assert_int_equal(media_file_kind_of("/x.y/a.WAV"), MEDIA_FILE_WAV);
    assert_int_equal(media_file_kind_of("a.b.txt"), MEDIA_FILE_LINES);
    assert_int_equal(media_file_kind_of("a.log"), MEDIA_FILE_LINES);
    assert_int_equal(media_file_kind_of("a.bin"), MEDIA_FILE_BINARY);
    assert_int_equal(media_file_kind_of("a.png"), MEDIA_FILE_PNG);
    assert_int_equal(media_file_kind_of("a.raw"), MEDIA_FILE_RAW);
    assert_int_equal(media_file_kind_of("a.unknown"), MEDIA_FILE_RAW);
    assert_int_equal(media_file_kind_of("/folder.wav/file"), MEDIA_FILE_RAW);
    assert_int_equal(media_file_kind_of(""), MEDIA_FILE_RAW);
}

static void a_missing_folder_is_made_and_an_existing_one_is_fine(void **state)
{
    (void)state;
    char root[] = "/tmp/media_file_XXXXXX";
    char path[64];
    struct stat info;
    assert_non_null(mkdtemp(root));
    snprintf(path, sizeof path, "%s/out/file.wav", root);
    assert_int_equal(media_file_make_folder(path), 0);
    assert_int_equal(media_file_make_folder(path), 0);
    snprintf(path, sizeof path, "%s/out", root);
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISDIR(info.st_mode));
    rmdir(path);
    snprintf(path, sizeof path, "%s/no/such/file.wav", root);
    assert_int_equal(media_file_make_folder(path), -ENOENT);
    assert_int_equal(media_file_make_folder("file.wav"), 0);
    assert_int_equal(media_file_make_folder("/file.wav"), 0);
    rmdir(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ending_of_a_name_says_what_is_inside),
        cmocka_unit_test(a_missing_folder_is_made_and_an_existing_one_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
