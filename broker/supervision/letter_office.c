// SPDX-License-Identifier: Apache-2.0
// Starts helpers that write dead letters, and waits for them on behalf of the nodes that died.
#include "broker/supervision/letter_office.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "broker/links/generation.h"
#include "broker/links/pages.h"
#include "broker/lives/life.h"
#include "broker/supervision/letter_text.h"
#include "broker/supervision/letter_write.h"

// A disk that is slower than this holds up the node no longer.
#define HELPER_NS (5 * CLOCK_NS_PER_S)
#define SAYS_BYTES 512

// The program of this process, also when its file was replaced meanwhile: the launcher is a fork.
#define OURSELVES "/proc/self/exe"

// Where a frame lies: in a slot of the pool, or in its cell.
struct place {
    int fd;  // borrowed: of the pool or of the page
    bool is_in_cell;
    uint64_t offset;
    uint64_t payload_bytes;
    const struct sb_format *format;  // borrowed
};

struct letter_job {
    uint32_t serial;                     // of the launcher
    char node[LIMIT_NODE_ID_BYTES_MAX];  // waits for the end of the job
    uint64_t letter;                     // id
    int says_fd;                         // owned: what the helper prints
    int64_t due_ns;
    struct letter_job *next;  // owned
};

// The cell is the producer's word: it is copied once and checked against what the broker knows.
static int find_in(const struct generation *generation, const struct generation_link *pages,
                   uint64_t seq, struct place *out_place)
{
    const struct publish_page *publish = pages->publish.view;
    if (publish == NULL || pages->first_seq == 0 || seq < pages->first_seq ||
        !generation->pool.is_sealed || generation->carried_bytes != 0) {
        // What a transport carries, its reader took with it.
        return -ENOENT;
    }
    const struct link_cell *cell =
        publish_cell(publish, pages->depth, (seq - pages->first_seq) % pages->depth);
    if (atomic_load_explicit(&cell->seq, memory_order_acquire) != seq) {
        return -ENOENT;
    }
    uint32_t slot = atomic_load_explicit(&cell->slot, memory_order_relaxed);
    uint64_t length = atomic_load_explicit(&cell->length_bytes, memory_order_relaxed);
    uint32_t flags = atomic_load_explicit(&cell->flags, memory_order_relaxed);
    struct place place = {.fd = generation->pool.fd,
                          .offset = slot * layout_slot_bytes(generation->plan.payload_bytes),
                          .payload_bytes = length,
                          .format = &generation->format};
    uint64_t length_max = generation->plan.payload_bytes;
    if ((flags & CELL_CARRIES) != 0 && pages->depth <= CARRY_DEPTH_MAX) {
        place.fd = pages->publish.fd;
        place.is_in_cell = true;
        place.offset = (uint64_t)((uintptr_t)cell - (uintptr_t)publish);
        length_max = CARRY_PAYLOAD_BYTES;
    }
    if (slot >= generation->plan.slot_count || length > length_max) {
        return -EPROTO;
    }
    *out_place = place;
    return 0;
}

static int find_frame(const struct actual_link *link, uint64_t seq, struct place *out_place)
{
    const struct actual_output *output = link->output;
    int failed = -ENOENT;
    for (size_t i = output->generation_count; i > 0 && failed != 0; i--) {
        struct generation *generation = output->generations[i - 1];
        const struct generation_link *pages = pages_of(generation, link);
        if (pages != NULL) {
            failed = find_in(generation, pages, seq, out_place);
        }
    }
    return failed;
}

