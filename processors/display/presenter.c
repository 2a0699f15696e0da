// SPDX-License-Identifier: Apache-2.0
// The swapchain of a window, and the commands that fill one of its pictures.
#include "processors/display/presenter.h"

#include <errno.h>
#include <stdbool.h>

#define FORMATS_MAX 64
#define SECONDS_NS UINT64_C(5000000000)

static const VkImageSubresourceRange whole = {
    .aspectMask = VK_IMAGE_ASPECT_COLOR_BIT, .levelCount = 1, .layerCount = 1};
static const VkImageSubresourceLayers layers = {.aspectMask = VK_IMAGE_ASPECT_COLOR_BIT,
                                                .layerCount = 1};

// Bytes go to the screen as they are: no format that encodes them on the way.
static int choose_format(struct presenter *presenter)
{
    VkSurfaceFormatKHR formats[FORMATS_MAX];
    uint32_t count = FORMATS_MAX;
    VkBool32 can_present = VK_FALSE;
    VkPhysicalDevice physical = presenter->vulkan.physical;
    if (vkGetPhysicalDeviceSurfaceSupportKHR(physical, presenter->vulkan.family, presenter->surface,
                                             &can_present) != VK_SUCCESS ||
        !can_present ||
        vkGetPhysicalDeviceSurfaceFormatsKHR(physical, presenter->surface, &count, formats) < 0) {
        return -ENODEV;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (formats[i].format == VK_FORMAT_B8G8R8A8_UNORM ||
            formats[i].format == VK_FORMAT_R8G8B8A8_UNORM) {
            presenter->format = formats[i].format;
            presenter->space = formats[i].colorSpace;
            return 0;
        }
    }
    return -ENODEV;
}

static VkResult bind_memory(struct presenter *presenter)
{
    VkMemoryRequirements needs;
    VkPhysicalDeviceMemoryProperties has;
    vkGetImageMemoryRequirements(presenter->vulkan.device, presenter->picture, &needs);
    vkGetPhysicalDeviceMemoryProperties(presenter->vulkan.physical, &has);
    uint32_t type = 0;
    while (type < has.memoryTypeCount &&
           ((needs.memoryTypeBits >> type & 1) == 0 ||
            (has.memoryTypes[type].propertyFlags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT) == 0)) {
        type++;
    }
    if (type == has.memoryTypeCount) {
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    }
    VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                 .allocationSize = needs.size,
                                 .memoryTypeIndex = type};
    VkResult result = vkAllocateMemory(presenter->vulkan.device, &info, NULL, &presenter->memory);
    return result == VK_SUCCESS ? vkBindImageMemory(presenter->vulkan.device, presenter->picture,
                                                    presenter->memory, 0)
                                : result;
}

static VkResult make_picture(struct presenter *presenter)
{
    VkImageCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
        .imageType = VK_IMAGE_TYPE_2D,
        .format = VK_FORMAT_B8G8R8A8_UNORM,
        .extent = {presenter->width, presenter->height, 1},
        .mipLevels = 1,
        .arrayLayers = 1,
        .samples = VK_SAMPLE_COUNT_1_BIT,
        .tiling = VK_IMAGE_TILING_OPTIMAL,
        .usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT,
    };
    VkResult result = vkCreateImage(presenter->vulkan.device, &info, NULL, &presenter->picture);
    return result == VK_SUCCESS ? bind_memory(presenter) : result;
}

static VkResult make_commands(struct presenter *presenter)
{
    VkDevice device = presenter->vulkan.device;
    VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                    .queueFamilyIndex = presenter->vulkan.family};
    VkResult result = vkCreateCommandPool(device, &pool, NULL, &presenter->pool);
    VkCommandBufferAllocateInfo commands = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = presenter->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    result = result == VK_SUCCESS
                 ? vkAllocateCommandBuffers(device, &commands, &presenter->commands)
                 : result;
    VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    return result == VK_SUCCESS ? vkCreateFence(device, &fence, NULL, &presenter->fence) : result;
}

