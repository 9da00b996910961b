/* weftctl analyze [-n NAMESPACE] [-o table|json|yaml] [PATH...]: what is wrong with the objects of
 * a cluster, or of folders and files, with a code, a place and a cure for each. Main thread;
 * blocking. Must not know how anything is found.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/verbs.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "weftctl/validate/analyze_print.h"
#include "weftctl/validate/examine.h"
#include "weftctl/validate/world_live.h"

enum { PATHS_MAX = 256, SUPPRESS_MAX = 64, NEVER = FINDING_ERROR + 1 };
enum { FOUND_NOTHING, FOUND_SOMETHING, COULD_NOT_LOOK };

struct options {
    enum output_form form;
    bool codes;
    int fail_on; /* enum finding_severity, or NEVER */
    const char *namespace_name, *kubeconfig;
    const char *paths[PATHS_MAX], *suppress[SUPPRESS_MAX];
    size_t path_count, suppress_count;
};

static int usage(void)
{
    fputs("usage: weftctl analyze [-n NAMESPACE | -A] [-o table|json|yaml] [PATH...]\n"
          "  PATH              a folder, a file, or - for standard input; also as -f PATH or\n"
          "                    --policies PATH. Without one, the cluster\n"
          "  -n, --namespace   only what is in it (and in none) [all]\n"
          "  -A                all namespaces\n"
          "  --fail-on LEVEL   error, warning, info or never: exit 1 from there on [warning]\n"
          "  --suppress CODE[=OBJECT]\n"
          "                    leave it out, or only for \"HTTPRoute web/orders\"; repeatable\n"
          "  --codes           the table of all findings, as a page\n"
          "  --kubeconfig FILE path to the kubeconfig file\n"
          "  -o table|json|yaml\n"
          "Exit status: 0 nothing was found from --fail-on up, 1 something was, 2 could not look\n",
          stderr);
    return COULD_NOT_LOOK;
}

static bool read_level(const char *text, int *out)
{
    for (int level = FINDING_INFO; level <= FINDING_ERROR; level++)
        if (strcmp(text, finding_severity_name((enum finding_severity)level)) == 0) {
            *out = level;
            return true;
        }
    *out = NEVER;
    if (strcmp(text, "never") == 0)
        return true;
    fprintf(stderr, "weftctl analyze: --fail-on %s: it is error, warning, info or never\n", text);
    return false;
}

static bool read_suppress(struct options *o, const char *text)
{
    struct slice code = slice_sub(slice_from_cstr(text), 0, strcspn(text, "="));
    if (!finding_named(code)) {
        fprintf(stderr, "weftctl analyze: --suppress %s: there is no such code (see --codes)\n",
                text);
        return false;
    }
    if (o->suppress_count == SUPPRESS_MAX)
        return false;
    o->suppress[o->suppress_count++] = text;
    return true;
}

static bool add_path(struct options *o, const char *path)
{
    if (o->path_count == PATHS_MAX)
        return false;
    o->paths[o->path_count++] = path;
    return true;
}

static bool take_option(struct options *o, int c)
{
    switch (c) {
    case 'A':
        o->namespace_name = NULL;
        return true;
    case 'n':
        o->namespace_name = optarg;
        return true;
    case 'f':
        return add_path(o, optarg);
    case 'F':
        return read_level(optarg, &o->fail_on);
    case 's':
        return read_suppress(o, optarg);
    case 'c':
        return o->codes = true;
    case 'k':
        o->kubeconfig = optarg;
        return true;
    case 'o':
        if (strcmp(optarg, "table") == 0)
            o->form = OUTPUT_TEXT;
        return o->form == OUTPUT_TEXT && strcmp(optarg, "table") == 0
                   ? true
                   : output_form_parse(optarg, &o->form);
    default:
        return false;
    }
}

