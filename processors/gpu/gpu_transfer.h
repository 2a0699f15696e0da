// SPDX-License-Identifier: Apache-2.0
// The two nodes that carry video between memory of the CPU and memory of the GPU: bytes, times,
// numbers, flags and format pass unchanged.
#pragma once

#include <streambroker/streambroker.h>

// The main of gpu-upload and gpu-download.
int gpu_transfer_main(const char *name, const char *summary, enum sb_memory from, enum sb_memory to,
                      int argc, char **argv);
