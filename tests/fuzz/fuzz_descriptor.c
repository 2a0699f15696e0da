// SPDX-License-Identifier: Apache-2.0
// test: uses=broker
// Any bytes as the description of a processor: refused with a reason, or within every bound.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "broker/graph/descriptor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void check_ports(const struct descriptor_port *ports, size_t count)
{
    SB_ASSERT(count <= SB_PORTS_MAX);
    for (size_t i = 0; i < count; i++) {
        SB_ASSERT(strlen(ports[i].name) < SB_NAME_BYTES_MAX);
        SB_ASSERT(ports[i].type != SB_PORT_NONE);
        SB_ASSERT(ports[i].count <= SB_PORT_ARRAY_MAX);
        SB_ASSERT(ports[i].formats.channels_max <= SB_AUDIO_CHANNELS_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct descriptor *descriptor = NULL;
    struct diag why = {.text = ""};
    if (descriptor_parse((const char *)data, size_bytes, &descriptor, &why) != 0) {
        SB_ASSERT(descriptor == NULL && why.text[0] != '\0');
        return 0;
    }
    check_ports(descriptor->inputs, descriptor->input_count);
    check_ports(descriptor->outputs, descriptor->output_count);
    SB_ASSERT(descriptor->param_count <= SB_PARAMS_MAX);
    uint32_t index = 0;
    const struct descriptor_port *port = descriptor_find_input(descriptor, "in_3", &index);
    SB_ASSERT(port == NULL || index < SB_PORT_ARRAY_MAX);
    descriptor_destroy(descriptor);
    return 0;
}
