/* weftctl validate [-o json|yaml] [--strict] DIR: the checks that a data plane makes before it
 * takes a folder, its own builder's included, and nothing else. Main thread. Must not know of data
 * planes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/validate.h"

#include <getopt.h>
#include <stdio.h>

#include "policies/folder.h"
#include "sidecar/fit/fit.h"
#include "weftctl/report.h"

struct options {
    enum output_form form;
    bool strict;
    const char *dir;
};

static bool read_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"json", no_argument, NULL, 'j'},
        {"output", required_argument, NULL, 'o'},
        {"strict", no_argument, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "o:", longs, NULL)) != -1) {
        o->strict |= c == 's';
        if (c == 'j')
            o->form = OUTPUT_JSON;
        if (c == '?' || (c == 'o' && !output_form_parse(optarg, &o->form)))
            return false;
    }
    o->dir = argv[optind];
    return optind + 1 == argc;
}

int validate_run(int argc, char **argv)
{
    struct options o = {0};
    struct diag_list diags;
    struct policy_set *set;
    if (!read_options(argc, argv, &o)) {
        fputs("usage: weftctl validate [-o text|json|yaml] [--strict] DIR\n"
              "  --json    as -o json\n"
              "  --strict  warnings count as errors\n",
              stderr);
        return 2;
    }
    diag_list_init(&diags);
    bool ok = folder_load(o.dir, &diags, &set) == ERR_OK && fit_check_set(set, &diags) == 0 &&
              !(o.strict && diags.warnings);
    size_t objects = set ? policy_set_count(set) : 0;
    if (o.form != OUTPUT_TEXT)
        report_write(&diags, ok, objects, o.form);
    else
        report_lines(&diags);
    if (o.form == OUTPUT_TEXT && ok)
        printf("%s: %zu objects are fit for use\n", o.dir, objects);
    else if (o.form == OUTPUT_TEXT)
        fprintf(stderr, "%s: refused: %u errors, %u warnings\n", o.dir, diags.errors,
                diags.warnings);
    policy_set_destroy(set);
    diag_list_dispose(&diags);
    return ok ? 0 : 1;
}
