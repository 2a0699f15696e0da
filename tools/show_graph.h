// SPDX-License-Identifier: Apache-2.0
// `streamctl graph`: the graph of a running broker in one of its forms.
#pragma once

#include "tools/verb.h"

int show_graph(const struct verb_call *call);
