// SPDX-License-Identifier: Apache-2.0
// Puts pictures into the surface of a window, scaled to its size.
#pragma once

#include <stdint.h>

#include <vulkan/vulkan.h>

#include <streambroker/gpu.h>

#define PRESENTER_IMAGES_MAX 16

struct presenter {
    struct sb_gpu_vulkan vulkan;
    VkSurfaceKHR surface;  // owned
    VkFormat format;
    VkColorSpaceKHR space;
    uint32_t width;  // of the pictures
    uint32_t height;
    VkImage picture;
    VkDeviceMemory memory;
    VkSwapchainKHR swapchain;
    VkExtent2D extent;  // of the window, when the swapchain was made
    uint32_t image_count;
    VkImage images[PRESENTER_IMAGES_MAX];
    VkCommandPool pool;
    VkCommandBuffer commands;
    VkFence fence;
};

// For pictures of BGRA of one size. Returns 0, -ENODEV when the surface takes none, -ENOMEM or
// -EIO; presenter_close() is owed in any case, and takes the surface with it.
int presenter_open(struct presenter *presenter, const struct sb_gpu_vulkan *vulkan,
                   VkSurfaceKHR surface, uint32_t width, uint32_t height);

// Shows the picture whose bytes are in a buffer, in a window of that size. Returns 0,
// -ENODEV when the device is lost, or -EIO.
int presenter_show(struct presenter *presenter, VkBuffer pixels, uint32_t width, uint32_t height);

void presenter_close(struct presenter *presenter);