static int spawn(struct broker *broker, const struct place *place, const char *name,
                 const char *head, int says_fd, uint32_t *out_serial)
{
    char numbers[3][24];
    snprintf(numbers[0], sizeof numbers[0], "%llu",
             (unsigned long long)broker->graph->dead_letters.max);
    snprintf(numbers[1], sizeof numbers[1], "%llu", (unsigned long long)place->offset);
    snprintf(numbers[2], sizeof numbers[2], "%llu", (unsigned long long)place->payload_bytes);
    const char *const arguments[LETTER_WRITE_ARGUMENTS + 1] = {
        "streambroker",
        LETTER_WRITE_OPTION,
        place->is_in_cell ? LETTER_WRITE_CELL : LETTER_WRITE_SLOT,
        broker->graph->dead_letters.dir,
        numbers[0],
        numbers[1],
        numbers[2],
        name,
        head};
    struct launch_plan plan = {.path = OURSELVES,
                               .arguments = arguments,
                               .folder = broker->graph->folder,
                               .control_fd = place->fd,
                               .stdout_fd = says_fd,
                               .stderr_fd = says_fd};
    broker->last_launch = broker->last_launch % LAUNCH_SERIAL_MAX + 1;
    *out_serial = broker->last_launch;
    return launcher_spawn(broker->launcher, &plan, *out_serial);
}

static int start_helper(struct broker *broker, struct actual_node *node, const struct place *place,
                        struct dead_letter *letter)
{
    char head[LETTER_HEAD_BYTES_MAX];
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    int64_t wall_ms = wall.tv_sec * 1000 + wall.tv_nsec / CLOCK_NS_PER_MS;
    letter_text_name(letter, wall_ms, letter->file, sizeof letter->file);
    int failed = letter_text_head(letter, place->format, head, sizeof head);
    if (failed != 0) {
        return failed;
    }
    int ends[2];
    auto_free struct letter_job *job = calloc(1, sizeof *job);
    if (job == NULL || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        return job == NULL ? -ENOMEM : -errno;
    }
    auto_fd int says = ends[0];
    auto_fd int theirs = ends[1];
    uint32_t serial;
    failed = spawn(broker, place, letter->file, head, theirs, &serial);
    if (failed != 0) {
        return failed;
    }
    *job = (struct letter_job){.serial = serial,
                               .letter = letter->id,
                               .says_fd = steal_fd(&says),
                               .due_ns = clock_now_ns() + HELPER_NS,
                               .next = broker->letter_jobs};
    text_copy(job->node, sizeof job->node, node->life.id);
    broker->letter_jobs = steal_pointer(&job);
    node->letters_awaited++;
    return 0;
}

static void say_not_kept(struct broker *broker, const struct dead_letter *letter, const char *why)
{
    health_say(&broker->health, HEALTH_LETTER_LOST, letter->node, letter->generation, letter->seq,
               "the payload of seq %llu of %s is not kept: %s", (unsigned long long)letter->seq,
               letter->link, why);
}

void letter_office_write(struct broker *broker, struct actual_node *node,
                         const struct actual_link *link, uint64_t id)
{
    struct dead_letter *letter = dead_letters_find(&broker->dead_letters, id);
    if (broker->graph->dead_letters.dir == NULL || letter == NULL) {
        return;
    }
    struct place place;
    int failed = find_frame(link, letter->seq, &place);
    failed = failed != 0 ? failed : start_helper(broker, node, &place, letter);
    if (failed != 0) {
        letter->file[0] = '\0';
        say_not_kept(broker, letter, strerrordesc_np(-failed));
        return;
    }
    letter->state = DEAD_LETTER_WRITING;
    broker_arm_timer(broker);
}

static int remove_file(const struct broker *broker, const char *file)
{
    auto_fd int folder_fd = open(broker->graph->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0) {
        return -errno;
    }
    auto_fd int dir_fd =
        openat(folder_fd, broker->graph->dead_letters.dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd >= 0 && unlinkat(dir_fd, file, 0) == 0) {
        return 0;
    }
    return errno == ENOENT ? 0 : -errno;
}

int letter_office_drop(struct broker *broker, uint64_t id)
{
    const struct dead_letter *letter = dead_letters_find(&broker->dead_letters, id);
    if (letter == NULL) {
        return -ENOENT;
    }
    if (letter->state == DEAD_LETTER_WRITING) {
        return -EBUSY;
    }
    bool has_file = letter->file[0] != '\0' && broker->graph->dead_letters.dir != NULL;
    int failed = has_file ? remove_file(broker, letter->file) : 0;
    return failed != 0 ? failed : dead_letters_drop(&broker->dead_letters, id);
}

