/* The table of findings, and what it says of a diagnostic. Pure; any thread. Must not know how any
 * of them is found.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/finding.h"

#include "lib/schema/diag.h"

struct row {
    const char *code, *title, *advice;
    enum finding_severity severity;
};

static const struct row rows[FINDING_COUNT] = {
#define FINDING(name, code, severity, check, title, advice) \
    [FINDING_##name] = {code, title, advice, FINDING_##severity},
#include "policies/kinds/findings.def"
#undef FINDING
};

enum finding finding_of(const struct diag *d)
{
    if (d->finding && d->finding < FINDING_COUNT)
        return (enum finding)d->finding;
    return d->is_warning ? FINDING_NO_EFFECT : FINDING_INVALID;
}

const char *finding_code(enum finding f)
{
    return rows[f].code;
}

enum finding finding_named(struct slice code)
{
    for (unsigned i = 1; i < FINDING_COUNT; i++)
        if (slice_eq_nocase(code, slice_from_cstr(rows[i].code)))
            return (enum finding)i;
    return FINDING_NONE;
}

enum finding_severity finding_severity(enum finding f)
{
    return rows[f].severity;
}

const char *finding_severity_name(enum finding_severity severity)
{
    static const char *const names[] = {
        [FINDING_INFO] = "info", [FINDING_WARNING] = "warning", [FINDING_ERROR] = "error"};
    return names[severity];
}

const char *finding_title(enum finding f)
{
    return rows[f].title;
}

const char *finding_advice(enum finding f)
{
    return rows[f].advice;
}

void finding_rate(struct diag_list *diags)
{
    diags->errors = diags->warnings = diags->notes = 0;
    LIST_FOREACH(node, &diags->items)
    {
        struct diag *d = container_of(node, struct diag, node);
        enum finding_severity severity = finding_severity(finding_of(d));
        d->finding = finding_of(d);
        d->is_note = severity == FINDING_INFO;
        d->is_warning = severity == FINDING_WARNING;
        *(d->is_note ? &diags->notes : d->is_warning ? &diags->warnings : &diags->errors) += 1;
    }
}
