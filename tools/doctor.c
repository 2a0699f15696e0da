// SPDX-License-Identifier: Apache-2.0
// Prints the answers of all probes: what each thing is for, and what to do where it is missing.
#include "tools/doctor.h"

#include <stdio.h>

#include <jansson.h>

#include "base/check.h"
#include "base/text.h"
#include "tools/doctor_probe.h"
#include "tools/verb.h"

struct probe {
    const char *name;
    const char *purpose;
    const char *advice;
    bool (*ask)(struct text *detail);
};

static const struct probe probes[] = {
#define PROBE(NAME, name, purpose, advice) {name, purpose, advice, doctor_probe_##NAME},
#include "tools/doctor.def"
#undef PROBE
};

static void print_line(const struct probe *probe, bool is_there, const char *detail)
{
    printf("%-8s %-15s %-34s for %s%s%s\n", is_there ? "ok" : "missing", probe->name, detail,
           probe->purpose, is_there ? "" : "; ", is_there ? "" : probe->advice);
}

int doctor(bool is_json)
{
    json_t *list = json_array();
    for (size_t i = 0; i < ARRAY_COUNT(probes); i++) {
        char detail[256];
        struct text text = TEXT_OVER(detail);
        bool is_there = probes[i].ask(&text);
        if (is_json) {
            json_array_append_new(list, json_pack("{s:s, s:b, s:s, s:s, s:s?}", "name",
                                                  probes[i].name, "ok", is_there, "detail", detail,
                                                  "purpose", probes[i].purpose, "advice",
                                                  is_there ? NULL : probes[i].advice));
        } else {
            print_line(&probes[i], is_there, detail);
        }
    }
    int status = VERB_OK;
    if (is_json) {
        status = json_dumpf(list, stdout, JSON_INDENT(2)) == 0 ? VERB_OK : VERB_INTERNAL;
        printf("\n");
    }
    json_decref(list);
    return status;
}
