// SPDX-License-Identifier: Apache-2.0
// Compute shaders as pipelines of the device.
#include <errno.h>
#include <stdlib.h>

#include "shm/gpu/gpu_state.h"

static VkResult make_layouts(const struct sb_gpu *gpu, struct sb_gpu_kernel *kernel)
{
    VkDescriptorSetLayoutBinding bindings[SB_GPU_SPANS_MAX];
    for (uint32_t i = 0; i < kernel->span_count; i++) {
        bindings[i] = (VkDescriptorSetLayoutBinding){
            .binding = i,
            .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .descriptorCount = 1,
            .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
        };
    }
    VkDescriptorSetLayoutCreateInfo set = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = kernel->span_count,
        .pBindings = bindings,
    };
    VkResult result = vkCreateDescriptorSetLayout(gpu->device, &set, NULL, &kernel->set_layout);
    VkPushConstantRange push = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
                                .size = kernel->push_bytes};
    VkPipelineLayoutCreateInfo layout = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = 1,
        .pSetLayouts = &kernel->set_layout,
        .pushConstantRangeCount = kernel->push_bytes > 0 ? 1 : 0,
        .pPushConstantRanges = &push,
    };
    return result == VK_SUCCESS
               ? vkCreatePipelineLayout(gpu->device, &layout, NULL, &kernel->layout)
               : result;
}

static VkResult make_pipeline(const struct sb_gpu *gpu, const struct sb_gpu_shader *shader,
                              struct sb_gpu_kernel *kernel)
{
    VkShaderModuleCreateInfo module = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                       .codeSize = shader->size_bytes,
                                       .pCode = shader->words};
    VkResult result = vkCreateShaderModule(gpu->device, &module, NULL, &kernel->module);
    result = result == VK_SUCCESS ? make_layouts(gpu, kernel) : result;
    VkComputePipelineCreateInfo pipeline = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                  .module = kernel->module,
                  .pName = "main"},
        .layout = kernel->layout,
    };
    return result == VK_SUCCESS ? vkCreateComputePipelines(gpu->device, VK_NULL_HANDLE, 1,
                                                           &pipeline, NULL, &kernel->pipeline)
                                : result;
}

static void drop(const struct sb_gpu *gpu, struct sb_gpu_kernel *kernel)
{
    vkDestroyPipeline(gpu->device, kernel->pipeline, NULL);
    vkDestroyPipelineLayout(gpu->device, kernel->layout, NULL);
    vkDestroyDescriptorSetLayout(gpu->device, kernel->set_layout, NULL);
    vkDestroyShaderModule(gpu->device, kernel->module, NULL);
    free(kernel);
}

int sb_gpu_kernel_make(struct sb_gpu *gpu, const struct sb_gpu_shader *shader,
                       struct sb_gpu_kernel **out_kernel)
{
    if (shader->span_count == 0 || shader->span_count > SB_GPU_SPANS_MAX ||
        shader->push_bytes > SB_GPU_PUSH_BYTES || shader->push_bytes % 4 != 0 ||
        shader->size_bytes == 0 || shader->size_bytes % sizeof(uint32_t) != 0) {
        return -EINVAL;
    }
    struct sb_gpu_kernel *kernel = calloc(1, sizeof *kernel);
    if (kernel == NULL) {
        return -ENOMEM;
    }
    kernel->span_count = shader->span_count;
    kernel->push_bytes = shader->push_bytes;
    VkResult result = make_pipeline(gpu, shader, kernel);
    if (result != VK_SUCCESS) {
        drop(gpu, kernel);
        return gpu_device_error(result);
    }
    kernel->next = gpu->kernels;
    gpu->kernels = kernel;
    *out_kernel = kernel;
    return 0;
}

void gpu_kernel_drop_all(struct sb_gpu *gpu)
{
    while (gpu->kernels != NULL) {
        struct sb_gpu_kernel *kernel = gpu->kernels;
        gpu->kernels = kernel->next;
        drop(gpu, kernel);
    }
}
