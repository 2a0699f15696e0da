// SPDX-License-Identifier: Apache-2.0
// Finds, opens and closes a device.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <streambroker/memory.h>
#include <streambroker/processor.h>

#include "shm/gpu/gpu_state.h"

#define EXTENSIONS_MAX 512
#define FAMILIES_MAX 32
#define NAMES_MAX 16
#define VALIDATION_LAYER "VK_LAYER_KHRONOS_validation"

int gpu_device_error(VkResult result)
{
    if (result == VK_SUCCESS) {
        return 0;
    }
    if (result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY) {
        return -ENOMEM;
    }
    bool is_none =
        result == VK_ERROR_INCOMPATIBLE_DRIVER || result == VK_ERROR_INITIALIZATION_FAILED;
    return is_none ? -ENODEV : -EIO;
}

// Giving up its objects can hang.
void sb_gpu_lost(const struct sb_gpu *gpu, const char *why)
{
    char text[SB_GPU_NAME_BYTES + 64];
    snprintf(text, sizeof text, "%s (%s)", gpu->info.name, why);
    if (gpu->node != NULL) {
        sb_node_lose_device(gpu->node, text);
    }
    fprintf(stderr, "device lost: %s\n", text);
    _exit(SB_EXIT_RESTART);
}

static int tell_broker(struct sb_gpu *gpu)
{
    struct sb_node_device device = {.struct_size = sizeof device};
    memcpy(device.device_uuid, gpu->info.device_uuid, sizeof device.device_uuid);
    memcpy(device.driver_uuid, gpu->info.driver_uuid, sizeof device.driver_uuid);
    gpu_pool_fill(gpu, &device);
    return gpu->node == NULL ? 0 : sb_node_set_device(gpu->node, &device);
}

// A cache on disk that several workers write would let one of them give the others its code; the
// loader's layers are programs of others inside of ours. What the graph sets stays.
static void set_environment(void)
{
    setenv("MESA_SHADER_CACHE_DISABLE", "true", 0);
    setenv("__GL_SHADER_DISK_CACHE", "0", 0);
    setenv("NODEVICE_SELECT", "1", 0);
    setenv("VK_LOADER_LAYERS_DISABLE", "~implicit~", 0);
}

static VkBool32 on_complaint(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                             VkDebugUtilsMessageTypeFlagsEXT types,
                             const VkDebugUtilsMessengerCallbackDataEXT *data, void *context)
{
    struct sb_gpu_counts *counts = context;
    (void)severity;
    (void)types;
    counts->complaints++;
    fprintf(stderr, "gpu: %s\n", data->pMessage);
    return VK_FALSE;
}

static VkDebugUtilsMessengerCreateInfoEXT messenger_info(struct sb_gpu_counts *counts)
{
    return (VkDebugUtilsMessengerCreateInfoEXT){
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                           VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
        .pfnUserCallback = on_complaint,
        .pUserData = counts,
    };
}

// Adds the names of a list, which may be NULL, as far as there is room.
static uint32_t add_names(const char **names, uint32_t count, const char *const *more)
{
    for (; more != NULL && *more != NULL && count < NAMES_MAX; more++) {
        names[count++] = *more;
    }
    return count;
}

static VkResult make_instance(const char *const *wanted, struct sb_gpu_counts *counts,
                              VkInstance *out_instance)
{
    static const char *const layers[] = {VALIDATION_LAYER};
    static const char *const debugging[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME, NULL};
    const char *extensions[NAMES_MAX];
    uint32_t extension_count = add_names(extensions, 0, counts != NULL ? debugging : NULL);
    extension_count = add_names(extensions, extension_count, wanted);
    VkApplicationInfo application = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
        .pApplicationName = "streambroker",
        .apiVersion = VK_API_VERSION_1_1,
    };
    VkDebugUtilsMessengerCreateInfoEXT messenger = messenger_info(counts);
    bool is_validated = counts != NULL;
    VkInstanceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pNext = is_validated ? &messenger : NULL,
        .pApplicationInfo = &application,
        .enabledLayerCount = is_validated ? 1 : 0,
        .ppEnabledLayerNames = layers,
        .enabledExtensionCount = extension_count,
        .ppEnabledExtensionNames = extensions,
    };
    set_environment();
    return vkCreateInstance(&info, NULL, out_instance);
}

static bool has_extension(const VkExtensionProperties *list, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(list[i].extensionName, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool can_share_memory(VkPhysicalDevice physical)
{
    VkPhysicalDeviceExternalBufferInfo wanted = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO,
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
        .handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT,
    };
    VkExternalBufferProperties found = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES};
    vkGetPhysicalDeviceExternalBufferProperties(physical, &wanted, &found);
    VkExternalMemoryFeatureFlags both =
        VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT;
    return (found.externalMemoryProperties.externalMemoryFeatures & both) == both;
}

