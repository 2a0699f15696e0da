// SPDX-License-Identifier: Apache-2.0
// Plays the broker for one forked worker.
#include "worker_rig.h"

#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "shm/futex.h"
#include "shm/segment.h"

struct rig_board *rig_board;

static void await_word(const _Atomic uint32_t *word, uint32_t at_least)
{
    int64_t deadline_ns = clock_now_ns() + RIG_DEADLINE_NS;
    struct futex_set set;
    for (;;) {
        futex_set_clear(&set);
        futex_set_add(&set, word);
        if (set.entries[0].expected >= at_least) {
            return;
        }
        if (futex_set_wait(&set, deadline_ns) != 0) {
            fprintf(stderr, "waited for %u, is %u\n", at_least, atomic_load(word));
            abort();
        }
    }
}

void rig_note(uint64_t value)
{
    uint32_t index = atomic_load(&rig_board->note_count);
    if (index < RIG_NOTES_MAX) {
        atomic_store(&rig_board->notes[index], value);
    }
    futex_bump_and_wake(&rig_board->note_count);
}

void rig_wait_gate(uint32_t gate)
{
    await_word(&rig_board->gates[gate], 1);
}

void rig_open_gate(uint32_t gate)
{
    futex_bump_and_wake(&rig_board->gates[gate]);
}

void rig_await_notes(uint32_t count)
{
    await_word(&rig_board->note_count, count);
}

int rig_note_result(int result)
{
    rig_note((uint64_t)(int64_t)result);
    return result;
}

int64_t rig_note_at(uint32_t index)
{
    rig_await_notes(index + 1);
    return (int64_t)atomic_load(&rig_board->notes[index]);
}

void rig_expect_result(uint32_t index, int64_t result)
{
    assert_int_equal(rig_note_at(index), result);
}

void rig_init(struct rig *rig, const struct sb_processor *processor)
{
    *rig = (struct rig){.processor = processor, .socket = -1, .log = -1, .pid = -1, .pidfd = -1};
    rig->message = calloc(1, sizeof *rig->message);
    assert_non_null(rig->message);
    rig_board =
        mmap(NULL, sizeof *rig_board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(rig_board != MAP_FAILED);
    rig->setup = (struct wire_setup){
        .generation = 1,
        .mode = processor->mode != SB_MODE_DEFAULT ? processor->mode : SB_MODE_REACTIVE,
        .interval_ns = processor->interval_ns,
        .activation =
            processor->activation != SB_ACTIVATE_DEFAULT ? processor->activation : SB_ACTIVATE_ANY,
        .batch_count = processor->batch_count,
        .batch_within_ns = processor->batch_within_ns,
        .first_step = 1,
    };
    text_copy(rig->setup.node_id, sizeof rig->setup.node_id, "unit");
}

static struct rig_link *add_link(struct rig *rig, const char *port, enum sb_delivery delivery,
                                 uint32_t depth, bool is_output)
{
    assert_true(rig->link_count < RIG_LINKS_MAX);
    struct rig_link *link = &rig->links[rig->link_count++];
    *link = (struct rig_link){.rig = rig,
                              .id = rig->link_count,
                              .is_output = is_output,
                              .port = port,
                              .delivery = delivery,
                              .depth = depth,
                              .claims = 2,
                              .slots = depth + 3,
                              .payload_bytes = RIG_PAYLOAD_BYTES,
                              .format = {.kind = SB_FORMAT_BINARY},
                              .attempt = 1};
    return link;
}

struct rig_link *rig_add_input(struct rig *rig, const char *port, enum sb_delivery delivery,
                               uint32_t depth)
{
    return add_link(rig, port, delivery, depth, false);
}

struct rig_link *rig_add_output(struct rig *rig, const char *port, enum sb_delivery delivery,
                                uint32_t depth)
{
    return add_link(rig, port, delivery, depth, true);
}

void rig_add_param(struct rig *rig, const char *name, const char *value)
{
    assert_true(rig->setup.param_count < RIG_PARAMS_MAX);
    struct wire_param *param = &rig->params[rig->setup.param_count++];
    text_copy(param->name, sizeof param->name, name);
    param->value = value;
}

struct wire_message *rig_begin(struct rig *rig, enum wire_type type)
{
    memset(rig->message, 0, offsetof(struct wire_message, arena));
    rig->message->type = type;
    return rig->message;
}

void rig_ring(struct rig *rig)
{
    if (rig->bell != NULL) {
        futex_bump_and_wake(&rig->bell->word);
    }
}

void rig_send(struct rig *rig, const int *fds, size_t fd_count)
{
    uint8_t bytes[LIMIT_MESSAGE_BYTES_MAX];
    int size = wire_worker_encode(rig->message, bytes, sizeof bytes);
    assert_true(size > 0);
    assert_int_equal(fd_send_message(rig->socket, bytes, (size_t)size, fds, fd_count), 0);
    rig_ring(rig);
}

static struct wire_message *receive(struct rig *rig)
{
    uint8_t bytes[LIMIT_MESSAGE_BYTES_MAX];
    struct pollfd wait = {.fd = rig->socket, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, (int)(RIG_DEADLINE_NS / CLOCK_NS_PER_MS)), 1);
    size_t fd_count = 0;
    int size = fd_receive_message(rig->socket, bytes, sizeof bytes, NULL, 0, &fd_count);
    if (size <= 0) {
        (void)rig_has_logged(rig, "\n\n");
        fail_msg("the worker is gone");
    }
    char reason[256] = "";
    int failed = wire_worker_decode(bytes, (size_t)size, 0, WIRE_TO_BROKER, rig->phase,
                                    rig->message, reason, sizeof reason);
    if (failed != 0) {
        fprintf(stderr, "the worker broke the protocol: %s\n", reason);
    }
    assert_int_equal(failed, 0);
    if (rig->message->type == WIRE_FORMATS) {
        rig->formats = rig->message->formats;
        rig->formats_count++;
    }
    return rig->message;
}

