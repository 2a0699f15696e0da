// SPDX-License-Identifier: Apache-2.0
// evil-worker PORTS MODE: speaks the protocol by hand, is honest up to a point, and then is not.
// PORTS is in, out or both. It prints what the kernel let it do, one line each, and "done".
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "attack/evil_json.h"
#include "attack/evil_memory.h"
#include "base/fd.h"
#include "base/hash.h"
#include "schemas/link_layout.h"
#include "schemas/status_layout.h"
#include "schemas/wire_worker.h"

#define CONTROL_FD 3
#define MEMORIES_MAX 64
#define FLOOD 100000
#define FRAME_BYTES 64

struct memory {
    enum wire_memory_kind kind;
    uint32_t serial;
    uint32_t depth;
    int fd;
    uint64_t size_bytes;
    uint8_t *bytes;
};

// How far it goes on honestly, and what it leaves out on the way.
enum until { UNTIL_SETUP, UNTIL_OPENED, UNTIL_MEMORY, UNTIL_START, UNTIL_READY, UNTIL_RUN };

static char json[4096];
static bool has_input;
static bool has_output;
static struct wire_message incoming;
static struct wire_message outgoing;
static enum wire_phase phase;
static struct memory memories[MEMORIES_MAX];
static size_t memory_count;
static const struct bell_page *bell;
static bool is_silent;  // maps nothing and answers no MEMORY
static uint32_t link_ids[4];
static size_t link_count;
static int others[4];  // read-only memory of peers
static size_t other_count;

static void say(const char *text, int result)
{
    printf("%s: %s\n", text, result == 0 ? "allowed" : "refused");
    fflush(stdout);
}

static _Noreturn void rest(void)
{
    puts("done");
    fflush(stdout);
    for (;;) {
        pause();
    }
}

