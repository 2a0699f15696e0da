// SPDX-License-Identifier: Apache-2.0
// The kinds of files that file-source reads and file-sink writes.
#pragma once

// Enum value, name in parameters, ending of file names.
#define MEDIA_FILE_KINDS(X)                                                                        \
    X(RAW, "raw", ".raw")                                                                          \
    X(Y4M, "y4m", ".y4m")                                                                          \
    X(WAV, "wav", ".wav")                                                                          \
    X(LINES, "lines", ".txt")                                                                      \
    X(BINARY, "binary", ".bin")                                                                    \
    X(PNG, "png", ".png")

enum media_file_kind {
#define X(name, text, ending) MEDIA_FILE_##name,
    MEDIA_FILE_KINDS(X)
#undef X
};

// The kind that a file name stands for, by its ending in any case. Also .log, .csv, .jsonl and .md
// are lines; everything unknown is raw.
enum media_file_kind media_file_kind_of(const char *path);

// Makes the folder of a file when it is missing, but not the folder above it. 0 or -errno.
int media_file_make_folder(const char *path);
