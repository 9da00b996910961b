/* Diagnostics on a terminal or as JSON. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/schema/diag.h"
#include "weftctl/output.h"

/* One line each, in the order of the list. */
void diag_print_lines(struct diag_list *diags);
/* {"ok", "objects", "errors", "warnings", "diagnostics"}, on stdout. */
void diag_print_json(const struct diag_list *diags, bool ok, size_t objects, enum output_form form);
