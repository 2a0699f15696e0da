// SPDX-License-Identifier: Apache-2.0
// System call policies: the text files in sandbox/policies, read line by line.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

#define POLICY_CONDITIONS_MAX 4
#define POLICY_NAME_BYTES_MAX 48

enum policy_compare {
    POLICY_EQUAL,     // the lower 32 bits under the mask
    POLICY_EQUAL_64,  // all 64 bits under the mask
    POLICY_UNEQUAL,   // all 64 bits
};

struct policy_condition {
    unsigned argument;  // 0 to 5
    enum policy_compare compare;
    uint64_t mask;
    uint64_t value;
};

struct policy_rule {
    char call[POLICY_NAME_BYTES_MAX];
    int error;  // errno that it gets, 0 = allowed
    size_t condition_count;
    struct policy_condition conditions[POLICY_CONDITIONS_MAX];  // all of them must hold
};

// One rule. What is not 0 ends the reading and is returned; out_why may say more.
typedef int (*policy_rule_fn)(void *context, const struct policy_rule *rule, struct diag *out_why);

// Reads a policy by its name ("c" is sandbox/policies/c.seccomp), with those that it includes.
// Returns 0, -ENOENT, -EINVAL with the file and line in out_why, or what on_rule returned.
int policy_read(const char *name, policy_rule_fn on_rule, void *context, struct diag *out_why);

// The same for a text that is no file; name is for messages.
int policy_read_text(const char *name, const char *text, policy_rule_fn on_rule, void *context,
                     struct diag *out_why);
