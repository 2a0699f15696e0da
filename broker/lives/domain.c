// SPDX-License-Identifier: Apache-2.0
// Starts, watches, probes and ends the domain of a graph.
#include "broker/lives/domain.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/search.h"
#include "base/text.h"
#include "broker/graph/diags.h"
#include "broker/graph/domain_plan.h"
#include "broker/graph/transports.h"
#include "broker/lives/cage.h"
#include "broker/lives/life.h"
#include "sandbox/domain_wire.h"
#include "sandbox/grant.h"
#include "sandbox/walls.h"

#define READY_NS (8 * CLOCK_NS_PER_S)
#define PROBE_NS (4 * CLOCK_NS_PER_S)  // process 1 gives a probe two seconds

// RouDi meets the ports of a dead program when it has missed it for 1.5 s, and may stop there.
#define SUSPECT_NS (5 * CLOCK_NS_PER_S)
#define PROBE_GAP_NS CLOCK_NS_PER_S

// One that ended sooner than that after its start begins again later and later.
#define SOON_NS (10 * CLOCK_NS_PER_S)
#define AGAIN_NS (100 * CLOCK_NS_PER_MS)
#define SHORT_LIVES_MAX 5

#define ARGUMENTS_MAX 200
#define STRINGS_BYTES 16384
#define NEWS_PRIORITY (-10)

enum domain_state { DOMAIN_NONE, DOMAIN_STARTING, DOMAIN_RUNNING, DOMAIN_ENDING };

struct domain {
    enum domain_state state;
    struct domain_plan plan;
    uint32_t serial;          // of the launcher
    int socket;               // owned
    sd_event_source *source;  // owned
    int pidfd;                // owned: of process 1
    int64_t deadline_ns;      // of what is waited for, INT64_MAX = nothing is
    bool has_run;             // the one that ends now was ready once
    bool is_probing;
    int64_t suspect_ns;  // until then it is probed
    int64_t probe_ns;    // when, INT64_MAX = not
    int64_t begun_ns;
    uint32_t short_lives;  // in a row
    int64_t next_ns;       // none begins before
    bool is_wanted;        // some node waits for that
    char why[DIAG_TEXT_BYTES_MAX];
};

bool domain_is_needed(const struct actual_node *node)
{
    // One that takes over has the links of the other one soon.
    node = node->stands_for != NULL ? node->stands_for : node;
    for (size_t i = 0; i < node->input_count; i++) {
        if (domain_plan_has(node->inputs[i]->wanted)) {
            return true;
        }
    }
    for (size_t i = 0; i < node->output_count; i++) {
        for (size_t j = 0; j < node->outputs[i]->link_count; j++) {
            if (domain_plan_has(node->outputs[i]->links[j]->wanted)) {
                return true;
            }
        }
    }
    return false;
}

// --- Command line -----------------------------------------------------------------------------

struct command {
    const char *arguments[ARGUMENTS_MAX + 1];
    size_t count;
    char bytes[STRINGS_BYTES];
    struct text text;
};

static void add(struct command *command, const char *word)
{
    if (command->count < ARGUMENTS_MAX) {
        command->arguments[command->count++] = command->text.bytes + command->text.length;
        text_add_bytes(&command->text, word, strlen(word) + 1);
    }
}

static bool is_covered(const char *path)
{
    return strncmp(path, "/tmp/", 5) == 0 || strncmp(path, "/dev/shm/", 9) == 0;
}

// What lies where the domain has folders of its own would be hidden.
static void show(struct command *command, const char *path)
{
    if (path == NULL || !is_covered(path) || access(path, F_OK) != 0) {
        return;
    }
    for (size_t i = 0; i < command->count; i++) {
        if (strcmp(command->arguments[i], path) == 0) {
            return;
        }
    }
    add(command, "--bind");
    add(command, path);
    add(command, path);
}

