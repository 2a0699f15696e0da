// SPDX-License-Identifier: Apache-2.0
// SDL makes the window, Vulkan presents: frame -> picture of the device -> picture of the window.
#include "processors/display/window.h"

#include <errno.h>
#include <stdlib.h>

#include <vulkan/vulkan.h>

#include <SDL2/SDL.h>
#include <SDL2/SDL_vulkan.h>

#include "processors/display/presenter.h"
#include "processors/gpu/gpu_node.h"

#define EXTENSIONS_MAX 8

struct window {
    SDL_Window *window;
    struct gpu_effects effects;
    struct sb_gpu_span copy;  // of the frame, on the device
    uint32_t width;           // of the frames
    uint32_t height;
    struct presenter presenter;
};

static int open_device(struct sb_node *node, struct window *window)
{
    const char *wanted[EXTENSIONS_MAX + 1] = {NULL};
    static const char *const swapchain[] = {VK_KHR_SWAPCHAIN_EXTENSION_NAME, NULL};
    unsigned count = EXTENSIONS_MAX;
    if (SDL_Vulkan_GetInstanceExtensions(window->window, &count, wanted) == SDL_FALSE) {
        return sb_node_error(node, -ENODEV, "no window for Vulkan: %s", SDL_GetError());
    }
    wanted[count] = NULL;
    int failed = gpu_node_open_with(node, wanted, swapchain, &window->effects);
    if (failed != 0) {
        return failed;
    }
    struct sb_gpu *gpu = window->effects.gpu;
    VkSurfaceKHR surface;
    struct sb_gpu_vulkan vulkan = sb_gpu_vulkan_of(gpu);
    if (SDL_Vulkan_CreateSurface(window->window, vulkan.instance, &surface) == SDL_FALSE) {
        return sb_node_error(node, -ENODEV, "no surface for Vulkan: %s", SDL_GetError());
    }
    failed = presenter_open(&window->presenter, &vulkan, surface, window->width, window->height);
    if (failed != 0) {
        return sb_node_error(node, failed, "the GPU cannot show pictures in this window");
    }
    return sb_gpu_memory_make(gpu, (uint64_t)window->width * window->height * 4, &window->copy);
}

int window_init(struct sb_node *node)
{
    if (SDL_Init(SDL_INIT_VIDEO) == 0 && SDL_Vulkan_LoadLibrary(NULL) == 0) {
        return 0;
    }
    int failed = sb_node_error(
        node, -ENODEV, "no screen for Vulkan: %s; is the grant display there?", SDL_GetError());
    SDL_Quit();
    return failed;
}

void window_fini(void)
{
    SDL_Vulkan_UnloadLibrary();
    SDL_Quit();
}

int window_open(struct sb_node *node, const char *title, uint32_t width, uint32_t height,
                struct window **out_window)
{
    struct window *window = calloc(1, sizeof *window);
    if (window == NULL) {
        return -ENOMEM;
    }
    window->width = width;
    window->height = height;
    window->window = SDL_CreateWindow(title, 0, 0, (int)width, (int)height,
                                      SDL_WINDOW_VULKAN | SDL_WINDOW_RESIZABLE | SDL_WINDOW_SHOWN);
    int failed = window->window == NULL
                     ? sb_node_error(node, -ENODEV, "no window: %s", SDL_GetError())
                     : open_device(node, window);
    if (failed != 0) {
        window_close(node, window);
        return failed;
    }
    *out_window = window;
    return 0;
}

static bool is_closed(void)
{
    SDL_Event event;
    bool is_over = false;
    while (SDL_PollEvent(&event) != 0) {
        is_over = is_over || event.type == SDL_QUIT;
    }
    return is_over;
}

// The frame is given back as soon as it was copied.
static int copy_frame(struct window *window, const struct sb_frame *frame)
{
    struct sb_gpu *gpu = window->effects.gpu;
    struct sb_gpu_span from;
    int failed = sb_gpu_begin(gpu);
    failed = failed == 0 ? sb_gpu_read(gpu, frame, &from) : failed;
    failed = failed == 0 ? sb_gpu_copy(gpu, &from, &window->copy) : failed;
    if (failed != 0) {
        sb_gpu_cancel(gpu);
        return failed;
    }
    return sb_gpu_finish(gpu);
}

int window_show(struct window *window, const struct sb_frame *frame)
{
    if (is_closed()) {
        return -EPIPE;
    }
    int failed = copy_frame(window, frame);
    if (failed != 0) {
        return failed;
    }
    int width;
    int height;
    SDL_Vulkan_GetDrawableSize(window->window, &width, &height);
    if (width <= 0 || height <= 0) {
        return 0;  // made small: there is nothing to be seen
    }
    failed = presenter_show(&window->presenter, sb_gpu_vulkan_buffer(&window->copy),
                            (uint32_t)width, (uint32_t)height);
    if (failed == -ENODEV) {
        sb_gpu_lost(window->effects.gpu, "its driver says so");
    }
    return failed;
}

void window_close(struct sb_node *node, struct window *window)
{
    if (window == NULL) {
        return;
    }
    if (window->effects.gpu != NULL) {
        presenter_close(&window->presenter);
        gpu_node_close(node, &window->effects);
    }
    if (window->window != NULL) {
        SDL_DestroyWindow(window->window);
    }
    free(window);
}
