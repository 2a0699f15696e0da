// SPDX-License-Identifier: Apache-2.0
// evil-device: a node on a device that is none. As a source it gives the broker what its config
// says for memory of its device; as a reader it says what it was shown, and whether the bytes that
// lie there are those of the frames.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <streambroker/memory.h>
#include <streambroker/streambroker.h>

#define POOLS_MAX 8
#define WIDTH 400
#define HEIGHT 250
#define FRAME_BYTES (WIDTH * HEIGHT)
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)

// What goes out as memory of the device.
#define HANDLES(X)                                                                                 \
    X(MEMORY, "memory")                                                                            \
    X(NONE, "none")                                                                                \
    X(NULL_FILE, "null")                                                                           \
    X(ZERO_FILE, "zero")                                                                           \
    X(FOLDER, "folder")                                                                            \
    X(NO_ACCESS, "no-access")                                                                      \
    X(PLAIN_FILE, "file")                                                                          \
    X(PIPE, "pipe")                                                                                \
    X(SOCKET, "socket")                                                                            \
    X(EVENT, "event")                                                                              \
    X(EMPTY, "empty")                                                                              \
    X(SHORT, "short")                                                                              \
    X(UNSEALED, "unsealed")                                                                        \
    X(READ_ONLY, "read-only")                                                                      \
    X(UNWRITABLE, "unwritable")                                                                    \
    X(LARGE, "large")

enum handle {
#define X(name, text) name,
    HANDLES(X)
#undef X
};

static const char *const handles[] = {
#define X(name, text) text,
    HANDLES(X)
#undef X
        NULL};

struct pool {
    const void *base;
    uint8_t *bytes;
    uint64_t size_bytes;
};

struct state {
    struct sb_node *node;
    struct pool pools[POOLS_MAX];
    int64_t sent;
    int64_t on_device;
    int64_t elsewhere;
    int64_t wrong;
};

static int memory(uint64_t size_bytes, int seals)
{
    int fd = memfd_create("evil", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)size_bytes) != 0 ||
        (seals != 0 && fcntl(fd, F_ADD_SEALS, seals) != 0)) {
        return -1;
    }
    return fd;
}

static int reader_of(int fd)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static int plain_file(uint64_t size_bytes)
{
    char name[] = "/tmp/sb-evil-XXXXXX";
    int fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0 && (unlink(name) != 0 || ftruncate(fd, (off_t)size_bytes) != 0)) {
        return -1;
    }
    return fd;
}

static int channel(enum handle handle)
{
    int ends[2];
    if (handle == PIPE) {
        return pipe2(ends, O_CLOEXEC) == 0 ? ends[1] : -1;
    }
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0 ? ends[0] : -1;
}

static int make_handle(enum handle handle, uint64_t size_bytes)
{
    switch (handle) {
    case NULL_FILE:
        return open("/dev/null", O_RDWR | O_CLOEXEC);
    case ZERO_FILE:
        return open("/dev/zero", O_RDWR | O_CLOEXEC);
    case FOLDER:
        return open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    case NO_ACCESS:
        return open("/dev/null", O_PATH | O_CLOEXEC);
    case PLAIN_FILE:
        return plain_file(size_bytes);
    case PIPE:
    case SOCKET:
        return channel(handle);
    case EVENT:
        return eventfd(0, EFD_CLOEXEC);
    case EMPTY:
        return memory(0, SEALS);
    case SHORT:
        return memory(size_bytes - 1, SEALS);
    case UNSEALED:
        return memory(size_bytes, 0);
    case READ_ONLY:
        return reader_of(memory(size_bytes, SEALS));
    case UNWRITABLE:
        return memory(size_bytes, SEALS | F_SEAL_FUTURE_WRITE);
    case LARGE:
        return memory(size_bytes * 4, SEALS);
    case MEMORY:
    case NONE:
        break;
    }
    return memory(size_bytes, SEALS);
}

static int keep(struct state *state, const void *base, uint64_t size_bytes, int fd)
{
    size_t place = 0;
    while (place < POOLS_MAX && state->pools[place].base != NULL) {
        place++;
    }
    void *bytes = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (place == POOLS_MAX || bytes == MAP_FAILED) {
        return -ENOMEM;
    }
    state->pools[place] = (struct pool){base, bytes, size_bytes};
    return 0;
}

static int make_pool(void *data, const void *base, uint64_t size_bytes, int *out_fd)
{
    struct state *state = data;
    enum handle handle = (enum handle)sb_param_choice(state->node, "handle");
    if (handle == NONE) {
        return sb_node_error(state->node, -ENOMEM, "it has no memory left");
    }
    int fd = make_handle(handle, size_bytes);
    if (fd < 0) {
        return sb_node_error(state->node, -EIO, "cannot make its handle: %s", strerror(errno));
    }
    *out_fd = fd;
    return handle == MEMORY ? keep(state, base, size_bytes, fd) : 0;
}

static int show_pool(void *data, const struct sb_device_pool *pool)
{
    struct state *state = data;
    printf("was shown memory\n");
    fflush(stdout);
    if (sb_param_bool(state->node, "refuses")) {
        return sb_node_error(state->node, -EIO, "its driver does not want it");
    }
    return keep(state, pool->base, pool->size_bytes, pool->fd);
}