struct wire_message *rig_expect(struct rig *rig, enum wire_type type)
{
    struct wire_message *message = receive(rig);
    assert_string_equal(wire_worker_type_name(message->type), wire_worker_type_name(type));
    return message;
}

struct wire_message *rig_await(struct rig *rig, enum wire_type type)
{
    struct wire_message *message;
    do {
        message = receive(rig);
    } while (message->type != type);
    return message;
}

static _Noreturn void run_child(struct rig *rig, int socket)
{
    // A test that fails leaves no worker behind.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(rig->log, STDERR_FILENO);
    dup2(socket, 3);
    char name[] = "unit";
    char *arguments[] = {name, NULL};
    free(rig->message);
    exit(sb_processor_main(rig->processor, 1, arguments));
}

void rig_fork(struct rig *rig)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    rig->log = memfd_create("log", MFD_CLOEXEC);
    assert_true(rig->log >= 0);
    fflush(stdout);
    rig->pid = fork();
    assert_true(rig->pid >= 0);
    if (rig->pid == 0) {
        close(pair[0]);
        run_child(rig, pair[1]);
    }
    close(pair[1]);
    rig->socket = pair[0];
    rig->pidfd = (int)syscall(SYS_pidfd_open, rig->pid, 0);
    assert_true(rig->pidfd >= 0);
    rig->phase = WIRE_CONNECTED;
    struct wire_message *hello = rig_expect(rig, WIRE_HELLO);
    assert_int_equal(hello->hello.protocol, WIRE_PROTOCOL_VERSION);
    assert_string_equal(hello->hello.name, rig->processor->name);
}

static void send_setup(struct rig *rig)
{
    struct wire_link links[RIG_LINKS_MAX];
    memset(links, 0, sizeof links);
    for (uint32_t i = 0; i < rig->link_count; i++) {
        const struct rig_link *link = &rig->links[i];
        links[i].link_id = link->id;
        links[i].is_output = link->is_output;
        links[i].delivery = link->delivery;
        text_copy(links[i].port, sizeof links[i].port, link->port);
        text_copy(links[i].peer, sizeof links[i].peer, "peer.port");
    }
    struct wire_setup *setup = &rig_begin(rig, WIRE_SETUP)->setup;
    *setup = rig->setup;
    setup->params = rig->params;
    setup->links = links;
    setup->link_count = rig->link_count;
    rig_send(rig, NULL, 0);
}

static void send_formats(struct rig *rig)
{
    for (uint32_t i = 0; i < rig->link_count; i++) {
        struct rig_link *link = &rig->links[i];
        if (!link->is_output) {
            struct wire_message *message = rig_begin(rig, WIRE_INPUT_FORMAT);
            message->input_format.link_id = link->id;
            message->input_format.serial = ++rig->serial;
            message->input_format.format = link->format;
            message->input_format.frame_bytes_max = link->payload_bytes;
            rig_send(rig, NULL, 0);
            rig_await(rig, WIRE_FORMAT_TAKEN);
        }
    }
}

