// SPDX-License-Identifier: Apache-2.0
// gpu-upload: video from memory of the CPU into memory of the GPU.
#include "processors/gpu/gpu_transfer.h"

int main(int argc, char **argv)
{
    return gpu_transfer_main("gpu-upload", "Video from memory of the CPU into memory of the GPU.",
                             SB_MEMORY_CPU, SB_MEMORY_GPU, argc, argv);
}