// --- The end of a helper ----------------------------------------------------------------------

static void finish(struct broker *broker, const struct letter_job *job, bool is_good,
                   const char *says)
{
    struct dead_letter *letter = dead_letters_find(&broker->dead_letters, job->letter);
    unsigned dropped = 0;
    bool is_written = is_good && sscanf(says, LETTER_WRITE_DONE, &dropped) == 1;
    broker->dead_letters.forgotten += dropped;
    if (letter == NULL) {
        return;
    }
    letter->state = is_written ? DEAD_LETTER_FILE : DEAD_LETTER_METADATA;
    if (!is_written) {
        letter->file[0] = '\0';
        say_not_kept(broker, letter, says[0] != '\0' ? says : "its helper was ended");
        return;
    }
    health_say(&broker->health, HEALTH_LETTER_KEPT, letter->node, letter->generation, letter->seq,
               "seq %llu of %s is kept as %s dropped=%u", (unsigned long long)letter->seq,
               letter->link, letter->file, dropped);
}

// One line, as text.
static void read_words(int fd, char *out, size_t size_bytes)
{
    char bytes[SAYS_BYTES];
    ssize_t got = read(fd, bytes, sizeof bytes);
    size_t count = got < 0 ? 0 : strcspn(bytes, "\n");
    count = got >= 0 && count > (size_t)got ? (size_t)got : count;
    struct text text = text_over(out, size_bytes);
    text_add_escaped(&text, bytes, count);
}

// It may have been taken out of the graph, and another one may have its name.
static void let_node_go_on(struct broker *broker, const char *id)
{
    struct actual_node *node = actual_find_node(broker->actual, id);
    if (node == NULL || node->letters_awaited == 0) {
        return;
    }
    node->letters_awaited--;
    if (node->letters_awaited == 0 && node->life.state == NODE_BACKING_OFF) {
        life_schedule(broker, node);
    }
}

bool letter_office_on_launch(struct broker *broker, const struct launch_event *event)
{
    struct letter_job **at = &broker->letter_jobs;
    while (*at != NULL && (*at)->serial != event->serial) {
        at = &(*at)->next;
    }
    struct letter_job *job = *at;
    if (job == NULL) {
        return false;
    }
    if (event->kind == LAUNCH_SPAWNED) {
        close(event->pidfd);
        return true;
    }
    char says[SAYS_BYTES] = "";
    read_words(job->says_fd, says, sizeof says);
    bool is_good = event->kind == LAUNCH_EXITED && WIFEXITED(event->wait_status) &&
                   WEXITSTATUS(event->wait_status) == 0;
    finish(broker, job, is_good, event->kind == LAUNCH_FAILED ? event->text : says);
    *at = job->next;
    let_node_go_on(broker, job->node);
    close(job->says_fd);
    free(job);
    return true;
}

int64_t letter_office_due_ns(const struct broker *broker)
{
    int64_t due_ns = INT64_MAX;
    for (const struct letter_job *job = broker->letter_jobs; job != NULL; job = job->next) {
        due_ns = job->due_ns < due_ns ? job->due_ns : due_ns;
    }
    return due_ns;
}

void letter_office_on_due(struct broker *broker, int64_t now_ns)
{
    for (struct letter_job *job = broker->letter_jobs; job != NULL; job = job->next) {
        if (job->due_ns <= now_ns) {
            launcher_kill(broker->launcher, job->serial);
            job->due_ns = INT64_MAX;
        }
    }
}

bool letter_office_is_busy(const struct broker *broker)
{
    return broker->letter_jobs != NULL;
}

void letter_office_fini(struct broker *broker)
{
    while (broker->letter_jobs != NULL) {
        struct letter_job *job = broker->letter_jobs;
        broker->letter_jobs = job->next;
        close(job->says_fd);
        free(job);
    }
}