static void show_folder_of(struct command *command, const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 0 : (int)(slash - path), path);
    show(command, folder);
}

// What a node writes and is missing is made first, or it would vanish with the domain's own folder.
static int show_written(struct command *command, const struct graph *graph, const char *path,
                        struct diag *out_why)
{
    struct grant_set set;
    const char *why = NULL;
    grant_set_init(&set);
    int failed = grant_add_path(&set, GRANT_WRITE, graph->folder, path, true, &why);
    if (failed == 0) {
        show(command, set.items[0].target);
    } else {
        diag_set(out_why, "%s, which it may write, %s", diags_quote(path).bytes, why);
    }
    grant_set_fini(&set);
    return failed;
}

static int show_all(const struct broker *broker, struct command *command, struct diag *out_why)
{
    int failed = 0;
    const struct graph *graph = broker->graph;
    char install[PATH_MAX];
    if (search_beside_program("..", install) == 0) {
        show(command, install);
    }
    show(command, graph->folder);
    char path[WIRE_TRANSPORT_PATH_BYTES_MAX];
    transports_path(path);
    for (char *rest = path, *folder; (folder = strsep(&rest, ":")) != NULL;) {
        show(command, folder);
    }
    for (size_t i = 0; i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        show_folder_of(command, node->found.program);
        for (size_t j = 0; j < node->sandbox.read.count; j++) {
            show(command, node->sandbox.read.items[j]);
        }
        bool is_caged = cage_is_wanted(node);
        for (size_t j = 0; j < node->sandbox.write.count && !is_caged && failed == 0; j++) {
            failed = show_written(command, graph, node->sandbox.write.items[j], out_why);
        }
    }
    return failed;
}

static int fill_command(const struct broker *broker, const struct domain *domain,
                        struct command *command, struct diag *out_why)
{
    static const char *const always[] = {"bwrap",      "--die-with-parent",
                                         "--as-pid-1", "--unshare-pid",
                                         "--dev-bind", "/",
                                         "/",          "--proc",
                                         "/proc"};
    char libexec[PATH_MAX];
    char program[PATH_MAX + 32];
    char probe[PATH_MAX + 32];
    char roudi[PATH_MAX];
    struct search_places places = {.path = "/usr/local/bin:/usr/bin"};
    if (walls_bwrap_path() == NULL || search_beside_program("../libexec", libexec) != 0) {
        diag_set(out_why, "bwrap (package bubblewrap) is not installed");
        return -ENOENT;
    }
    if (search_program(&places, "iox-roudi", roudi) != 0) {
        diag_set(out_why, "iox-roudi (package iceoryx) is not installed");
        return -ENOENT;
    }
    snprintf(program, sizeof program, "%s/streambroker-domain", libexec);
    snprintf(probe, sizeof probe, "%s/streambroker-iceoryx-probe", libexec);
    *command = (struct command){.count = 0};
    command->text = text_over(command->bytes, sizeof command->bytes);
    for (size_t i = 0; i < ARRAY_COUNT(always); i++) {
        add(command, always[i]);
    }
    char size[32];
    snprintf(size, sizeof size, "%llu", (unsigned long long)(domain->plan.size_bytes * 5 / 4));
    const char *const mounts[] = {"--size",   size,      "--perms", "1777",    "--tmpfs",
                                  "/dev/shm", "--perms", "1777",    "--tmpfs", "/tmp"};
    for (size_t i = 0; i < ARRAY_COUNT(mounts); i++) {
        add(command, mounts[i]);
    }
    int failed = show_all(broker, command, out_why);
    if (failed != 0) {
        return failed;
    }
    const char *const last[] = {"--", program, roudi, probe};
    for (size_t i = 0; i < ARRAY_COUNT(last); i++) {
        add(command, last[i]);
    }
    return command->text.is_cut || command->count == ARGUMENTS_MAX ? -E2BIG : 0;
}

// --- Start and end ----------------------------------------------------------------------------

