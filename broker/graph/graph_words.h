// SPDX-License-Identifier: Apache-2.0
// The words that a graph file has for things, and their enums.
#pragma once

// Every list of words of the graph file: enum value, word.
#define GRAPH_COMMITS(X) X(AUTO, "auto") X(MANUAL, "manual")
#define GRAPH_POLICIES(X) X(OFF, "off") X(WARN, "warn") X(REQUIRE, "require")
#define GRAPH_PRIORITIES(X) X(NORMAL, "normal") X(HIGH, "high") X(REALTIME, "realtime")
#define GRAPH_RESTARTS(X) X(NEVER, "never") X(ON_FAILURE, "on-failure") X(ALWAYS, "always")
#define GRAPH_GIVE_UPS(X) X(DETACH, "detach") X(STOP_GRAPH, "stop-graph")
#define GRAPH_CRASH_FRAMES(X) X(REDELIVER, "redeliver") X(SKIP, "skip")
#define GRAPH_STALLS(X) X(RESTART, "restart") X(DETACH, "detach")
#define GRAPH_TIERS(X) X(TRUSTED, "trusted") X(UNTRUSTED, "untrusted")
#define GRAPH_GPUS(X) X(PREFER, "prefer") X(REQUIRE, "require") X(OFF, "off")
#define GRAPH_MEMORIES(X) X(AUTO, "auto") X(HUGE, "huge") X(NORMAL, "normal")

enum graph_commit {
#define X(NAME, text) GRAPH_COMMIT_##NAME,
    GRAPH_COMMITS(X)
#undef X
};
enum graph_policy {
#define X(NAME, text) GRAPH_POLICY_##NAME,
    GRAPH_POLICIES(X)
#undef X
};
enum graph_priority {
#define X(NAME, text) GRAPH_PRIORITY_##NAME,
    GRAPH_PRIORITIES(X)
#undef X
};
enum graph_restart_when {
#define X(NAME, text) GRAPH_RESTART_##NAME,
    GRAPH_RESTARTS(X)
#undef X
};
enum graph_give_up {
#define X(NAME, text) GRAPH_GIVE_UP_##NAME,
    GRAPH_GIVE_UPS(X)
#undef X
};
enum graph_crash_frame {
#define X(NAME, text) GRAPH_CRASH_FRAME_##NAME,
    GRAPH_CRASH_FRAMES(X)
#undef X
};
enum graph_stall {
#define X(NAME, text) GRAPH_STALL_##NAME,
    GRAPH_STALLS(X)
#undef X
};
enum graph_tier {
    GRAPH_TIER_UNSET = 0,  // the graph says nothing
#define X(NAME, text) GRAPH_TIER_##NAME,
    GRAPH_TIERS(X)
#undef X
};
enum graph_gpu {
#define X(NAME, text) GRAPH_GPU_##NAME,
    GRAPH_GPUS(X)
#undef X
};
enum graph_memory {
#define X(NAME, text) GRAPH_MEMORY_##NAME,
    GRAPH_MEMORIES(X)
#undef X
};