static void send_status(struct rig *rig)
{
    struct rig_segment *segment = &rig->status_segment;
    segment->fd =
        segment_create("status", sizeof(struct status_page), SEGMENT_NORMAL, &segment->size_bytes);
    assert_true(segment->fd >= 0);
    struct wire_message *message = rig_begin(rig, WIRE_MEMORY);
    message->memory.serial = ++rig->serial;
    message->memory.kind = WIRE_MEMORY_STATUS;
    message->memory.size_bytes = segment->size_bytes;
    rig_send(rig, &segment->fd, 1);
    assert_int_equal(rig_expect(rig, WIRE_MAPPED)->mapped.serial, rig->serial);
    assert_int_equal(segment_seal(segment->fd, segment->size_bytes), 0);
    assert_int_equal(segment_map_reader(segment->fd, segment->size_bytes, &segment->bytes), 0);
    rig->status = segment->bytes;
}

void rig_give_bell(struct rig *rig)
{
    struct rig_segment *segment = &rig->bell_segment;
    segment->fd =
        segment_create("bell", sizeof(struct bell_page), SEGMENT_NORMAL, &segment->size_bytes);
    assert_true(segment->fd >= 0);
    void *bytes;
    assert_int_equal(segment_map_initial(segment->fd, segment->size_bytes, &bytes), 0);
    assert_int_equal(segment_seal(segment->fd, segment->size_bytes), 0);
    segment->bytes = bytes;
    int reader = segment_open_reader(segment->fd);
    assert_true(reader >= 0);
    rig_begin(rig, WIRE_BELL)->bell.size_bytes = segment->size_bytes;
    rig_send(rig, &reader, 1);
    close(reader);
    rig->bell = bytes;
}

void rig_setup(struct rig *rig)
{
    send_setup(rig);
    rig->phase = WIRE_OPENING;
}

void rig_open(struct rig *rig)
{
    rig_setup(rig);
    rig_give_bell(rig);
    rig_await(rig, WIRE_OPENED);
}

void rig_start(struct rig *rig)
{
    rig_fork(rig);
    rig_open(rig);
    send_formats(rig);
    send_status(rig);
    for (uint32_t i = 0; i < rig->link_count; i++) {
        rig_wire(&rig->links[i], 1);
    }
    rig_begin(rig, WIRE_START);
    rig_send(rig, NULL, 0);
    rig_expect(rig, WIRE_READY);
    rig->phase = WIRE_RUNNING;
}

void rig_want(struct rig *rig, enum worker_want want)
{
    atomic_store(&rig->bell->want, (uint32_t)want);
    rig_ring(rig);
}

void rig_set_clock(struct rig *rig, uint32_t fps, int64_t epoch_ns)
{
    struct clock_entry *entry = &rig->bell->clocks[0];
    atomic_store(&entry->epoch_ns, epoch_ns);
    atomic_store(&entry->fps_numerator, fps);
    atomic_store(&entry->fps_denominator, 1);
    rig_ring(rig);
}

int rig_exit_status(struct rig *rig)
{
    struct pollfd wait = {.fd = rig->pidfd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, (int)(RIG_DEADLINE_NS / CLOCK_NS_PER_MS)), 1);
    int status;
    assert_int_equal(waitpid(rig->pid, &status, 0), rig->pid);
    rig->pid = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static char *read_log(struct rig *rig)
{
    off_t size = lseek(rig->log, 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(pread(rig->log, text, (size_t)size, 0), size);
    return text;
}

bool rig_has_logged(struct rig *rig, const char *wanted)
{
    char *text = read_log(rig);
    bool has_logged = strstr(text, wanted) != NULL;
    if (!has_logged) {
        print_message("the worker logged: %s\n", text);
    }
    free(text);
    return has_logged;
}

void rig_await_phase(struct rig *rig, enum worker_phase phase)
{
    int64_t deadline_ns = clock_now_ns() + RIG_DEADLINE_NS;
    while (atomic_load(&rig->status->phase) != (uint32_t)phase) {
        assert_true(clock_now_ns() < deadline_ns);
        sched_yield();
    }
}

static void free_segment(struct rig_segment *segment)
{
    if (segment->bytes != NULL) {
        segment_unmap(segment->bytes, segment->size_bytes);
        close(segment->fd);
    }
}

void rig_end(struct rig *rig)
{
    if (rig->pid > 0) {
        kill(rig->pid, SIGKILL);
        waitpid(rig->pid, NULL, 0);
    }
    for (uint32_t i = 0; i < rig->link_count; i++) {
        rig_free_link(&rig->links[i]);
    }
    free_segment(&rig->bell_segment);
    free_segment(&rig->status_segment);
    close(rig->socket);
    close(rig->pidfd);
    close(rig->log);
    free(rig->message);
    munmap(rig_board, sizeof *rig_board);
}

void rig_finish(struct rig *rig)
{
    assert_int_equal(rig_exit_status(rig), 0);
    rig_end(rig);
}