static void close_ends(struct domain *domain)
{
    domain->source = sd_event_source_disable_unref(domain->source);
    cleanup_fd(&domain->socket);
    cleanup_fd(&domain->pidfd);
    domain->is_probing = false;
    domain->probe_ns = INT64_MAX;
    domain->suspect_ns = 0;
}

static void send_message(struct domain *domain, enum domain_message_kind kind, const char *text)
{
    static struct domain_message message;
    message = (struct domain_message){.kind = (uint32_t)kind};
    text_copy(message.text, sizeof message.text, text);
    size_t size_bytes = offsetof(struct domain_message, text) + strlen(message.text) + 1;
    (void)fd_send_message(domain->socket, &message, size_bytes, NULL, 0);
}

// Who passed a deadline in a domain that does not answer waited for it: that costs no restart.
static void settle_deaths(struct broker *broker, bool is_innocent)
{
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        restart_settle(&broker->actual->nodes[i]->restart, is_innocent);
    }
}

// Whoever is inside goes with it, and begins again because of that.
static void end_members(struct broker *broker)
{
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        struct actual_node *node = broker->actual->nodes[i];
        if (node->is_inside && node_is_alive(node->life.state)) {
            node->is_restart_wanted = true;
        }
    }
}

static void kill_domain(struct broker *broker, struct domain *domain, const char *why)
{
    if (domain->state == DOMAIN_NONE || domain->state == DOMAIN_ENDING) {
        return;
    }
    bool was_running = domain->state == DOMAIN_RUNNING;
    domain->has_run = was_running;
    domain->state = DOMAIN_ENDING;
    domain->deadline_ns = INT64_MAX;
    text_copy(domain->why, sizeof domain->why, why);
    if (was_running) {
        health_say(&broker->health, HEALTH_DOMAIN_ENDED, "", 0, 0,
                   "the domain of iceoryx ends, and begins again with its nodes: %s", why);
        end_members(broker);
    }
    close_ends(domain);
    launcher_kill(broker->launcher, domain->serial);
}

static void on_here(struct broker *broker, struct domain *domain, int pidfd)
{
    cleanup_fd(&domain->pidfd);
    domain->pidfd = pidfd;
    char bytes[DOMAIN_TEXT_BYTES];
    struct text config = TEXT_OVER(bytes);
    domain_plan_write(&domain->plan, &config);
    send_message(domain, DOMAIN_START, bytes);
    (void)broker;
}

static void on_ready(struct broker *broker, struct domain *domain)
{
    domain->state = DOMAIN_RUNNING;
    domain->deadline_ns = INT64_MAX;
    log_line(LOG_DEBUG, "the domain of iceoryx is ready pools=%zu bytes=%llu",
             domain->plan.pool_count, (unsigned long long)domain->plan.size_bytes);
    life_on_domain(broker, NULL);
}

static void on_probed(struct broker *broker, struct domain *domain, bool is_fine)
{
    domain->is_probing = false;
    domain->deadline_ns = INT64_MAX;
    settle_deaths(broker, !is_fine);
    if (!is_fine) {
        kill_domain(broker, domain, "RouDi does not answer");
        return;
    }
    int64_t now_ns = clock_now_ns();
    domain->probe_ns = now_ns < domain->suspect_ns ? now_ns + PROBE_GAP_NS : INT64_MAX;
}

static void on_message(struct broker *broker, struct domain *domain,
                       const struct domain_message *message, int *fd)
{
    switch ((enum domain_message_kind)message->kind) {
    case DOMAIN_HERE:
        if (*fd >= 0) {
            on_here(broker, domain, steal_fd(fd));
        }
        break;
    case DOMAIN_READY:
        on_ready(broker, domain);
        break;
    case DOMAIN_PROBED:
        on_probed(broker, domain, message->value == 1);
        break;
    case DOMAIN_FAILED:
        kill_domain(broker, domain, message->text);
        break;
    case DOMAIN_START:
    case DOMAIN_PROBE:
    default:
        break;
    }
}

