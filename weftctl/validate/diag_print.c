/* Prints what a check found. Main thread.
 * Must not know who checked what.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/validate/diag_print.h"

#include <stdio.h>

#include "lib/base/json_write.h"
#include "policies/kinds/finding.h"

void diag_print_lines(struct diag_list *diags)
{
    LIST_FOREACH(node, &diags->items)
    {
        const struct diag *d = container_of(node, struct diag, node);
        struct slice line = diag_format(diags, d);
        if (!d->is_note)
            fprintf(stderr, "%.*s\n", SLICE_ARG(line));
    }
}

static void put(struct json_write *w, const char *key, struct slice value)
{
    json_write_key(w, key);
    json_write_string(w, value);
}

static void put_diag(struct json_write *w, const struct diag *d)
{
    enum finding f = finding_of(d);
    json_write_object(w);
    put(w, "severity", slice_from_cstr(finding_severity_name(finding_severity(f))));
    put(w, "code", slice_from_cstr(finding_code(f)));
    put(w, "file", d->file);
    json_write_key(w, "line");
    json_write_i64(w, d->line);
    put(w, "object", d->object);
    put(w, "path", d->path);
    put(w, "text", d->text);
    json_write_object_end(w);
}

void diag_print_json(const struct diag_list *diags, bool ok, size_t objects, enum output_form form)
{
    struct buf text;
    struct json_write w;
    buf_init(&text);
    json_write_init(&w, &text);
    json_write_object(&w);
    json_write_key(&w, "ok");
    json_write_bool(&w, ok);
    json_write_key(&w, "objects");
    json_write_i64(&w, (int64_t)objects);
    json_write_key(&w, "errors");
    json_write_i64(&w, diags->errors);
    json_write_key(&w, "warnings");
    json_write_i64(&w, diags->warnings);
    json_write_key(&w, "diagnostics");
    json_write_array(&w);
    LIST_FOREACH(node, (struct list *)&diags->items)
        put_diag(&w, container_of(node, struct diag, node));
    json_write_array_end(&w);
    json_write_object_end(&w);
    output_print(&text, form);
    buf_dispose(&text);
}
