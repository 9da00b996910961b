/* weftctl explain --from WORKLOAD METHOD URL. Main thread.
 * Must not know how an explanation is come by.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/explain_show.h"

#include <getopt.h>
#include <stdio.h>

#include "weftctl/explain_print.h"
#include "weftctl/output.h"
#include "weftctl/world.h"

struct options {
    struct world_source source;
    struct arena arena;
    const char *namespace_name, *from, *client_ip;
    const char *headers[ASKED_HEADERS_MAX];
    size_t header_count;
    enum output_form form;
    bool verbose;
    struct asked asked;
};

static int usage(void)
{
    fputs("usage: weftctl explain --from WORKLOAD [-n NAMESPACE] METHOD URL\n"
          "  --from WORKLOAD   a pod, the beginning of its name, or gateway/NAME for a request\n"
          "                    from outside; NAMESPACE/ may stand before it\n"
          "  -n, --namespace   where it is [default]\n"
          "  -H 'NAME: VALUE'  a header of the request; may be repeated\n"
          "  --client-ip IP    where a request from outside comes from\n"
          "  --policies DIR    the objects of a folder, instead of the cluster's\n"
          "  --kubeconfig FILE how to reach the cluster\n"
          "  -v                also the routes and rules that do not match, and why\n"
          "  -o text|json|yaml\n",
          stderr);
    return 2;
}

static bool take_option(struct options *o, int c)
{
    switch (c) {
    case 'f':
        o->from = optarg;
        return true;
    case 'n':
        o->namespace_name = optarg;
        return true;
    case 'H':
        if (o->header_count == ASKED_HEADERS_MAX)
            return false;
        o->headers[o->header_count++] = optarg;
        return true;
    case 'i':
        o->client_ip = optarg;
        return true;
    case 'p':
        o->source.folder = optarg;
        return true;
    case 'k':
        o->source.kubeconfig = optarg;
        return true;
    case 'v':
        o->verbose = true;
        return true;
    case 'o':
        return output_form_parse(optarg, &o->form);
    default:
        return false;
    }
}

static bool read_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"from", required_argument, NULL, 'f'},
        {"namespace", required_argument, NULL, 'n'},
        {"header", required_argument, NULL, 'H'},
        {"client-ip", required_argument, NULL, 'i'},
        {"policies", required_argument, NULL, 'p'},
        {"kubeconfig", required_argument, NULL, 'k'},
        {"output", required_argument, NULL, 'o'},
        {"verbose", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "n:H:o:v", longs, NULL)) != -1)
        if (!take_option(o, c))
            return false;
    return o->from && optind + 2 == argc;
}

static bool read_request(struct options *o, const char *method, const char *url)
{
    const char *why;
    if (!asked_parse(&o->asked, &o->arena, method, url, &why)) {
        fprintf(stderr, "weftctl: %s %s: %s\n", method, url, why);
        return false;
    }
    for (size_t i = 0; i < o->header_count; i++) {
        if (!asked_add_header(&o->asked, &o->arena, o->headers[i])) {
            fprintf(stderr, "weftctl: -H '%s': a header is written NAME: VALUE\n", o->headers[i]);
            return false;
        }
    }
    return true;
}

static void print(struct explain *e, const struct options *o)
{
    struct buf text;
    struct json_write w;
    if (o->form == OUTPUT_TEXT) {
        explain_print_text(e, o->verbose);
        return;
    }
    buf_init(&text);
    json_write_init(&w, &text);
    explain_print_json(e, &w);
    output_print(&text, o->form);
    buf_dispose(&text);
}

static int explain_in(struct world *world, const struct options *o)
{
    struct workload from;
    if (!workload_find(world_set(world), o->namespace_name, o->from, &from))
        return 2;
    struct explain *e =
        explain_create(world_set(world), &from, &o->asked, slice_from_cstr(o->client_ip));
    if (!e) {
        fputs("weftctl: the TLS library cannot be used\n", stderr);
        return 2;
    }
    print(e, o);
    int status = e->is_delivered ? 0 : 1;
    explain_destroy(e);
    return status;
}

int explain_show_run(int argc, char **argv)
{
    struct options o = {.namespace_name = "default"};
    if (!read_options(argc, argv, &o))
        return usage();
    arena_init(&o.arena, 4096);
    int status = 2;
    struct world *world = NULL;
    if (read_request(&o, argv[optind], argv[optind + 1]))
        world = world_open(&o.source);
    if (world) {
        status = explain_in(world, &o);
        world_close(world);
    }
    arena_dispose(&o.arena);
    return status;
}
