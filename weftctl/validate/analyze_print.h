/* Findings on stdout, for people and for programs. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/diag.h"
#include "weftctl/output.h"

/* Colours on a terminal. objects: how many were looked at. */
void analyze_print_table(const struct diag_list *diags, size_t objects);
void analyze_print_json(const struct diag_list *diags, size_t objects, enum output_form form);
/* The page docs/reference/findings.md from its table on: all codes, by group. */
void analyze_print_codes(void);
