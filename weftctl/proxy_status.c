/* weftctl proxy-status: one line for each data plane. Main thread; blocking.
 * Must not know how policyd keeps its books.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/proxy_status.h"

#include <getopt.h>
#include <stdio.h>

#include "lib/codec/doc_write.h"
#include "weftctl/output.h"
#include "weftctl/say.h"
#include "weftctl/subscribers.h"
#include "weftctl/term.h"

enum { ARENA_BLOCK = 65536 };

struct table {
    enum output_form form;
    struct json_write *json;
    const char *namespace_name; /* NULL: all */
    size_t count, behind;
};

static struct slice text(const struct doc *one, const char *key)
{
    return doc_string(doc_get(one, slice_from_cstr(key)));
}

static long long number(const struct doc *one, const char *key)
{
    const struct doc *d = doc_get(one, slice_from_cstr(key));
    return d && d->type == DOC_INT ? (long long)d->integer : 0;
}

static void print_row(const struct table *t, struct slice policyd, const struct doc *one)
{
    struct slice gateway = text(one, "gateway"), pod = text(one, "pod");
    long long behind = number(one, "behindMs");
    enum term_style style = behind ? TERM_WARN : TERM_PLAIN;
    char name[320], state[64];
    snprintf(name, sizeof(name), "%.*s/%.*s", SLICE_ARG(text(one, "namespace")), SLICE_ARG(pod));
    if (behind)
        snprintf(state, sizeof(state), "%.*s, %lld ms behind", SLICE_ARG(text(one, "state")),
                 behind);
    else
        snprintf(state, sizeof(state), "up to date");
    if (t->count == 1)
        printf("%s%-52s %-9s %-24s %9s %9s  %s%s\n", term_begin(stdout, TERM_DIM), "DATA PLANE",
               "VERSION", "STATE", "RESOURCES", "ADDRESSES", "POLICYD", term_end(stdout));
    printf("%-52s %-9.*s %s%-24s%s %9lld %9lld  %.*s%s%.*s\n", name,
           SLICE_ARG(text(one, "version")), term_begin(stdout, style), state, term_end(stdout),
           number(one, "resources"), number(one, "addresses"), SLICE_ARG(policyd),
           gateway.len ? "  Gateway " : "", SLICE_ARG(gateway));
}

static void write_row(const struct table *t, struct slice policyd, const struct doc *one)
{
    struct json_write *w = t->json;
    json_write_object(w);
    json_write_field(w, "policyd", policyd);
    json_write_key(w, "dataPlane");
    doc_write_json(w, one);
    json_write_object_end(w);
}

static void take(void *owner, struct slice policyd, const struct doc *one)
{
    struct table *t = owner;
    if (t->namespace_name && !slice_eq_cstr(text(one, "namespace"), t->namespace_name))
        return;
    t->count++;
    t->behind += number(one, "behindMs") > 0;
    if (t->form == OUTPUT_TEXT)
        print_row(t, policyd, one);
    else
        write_row(t, policyd, one);
}

static int show(struct api *a, struct table *t)
{
    struct arena arena;
    struct json_write w;
    struct buf json;
    arena_init(&arena, ARENA_BLOCK);
    buf_init(&json);
    json_write_init(&w, &json);
    t->json = &w;
    json_write_array(&w);
    size_t policyds = subscribers_each(a, &arena, take, t);
    json_write_array_end(&w);
    if (t->form != OUTPUT_TEXT)
        output_print(&json, t->form);
    else if (policyds)
        printf("%zu data planes, %zu of them behind; %zu policyds\n", t->count, t->behind,
               policyds);
    else
        say_error("no policyd runs in weft-system (weftctl check says more)");
    buf_dispose(&json);
    arena_dispose(&arena);
    return !policyds ? 2 : t->behind ? 1 : 0;
}

int proxy_status_run(int argc, char **argv)
{
    static const struct option longs[] = {
        {"namespace", required_argument, NULL, 'n'},
        {"output", required_argument, NULL, 'o'},
        {"kubeconfig", required_argument, NULL, 'k'},
        {NULL, 0, NULL, 0},
    };
    struct table t = {0};
    const char *kubeconfig = NULL;
    bool ok = true;
    int c;
    while (ok && (c = getopt_long(argc, argv, "n:o:", longs, NULL)) != -1) {
        if (c == 'n')
            t.namespace_name = optarg;
        else if (c == 'k')
            kubeconfig = optarg;
        else
            ok = c == 'o' && output_form_parse(optarg, &t.form);
    }
    if (!ok || optind != argc) {
        fputs("usage: weftctl proxy-status [-n NAMESPACE] [-o text|json|yaml]\n"
              "                            [--kubeconfig FILE]\n",
              stderr);
        return 2;
    }
    struct api *a = api_open(kubeconfig);
    if (!a)
        return 2;
    int status = show(a, &t);
    api_close(a);
    return status;
}