int presenter_open(struct presenter *presenter, const struct sb_gpu_vulkan *vulkan,
                   VkSurfaceKHR surface, uint32_t width, uint32_t height)
{
    *presenter =
        (struct presenter){.vulkan = *vulkan, .surface = surface, .width = width, .height = height};
    int failed = choose_format(presenter);
    if (failed != 0) {
        return failed;
    }
    VkResult result = make_picture(presenter);
    result = result == VK_SUCCESS ? make_commands(presenter) : result;
    return result == VK_SUCCESS ? 0 : result == VK_ERROR_OUT_OF_DEVICE_MEMORY ? -ENOMEM : -EIO;
}

// The surface says how large it is, or leaves it to the window.
static VkExtent2D extent_of(const VkSurfaceCapabilitiesKHR *can, uint32_t width, uint32_t height)
{
    VkExtent2D extent = {width, height};
    return can->currentExtent.width != UINT32_MAX ? can->currentExtent : extent;
}

static VkResult make_swapchain(struct presenter *presenter, uint32_t width, uint32_t height)
{
    VkSurfaceCapabilitiesKHR can;
    VkDevice device = presenter->vulkan.device;
    VkSwapchainKHR old = presenter->swapchain;
    VkResult result = vkGetPhysicalDeviceSurfaceCapabilitiesKHR(presenter->vulkan.physical,
                                                                presenter->surface, &can);
    if (result != VK_SUCCESS) {
        return result;
    }
    presenter->extent = extent_of(&can, width, height);
    uint32_t wanted = can.minImageCount + 1;
    VkSwapchainCreateInfoKHR info = {
        .sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR,
        .surface = presenter->surface,
        .minImageCount =
            can.maxImageCount != 0 && wanted > can.maxImageCount ? can.maxImageCount : wanted,
        .imageFormat = presenter->format,
        .imageColorSpace = presenter->space,
        .imageExtent = presenter->extent,
        .imageArrayLayers = 1,
        .imageUsage = VK_IMAGE_USAGE_TRANSFER_DST_BIT,
        .preTransform = can.currentTransform,
        .compositeAlpha = (can.supportedCompositeAlpha & VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR) != 0
                              ? VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR
                              : VK_COMPOSITE_ALPHA_INHERIT_BIT_KHR,
        .presentMode = VK_PRESENT_MODE_FIFO_KHR,
        .clipped = VK_TRUE,
        .oldSwapchain = old,
    };
    result = vkCreateSwapchainKHR(device, &info, NULL, &presenter->swapchain);
    vkDestroySwapchainKHR(device, old, NULL);
    if (result != VK_SUCCESS) {
        presenter->swapchain = VK_NULL_HANDLE;
        return result;
    }
    presenter->image_count = PRESENTER_IMAGES_MAX;
    return vkGetSwapchainImagesKHR(device, presenter->swapchain, &presenter->image_count,
                                   presenter->images);
}

struct change {
    VkImage image;
    VkImageLayout from;
    VkImageLayout to;
    VkAccessFlags before;
    VkAccessFlags after;
};

static void put_barrier(const struct presenter *presenter, const struct change *change)
{
    VkImageMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
        .srcAccessMask = change->before,
        .dstAccessMask = change->after,
        .oldLayout = change->from,
        .newLayout = change->to,
        .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .image = change->image,
        .subresourceRange = whole,
    };
    vkCmdPipelineBarrier(presenter->commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                         VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, NULL, 0, NULL, 1, &barrier);
}

static void record(const struct presenter *presenter, VkBuffer pixels, VkImage target)
{
    const VkAccessFlags written = VK_ACCESS_TRANSFER_WRITE_BIT;
    const VkImageLayout to = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL;
    const VkImageLayout from = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL;
    VkBufferImageCopy copy = {.imageSubresource = layers,
                              .imageExtent = {presenter->width, presenter->height, 1}};
    VkImageBlit blit = {
        .srcSubresource = layers,
        .srcOffsets = {{0, 0, 0}, {(int32_t)presenter->width, (int32_t)presenter->height, 1}},
        .dstSubresource = layers,
        .dstOffsets = {{0, 0, 0},
                       {(int32_t)presenter->extent.width, (int32_t)presenter->extent.height, 1}},
    };
    put_barrier(presenter, &(struct change){presenter->picture, VK_IMAGE_LAYOUT_UNDEFINED, to,
                                            VK_ACCESS_TRANSFER_READ_BIT, written});
    vkCmdCopyBufferToImage(presenter->commands, pixels, presenter->picture, to, 1, &copy);
    put_barrier(presenter, &(struct change){presenter->picture, to, from, written,
                                            VK_ACCESS_TRANSFER_READ_BIT});
    put_barrier(presenter, &(struct change){target, VK_IMAGE_LAYOUT_UNDEFINED, to, 0, written});
    vkCmdBlitImage(presenter->commands, presenter->picture, from, target, to, 1, &blit,
                   VK_FILTER_LINEAR);
    put_barrier(presenter,
                &(struct change){target, to, VK_IMAGE_LAYOUT_PRESENT_SRC_KHR, written, 0});
}