static bool can_share_timeline(VkPhysicalDevice physical)
{
    VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                      .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
    VkPhysicalDeviceExternalSemaphoreInfo wanted = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_SEMAPHORE_INFO,
        .pNext = &type,
        .handleType = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT,
    };
    VkExternalSemaphoreProperties found = {.sType =
                                               VK_STRUCTURE_TYPE_EXTERNAL_SEMAPHORE_PROPERTIES};
    vkGetPhysicalDeviceExternalSemaphoreProperties(physical, &wanted, &found);
    VkExternalSemaphoreFeatureFlags both =
        VK_EXTERNAL_SEMAPHORE_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_SEMAPHORE_FEATURE_IMPORTABLE_BIT;
    return (found.externalSemaphoreFeatures & both) == both;
}

static bool has_timelines(VkPhysicalDevice physical)
{
    VkPhysicalDeviceTimelineSemaphoreFeatures timelines = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES};
    VkPhysicalDeviceFeatures2 found = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                       .pNext = &timelines};
    vkGetPhysicalDeviceFeatures2(physical, &found);
    return timelines.timelineSemaphore == VK_TRUE;
}

static void describe(VkPhysicalDevice physical, struct sb_gpu_device *out_device)
{
    uint32_t count = EXTENSIONS_MAX;
    VkExtensionProperties *extensions = calloc(count, sizeof *extensions);
    VkPhysicalDeviceIDProperties ids = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES};
    VkPhysicalDeviceProperties2 found = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                         .pNext = &ids};
    vkGetPhysicalDeviceProperties2(physical, &found);
    if (extensions == NULL ||
        vkEnumerateDeviceExtensionProperties(physical, NULL, &count, extensions) < 0) {
        count = 0;
    }
    struct sb_gpu_device device = {.vendor = found.properties.vendorID,
                                   .device = found.properties.deviceID};
    snprintf(device.name, sizeof device.name, "%s", found.properties.deviceName);
    memcpy(device.device_uuid, ids.deviceUUID, SB_GPU_UUID_BYTES);
    memcpy(device.driver_uuid, ids.driverUUID, SB_GPU_UUID_BYTES);
    device.is_software = found.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
    device.can_import_host =
        has_extension(extensions, count, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME);
    device.can_share_memory =
        has_extension(extensions, count, VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME) &&
        can_share_memory(physical);
    device.has_timelines =
        has_extension(extensions, count, VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME) &&
        has_timelines(physical);
    device.can_share_timeline =
        device.has_timelines &&
        has_extension(extensions, count, VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME) &&
        can_share_timeline(physical);
    free(extensions);
    *out_device = device;
}

// All devices, hardware first; the order is otherwise the driver's.
static int find_devices(VkInstance instance, VkPhysicalDevice *out_devices)
{
    VkPhysicalDevice found[SB_GPU_DEVICES_MAX];
    uint32_t count = SB_GPU_DEVICES_MAX;
    VkResult result = vkEnumeratePhysicalDevices(instance, &count, found);
    if (result < 0 || count == 0) {
        return -ENODEV;
    }
    int sorted = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < count; i++) {
            VkPhysicalDeviceProperties properties;
            vkGetPhysicalDeviceProperties(found[i], &properties);
            if ((properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU) == (pass == 1)) {
                out_devices[sorted++] = found[i];
            }
        }
    }
    return sorted;
}

int sb_gpu_list(struct sb_gpu_device *out_devices, size_t max_count)
{
    VkInstance instance;
    VkPhysicalDevice physical[SB_GPU_DEVICES_MAX];
    if (make_instance(NULL, NULL, &instance) != VK_SUCCESS) {
        return -ENODEV;
    }
    int count = find_devices(instance, physical);
    for (int i = 0; i < count && (size_t)i < max_count; i++) {
        describe(physical[i], &out_devices[i]);
    }
    vkDestroyInstance(instance, NULL);
    return count;
}

static bool is_wanted(const struct sb_gpu_device *device, const struct sb_gpu_options *options)
{
    if (options->is_hardware_wanted && device->is_software) {
        return false;
    }
    return options->device_uuid == NULL ||
           memcmp(options->device_uuid, device->device_uuid, SB_GPU_UUID_BYTES) == 0;
}

static int choose(struct sb_gpu *gpu, const struct sb_gpu_options *options)
{
    VkPhysicalDevice devices[SB_GPU_DEVICES_MAX];
    int count = find_devices(gpu->instance, devices);
    for (int i = 0; i < count; i++) {
        describe(devices[i], &gpu->info);
        if (is_wanted(&gpu->info, options)) {
            gpu->physical = devices[i];
            return 0;
        }
    }
    return -ENODEV;
}

