// SPDX-License-Identifier: Apache-2.0
// A layer of Vulkan's that loses the device: work is refused as lost when the file $LOSSY_FILE is
// there. The file goes with it, so that each file is one loss.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

#define EXPORTED __attribute__((visibility("default")))

static PFN_vkGetInstanceProcAddr next_instance_call;
static PFN_vkGetDeviceProcAddr next_device_call;
static PFN_vkQueueSubmit next_submit;

// The part of a chain that says who comes next.
static void *find_link(const void *chain, VkStructureType type)
{
    VkLayerInstanceCreateInfo *info = (VkLayerInstanceCreateInfo *)(size_t)chain;
    while (info != NULL && (info->sType != type || info->function != VK_LAYER_LINK_INFO)) {
        info = (VkLayerInstanceCreateInfo *)(size_t)info->pNext;
    }
    return info;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info,
                                                      const VkAllocationCallbacks *allocator,
                                                      VkInstance *out_instance)
{
    VkLayerInstanceCreateInfo *link =
        find_link(info->pNext, VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO);
    if (link == NULL) {
        return VK_ERROR_INITIALIZATION_FAILED;
    }
    next_instance_call = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    PFN_vkCreateInstance create =
        (PFN_vkCreateInstance)next_instance_call(VK_NULL_HANDLE, "vkCreateInstance");
    return create(info, allocator, out_instance);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice physical,
                                                    const VkDeviceCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator,
                                                    VkDevice *out_device)
{
    VkLayerDeviceCreateInfo *link =
        find_link(info->pNext, VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);
    if (link == NULL) {
        return VK_ERROR_INITIALIZATION_FAILED;
    }
    next_device_call = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
    PFN_vkGetInstanceProcAddr next = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    PFN_vkCreateDevice create = (PFN_vkCreateDevice)next(VK_NULL_HANDLE, "vkCreateDevice");
    VkResult result = create(physical, info, allocator, out_device);
    if (result == VK_SUCCESS) {
        next_submit = (PFN_vkQueueSubmit)next_device_call(*out_device, "vkQueueSubmit");
    }
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL queue_submit(VkQueue queue, uint32_t count,
                                                   const VkSubmitInfo *infos, VkFence fence)
{
    const char *file = getenv("LOSSY_FILE");
    if (file != NULL && unlink(file) == 0) {
        return VK_ERROR_DEVICE_LOST;
    }
    return next_submit(queue, count, infos, fence);
}

static const struct {
    const char *name;
    PFN_vkVoidFunction call;
} ours[] = {
    {"vkCreateInstance", (PFN_vkVoidFunction)create_instance},
    {"vkCreateDevice", (PFN_vkVoidFunction)create_device},
    {"vkQueueSubmit", (PFN_vkVoidFunction)queue_submit},
};

static PFN_vkVoidFunction find_ours(const char *name)
{
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (strcmp(ours[i].name, name) == 0) {
            return ours[i].call;
        }
    }
    return NULL;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL find_device_call(VkDevice device, const char *name)
{
    PFN_vkVoidFunction call = find_ours(name);
    return call != NULL ? call : next_device_call(device, name);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL find_instance_call(VkInstance instance,
                                                                   const char *name)
{
    PFN_vkVoidFunction call = find_ours(name);
    return call != NULL ? call : next_instance_call(instance, name);
}

EXPORTED VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *version)
{
    version->loaderLayerInterfaceVersion = 2;
    version->pfnGetInstanceProcAddr = find_instance_call;
    version->pfnGetDeviceProcAddr = find_device_call;
    version->pfnGetPhysicalDeviceProcAddr = NULL;
    return VK_SUCCESS;
}
