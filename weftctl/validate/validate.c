/* weftctl validate [-o text|json|yaml] [--strict] PATH...: everything that is wrong with objects
 * before a data plane or a cluster gets them: what their reader refuses, what the compiler remarks,
 * what the data plane's builder refuses, and what only shows in all of them together. Main thread.
 * Must not know of data planes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/verbs.h"

#include <getopt.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "weftctl/validate/examine.h"
#include "weftctl/validate/diag_print.h"

enum { PATHS_MAX = 256 };

struct options {
    enum output_form form;
    bool strict;
    const char *paths[PATHS_MAX];
    size_t path_count;
};

static bool add_path(struct options *o, const char *path)
{
    if (o->path_count == PATHS_MAX)
        return false;
    o->paths[o->path_count++] = path;
    return true;
}

static bool read_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"json", no_argument, NULL, 'j'},
        {"output", required_argument, NULL, 'o'},
        {"strict", no_argument, NULL, 's'},
        {"filename", required_argument, NULL, 'f'},
        {NULL, 0, NULL, 0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "o:f:", longs, NULL)) != -1) {
        o->strict |= c == 's';
        if (c == 'j')
            o->form = OUTPUT_JSON;
        if (c == '?' || (c == 'o' && !output_form_parse(optarg, &o->form)) ||
            (c == 'f' && !add_path(o, optarg)))
            return false;
    }
    for (; optind < argc; optind++)
        if (!add_path(o, argv[optind]))
            return false;
    return o->path_count > 0;
}

static void print_verdict(const struct options *o, const struct examination *e, bool ok)
{
    const char *name = o->path_count == 1 ? o->paths[0] : "all";
    size_t objects = e->objects;
    unsigned errors = e->diags.errors, warnings = e->diags.warnings;
    if (ok)
        printf("%s: %zu %s valid\n", name, objects, objects == 1 ? "object is" : "objects are");
    else
        fprintf(stderr, "%s: refused: %u %s, %u %s\n", name, errors,
                errors == 1 ? "error" : "errors", warnings, warnings == 1 ? "warning" : "warnings");
}

int validate_run(int argc, char **argv)
{
    struct options o = {0};
    struct examination e;
    if (!read_options(argc, argv, &o)) {
        fputs("usage: weftctl validate [-o text|json|yaml] [--strict] PATH...\n"
              "  PATH      a folder, a file, or - for standard input; also as -f PATH\n"
              "  --json    as -o json\n"
              "  --strict  warnings count as errors\n"
              "Exit status: 0 nothing is wrong, 1 something is, 2 wrong use\n",
              stderr);
        return 2;
    }
    examine_paths(&e, o.paths, o.path_count, clock_wall_ms());
    bool ok = !e.diags.errors && !(o.strict && e.diags.warnings);
    if (o.form != OUTPUT_TEXT) {
        diag_print_json(&e.diags, ok, e.objects, o.form);
    } else {
        diag_print_lines(&e.diags);
        print_verdict(&o, &e, ok);
    }
    examine_dispose(&e);
    return ok ? 0 : 1;
}
