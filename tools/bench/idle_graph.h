// SPDX-License-Identifier: Apache-2.0
// A graph of workers that have nothing to do, for what a broker costs at rest.
#pragma once

#include "tools/bench/process_tree.h"

struct bench;

struct idle_graph {
    pid_t broker;
    int log;
    struct process_tree tree;  // of when all workers were up
    size_t workers;
};

// Starts a broker with idle workers and waits until all of them are up. Returns 0 or negative.
int idle_graph_start(struct bench *bench, unsigned workers, struct idle_graph *out_graph);

// Asks it to stop; returns the seconds until everything was gone, or a negative number.
double idle_graph_stop(struct idle_graph *graph);
