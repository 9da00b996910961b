/* weftctl explain --from WORKLOAD METHOD URL. Main thread.
 * Must not know how an explanation is come by.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/verbs.h"

#include <getopt.h>
#include <stdio.h>

#include "weftctl/explain/explain_print.h"
#include "weftctl/output.h"
#include "weftctl/say.h"
#include "weftctl/validate/world.h"

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
    fputs("usage: weftctl explain --from WORKLOAD [-n NAMESPACE] [METHOD] URL\n"
          "  --from WORKLOAD   who asks: a pod, deploy/NAME, statefulset/NAME, svc/NAME, or\n"
          "                    gateway/NAME for a request from outside\n"
          "  -n, --namespace   where it is [that of the kubeconfig's context]\n"
          "  METHOD            [GET]\n"
          "  -H, --header 'NAME: VALUE'  a header of the request; may be repeated\n"
          "  --client-ip IP    where a request from outside comes from\n"
          "  --policies DIR    the objects of a folder, instead of the cluster's\n"
          "  --kubeconfig FILE how to reach the cluster\n"
          "  -v, --verbose     also the routes and rules that do not match, and why\n"
          "  -o, --output text|json|yaml\n"
          "Exit status: 0 a ready endpoint takes it, 1 none does, 2 nothing can be said.\n"
          "  weftctl explain --from deploy/frontend http://reviews:9080/\n"
          "  weftctl explain --from gateway/web --client-ip 203.0.113.9 POST https://a.example.com/\n",
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
    return true;
}

/* What of the arguments is missing, or too much. */
static bool has_all(const struct options *o, int count)
{
    if (!o->from)
        say_error("--from is missing: who asks (a pod, deploy/NAME, svc/NAME, gateway/NAME)");
    else if (count == 0)
        say_error("the URL is missing: what is asked for, like http://reviews:9080/");
    else if (count > 2)
        say_error("a method and a URL are all that is taken: %d arguments are too many", count - 2);
    return o->from && count >= 1 && count <= 2;
}

static bool read_request(struct options *o, const char *method, const char *url)
{
    const char *why;
    if (!asked_parse(&o->asked, &o->arena, method, url, &why)) {
        say_error("%s %s: %s", method, url, why);
        return false;
    }
    for (size_t i = 0; i < o->header_count; i++) {
        if (!asked_add_header(&o->asked, &o->arena, o->headers[i])) {
            say_error("-H '%s': a header is written NAME: VALUE", o->headers[i]);
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
    const char *ns = o->namespace_name ? o->namespace_name : world_namespace(world);
    if (!workload_find(world_set(world), ns, o->from, &from))
        return 2;
    struct explain *e =
        explain_create(world_set(world), &from, &o->asked, slice_from_cstr(o->client_ip));
    if (!e) {
        say_error("the TLS library cannot be used");
        return 2;
    }
    print(e, o);
    int status = e->is_delivered ? 0 : 1;
    explain_destroy(e);
    return status;
}

int explain_show_run(int argc, char **argv)
{
    struct options o = {.namespace_name = NULL};
    if (!read_options(argc, argv, &o) || !has_all(&o, argc - optind))
        return usage();
    const char *method = argc - optind == 2 ? argv[optind] : "GET";
    arena_init(&o.arena, 4096);
    int status = 2;
    struct world *world = NULL;
    if (read_request(&o, method, argv[argc - 1]))
        world = world_open(&o.source);
    if (world) {
        status = explain_in(world, &o);
        world_close(world);
    }
    arena_dispose(&o.arena);
    return status;
}
