/* weftctl compile DIR --namespace NS (--pod NAME | --gateway NAME): the compiled configuration as
 * text on stdout, remarks on stderr. Main thread. Must not know what the messages mean.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/verbs.h"

#include <getopt.h>
#include <stdio.h>

#include "policies/compile/compile.h"
#include "policies/compile/config_text.h"
#include "policies/store/folder.h"
#include "weftctl/validate/diag_print.h"

struct options {
    struct compile_target target;
    const char *dir;
};

static bool read_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"namespace", required_argument, NULL, 'n'},
        {"pod", required_argument, NULL, 'p'},
        {"gateway", required_argument, NULL, 'g'},
        {"trust-domain", required_argument, NULL, 't'},
        {NULL, 0, NULL, 0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "n:", longs, NULL)) != -1) {
        struct slice value = slice_from_cstr(optarg);
        if (c == 'n')
            o->target.namespace_name = value;
        else if (c == 'p')
            o->target.workload = value;
        else if (c == 'g')
            o->target.gateway = value;
        else if (c == 't')
            o->target.trust_domain = value;
        else
            return false;
    }
    o->dir = argv[optind];
    return optind + 1 == argc && (o->target.workload.len > 0) != (o->target.gateway.len > 0);
}

static void print(const Weft__Config__V1__Configuration *configuration)
{
    struct buf text;
    buf_init(&text);
    config_text_write(configuration, &text);
    while (!buf_is_empty(&text)) {
        struct slice piece = buf_front(&text);
        fwrite(piece.ptr, 1, piece.len, stdout);
        buf_drain(&text, piece.len);
    }
    buf_dispose(&text);
}

int compile_show_run(int argc, char **argv)
{
    struct options o = {.target.namespace_name = SLICE("default")};
    struct diag_list diags;
    struct policy_set *set;
    if (!read_options(argc, argv, &o)) {
        fputs("usage: weftctl compile DIR [--namespace NS] (--pod NAME | --gateway NAME)\n"
              "                       [--trust-domain NAME]\n",
              stderr);
        return 2;
    }
    diag_list_init(&diags);
    enum err e = folder_load(o.dir, &diags, &set);
    if (!e) {
        Weft__Config__V1__Configuration *c = compile_configuration(set, &o.target, &diags);
        print(c);
        compile_free(c);
    }
    diag_print_lines(&diags);
    policy_set_destroy(set);
    diag_list_dispose(&diags);
    return e ? 1 : 0;
}