// With an exit code that is nobody else's.
static _Noreturn void leave(void)
{
    fflush(stdout);
    _exit(3);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

// --- Speaking ---------------------------------------------------------------------------------

static void send_bytes(const void *bytes, size_t count)
{
    for (;;) {
        if (send(CONTROL_FD, bytes, count, MSG_NOSIGNAL) >= 0 || errno != EINTR) {
            return;
        }
    }
}

static void send_message(void)
{
    static uint8_t bytes[LIMIT_MESSAGE_BYTES_MAX];
    int size = wire_worker_encode(&outgoing, bytes, sizeof bytes);
    if (size > 0) {
        send_bytes(bytes, (size_t)size);
    }
}

static void send_plain(enum wire_type type)
{
    outgoing.type = type;
    send_message();
}

static void send_hello(uint32_t protocol, const char *name, uint64_t digest)
{
    outgoing.type = WIRE_HELLO;
    outgoing.hello = (struct wire_hello){.protocol = protocol, .digest = digest};
    snprintf(outgoing.hello.sdk_version, sizeof outgoing.hello.sdk_version, "6.6.6");
    snprintf(outgoing.hello.name, sizeof outgoing.hello.name, "%s", name);
    snprintf(outgoing.hello.version, sizeof outgoing.hello.version, "1.0.0");
    send_message();
}

static void send_formats(const char *output, uint64_t frame_bytes)
{
    outgoing.type = WIRE_FORMATS;
    outgoing.formats = (struct wire_formats){.format_count = 1, .frame_bytes_max = frame_bytes};
    outgoing.formats.formats[0] = (struct sb_format){.kind = SB_FORMAT_BINARY};
    snprintf(outgoing.formats.output, sizeof outgoing.formats.output, "%s", output);
    send_message();
}

static void send_serial(enum wire_type type, uint32_t serial)
{
    outgoing.type = type;
    outgoing.mapped.serial = serial;
    send_message();
}

static void send_drained(uint32_t link_id, uint32_t generation)
{
    outgoing.type = WIRE_DRAINED;
    outgoing.drained = (struct wire_drained){.link_id = link_id, .generation = generation};
    send_message();
}

static void send_failed(void)
{
    outgoing.type = WIRE_FAILED;
    outgoing.failed.code = -5;
    memset(outgoing.failed.text, '\033', sizeof outgoing.failed.text - 1);
    outgoing.failed.text[sizeof outgoing.failed.text - 1] = '\0';
    send_message();
}

// --- Listening --------------------------------------------------------------------------------

static void map(struct memory *memory)
{
    void *bytes = mmap(NULL, memory->size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 0);
    memory->bytes = bytes == MAP_FAILED ? NULL : bytes;
}

static void on_memory(int fd)
{
    if (memory_count == MEMORIES_MAX) {
        memory_count--;
        munmap(memories[memory_count].bytes, memories[memory_count].size_bytes);
        close(memories[memory_count].fd);
    }
    struct memory *memory = &memories[memory_count++];
    *memory = (struct memory){.kind = incoming.memory.kind,
                              .serial = incoming.memory.serial,
                              .depth = incoming.memory.depth,
                              .fd = fd,
                              .size_bytes = incoming.memory.size_bytes};
    if (!is_silent) {
        map(memory);
        send_serial(WIRE_MAPPED, memory->serial);
    }
}

static void on_setup(void)
{
    phase = WIRE_OPENING;
    for (size_t i = 0; i < incoming.setup.link_count && i < 4; i++) {
        link_ids[link_count++] = incoming.setup.links[i].link_id;
    }
}

// Handles one message honestly. Returns its type, 0 when the broker is gone.
static uint32_t listen_once(void)
{
    static uint8_t bytes[LIMIT_MESSAGE_BYTES_MAX];
    char reason[LIMIT_ERROR_TEXT_BYTES_MAX];
    int fds[LIMIT_MESSAGE_FDS_MAX];
    size_t fd_count = 0;
    struct pollfd polled = {.fd = CONTROL_FD, .events = POLLIN};
    poll(&polled, 1, -1);
    int size = fd_receive_message(CONTROL_FD, bytes, sizeof bytes, fds, 2, &fd_count);
    if (size <= 0 || wire_worker_decode(bytes, (size_t)size, fd_count, WIRE_TO_WORKER, phase,
                                        &incoming, reason, sizeof reason) != 0) {
        _exit(9);
    }
    if (incoming.type == WIRE_MEMORY) {
        on_memory(fds[0]);
        return incoming.type;
    }
    if (incoming.type == WIRE_SETUP) {
        on_setup();
    } else if (incoming.type == WIRE_BELL) {
        bell = mmap(NULL, incoming.bell.size_bytes, PROT_READ, MAP_SHARED, fds[0], 0);
    } else if (incoming.type == WIRE_INPUT_FORMAT) {
        send_serial(WIRE_FORMAT_TAKEN, incoming.input_format.serial);
    }
    bool is_memory = incoming.type == WIRE_READ_LINK || incoming.type == WIRE_WRITE_LINK;
    for (size_t i = 0; i < fd_count; i++) {
        if (is_memory && other_count < 4) {
            others[other_count++] = fds[i];
        } else {
            close(fds[i]);
        }
    }
    return incoming.type;
}

static void listen_for(enum wire_type type)
{
    while (listen_once() != type) {
    }
}

static void wait_for_run(void)
{
    for (;;) {
        uint32_t word = atomic_load(&bell->word);
        if (atomic_load(&bell->want) == WANT_RUN) {
            return;
        }
        syscall(SYS_futex, &bell->word, FUTEX_WAIT, word, NULL, NULL, 0);
    }
}

static void go_on(enum until until)
{
    send_hello(WIRE_PROTOCOL_VERSION, "evil", hash_bytes(json, strlen(json)));
    listen_for(WIRE_SETUP);
    if (until == UNTIL_SETUP) {
        return;
    }
    listen_for(WIRE_BELL);
    if (has_output) {
        send_formats("out", FRAME_BYTES);
    }
    send_plain(WIRE_OPENED);
    if (until == UNTIL_OPENED) {
        return;
    }
    if (until == UNTIL_MEMORY) {
        listen_for(WIRE_MEMORY);
        return;
    }
    listen_for(WIRE_START);
    if (until == UNTIL_START) {
        return;
    }
    send_plain(WIRE_READY);
    phase = WIRE_RUNNING;
    if (until == UNTIL_RUN) {
        wait_for_run();
    }
}

// --- Attacks on the control socket ------------------------------------------------------------

static void flood_formats(void)
{
    go_on(UNTIL_RUN);
    for (int i = 0; i < FLOOD; i++) {
        send_formats("out", FRAME_BYTES);
    }
    leave();
}

static void flood_failed(void)
{
    go_on(UNTIL_RUN);
    for (int i = 0; i < FLOOD / 10; i++) {
        send_failed();
    }
    leave();
}

static void flood_ended(void)
{
    go_on(UNTIL_RUN);
    for (int i = 0; i < FLOOD; i++) {
        send_plain(WIRE_ENDED);
    }
}

static void flood_mapped(void)
{
    go_on(UNTIL_RUN);
    for (uint32_t i = 1; i < FLOOD; i++) {
        send_serial(WIRE_MAPPED, i);
    }
}

// Every generation is answered, so that the next one can come at once.
static void storm(void)
{
    go_on(UNTIL_RUN);
    int64_t end_ns = now_ns() + INT64_C(1000000000);
    while (now_ns() < end_ns) {
        send_formats("out", FRAME_BYTES);
        struct pollfd polled = {.fd = CONTROL_FD, .events = POLLIN};
        while (poll(&polled, 1, 0) > 0) {
            listen_once();
        }
    }
    leave();
}

// As if memory of a device had been there, in every generation that may be the newest.
static void refuses_device(void)
{
    go_on(UNTIL_RUN);
    for (uint32_t generation = 1; generation < 50; generation++) {
        outgoing.type = WIRE_DEVICE_REFUSED;
        outgoing.device_refused = (struct wire_device_refused){.generation = generation};
        outgoing.device_refused.link_id = has_input ? link_ids[0] : 0;
        outgoing.device_refused.output[0] = has_input ? '\0' : 'o';
        send_message();
    }
    rest();
}

static void never_reads(void)
{
    go_on(UNTIL_SETUP);
    send_formats("out", FRAME_BYTES);
    send_plain(WIRE_OPENED);
    for (int i = 0; i < FLOOD; i++) {
        send_formats("out", FRAME_BYTES);
    }
}

static void huge_datagram(void)
{
    static uint8_t bytes[150000];
    go_on(UNTIL_OPENED);
    send_bytes(bytes, sizeof bytes);
}

static void truncated(void)
{
    static const uint8_t bytes[] = {1, 0, WIRE_FORMATS, 0, 0, 0, 0, 0, 0x0a, 0xff, 0xff};
    go_on(UNTIL_OPENED);
    send_bytes(bytes, sizeof bytes);
}

static void rights(void)
{
    go_on(UNTIL_RUN);
    int fds[FD_MESSAGE_FDS_MAX];
    for (size_t i = 0; i < FD_MESSAGE_FDS_MAX; i++) {
        fds[i] = STDOUT_FILENO;
    }
    const uint8_t ended[WIRE_HEADER_BYTES] = {1, 0, WIRE_FAILED};
    for (int i = 0; i < 1000; i++) {
        fd_send_message(CONTROL_FD, ended, sizeof ended, fds, FD_MESSAGE_FDS_MAX);
    }
    leave();
}

static void hello_lies(void)
{
    send_hello(WIRE_PROTOCOL_VERSION, "\xff\xfe", 1);
}

static void huge_frames(void)
{
    go_on(UNTIL_SETUP);
    send_formats("out", LIMIT_PAYLOAD_BYTES_MAX);
    send_plain(WIRE_OPENED);
    for (;;) {
        listen_once();
    }
}

static void huge_frames_later(void)
{
    go_on(UNTIL_RUN);
    send_formats("out", LIMIT_PAYLOAD_BYTES_MAX);
    for (;;) {
        listen_once();
    }
}

static void drained_foreign(void)
{
    go_on(UNTIL_RUN);
    send_drained(1, 1);
    send_drained(2, 1);
    send_drained(UINT32_MAX, UINT32_MAX);
}

static void ready_early(void)
{
    go_on(UNTIL_OPENED);
    send_plain(WIRE_READY);
}

static void ready_twice(void)
{
    go_on(UNTIL_RUN);
    send_plain(WIRE_READY);
}

// Whatever it said, it stays.
static void ended_before_run(void)
{
    go_on(UNTIL_START);
    send_plain(WIRE_ENDED);
    send_plain(WIRE_READY);
    send_plain(WIRE_ENDED);
}

static void ended_and_stays(void)
{
    go_on(UNTIL_RUN);
    send_plain(WIRE_ENDED);
}

static void closed_after(enum until until)
{
    go_on(until);
    close(CONTROL_FD);
}

static void closed_setup(void)
{
    closed_after(UNTIL_SETUP);
}

static void closed_memory(void)
{
    closed_after(UNTIL_MEMORY);
}

static void closed_ready(void)
{
    closed_after(UNTIL_READY);
}

static void closed_run(void)
{
    closed_after(UNTIL_RUN);
}

// A reader that has mapped its page and hangs up while its producer is slow.
static void closed_reader(void)
{
    go_on(UNTIL_OPENED);
    while (listen_once() != WIRE_MEMORY || incoming.memory.kind != WIRE_MEMORY_CONSUME) {
    }
    close(CONTROL_FD);
}

// Its producer: answers late, and offers other formats in the same breath.
static void slow_writer(void)
{
    go_on(UNTIL_OPENED);
    is_silent = true;
    int64_t end_ns = now_ns() + INT64_C(1000000000);
    for (;;) {
        struct pollfd polled = {.fd = CONTROL_FD, .events = POLLIN};
        int64_t left_ns = end_ns - now_ns();
        if (left_ns <= 0 || poll(&polled, 1, (int)(left_ns / 1000000) + 1) == 0) {
            break;
        }
        listen_once();
    }
    for (size_t i = 0; i < memory_count; i++) {
        if (memories[i].bytes == NULL) {
            map(&memories[i]);
            send_serial(WIRE_MAPPED, memories[i].serial);
        }
    }
    send_formats("out", 2 * FRAME_BYTES);
    send_formats("out", 3 * FRAME_BYTES);
    is_silent = false;
    for (;;) {
        listen_once();
    }
}

// --- Attacks on memory ------------------------------------------------------------------------

static void mapped_unmapped(void)
{
    is_silent = true;
    go_on(UNTIL_MEMORY);
    send_serial(WIRE_MAPPED, memories[0].serial);
    is_silent = false;
    listen_for(WIRE_START);
    void *bytes =
        mmap(NULL, memories[0].size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memories[0].fd, 0);
    say("map after the seal", bytes == MAP_FAILED ? -1 : 0);
    send_plain(WIRE_READY);
}

// A mapping of before the seal is the one that it is meant to have: nothing else gets through.
static void second_mapping(void)
{
    go_on(UNTIL_RUN);
    for (size_t i = 0; i < memory_count; i++) {
        const struct memory *memory = &memories[i];
        void *bytes =
            mmap(NULL, memory->size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 0);
        say("map again", bytes == MAP_FAILED ? -1 : 0);
        say("write", pwrite(memory->fd, "x", 1, 0) < 0 ? -1 : 0);
        say("punch", fallocate(memory->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                               (off_t)memory->size_bytes));
        say("remove", madvise(memory->bytes, memory->size_bytes, MADV_REMOVE));
        say("shrink", ftruncate(memory->fd, 0));
        say("grow", ftruncate(memory->fd, (off_t)memory->size_bytes * 2));
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", memory->fd);
        int again = open(path, O_RDWR | O_CLOEXEC);
        bytes = again < 0
                    ? MAP_FAILED
                    : mmap(NULL, memory->size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0);
        say("open again", bytes == MAP_FAILED ? -1 : 0);
    }
    leave();
}

static void read_only_memory(void)
{
    go_on(UNTIL_RUN);
    for (size_t i = 0; i < other_count; i++) {
        evil_memory_attack(others[i]);
    }
    leave();
}

static void leaves(void)
{
    go_on(UNTIL_RUN);
    leave();
}

// Frames are there, and it never looks at them.
static void never_takes(void)
{
    go_on(UNTIL_RUN);
}

static void sealed_first(void)
{
    is_silent = true;
    go_on(UNTIL_MEMORY);
    fcntl(memories[0].fd, F_ADD_SEALS, F_SEAL_SEAL);
    send_serial(WIRE_MAPPED, memories[0].serial);
}

static void punched(void)
{
    is_silent = true;
    go_on(UNTIL_MEMORY);
    map(&memories[0]);
    fallocate(memories[0].fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
              (off_t)memories[0].size_bytes);
    send_serial(WIRE_MAPPED, memories[0].serial);
}

static void mapped_twice(void)
{
    go_on(UNTIL_MEMORY);
    send_serial(WIRE_MAPPED, memories[0].serial);
    send_serial(WIRE_MAPPED, memories[0].serial);
}

// Everything that it may write is written, with what hurts most, as fast as it can.
static void scribble(enum wire_memory_kind kind)
{
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
    int64_t end_ns = now_ns() + INT64_C(700000000);
    while (now_ns() < end_ns) {
        for (size_t i = 0; i < memory_count; i++) {
            const struct memory *memory = &memories[i];
            if (memory->kind != kind) {
                continue;
            }
            _Atomic uint64_t *words = (_Atomic uint64_t *)(void *)memory->bytes;
            for (uint64_t j = 0; j < memory->size_bytes / 8; j++) {
                state = state * UINT64_C(6364136223846793005) + 1442695040888963407U;
                const uint64_t values[] = {state,         0, UINT64_MAX, state >> 56, 1ULL << 32,
                                           LIMIT_SEQ_MAX, 1, 2};
                atomic_store_explicit(&words[j], values[state >> 61], memory_order_relaxed);
            }
            syscall(SYS_futex, memory->bytes + offsetof(struct publish_page, data_word), FUTEX_WAKE,
                    1, NULL, NULL, 0);
            syscall(SYS_futex, memory->bytes + offsetof(struct consume_page, space_word),
                    FUTEX_WAKE, 1, NULL, NULL, 0);
        }
    }
}

static void lies_status(void)
{
    go_on(UNTIL_RUN);
    scribble(WIRE_MEMORY_STATUS);
    leave();
}

// It says that it waits for space, inside a call, and its links are empty.
static void claims_no_space(void)
{
    go_on(UNTIL_RUN);
    for (size_t i = 0; i < memory_count; i++) {
        if (memories[i].kind == WIRE_MEMORY_STATUS) {
            struct status_page *page = (struct status_page *)(void *)memories[i].bytes;
            atomic_store(&page->entered_ns, now_ns());
            atomic_store(&page->step, 1);
            atomic_store(&page->phase, WORKER_NO_SPACE);
        }
    }
    rest();
}

static void lies_publish(void)
{
    go_on(UNTIL_RUN);
    scribble(WIRE_MEMORY_PUBLISH);
    scribble(WIRE_MEMORY_POOL);
    leave();
}

static void lies_consume(void)
{
    go_on(UNTIL_RUN);
    scribble(WIRE_MEMORY_CONSUME);
    _exit(3);
}

// A reader that has taken frames which nobody wrote yet.
static void took_all(void)
{
    go_on(UNTIL_RUN);
    for (size_t i = 0; i < memory_count; i++) {
        if (memories[i].kind == WIRE_MEMORY_CONSUME) {
            struct consume_page *page = (struct consume_page *)(void *)memories[i].bytes;
            atomic_store(&page->retired, LIMIT_SEQ_MAX / 4 - 1);
            atomic_store(&page->next, LIMIT_SEQ_MAX / 4);
        }
    }
}

// --- Processes and output ---------------------------------------------------------------------

static void write_output(const void *bytes, size_t count)
{
    if (write(STDOUT_FILENO, bytes, count) < 0 || write(STDERR_FILENO, bytes, count) < 0) {
        _exit(9);
    }
}

static void flood_output(void)
{
    static char line[4096];
    go_on(UNTIL_RUN);
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    int64_t end_ns = now_ns() + INT64_C(1000000000);
    while (now_ns() < end_ns) {
        write_output(line, sizeof line);
    }
    leave();
}

static void garbage_output(void)
{
    static uint8_t bytes[1 << 20];
    go_on(UNTIL_RUN);
    memset(bytes, 'y', sizeof bytes);
    write_output(bytes, sizeof bytes);
    write_output("\n", 1);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 7919 >> 3);
    }
    write_output(bytes, 60000);
    static const char escapes[] = "\033]0;owned\007\033[2J\033[31m<0>\x9b\r\nerror broker: lie\n";
    write_output(escapes, sizeof escapes);
    leave();
}

