/* weftctl proxy-status: one line for each data plane, those that are connected to policyd and those
 * that should be. Main thread; blocking. Must not know how policyd keeps its books.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/verbs.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/codec/doc/doc_write.h"
#include "weftctl/check/check_priv.h"
#include "weftctl/output.h"
#include "weftctl/say.h"
#include "weftctl/show/subscribers.h"
#include "weftctl/table.h"

enum { ARENA_BLOCK = 65536 };

struct row {
    struct slice name; /* "namespace/pod" */
    struct slice policyd;
    const struct doc *plane; /* what policyd says of it; NULL: it is not connected */
    struct slice why_not;
};

struct status {
    struct arena arena;
    const char *namespace_name; /* NULL: all */
    enum output_form form;
    bool is_wide;
    struct row *rows;
    size_t count, capacity, behind, missing;
    struct map connected;
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

static struct row *add_row(struct status *s, struct slice ns, struct slice pod)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 64;
        s->rows = mem_realloc(s->rows, s->capacity * sizeof(*s->rows));
    }
    struct row *r = &s->rows[s->count++];
    *r = (struct row){
        .name = arena_printf(&s->arena, "%.*s/%.*s", SLICE_ARG(ns), SLICE_ARG(pod))};
    return r;
}

static void take(void *owner, struct slice policyd, const struct doc *one)
{
    struct status *s = owner;
    if (s->namespace_name && !slice_eq_cstr(text(one, "namespace"), s->namespace_name))
        return;
    struct row *r = add_row(s, text(one, "namespace"), text(one, "pod"));
    r->policyd = policyd;
    r->plane = one;
    s->behind += number(one, "behindMs") > 0;
    map_put(&s->connected, r->name, s);
}

/* ---- those that are not connected ---- */

static struct slice why_not(struct status *s, const struct doc *pod)
{
    struct slice image, trouble = judge_pod_trouble(&s->arena, pod, &image);
    struct slice phase = judge_string(pod, "status.phase");
    if (trouble.len)
        return trouble;
    if (judge_is_true(pod, "Ready"))
        return SLICE("policyd cannot be reached from there; it keeps what it had");
    if (slice_eq(phase, SLICE("Pending")) && judge_is_true(pod, "PodScheduled"))
        return SLICE("starting: waits for a certificate or its configuration");
    return slice_eq(phase, SLICE("Running")) ? SLICE("not ready") : SLICE("Pending");
}

static void take_pod(struct status *s, const struct doc *pod)
{
    struct slice phase = judge_string(pod, "status.phase");
    bool is_over = slice_eq(phase, SLICE("Succeeded")) || slice_eq(phase, SLICE("Failed")) ||
                   doc_find(pod, "metadata.deletionTimestamp");
    struct slice ns = judge_string(pod, "metadata.namespace");
    struct slice name = judge_string(pod, "metadata.name");
    char key[330];
    snprintf(key, sizeof(key), "%.*s/%.*s", SLICE_ARG(ns), SLICE_ARG(name));
    if (is_over || !judge_data_plane(pod) || map_get(&s->connected, slice_from_cstr(key)))
        return;
    add_row(s, ns, name)->why_not = why_not(s, pod);
    s->missing++;
}

static void take_pods(struct status *s, struct asks *asks)
{
    const struct ask *pods = NULL;
    for (;;) {
        asks_begin(asks);
        pods = s->namespace_name ? ask_list(asks, "/api/v1/namespaces/%s/pods", s->namespace_name)
                                 : ask_list(asks, "/api/v1/pods");
        if (!asks_is_waiting(asks))
            break;
        asks_wait(asks);
    }
    if (!pods->ok)
        say_error("pods cannot be listed, so those that are not connected are not shown: %.*s",
                  SLICE_ARG(pods->detail));
    for (size_t i = 0; pods->doc && pods->doc->type == DOC_ARRAY && i < pods->doc->count; i++)
        take_pod(s, pods->doc->items[i]);
}

/* ---- showing ---- */

static int by_name(const void *a, const void *b)
{
    const struct slice x = ((const struct row *)a)->name, y = ((const struct row *)b)->name;
    int order = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
    return order ? order : (x.len > y.len) - (x.len < y.len);
}

static struct slice state_of(struct status *s, const struct row *r)
{
    long long behind = number(r->plane, "behindMs");
    if (!r->plane)
        return SLICE("not connected");
    return behind ? arena_printf(&s->arena, "%.*s, %lld ms behind",
                                 SLICE_ARG(text(r->plane, "state")), behind)
                  : SLICE("up to date");
}