static int find_family(struct sb_gpu *gpu)
{
    VkQueueFamilyProperties families[FAMILIES_MAX];
    uint32_t count = FAMILIES_MAX;
    vkGetPhysicalDeviceQueueFamilyProperties(gpu->physical, &count, families);
    for (uint32_t i = 0; i < count; i++) {
        if ((families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) != 0) {
            gpu->family = i;
            return 0;
        }
    }
    return -ENODEV;
}

static void read_limits(struct sb_gpu *gpu)
{
    VkPhysicalDeviceExternalMemoryHostPropertiesEXT host = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT};
    VkPhysicalDeviceProperties2 found = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                         .pNext = gpu->info.can_import_host ? &host : NULL};
    vkGetPhysicalDeviceProperties2(gpu->physical, &found);
    vkGetPhysicalDeviceMemoryProperties(gpu->physical, &gpu->memory);
    gpu->host_align = host.minImportedHostPointerAlignment;
    gpu->offset_align = found.properties.limits.minStorageBufferOffsetAlignment;
}

static VkResult make_device(struct sb_gpu *gpu, const char *const *wanted)
{
    const char *extensions[NAMES_MAX];
    uint32_t count = add_names(extensions, 0, wanted);
    static const char *const importing[] = {VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME, NULL};
    static const char *const sharing[] = {VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME, NULL};
    static const char *const counting[] = {VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME, NULL};
    static const char *const telling[] = {VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME, NULL};
    count = add_names(extensions, count, gpu->info.can_import_host ? importing : NULL);
    count = add_names(extensions, count, gpu->info.can_share_memory ? sharing : NULL);
    count = add_names(extensions, count, gpu->info.has_timelines ? counting : NULL);
    count = add_names(extensions, count, gpu->info.can_share_timeline ? telling : NULL);
    float priority = 1;
    VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                     .queueFamilyIndex = gpu->family,
                                     .queueCount = 1,
                                     .pQueuePriorities = &priority};
    VkPhysicalDeviceTimelineSemaphoreFeatures timelines = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES,
        .timelineSemaphore = VK_TRUE};
    VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                               .pNext = gpu->info.has_timelines ? &timelines : NULL,
                               .queueCreateInfoCount = 1,
                               .pQueueCreateInfos = &queue,
                               .enabledExtensionCount = count,
                               .ppEnabledExtensionNames = extensions};
    VkResult result = vkCreateDevice(gpu->physical, &info, NULL, &gpu->device);
    if (result == VK_SUCCESS) {
        vkGetDeviceQueue(gpu->device, gpu->family, 0, &gpu->queue);
        gpu->get_host_pointer = (PFN_vkGetMemoryHostPointerPropertiesEXT)vkGetDeviceProcAddr(
            gpu->device, "vkGetMemoryHostPointerPropertiesEXT");
        gpu->get_memory_fd =
            (PFN_vkGetMemoryFdKHR)vkGetDeviceProcAddr(gpu->device, "vkGetMemoryFdKHR");
        gpu_timeline_load(gpu);
    }
    return result;
}

static VkResult make_commands(struct sb_gpu *gpu)
{
    VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                    .queueFamilyIndex = gpu->family};
    VkResult result = vkCreateCommandPool(gpu->device, &pool, NULL, &gpu->command_pool);
    VkCommandBufferAllocateInfo commands = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = gpu->command_pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    result = result == VK_SUCCESS ? vkAllocateCommandBuffers(gpu->device, &commands, &gpu->commands)
                                  : result;
    VkDescriptorPoolSize size = {.type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                 .descriptorCount = SB_GPU_COMMANDS_MAX * SB_GPU_SPANS_MAX};
    VkDescriptorPoolCreateInfo sets = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                       .maxSets = SB_GPU_COMMANDS_MAX,
                                       .poolSizeCount = 1,
                                       .pPoolSizes = &size};
    result = result == VK_SUCCESS
                 ? vkCreateDescriptorPool(gpu->device, &sets, NULL, &gpu->descriptors)
                 : result;
    VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    return result == VK_SUCCESS ? vkCreateFence(gpu->device, &fence, NULL, &gpu->fence) : result;
}

static void listen(struct sb_gpu *gpu)
{
    PFN_vkCreateDebugUtilsMessengerEXT create =
        (PFN_vkCreateDebugUtilsMessengerEXT)vkGetInstanceProcAddr(gpu->instance,
                                                                  "vkCreateDebugUtilsMessengerEXT");
    VkDebugUtilsMessengerCreateInfoEXT info = messenger_info(&gpu->counts);
    if (create != NULL) {
        (void)create(gpu->instance, &info, NULL, &gpu->messenger);
    }
}

