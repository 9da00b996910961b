/* The kinds of findings: each has a stable code, a severity, and one sentence on what to do.
 * Pure; any thread. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>

#include "lib/base/slice.h"

struct diag_list;
struct diag;

enum finding {
    FINDING_NONE, /* a remark without a row of its own */
#define FINDING(name, code, severity, check, title, advice) FINDING_##name,
#include "policies/kinds/findings.def"
#undef FINDING
    FINDING_COUNT
};

enum finding_severity { FINDING_INFO, FINDING_WARNING, FINDING_ERROR };

/* What a diagnostic is: its own row, or that of whatever has none. Never FINDING_NONE. */
enum finding finding_of(const struct diag *d);
/* "WEFT0201"; static. */
const char *finding_code(enum finding f);
/* By its code, in any case; FINDING_NONE: there is none. */
enum finding finding_named(struct slice code);
enum finding_severity finding_severity(enum finding f);
/* "error", "warning", "info". */
const char *finding_severity_name(enum finding_severity severity);
/* "BACKEND_MISSING" in the words of the table: what it is, and what to do. */
const char *finding_title(enum finding f);
const char *finding_advice(enum finding f);
/* Whoever reads an object cannot know how bad it is; the table does. Sets what each diagnostic is,
 * and counts anew. */
void finding_rate(struct diag_list *diags);