static void print_table(struct status *s)
{
    struct table t;
    table_init(&t, &s->arena, s->is_wide ? "DATA PLANE\0VERSION\0STATE\0RESOURCES\0ADDRESSES\0"
                                           "POLICYD\0GATEWAY\0"
                                         : "DATA PLANE\0VERSION\0STATE\0RESOURCES\0ADDRESSES\0");
    for (size_t i = 0; i < s->count; i++) {
        const struct row *r = &s->rows[i];
        bool is_bad = !r->plane || number(r->plane, "behindMs");
        table_row(&t, is_bad ? TERM_WARN : TERM_PLAIN);
        table_cell(&t, r->name);
        table_cell(&t, text(r->plane, "version"));
        table_cell(&t, state_of(s, r));
        if (!r->plane) {
            table_rest(&t, r->why_not);
            continue;
        }
        table_cell(&t, arena_printf(&s->arena, "%lld", number(r->plane, "resources")));
        table_cell(&t, arena_printf(&s->arena, "%lld", number(r->plane, "addresses")));
        if (s->is_wide) {
            table_cell(&t, r->policyd);
            table_cell(&t, text(r->plane, "gateway"));
        }
    }
    table_print(&t);
}

static void write_json(struct status *s)
{
    struct json_write w;
    struct buf json;
    buf_init(&json);
    json_write_init(&w, &json);
    json_write_array(&w);
    for (size_t i = 0; i < s->count; i++) {
        const struct row *r = &s->rows[i];
        struct slice pod = r->name, ns;
        (void)slice_split(&pod, '/', &ns);
        json_write_object(&w);
        json_write_field(&w, "policyd", r->policyd);
        json_write_key(&w, "dataPlane");
        if (r->plane) {
            doc_write_json(&w, r->plane);
        } else {
            json_write_object(&w);
            json_write_field(&w, "namespace", ns);
            json_write_field(&w, "pod", pod);
            json_write_field(&w, "state", SLICE("not connected"));
            json_write_field(&w, "reason", r->why_not);
            json_write_object_end(&w);
        }
        json_write_object_end(&w);
    }
    json_write_array_end(&w);
    output_print(&json, s->form);
    buf_dispose(&json);
}

static int show(struct api *a, struct status *s)
{
    struct asks *asks = asks_create(a);
    size_t policyds = subscribers_each(a, &s->arena, take, s);
    take_pods(s, asks);
    if (s->count)
        qsort(s->rows, s->count, sizeof(*s->rows), by_name);
    if (s->form != OUTPUT_TEXT)
        write_json(s);
    else if (s->count)
        print_table(s);
    if (!policyds)
        say_error("no policyd runs in weft-system (weftctl check says more)");
    else if (s->form == OUTPUT_TEXT)
        printf("%zu connected, %zu of them behind; %zu not connected; %zu policyd%s\n",
               s->count - s->missing, s->behind, s->missing, policyds, policyds == 1 ? "" : "s");
    asks_destroy(asks);
    return !policyds ? 2 : s->behind || s->missing ? 1 : 0;
}

static int usage(void)
{
    fputs("usage: weftctl proxy-status [-n NAMESPACE | -A] [-o text|wide|json|yaml]\n"
          "  -n, --namespace NAMESPACE  only there\n"
          "  -A, --all-namespaces       everywhere, as without -n\n"
          "  -o, --output FORM          wide: also the policyd, and the Gateway\n"
          "  --kubeconfig FILE\n"
          "Exit status: 0 all are connected and up to date, 1 some are not, 2 nobody could be "
          "asked.\n",
          stderr);
    return 2;
}

static bool take_form(struct status *s, const char *form)
{
    s->is_wide = strcmp(form, "wide") == 0;
    return s->is_wide || output_form_parse(form, &s->form);
}

int proxy_status_run(int argc, char **argv)
{
    static const struct option longs[] = {
        {"namespace", required_argument, NULL, 'n'},  {"all-namespaces", no_argument, NULL, 'A'},
        {"output", required_argument, NULL, 'o'},     {"kubeconfig", required_argument, NULL, 'k'},
        {NULL, 0, NULL, 0},
    };
    struct status s = {0};
    const char *kubeconfig = NULL;
    bool ok = true;
    int c;
    while (ok && (c = getopt_long(argc, argv, "n:Ao:", longs, NULL)) != -1) {
        if (c == 'n' || c == 'A')
            s.namespace_name = c == 'n' ? optarg : NULL;
        else if (c == 'k')
            kubeconfig = optarg;
        else
            ok = c == 'o' && take_form(&s, optarg);
    }
    if (!ok || optind != argc)
        return usage();
    struct api *a = api_open(kubeconfig);
    if (!a)
        return 2;
    arena_init(&s.arena, ARENA_BLOCK);
    map_init(&s.connected);
    int status = show(a, &s);
    map_dispose(&s.connected);
    arena_dispose(&s.arena);
    mem_free(s.rows);
    api_close(a);
    return status;
}
