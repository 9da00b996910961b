/* weftctl config WORKLOAD: what its data plane gets when it asks for everything that there is. Main
 * thread. Must not know what the messages mean.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/verbs.h"

#include <getopt.h>
#include <stdio.h>

#include "policies/compile/compile.h"
#include "policies/compile/config_text.h"
#include "weftctl/show/config_json.h"
#include "weftctl/show/config_tables.h"
#include "weftctl/output.h"
#include "weftctl/validate/diag_print.h"
#include "weftctl/say.h"
#include "weftctl/workload.h"
#include "weftctl/validate/world.h"

struct options {
    struct world_source source;
    const char *namespace_name;
    enum output_form form;
    enum config_table table;
    bool own_only;
};

static int usage(void)
{
    fputs("usage: weftctl config [TABLE] WORKLOAD [-n NAMESPACE]\n"
          "  TABLE             listeners, routes, clusters, endpoints, policies, certificates;\n"
          "                    without one, all of it\n"
          "  WORKLOAD          a pod, deploy/NAME, statefulset/NAME, svc/NAME, gateway/NAME\n"
          "  -n, --namespace   where it is [that of the kubeconfig's context]\n"
          "  --own             only what is always its own, and no destinations\n"
          "  --policies DIR    the objects of a folder, instead of the cluster's\n"
          "  --kubeconfig FILE how to reach the cluster\n"
          "  -o text|json|yaml\n",
          stderr);
    return 2;
}

static bool take_option(struct options *o, int c)
{
    if (c == 'n')
        o->namespace_name = optarg;
    else if (c == 'p')
        o->source.folder = optarg;
    else if (c == 'k')
        o->source.kubeconfig = optarg;
    else if (c == 'w')
        o->own_only = true;
    else
        return c == 'o' && output_form_parse(optarg, &o->form);
    return true;
}

static bool read_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"namespace", required_argument, NULL, 'n'},  {"policies", required_argument, NULL, 'p'},
        {"kubeconfig", required_argument, NULL, 'k'}, {"own", no_argument, NULL, 'w'},
        {"output", required_argument, NULL, 'o'},     {NULL, 0, NULL, 0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "n:o:", longs, NULL)) != -1)
        if (!take_option(o, c))
            return false;
    o->table = optind + 2 == argc ? config_tables_parse(argv[optind]) : CONFIG_TABLE_NONE;
    if (optind + 2 == argc && !o->table)
        say_error("there is no table \"%s\"", argv[optind]);
    return optind + 1 == argc || o->table;
}

static void print(const Weft__Config__V1__Configuration *c, enum output_form form)
{
    struct buf text;
    struct json_write w;
    buf_init(&text);
    if (form == OUTPUT_TEXT) {
        config_text_write(c, &text);
        output_flush(&text);
    } else {
        json_write_init(&w, &text);
        config_json_write(c, &w);
        output_print(&text, form);
    }
    buf_dispose(&text);
}

static int show(const struct policy_set *set, const struct options *o, const char *ns,
                const char *name)
{
    struct workload workload;
    struct diag_list notes;
    if (!workload_find(set, ns, name, &workload))
        return 2;
    struct compile_target target = {.namespace_name = workload.namespace_name};
    if (workload.pod)
        target.workload = workload.name;
    else
        target.gateway = workload.name;
    diag_list_init(&notes);
    Weft__Config__V1__Configuration *c = o->own_only ? compile_base(set, &target, &notes)
                                                     : compile_configuration(set, &target, &notes);
    if (o->table && o->form == OUTPUT_TEXT)
        config_tables_print(c, o->table);
    else
        print(c, o->form);
    diag_print_lines(&notes);
    compile_free(c);
    diag_list_dispose(&notes);
    return 0;
}

int config_show_run(int argc, char **argv)
{
    struct options o = {.namespace_name = NULL};
    if (!read_options(argc, argv, &o))
        return usage();
    struct world *world = world_open(&o.source);
    if (!world)
        return 2;
    const char *ns = o.namespace_name ? o.namespace_name : world_namespace(world);
    int status = show(world_set(world), &o, ns, argv[argc - 1]);
    world_close(world);
    return status;
}
