// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over kept inputs (files, or folders of files) where libFuzzer is not linked.
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { REPLAY_INPUT_BYTES_MAX = 16 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -errno;
    }
    uint8_t *data = malloc(REPLAY_INPUT_BYTES_MAX);
    if (data == NULL) {
        fclose(file);
        return -ENOMEM;
    }
    size_t size_bytes = fread(data, 1, REPLAY_INPUT_BYTES_MAX, file);
    fclose(file);
    // A block of exactly the input's size, so that a sanitizer sees the first byte past its end.
    uint8_t *input = malloc(size_bytes > 0 ? size_bytes : 1);
    if (input == NULL) {
        free(data);
        return -ENOMEM;
    }
    memcpy(input, data, size_bytes);
    free(data);
    LLVMFuzzerTestOneInput(input, size_bytes);
    free(input);
    return 1;
}

static int replay_folder(const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -errno;
    }
    int result = 0;
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.' && result >= 0) {
            char *inner = NULL;
            int ran = asprintf(&inner, "%s/%s", path, entries[i]->d_name);
            ran = ran < 0 ? -ENOMEM : replay_file(inner);
            result = ran < 0 ? ran : result + ran;
            free(inner);
        }
        free(entries[i]);
    }
    free(entries);
    return result;
}

int main(int argc, char **argv)
{
    int inputs = 0;
    for (int i = 1; i < argc; i++) {
        struct stat status;
        int ran = stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode) ? replay_folder(argv[i])
                                                                         : replay_file(argv[i]);
        if (ran < 0) {
            return 1;
        }
        inputs += ran;
    }
    printf("replayed %d inputs\n", inputs);
    return inputs > 0 ? 0 : 1;
}