static int say(struct sb_node *node, int code, const char *text)
{
    return node == NULL ? code : sb_node_error(node, code, "%s", text);
}

static int open_device(struct sb_gpu *gpu, const struct sb_gpu_options *options)
{
    VkResult result = make_instance(options->instance_extensions,
                                    options->is_validated ? &gpu->counts : NULL, &gpu->instance);
    if (result == VK_ERROR_LAYER_NOT_PRESENT) {
        return say(gpu->node, -ENODEV, "there is no validation layer: install it");
    }
    if (result != VK_SUCCESS) {
        return say(gpu->node, -ENODEV, "there is no Vulkan driver on this machine");
    }
    if (options->is_validated) {
        listen(gpu);
    }
    if (choose(gpu, options) != 0 || find_family(gpu) != 0) {
        return say(gpu->node, -ENODEV,
                   options->device_uuid != NULL  ? "there is no GPU of that UUID"
                   : options->is_hardware_wanted ? "there is no GPU, only a driver that computes "
                                                   "on the CPU"
                                                 : "there is no GPU, and no driver that computes "
                                                   "on the CPU instead");
    }
    // Before it is opened: that alone can find it lost.
    int failed = tell_broker(gpu);
    if (failed != 0) {
        return failed;
    }
    read_limits(gpu);
    result = make_device(gpu, options->device_extensions);
    if (result == VK_ERROR_DEVICE_LOST) {
        sb_gpu_lost(gpu, "its driver does not open it");
    }
    result = result == VK_SUCCESS ? make_commands(gpu) : result;
    return result == VK_SUCCESS
               ? 0
               : say(gpu->node, gpu_device_error(result), "the GPU's driver cannot open it");
}

int sb_gpu_open(struct sb_node *node, const struct sb_gpu_options *options, struct sb_gpu **out_gpu)
{
    if (options->struct_size != sizeof *options) {
        return -EINVAL;
    }
    struct sb_gpu *gpu = calloc(1, sizeof *gpu);
    if (gpu == NULL) {
        return -ENOMEM;
    }
    gpu->node = node;
    gpu->is_copying = options->is_copying;
    int failed = open_device(gpu, options);
    if (failed != 0) {
        sb_gpu_close(gpu);
        return failed;
    }
    if (node != NULL) {
        sb_node_on_unmap(node, gpu_block_forget, gpu);
    }
    *out_gpu = gpu;
    return 0;
}

static void close_device(struct sb_gpu *gpu)
{
    vkDeviceWaitIdle(gpu->device);
    gpu_kernel_drop_all(gpu);
    while (gpu->blocks != NULL) {
        gpu_block_free(gpu, gpu->blocks);
    }
    while (gpu->timelines != NULL) {
        sb_gpu_timeline_free(gpu, gpu->timelines);
    }
    vkDestroyFence(gpu->device, gpu->fence, NULL);
    vkDestroyDescriptorPool(gpu->device, gpu->descriptors, NULL);
    vkDestroyCommandPool(gpu->device, gpu->command_pool, NULL);
    vkDestroyDevice(gpu->device, NULL);
}

void sb_gpu_close(struct sb_gpu *gpu)
{
    if (gpu == NULL) {
        return;
    }
    if (gpu->node != NULL) {
        sb_node_on_unmap(gpu->node, NULL, NULL);
        (void)sb_node_set_device(gpu->node, NULL);
    }
    if (gpu->device != VK_NULL_HANDLE) {
        close_device(gpu);
    }
    if (gpu->messenger != VK_NULL_HANDLE) {
        PFN_vkDestroyDebugUtilsMessengerEXT destroy =
            (PFN_vkDestroyDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
                gpu->instance, "vkDestroyDebugUtilsMessengerEXT");
        destroy(gpu->instance, gpu->messenger, NULL);
    }
    if (gpu->instance != VK_NULL_HANDLE) {
        vkDestroyInstance(gpu->instance, NULL);
    }
    free(gpu);
}

const struct sb_gpu_device *sb_gpu_device_of(const struct sb_gpu *gpu)
{
    return &gpu->info;
}

struct sb_gpu_vulkan sb_gpu_vulkan_of(const struct sb_gpu *gpu)
{
    return (struct sb_gpu_vulkan){.instance = gpu->instance,
                                  .physical = gpu->physical,
                                  .device = gpu->device,
                                  .queue = gpu->queue,
                                  .family = gpu->family};
}

struct VkBuffer_T *sb_gpu_vulkan_buffer(const struct sb_gpu_span *span)
{
    return span->block == NULL ? NULL : span->block->buffer;
}

struct sb_gpu_counts sb_gpu_counts_of(const struct sb_gpu *gpu)
{
    return gpu->counts;
}
