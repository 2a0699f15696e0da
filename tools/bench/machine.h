// SPDX-License-Identifier: Apache-2.0
// The machine that figures come from.
#pragma once

struct json_t;

// An owned JSON object: CPU, caches, memory, kernel, versions, load.
struct json_t *machine_json(void);

// CPUs that this process may use; how many.
unsigned machine_cpus(int *out_cpus, unsigned count_max);
