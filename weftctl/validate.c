/* weftctl validate [--json] [--strict] DIR: the checks that a data plane makes before it takes a
 * folder, and nothing else. Main thread. Must not know of data planes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/validate.h"

#include <getopt.h>
#include <stdio.h>

#include "policies/folder.h"
#include "weftctl/report.h"

struct options {
    bool json, strict;
    const char *dir;
};

static bool read_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"json", no_argument, NULL, 'j'},
        {"strict", no_argument, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        o->json |= c == 'j';
        o->strict |= c == 's';
        if (c == '?')
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
        fputs("usage: weftctl validate [--json] [--strict] DIR\n"
              "  --json    the findings as JSON on stdout\n"
              "  --strict  warnings count as errors\n",
              stderr);
        return 2;
    }
    diag_list_init(&diags);
    bool ok = folder_load(o.dir, &diags, &set) == ERR_OK && !(o.strict && diags.warnings);
    size_t objects = set ? policy_set_count(set) : 0;
    if (o.json)
        report_json(&diags, ok, objects);
    else
        report_lines(&diags);
    if (!o.json && ok)
        printf("%s: %zu objects are fit for use\n", o.dir, objects);
    else if (!o.json)
        fprintf(stderr, "%s: refused: %u errors, %u warnings\n", o.dir, diags.errors,
                diags.warnings);
    policy_set_destroy(set);
    diag_list_dispose(&diags);
    return ok ? 0 : 1;
}
