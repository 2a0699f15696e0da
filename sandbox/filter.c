// SPDX-License-Identifier: Apache-2.0
// Compiles system call policies with libseccomp.
#include "sandbox/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "sandbox/plan.h"
#include "sandbox/policy.h"

enum { OPTIMIZE_TREE = 2, KEPT_MAX = 4 * 32 };

#define X32_BIT 0x40000000

static const struct {
    uint32_t grants;   // any of these
    uint32_t without;  // and none of these
    const char *policy;
} additions[] = {
    {SANDBOX_GRANT_NETWORK, 0, "network"},
    {SANDBOX_GRANT_DISPLAY, SANDBOX_GRANT_NETWORK, "display"},
    {SANDBOX_GRANT_NONE, SANDBOX_GRANT_NETWORK | SANDBOX_GRANT_DISPLAY, "no-sockets"},
    {SANDBOX_GRANT_GPU, 0, "gpu"},
    {SANDBOX_GRANT_CAMERA, 0, "camera"},
    {SANDBOX_GRANT_SOUND, 0, "sound"},
};

static int add_rule(void *context, const struct policy_rule *rule, struct diag *out_why)
{
    int call = seccomp_syscall_resolve_name(rule->call);
    if (call == __NR_SCMP_ERROR) {
        // Newer than this library: nothing is allowed by that, and what is denied gets ENOSYS.
        return 0;
    }
    struct scmp_arg_cmp compares[POLICY_CONDITIONS_MAX];
    for (size_t i = 0; i < rule->condition_count; i++) {
        const struct policy_condition *condition = &rule->conditions[i];
        bool is_unequal = condition->compare == POLICY_UNEQUAL;
        compares[i] = (struct scmp_arg_cmp){
            .arg = condition->argument,
            .op = is_unequal ? SCMP_CMP_NE : SCMP_CMP_MASKED_EQ,
            .datum_a = is_unequal ? condition->value : condition->mask,
            .datum_b = is_unequal ? 0 : condition->value,
        };
    }
    uint32_t action =
        rule->error == 0 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO((uint32_t)rule->error & UINT16_MAX);
    int result =
        seccomp_rule_add_array(context, action, call, (unsigned)rule->condition_count, compares);
    if (result < 0) {
        diag_set(out_why, "cannot add %s to the policy: %s", rule->call, strerror(-result));
    }
    return result;
}

static int fill(scmp_filter_ctx context, const char *policy, uint32_t grants, struct diag *out_why)
{
    int result = policy_read(policy, add_rule, context, out_why);
    uint32_t any = grants | SANDBOX_GRANT_NONE;
    for (size_t i = 0; i < ARRAY_COUNT(additions) && result == 0; i++) {
        if ((any & additions[i].grants) != 0 && (grants & additions[i].without) == 0) {
            result = policy_read(additions[i].policy, add_rule, context, out_why);
        }
    }
    return result;
}

static int export(scmp_filter_ctx context, uint8_t **out_bytes, size_t *out_count)
{
    auto_fd int fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int result = seccomp_export_bpf(context, fd);
    off_t size_bytes = result == 0 ? lseek(fd, 0, SEEK_END) : 0;
    if (result != 0) {
        return result;
    }
    if (size_bytes <= 0 || size_bytes > SANDBOX_FILTER_BYTES_MAX) {
        return -E2BIG;
    }
    auto_free uint8_t *bytes = malloc((size_t)size_bytes);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    if (pread(fd, bytes, (size_t)size_bytes, 0) != size_bytes) {
        return -EIO;
    }
    *out_bytes = steal_pointer(&bytes);
    *out_count = (size_t)size_bytes;
    return 0;
}

int filter_compile(const char *policy, uint32_t grants, uint8_t **out_bytes, size_t *out_count,
                   struct diag *out_why)
{
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (context == NULL) {
        return -ENOMEM;
    }
    // A call of a foreign architecture is announced to the shim, which ends the worker and says
    // which call it was; it is never made. Where nobody listens it fails.
    int result = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_NOTIFY);
    if (result == 0) {
        result = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, OPTIMIZE_TREE);
    }
    if (result == 0) {
        result = fill(context, policy, grants, out_why);
    }
    if (result == 0) {
        result = export(context, out_bytes, out_count);
        if (result != 0) {
            diag_set(out_why, "cannot compile the policy '%s': %s", policy, strerror(-result));
        }
    }
    seccomp_release(context);
    return result;
}

int filter_find(const char *policy, uint32_t grants, const uint8_t **out_bytes, size_t *out_count,
                struct diag *out_why)
{
    static struct {
        char policy[POLICY_NAME_BYTES_MAX];
        uint32_t grants;
        uint8_t *bytes;  // never freed
        size_t count;
    } kept[KEPT_MAX];
    static size_t kept_count;
    for (size_t i = 0; i < kept_count; i++) {
        if (kept[i].grants == grants && strcmp(kept[i].policy, policy) == 0) {
            *out_bytes = kept[i].bytes;
            *out_count = kept[i].count;
            return 0;
        }
    }
    // Four policies with each set of five grants.
    SB_ASSERT(kept_count < KEPT_MAX);
    uint8_t *bytes = NULL;
    size_t count = 0;
    int result = filter_compile(policy, grants, &bytes, &count, out_why);
    if (result == 0) {
        kept[kept_count].grants = grants;
        kept[kept_count].bytes = bytes;
        kept[kept_count].count = count;
        text_copy(kept[kept_count].policy, sizeof kept[kept_count].policy, policy);
        kept_count++;
        *out_bytes = bytes;
        *out_count = count;
    }
    return result;
}

void filter_name_call(uint32_t arch, int number, char out_name[FILTER_NAME_BYTES_MAX])
{
    const char *of = "";
    uint32_t known = arch;
#if defined(__x86_64__)
    if (arch == AUDIT_ARCH_X86_64 && (number & X32_BIT) != 0) {
        of = " of x32";
        known = SCMP_ARCH_X32;
    } else if (arch == AUDIT_ARCH_I386) {
        of = " of i386";
    }
#endif
    char *name = seccomp_syscall_resolve_num_arch(known, number);
    if (name != NULL) {
        snprintf(out_name, FILTER_NAME_BYTES_MAX, "%s%s", name, of);
    } else {
        snprintf(out_name, FILTER_NAME_BYTES_MAX, "number %d%s", number, of);
    }
    free(name);
}
