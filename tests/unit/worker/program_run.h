// SPDX-License-Identifier: Apache-2.0
// Runs a processor of the test as a program without a broker, and keeps what it printed.
#pragma once

#include <streambroker/processor.h>

#define PROGRAM_BYTES_MAX 65536

struct program {
    int status;  // exit status, or 128 and the signal
    char out[PROGRAM_BYTES_MAX];
    char err[PROGRAM_BYTES_MAX];
};

// option NULL: none.
void program_run(struct program *program, const struct sb_processor *processor, const char *option);