static int on_socket(sd_event_source *source, int socket, uint32_t events, void *context)
{
    (void)source;
    (void)events;
    struct broker *broker = context;
    struct domain *domain = broker->domain;
    static struct domain_message message;
    auto_fd int fd = -1;
    size_t fd_count = 0;
    int got = fd_receive_message(socket, &message, sizeof message - 1, &fd, 1, &fd_count);
    if (got == -EAGAIN) {
        return 0;
    }
    if (got < (int)offsetof(struct domain_message, text)) {
        kill_domain(broker, domain, "its first process is gone");
    } else {
        ((char *)&message)[got] = '\0';
        on_message(broker, domain, &message, &fd);
    }
    broker_arm_timer(broker);
    return 0;
}

static int open_socket(struct broker *broker, struct domain *domain, int *out_theirs)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return -errno;
    }
    domain->socket = pair[0];
    *out_theirs = pair[1];
    int failed =
        sd_event_add_io(broker->event, &domain->source, domain->socket, EPOLLIN, on_socket, broker);
    // Before what the launcher says: members that die with it are not to blame.
    return failed < 0 ? failed : sd_event_source_set_priority(domain->source, NEWS_PRIORITY);
}

static int start(struct broker *broker, struct domain *domain, struct diag *out_why)
{
    domain->plan = domain_plan_make(broker->graph);
    domain_plan_widen(&domain->plan);
    auto_free struct command *command = calloc(1, sizeof *command);
    if (command == NULL) {
        return -ENOMEM;
    }
    int failed = fill_command(broker, domain, command, out_why);
    auto_fd int theirs = -1;
    failed = failed == 0 ? open_socket(broker, domain, &theirs) : failed;
    if (failed < 0) {
        close_ends(domain);
        return failed;
    }
    const struct launch_plan plan = {.path = walls_bwrap_path(),
                                     .arguments = command->arguments,
                                     .control_fd = theirs,
                                     .stdout_fd = -1,
                                     .stderr_fd = STDERR_FILENO};
    broker->last_launch = broker->last_launch % LAUNCH_SERIAL_MAX + 1;
    domain->serial = broker->last_launch;
    failed = launcher_spawn(broker->launcher, &plan, domain->serial);
    if (failed < 0) {
        diag_set(out_why, "%s", strerrordesc_np(-failed));
        close_ends(domain);
        return failed;
    }
    domain->state = DOMAIN_STARTING;
    domain->begun_ns = clock_now_ns();
    domain->deadline_ns = domain->begun_ns + READY_NS;
    domain->why[0] = '\0';
    broker_arm_timer(broker);
    return 0;
}

int domain_pidfd(const struct broker *broker)
{
    const struct domain *domain = broker->domain;
    return domain != NULL && domain->state == DOMAIN_RUNNING ? domain->pidfd : -1;
}

int domain_check_room(const struct broker *broker, const struct graph *graph, struct diags *diags)
{
    const struct domain *domain = broker->domain;
    bool is_any = domain != NULL && domain->state != DOMAIN_NONE && domain->state != DOMAIN_ENDING;
    return is_any ? domain_plan_check_room(graph, &domain->plan, diags) : 0;
}

