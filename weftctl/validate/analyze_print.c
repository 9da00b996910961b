/* Findings as people read them (two lines and a cure, the worst first), as JSON or YAML, and the
 * table of all codes as a page. Main thread. Must not know how anything is found.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/validate/analyze_print.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/json_write.h"
#include "policies/kinds/finding.h"
#include "weftctl/term.h"

/* ---- for people ---- */

static enum term_style style_of(enum finding_severity severity)
{
    static const enum term_style styles[] = {
        [FINDING_INFO] = TERM_DIM, [FINDING_WARNING] = TERM_WARN, [FINDING_ERROR] = TERM_BAD};
    return styles[severity];
}

/* "error    WEFT0502  Secret web/shop-cert  data.tls.crt  (certs.yaml:4)" */
static void print_head(const struct diag *d, enum finding f)
{
    enum finding_severity severity = finding_severity(f);
    printf("%s%-8s%s %s", term_begin(stdout, style_of(severity)), finding_severity_name(severity),
           term_end(stdout), finding_code(f));
    if (d->object.len)
        printf("  %s%.*s%s", term_begin(stdout, TERM_BOLD), SLICE_ARG(d->object), term_end(stdout));
    if (d->path.len)
        printf("  %.*s", SLICE_ARG(d->path));
    if (d->file.len && d->line)
        printf("  (%.*s:%u)", SLICE_ARG(d->file), d->line);
    else if (d->file.len)
        printf("  (%.*s)", SLICE_ARG(d->file));
    putchar('\n');
}

static void print_finding(const struct diag *d)
{
    enum finding f = finding_of(d);
    print_head(d, f);
    printf("    %.*s\n", SLICE_ARG(d->text));
    printf("    %s-> %s%s\n", term_begin(stdout, TERM_DIM), finding_advice(f), term_end(stdout));
}

static void print_count(unsigned n, const char *one, const char *many, bool *any)
{
    if (n)
        printf("%s%u %s", *any ? ", " : "", n, n == 1 ? one : many);
    *any |= n > 0;
}

void analyze_print_table(const struct diag_list *diags, size_t objects)
{
    bool any = false;
    LIST_FOREACH(node, (struct list *)&diags->items)
        print_finding(container_of(node, struct diag, node));
    print_count(diags->errors, "error", "errors", &any);
    print_count(diags->warnings, "warning", "warnings", &any);
    print_count(diags->notes, "remark", "remarks", &any);
    printf("%s in %zu %s\n", any ? "" : "nothing found", objects,
           objects == 1 ? "object" : "objects");
}

/* ---- for programs ---- */

static void put(struct json_write *w, const char *key, struct slice value)
{
    json_write_key(w, key);
    json_write_string(w, value);
}

/* "HTTPRoute web/orders" in its parts. */
static void put_object(struct json_write *w, struct slice object)
{
    size_t space = slice_find_byte(object, ' ');
    struct slice rest = slice_sub(object, space + 1, object.len);
    size_t slash = slice_find_byte(rest, '/');
    bool named = slash < rest.len;
    put(w, "kind", slice_sub(object, 0, space));
    put(w, "namespace", named ? slice_sub(rest, 0, slash) : SLICE(""));
    put(w, "name", named ? slice_sub(rest, slash + 1, rest.len) : rest);
}

static void put_finding(struct json_write *w, const struct diag *d)
{
    enum finding f = finding_of(d);
    json_write_object(w);
    put(w, "code", slice_from_cstr(finding_code(f)));
    put(w, "severity", slice_from_cstr(finding_severity_name(finding_severity(f))));
    put_object(w, d->object);
    put(w, "field", d->path);
    put(w, "file", d->file);
    json_write_key(w, "line");
    json_write_i64(w, d->file.len ? d->line : 0);
    put(w, "message", d->text);
    put(w, "advice", slice_from_cstr(finding_advice(f)));
    json_write_object_end(w);
}

static void put_number(struct json_write *w, const char *key, size_t n)
{
    json_write_key(w, key);
    json_write_i64(w, (int64_t)n);
}

void analyze_print_json(const struct diag_list *diags, size_t objects, enum output_form form)
{
    struct buf text;
    struct json_write w;
    buf_init(&text);
    json_write_init(&w, &text);
    json_write_object(&w);
    put_number(&w, "objects", objects);
    put_number(&w, "errors", diags->errors);
    put_number(&w, "warnings", diags->warnings);
    put_number(&w, "remarks", diags->notes);
    json_write_key(&w, "findings");
    json_write_array(&w);
    LIST_FOREACH(node, (struct list *)&diags->items)
        put_finding(&w, container_of(node, struct diag, node));
    json_write_array_end(&w);
    json_write_object_end(&w);
    output_print(&text, form);
    buf_dispose(&text);
}

/* ---- the page ---- */

void analyze_print_codes(void)
{
    puts("| code | severity | what it is | what to do |\n|---|---|---|---|");
    for (int f = FINDING_NONE + 1; f < FINDING_COUNT; f++)
        printf("| `%s` | %s | %s | %s |\n", finding_code((enum finding)f),
               finding_severity_name(finding_severity((enum finding)f)),
               finding_title((enum finding)f), finding_advice((enum finding)f));
}