static bool read_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"namespace", required_argument, NULL, 'n'},
        {"all-namespaces", no_argument, NULL, 'A'},
        {"filename", required_argument, NULL, 'f'},
        {"policies", required_argument, NULL, 'f'},
        {"fail-on", required_argument, NULL, 'F'},
        {"suppress", required_argument, NULL, 's'},
        {"codes", no_argument, NULL, 'c'},
        {"kubeconfig", required_argument, NULL, 'k'},
        {"output", required_argument, NULL, 'o'},
        {NULL, 0, NULL, 0},
    };
    int c;
    o->fail_on = FINDING_WARNING;
    while ((c = getopt_long(argc, argv, "n:Af:o:", longs, NULL)) != -1)
        if (!take_option(o, c))
            return false;
    for (; optind < argc; optind++)
        if (!add_path(o, argv[optind]))
            return false;
    return true;
}

/* ---- what is shown ---- */

static bool is_suppressed(const struct options *o, const struct diag *d)
{
    for (size_t i = 0; i < o->suppress_count; i++) {
        struct slice text = slice_from_cstr(o->suppress[i]);
        size_t eq = slice_find_byte(text, '=');
        if (finding_named(slice_sub(text, 0, eq)) == finding_of(d) &&
            (eq == text.len || slice_eq(slice_sub(text, eq + 1, text.len), d->object)))
            return true;
    }
    return false;
}

/* "HTTPRoute web/orders" is in web; what has no namespace is in all of them. */
static bool is_in_namespace(const struct options *o, const struct diag *d)
{
    size_t space = slice_find_byte(d->object, ' ');
    struct slice name = slice_sub(d->object, space + 1, d->object.len);
    size_t slash = slice_find_byte(name, '/');
    return !o->namespace_name || slash >= name.len ||
           slice_eq_cstr(slice_sub(name, 0, slash), o->namespace_name);
}

static void leave_out(struct diag_list *diags, const struct options *o)
{
    LIST_FOREACH_SAFE(node, next, &diags->items)
    {
        const struct diag *d = container_of(node, struct diag, node);
        if (is_suppressed(o, d) || !is_in_namespace(o, d))
            list_unlink(node);
    }
    finding_rate(diags);
}

/* The worst first, and otherwise as they were found. */
static void sort(struct diag_list *diags)
{
    struct list sorted;
    list_init(&sorted);
    for (int severity = FINDING_ERROR; severity >= FINDING_INFO; severity--)
        LIST_FOREACH_SAFE(node, next, &diags->items)
        {
            const struct diag *d = container_of(node, struct diag, node);
            if ((int)finding_severity(finding_of(d)) != severity)
                continue;
            list_unlink(node);
            list_link_last(&sorted, node);
        }
    list_splice_last(&diags->items, &sorted);
}

static bool has_failed(const struct diag_list *diags, int fail_on)
{
    return (fail_on <= FINDING_ERROR && diags->errors) ||
           (fail_on <= FINDING_WARNING && diags->warnings) ||
           (fail_on <= FINDING_INFO && diags->notes);
}

static int show(struct examination *e, const struct options *o)
{
    leave_out(&e->diags, o);
    sort(&e->diags);
    if (o->form == OUTPUT_TEXT)
        analyze_print_table(&e->diags, e->objects);
    else
        analyze_print_json(&e->diags, e->objects, o->form);
    return has_failed(&e->diags, o->fail_on) ? FOUND_SOMETHING : FOUND_NOTHING;
}

static int analyze_cluster(const struct options *o)
{
    struct examination e;
    struct world_live *world = world_live_open(o->kubeconfig);
    if (!world)
        return COULD_NOT_LOOK;
    examine_store(&e, world_live_store(world), clock_wall_ms());
    int status = show(&e, o);
    if (world_live_is_partial(world)) {
        fputs("weftctl analyze: not everything could be read, so this is not the whole truth\n",
              stderr);
        status = COULD_NOT_LOOK;
    }
    examine_dispose(&e);
    world_live_close(world);
    return status;
}

static int analyze_paths(const struct options *o)
{
    struct examination e;
    examine_paths(&e, o->paths, o->path_count, clock_wall_ms());
    int status = show(&e, o);
    if (!e.could_look)
        status = COULD_NOT_LOOK;
    examine_dispose(&e);
    return status;
}

int analyze_run(int argc, char **argv)
{
    struct options o = {0};
    if (!read_options(argc, argv, &o))
        return usage();
    if (o.codes) {
        analyze_print_codes();
        return FOUND_NOTHING;
    }
    return o.path_count ? analyze_paths(&o) : analyze_cluster(&o);
}
