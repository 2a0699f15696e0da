// SPDX-License-Identifier: Apache-2.0
// How the evil worker describes itself.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

static inline void evil_json_write(bool has_input, bool has_output, char *out, size_t size_bytes)
{
    static const char formats[] =
        "\"type\":\"data\",\"help\":\"x\",\"count\":0,\"formats\":{\"kinds\":[],\"pixels\":[],"
        "\"samples\":[],\"rate\":[0,0],\"channels\":[0,0],\"message\":null}";
    char input[512];
    char output[512];
    snprintf(input, sizeof input,
             "{\"name\":\"in\",%s,\"optional\":false,\"delivery\":\"lossless\",\"holds\":1,"
             "\"memory\":false}",
             formats);
    snprintf(output, sizeof output,
             "{\"name\":\"out\",%s,\"claims\":1,\"one_per_step\":true,\"max_payload\":0,"
             "\"follows\":null}",
             formats);
    snprintf(out, size_bytes,
             "{\"streambroker\":1,\"name\":\"evil\",\"version\":\"1.0.0\",\"summary\":\"x\","
             "\"mode\":\"manual\",\"interval_ns\":0,\"activation\":{\"kind\":\"any\",\"count\":0,"
             "\"within_ns\":0},\"modes\":[\"manual\"],\"wants\":[],\"inputs\":[%s],"
             "\"outputs\":[%s],\"params\":[]}",
             has_input ? input : "", has_output ? output : "");
}
