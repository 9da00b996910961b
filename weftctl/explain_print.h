/* An explanation for people, or as JSON. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/json_write.h"
#include "weftctl/explain.h"

/* Onto stdout. verbose: also every rule and route that was tried. */
void explain_print_text(const struct explain *e, bool verbose);
void explain_print_json(const struct explain *e, struct json_write *w);
const char *explain_print_protocol(Weft__Config__V1__Protocol p);
