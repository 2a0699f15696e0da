// SPDX-License-Identifier: Apache-2.0
// gpu-download: video from memory of the GPU into memory of the CPU.
#include "processors/gpu/gpu_transfer.h"

int main(int argc, char **argv)
{
    return gpu_transfer_main("gpu-download", "Video from memory of the GPU into memory of the CPU.",
                             SB_MEMORY_GPU, SB_MEMORY_CPU, argc, argv);
}