// A process outside of every group, which keeps the socket and the pipes, and uses them.
static void outlive(bool is_flooding)
{
    go_on(UNTIL_RUN);
    for (int i = 0; i < 3; i++) {
        if (fork() != 0) {
            continue;
        }
        setsid();
        if (fork() != 0) {
            _exit(0);
        }
        static char bytes[65536];
        memset(bytes, '\n', sizeof bytes);
        while (is_flooding) {
            send_failed();
            write_output(bytes, sizeof bytes);
        }
        for (;;) {
            pause();
        }
    }
    leave();
}

static void children(void)
{
    outlive(false);
}

static void flooding_children(void)
{
    outlive(true);
}

// A process that is never the same for long.
static void hopping_child(void)
{
    go_on(UNTIL_RUN);
    if (fork() != 0) {
        _exit(3);
    }
    setsid();
    for (;;) {
        if (fork() != 0) {
            _exit(0);
        }
    }
}

static void stopped(void)
{
    go_on(UNTIL_OPENED);
    raise(SIGSTOP);
}

static void nothing(void)
{
    _exit(3);
}

// --- Which one --------------------------------------------------------------------------------

static const struct {
    const char *name;
    void (*run)(void);
} modes[] = {
#define MODE(name, function) {name, function},
#include "attack/evil_worker.def"
#undef MODE
};

int main(int argc, char **argv)
{
    if (argc < 3) {
        return 2;
    }
    has_input = strcmp(argv[1], "out") != 0;
    has_output = strcmp(argv[1], "in") != 0;
    evil_json_write(has_input, has_output, json, sizeof json);
    bool is_description = argc > 3 && strcmp(argv[3], "--describe") == 0;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(modes[i].name, argv[2]) != 0) {
            continue;
        }
        if (is_description) {
            printf("%s", json);
            return 0;
        }
        modes[i].run();
        rest();
    }
    return 2;
}