static void forget(void *data, const void *base)
{
    struct state *state = data;
    for (size_t i = 0; i < POOLS_MAX; i++) {
        if (state->pools[i].base == base) {
            munmap(state->pools[i].bytes, state->pools[i].size_bytes);
            state->pools[i] = (struct pool){NULL, NULL, 0};
        }
    }
}

// Where the device has the bytes of that address, NULL when it has not.
static uint8_t *find(struct state *state, const void *address)
{
    for (size_t i = 0; i < POOLS_MAX; i++) {
        uintptr_t offset = (uintptr_t)address - (uintptr_t)state->pools[i].base;
        if (state->pools[i].base != NULL && offset < state->pools[i].size_bytes) {
            return state->pools[i].bytes + offset;
        }
    }
    return NULL;
}

static int evil_open(struct sb_node *node)
{
    struct state *state = calloc(1, sizeof *state);
    if (state == NULL) {
        return -ENOMEM;
    }
    state->node = node;
    sb_node_set_data(node, state);
    struct sb_node_device device = {.struct_size = sizeof device,
                                    .name = "evil",
                                    .vendor = (uint32_t)sb_param_int(node, "vendor"),
                                    .is_software = sb_param_int(node, "vendor") == 0,
                                    .data = state,
                                    .make_pool = make_pool,
                                    .show_pool = show_pool};
    sb_node_on_unmap(node, forget, state);
    int failed = sb_node_set_device(node, &device);
    struct sb_format format = {.kind = SB_FORMAT_VIDEO,
                               .video = {SB_PIXEL_GRAY8, WIDTH, HEIGHT, 30, 1}};
    return failed == 0 ? sb_output_offer(sb_node_output(node, "video"), &format, 1, 0) : failed;
}

static int evil_tick(struct sb_node *node, uint64_t tick, int64_t due_ns)
{
    struct state *state = sb_node_data(node);
    struct sb_buffer buffer;
    (void)tick;
    (void)due_ns;
    if (state->sent++ >= sb_param_int(node, "frames")) {
        sb_node_finish(node);
        return 0;
    }
    struct sb_output *output = sb_node_output(node, "video");
    int failed = sb_output_claim(output, FRAME_BYTES, &buffer);
    if (failed != 0) {
        return failed;
    }
    uint8_t *bytes = find(state, buffer.data);
    memset(bytes != NULL ? bytes : buffer.data, (int)(buffer.number & 0xff), buffer.size_bytes);
    return sb_output_publish(output, &buffer);
}

static int evil_frame(struct sb_node *node, const struct sb_frame *frame)
{
    struct state *state = sb_node_data(node);
    const uint8_t *bytes = find(state, frame->data);
    bool is_on_device = (frame->flags & SB_FRAME_ON_DEVICE) != 0;
    state->on_device += is_on_device ? 1 : 0;
    state->elsewhere += is_on_device ? 0 : 1;
    if (bytes == NULL) {
        bytes = frame->data;
    }
    for (uint64_t i = 0; i < frame->size_bytes; i += 4096) {
        state->wrong += bytes[i] != (uint8_t)frame->number ? 1 : 0;
    }
    return 0;
}

static void evil_close(struct sb_node *node)
{
    struct state *state = sb_node_data(node);
    printf("on device: %" PRId64 " elsewhere: %" PRId64 " wrong: %" PRId64 "\n", state->on_device,
           state->elsewhere, state->wrong);
    fflush(stdout);
    (void)sb_node_set_device(node, NULL);
    sb_node_on_unmap(node, NULL, NULL);
    for (size_t i = 0; i < POOLS_MAX; i++) {
        forget(state, state->pools[i].base);
    }
    free(state);
}

#define MEMORIES (SB_BIT(SB_MEMORY_CPU) | SB_BIT(SB_MEMORY_GPU))

static const struct sb_port inputs[] = {{.name = "video",
                                         .type = SB_PORT_VIDEO,
                                         .help = "Frames of a source like this.",
                                         .is_optional = true,
                                         .memories = MEMORIES}};

static const struct sb_port outputs[] = {{.name = "video",
                                          .type = SB_PORT_VIDEO,
                                          .help = "Frames whose bytes are their number.",
                                          .is_one_per_step = true,
                                          .memories = MEMORIES}};

static const struct sb_param params[] = {
    {.name = "handle",
     .type = SB_PARAM_CHOICE,
     .help = "What it gives for memory.",
     .initial = "memory",
     .choices = handles},
    {.name = "refuses", .type = SB_PARAM_BOOL, .help = "Takes no memory.", .initial = "false"},
    {.name = "vendor",
     .type = SB_PARAM_INT,
     .help = "Of its device; 0 = a driver that computes on the CPU.",
     .initial = "0",
     .maximum = 65535},
    {.name = "frames",
     .type = SB_PARAM_INT,
     .help = "To send.",
     .initial = "100",
     .maximum = 1000000}};

int main(int argc, char **argv)
{
    static const struct sb_processor processor = {
        .struct_size = sizeof processor,
        .name = "evil-device",
        .version = "1.0.0",
        .summary = "Lies about memory of devices.",
        .inputs = inputs,
        .input_count = 1,
        .outputs = outputs,
        .output_count = 1,
        .params = params,
        .param_count = sizeof params / sizeof params[0],
        .open = evil_open,
        .on_tick = evil_tick,
        .on_frame = evil_frame,
        .close = evil_close,
    };
    return sb_processor_main(&processor, argc, argv);
}
