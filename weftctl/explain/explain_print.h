/* An explanation for people, and for programs. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/json_write.h"
#include "weftctl/explain/explain.h"

void explain_print_text(struct explain *e, bool verbose);
void explain_print_json(struct explain *e, struct json_write *w);
const char *explain_print_protocol(Weft__Config__V1__Protocol p);
/* What becomes of the request, in one sentence. In the explanation's arena. */
struct slice explain_outcome(struct explain *e);