static VkResult wait_fence(struct presenter *presenter)
{
    VkDevice device = presenter->vulkan.device;
    VkResult result = vkWaitForFences(device, 1, &presenter->fence, VK_TRUE, SECONDS_NS);
    return result == VK_SUCCESS ? vkResetFences(device, 1, &presenter->fence) : result;
}

static VkResult fill(struct presenter *presenter, VkBuffer pixels, uint32_t index)
{
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                      .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    VkResult result = vkResetCommandPool(presenter->vulkan.device, presenter->pool, 0);
    result = result == VK_SUCCESS ? vkBeginCommandBuffer(presenter->commands, &begin) : result;
    if (result != VK_SUCCESS) {
        return result;
    }
    record(presenter, pixels, presenter->images[index]);
    VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                           .commandBufferCount = 1,
                           .pCommandBuffers = &presenter->commands};
    result = vkEndCommandBuffer(presenter->commands);
    result = result == VK_SUCCESS
                 ? vkQueueSubmit(presenter->vulkan.queue, 1, &submit, presenter->fence)
                 : result;
    return result == VK_SUCCESS ? wait_fence(presenter) : result;
}

static VkResult present(struct presenter *presenter, VkBuffer pixels)
{
    uint32_t index;
    VkResult result = vkAcquireNextImageKHR(presenter->vulkan.device, presenter->swapchain,
                                            SECONDS_NS, VK_NULL_HANDLE, presenter->fence, &index);
    if (result != VK_SUCCESS && result != VK_SUBOPTIMAL_KHR) {
        return result;
    }
    result = wait_fence(presenter);
    result = result == VK_SUCCESS ? fill(presenter, pixels, index) : result;
    VkPresentInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR,
                             .swapchainCount = 1,
                             .pSwapchains = &presenter->swapchain,
                             .pImageIndices = &index};
    return result == VK_SUCCESS ? vkQueuePresentKHR(presenter->vulkan.queue, &info) : result;
}

int presenter_show(struct presenter *presenter, VkBuffer pixels, uint32_t width, uint32_t height)
{
    // A window that changes its size while a picture is on the way gets it in the second try.
    for (int round = 0; round < 2; round++) {
        bool is_resized = presenter->extent.width != width || presenter->extent.height != height;
        VkResult result = VK_SUCCESS;
        if (presenter->swapchain == VK_NULL_HANDLE || is_resized || round > 0) {
            vkDeviceWaitIdle(presenter->vulkan.device);
            result = make_swapchain(presenter, width, height);
        }
        result = result == VK_SUCCESS ? present(presenter, pixels) : result;
        if (result == VK_SUCCESS || result == VK_SUBOPTIMAL_KHR) {
            return 0;
        }
        if (result != VK_ERROR_OUT_OF_DATE_KHR) {
            return result == VK_ERROR_DEVICE_LOST ? -ENODEV : -EIO;
        }
    }
    return 0;  // it goes on changing: the next picture will be seen
}

void presenter_close(struct presenter *presenter)
{
    VkDevice device = presenter->vulkan.device;
    if (device == VK_NULL_HANDLE) {
        return;
    }
    vkDeviceWaitIdle(device);
    vkDestroyFence(device, presenter->fence, NULL);
    vkDestroyCommandPool(device, presenter->pool, NULL);
    vkDestroySwapchainKHR(device, presenter->swapchain, NULL);
    vkDestroyImage(device, presenter->picture, NULL);
    vkFreeMemory(device, presenter->memory, NULL);
    vkDestroySurfaceKHR(presenter->vulkan.instance, presenter->surface, NULL);
    *presenter = (struct presenter){.width = 0};
}