int domain_enter(struct broker *broker, struct diag *out_why)
{
    if (broker->domain == NULL) {
        broker->domain = calloc(1, sizeof *broker->domain);
        if (broker->domain == NULL) {
            return -ENOMEM;
        }
        *broker->domain = (struct domain){
            .socket = -1, .pidfd = -1, .deadline_ns = INT64_MAX, .probe_ns = INT64_MAX};
    }
    struct domain *domain = broker->domain;
    if (domain->state == DOMAIN_NONE) {
        domain->is_wanted = clock_now_ns() < domain->next_ns;
        broker_arm_timer(broker);
        return domain->is_wanted ? 0 : start(broker, domain, out_why);
    }
    if (domain->state != DOMAIN_RUNNING) {
        return 0;
    }
    struct domain_plan needed = domain_plan_make(broker->graph);
    if (!domain_plan_covers(&domain->plan, &needed)) {
        diag_set(out_why,
                 "the domain of iceoryx has no chunks for one more link of this size; write "
                 "transport: ring, or start the graph anew");
        return -ENOSPC;
    }
    return 1;
}

// --- What happens -----------------------------------------------------------------------------

void domain_on_node_end(struct broker *broker, struct actual_node *node, bool is_hard)
{
    struct domain *domain = broker->domain;
    if (domain == NULL || domain->state != DOMAIN_RUNNING || !node->is_inside || !is_hard) {
        return;
    }
    int64_t now_ns = clock_now_ns();
    if (node->reason.kind == EXIT_REASON_DEADLINE) {
        restart_doubt(&node->restart);
    }
    domain->suspect_ns = now_ns + SUSPECT_NS;
    if (!domain->is_probing && domain->probe_ns == INT64_MAX) {
        domain->probe_ns = now_ns;
    }
    broker_arm_timer(broker);
}

// The first time it begins again at once.
static void note_life(struct domain *domain)
{
    int64_t now_ns = clock_now_ns();
    bool is_short = now_ns - domain->begun_ns < SOON_NS;
    uint32_t lives = is_short ? domain->short_lives + 1 : 0;
    domain->short_lives = lives < SHORT_LIVES_MAX ? lives : SHORT_LIVES_MAX;
    domain->next_ns = domain->short_lives > 1 ? now_ns + (AGAIN_NS << domain->short_lives) : now_ns;
}

bool domain_on_launch(struct broker *broker, const struct launch_event *event)
{
    struct domain *domain = broker->domain;
    if (domain == NULL || domain->serial == 0 || domain->serial != event->serial) {
        return false;
    }
    if (event->kind == LAUNCH_SPAWNED) {
        close(event->pidfd);
        return true;
    }
    kill_domain(broker, domain, event->kind == LAUNCH_FAILED ? event->text : "its process ended");
    domain->state = DOMAIN_NONE;
    domain->serial = 0;
    note_life(domain);
    // Who waited for this one learns why it did not come; who waited for its end begins the next.
    life_on_domain(broker, domain->has_run ? NULL : domain->why);
    return true;
}

int64_t domain_due_ns(const struct broker *broker)
{
    const struct domain *domain = broker->domain;
    if (domain == NULL) {
        return INT64_MAX;
    }
    int64_t due_ns = domain->is_wanted ? domain->next_ns : INT64_MAX;
    due_ns = domain->deadline_ns < due_ns ? domain->deadline_ns : due_ns;
    return domain->probe_ns < due_ns ? domain->probe_ns : due_ns;
}

void domain_on_due(struct broker *broker, int64_t now_ns)
{
    struct domain *domain = broker->domain;
    if (domain == NULL) {
        return;
    }
    if (domain->deadline_ns <= now_ns) {
        kill_domain(broker, domain,
                    domain->is_probing ? "its first process does not answer"
                                       : "RouDi was not ready in time");
    }
    if (domain->is_wanted && domain->next_ns <= now_ns) {
        domain->is_wanted = false;
        life_on_domain(broker, NULL);
    }
    if (domain->probe_ns <= now_ns) {
        domain->probe_ns = INT64_MAX;
        domain->is_probing = true;
        domain->deadline_ns = now_ns + PROBE_NS;
        send_message(domain, DOMAIN_PROBE, "");
    }
}

void domain_fini(struct broker *broker)
{
    if (broker->domain != NULL) {
        close_ends(broker->domain);
        free(broker->domain);
        broker->domain = NULL;
    }
}
