// SPDX-License-Identifier: Apache-2.0
// What a function prints to stdout, as text.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char output_text[256 * 1024];
static int output_saved;
static FILE *output_file;

static inline void output_begin(void)
{
    fflush(stdout);
    output_saved = dup(STDOUT_FILENO);
    output_file = tmpfile();
    dup2(fileno(output_file), STDOUT_FILENO);
}

static inline const char *output_end(void)
{
    fflush(stdout);
    dup2(output_saved, STDOUT_FILENO);
    close(output_saved);
    rewind(output_file);
    size_t count = fread(output_text, 1, sizeof(output_text) - 1, output_file);
    output_text[count] = '\0';
    fclose(output_file);
    return output_text;
}
