/* Everything is asked for at once, as the probes of `weftctl check` do; when all answers are there
 * they are scrubbed and packed. Nothing in the cluster is changed. Main thread; blocking.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/verbs.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/json_write.h"
#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/codec/doc/doc_make.h"
#include "lib/codec/doc/doc_write.h"
#include "lib/inject/inject.h"
#include "lib/tls/tls_ctx.h"
#include "weftctl/install/archive.h"
#include "weftctl/check/ask.h"
#include "weftctl/check/check.h"
#include "weftctl/check/check_priv.h"
#include "weftctl/install/scrub.h"

enum { SIDECARS = 10, SIDECARS_MAX = 1000, LOG_LINES = 5000 };
enum { ADMIN_PORT = 15000, GATEWAY_METRICS_PORT = 15020 };

#define SYSTEM_PODS "/api/v1/namespaces/" CHECK_SYSTEM "/pods"

struct report {
    struct asks *asks;
    struct scrub *scrub;
    struct archive *archive; /* NULL: only asking so far */
    struct json_write json;
    unsigned sidecars, files;
    bool knows_secrets;
};

/* ---- one file ---- */

static void put_text(struct report *r, const char *name, struct slice text)
{
    size_t len;
    char *clean = scrub_text(r->scrub, text, &len);
    archive_add(r->archive, name, slice_of(clean, len));
    r->files++;
    mem_free(clean);
}

static void put_doc(struct report *r, const char *name, const struct doc *d)
{
    struct buf json;
    struct json_write w;
    size_t len;
    buf_init(&json);
    json_write_init(&w, &json);
    doc_write_json(&w, scrub_doc(asks_arena(r->asks), d));
    char *text = buf_take_text(&json, &len);
    put_text(r, name, slice_of(text, len));
    mem_free(text);
}

/* What goes into a file of that name as JSON; NULL: it is text. */
static const struct doc *doc_of(struct report *r, const char *name, const struct ask *a)
{
    struct arena *arena = asks_arena(r->asks);
    struct doc_error error;
    const struct doc *d = NULL;
    if (!slice_ends_with(slice_from_cstr(name), SLICE(".json")))
        return NULL;
    if (!a->ok) {
        struct doc *why = doc_make_object(arena);
        doc_make_put_string(arena, why, "unanswered", a->detail);
        return why;
    }
    if (a->doc)
        return a->doc;
    return doc_json_parse(a->text, arena, &d, &error) ? NULL : d;
}

/* What could not be asked is in the report as well. */
static void put(struct report *r, const char *name, const struct ask *a)
{
    if (!r->archive || !a)
        return;
    const struct doc *d = doc_of(r, name, a);
    if (d)
        put_doc(r, name, d);
    else
        put_text(r, name, a->ok ? a->text : a->detail);
}

static void put_at(struct report *r, const struct ask *a, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void put_at(struct report *r, const struct ask *a, const char *format, ...)
{
    char name[100];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof(name), format, args);
    va_end(args);
    put(r, name, a);
}

/* ---- what is in it ---- */

static void gather_objects(struct report *r)
{
#define SYSTEM "/namespaces/" CHECK_SYSTEM "/"
#define POLICY "/apis/policy.weft.dev/v1alpha1/"
#define ROUTE "/apis/gateway.networking.k8s.io/v1/"
    static const struct {
        const char *name, *path;
    } lists[] = {
        {"deployments", "/apis/apps/v1" SYSTEM "deployments"},
        {"replicasets", "/apis/apps/v1" SYSTEM "replicasets"},
        {"pods", "/api/v1" SYSTEM "pods"},
        {"services", "/api/v1" SYSTEM "services"},
        {"endpointslices", "/apis/discovery.k8s.io/v1" SYSTEM "endpointslices"},
        {"events", "/api/v1" SYSTEM "events"},
        {"leases", "/apis/coordination.k8s.io/v1" SYSTEM "leases"},
        {"networkpolicies", "/apis/networking.k8s.io/v1/networkpolicies"},
        {"namespaces", "/api/v1/namespaces"},
        {"nodes", "/api/v1/nodes"},
        {"warnings", "/api/v1/events?fieldSelector=type%3DWarning"},
        {"trustbundles", "/api/v1/configmaps?fieldSelector=metadata.name%3Dweft-trust-bundle"},
        {"gatewayclasses", ROUTE "gatewayclasses"},
        {"gateways", ROUTE "gateways"},
        {"httproutes", ROUTE "httproutes"},
        {"grpcroutes", ROUTE "grpcroutes"},
        {"trafficpolicies", POLICY "trafficpolicies"},
        {"listenerpolicies", POLICY "listenerpolicies"},
        {"peerauthentications", POLICY "peerauthentications"},
        {"authorizationpolicies", POLICY "authorizationpolicies"},
        {"meshconfigs", POLICY "meshconfigs"},
    };
#undef SYSTEM
#undef POLICY
#undef ROUTE
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        put_at(r, ask_list(r->asks, "%s", lists[i].path), "objects/%s.json", lists[i].name);
    static const char *const hooks[] = {"mutatingwebhookconfigurations",
                                        "validatingwebhookconfigurations"};
    for (size_t i = 0; i < 2; i++)
        put_at(r,
               ask_json(r->asks, "/apis/admissionregistration.k8s.io/v1/%s/weft-injector",
                        hooks[i]),
               "objects/%s.json", hooks[i]);
    put(r, "objects/crds.json", ask_json(r->asks, "/apis/policy.weft.dev/v1alpha1"));
    put(r, "objects/gateway-api.json", ask_json(r->asks, "/apis/gateway.networking.k8s.io/v1"));
    put(r, "kubernetes.json", ask_json(r->asks, "/version"));
}

static void gather_programs(struct report *r)
{
    const struct ask *pods = ask_list(r->asks, SYSTEM_PODS);
    for (size_t i = 0; pods && pods->doc && i < pods->doc->count; i++) {
        struct slice pod = judge_string(pods->doc->items[i], "metadata.name");
        struct slice program = judge_string(pods->doc->items[i],
                                            "metadata.labels[\"app.kubernetes.io/name\"]");
        put_at(r,
               ask_text(r->asks, SYSTEM_PODS "/%.*s/log?tailLines=%d", SLICE_ARG(pod), LOG_LINES),
               "logs/%.*s.log", SLICE_ARG(slice_sub(pod, 0, 80)));
        const struct doc *all = doc_find(pods->doc->items[i], "status.containerStatuses");
        if (all && all->count && judge_int(all->items[0], "restartCount") > 0)
            put_at(r,
                   ask_text(r->asks, SYSTEM_PODS "/%.*s/log?tailLines=%d&previous=true",
                            SLICE_ARG(pod), LOG_LINES),
                   "logs/%.*s.previous.log", SLICE_ARG(slice_sub(pod, 0, 70)));
        put_at(r,
               ask_text(r->asks, SYSTEM_PODS "/%.*s:%d/proxy/metrics", SLICE_ARG(pod),
                        program.len ? CHECK_HEALTH_PORT : GATEWAY_METRICS_PORT),
               "metrics/%.*s.txt", SLICE_ARG(slice_sub(pod, 0, 80)));
        if (slice_eq(program, SLICE("weft-policyd")))
            put_at(r,
                   ask_json(r->asks, SYSTEM_PODS "/%.*s:%d/proxy/debug/subscribers", SLICE_ARG(pod),
                            CHECK_HEALTH_PORT),
                   "subscribers/%.*s.json", SLICE_ARG(slice_sub(pod, 0, 80)));
    }
}

static void gather_sidecar(struct report *r, const struct doc *pod, unsigned number)
{
    static const char *const pages[] = {"status", "config_dump", "clusters", "metrics"};
    struct ask_port at = {judge_string(pod, "metadata.namespace"),
                          judge_string(pod, "metadata.name"), ADMIN_PORT};
    char folder[80];
    snprintf(folder, sizeof(folder), "sidecars/%02u-%.*s", number,
             SLICE_ARG(slice_sub(at.pod, 0, 50)));
    if (r->archive)
        put_doc(r, arena_printf(asks_arena(r->asks), "%s/pod.json", folder).ptr, pod);
    put_at(r,
           ask_text(r->asks, "/api/v1/namespaces/%.*s/pods/%.*s/log?container=%s&tailLines=%d",
                    SLICE_ARG(at.namespace_name), SLICE_ARG(at.pod), judge_data_plane(pod),
                    LOG_LINES),
           "%s/log.txt", folder);
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        char path[32];
        snprintf(path, sizeof(path), "/%s", pages[i]);
        put_at(r, ask_inside(r->asks, &at, path), "%s/%s%s", folder, pages[i],
               i == 3 ? ".txt" : ".json");
    }
}

static void gather_from(struct report *r, const struct ask *pods, bool is_ready, unsigned *number)
{
    for (size_t i = 0; pods && pods->doc && i < pods->doc->count; i++) {
        const struct doc *pod = pods->doc->items[i];
        if (judge_data_plane(pod) && judge_is_true(pod, "Ready") == is_ready &&
            *number < r->sidecars)
            gather_sidecar(r, pod, ++*number);
    }
}

/* Those that are not ready come first, then Gateways; there are at most so many. */
static void gather_sidecars(struct report *r)
{
    const struct ask *spaces =
        ask_list(r->asks, "/api/v1/namespaces?labelSelector=weft.dev/inject%%3Denabled");
    unsigned number = 0;
    for (int is_ready = 0; is_ready < 2; is_ready++) {
        const struct ask *gateways = ask_list(
            r->asks, "/api/v1/pods?labelSelector=gateway.networking.k8s.io/gateway-name");
        gather_from(r, gateways, is_ready == 1, &number);
        for (size_t i = 0; spaces && spaces->doc && i < spaces->doc->count; i++)
            gather_from(r,
                        ask_list(r->asks, "/api/v1/namespaces/%.*s/pods",
                                 SLICE_ARG(judge_string(spaces->doc->items[i], "metadata.name"))),
                        is_ready == 1, &number);
    }
}

static void gather(struct report *r)
{
    const struct ask *secrets = ask_list(r->asks, "/api/v1/secrets");
    r->knows_secrets = secrets && secrets->ok;
    gather_objects(r);
    gather_programs(r);
    gather_sidecars(r);
}

/* ---- packing ---- */

static void put_check(struct report *r, struct slice text)
{
    struct doc_error error;
    const struct doc *d;
    if (doc_json_parse(text, asks_arena(r->asks), &d, &error) == ERR_OK)
        put_doc(r, "check.json", d);
    put_text(r, "weftctl.txt", SLICE("weftctl " WEFT_VERSION "\n"));
}

static void tell(const struct report *r, const char *path)
{
    printf("%s: %u files\n"
           "  check.json         what `weftctl check` finds\n"
           "  objects/           Weft's own objects, routes, policies, Events, namespaces, nodes\n"
           "  logs/, metrics/    of the control plane; subscribers/: who is connected to policyd\n"
           "  sidecars/          at most %u: log, configuration, state, metrics (--sidecars N)\n"
           "No Secret is in it%s.\n"
           "Names of your objects, hosts and addresses are. Look at it before you send it:\n"
           "  tar -xzf %s\n",
           path, r->files, r->sidecars,
           r->knows_secrets
               ? ";\nwhat a Secret of this cluster holds was removed wherever it stood"
               : ";\nyou may not read Secrets, so only what looks like one was removed",
           path);
}

static bool pack(struct report *r, const char *path, const char *folder, struct slice check)
{
    do {
        asks_begin(r->asks);
        gather(r);
        asks_wait(r->asks);
    } while (asks_is_waiting(r->asks));
    r->archive = archive_create(path, folder);
    if (!r->archive)
        return false;
    const struct ask *secrets = ask_list(r->asks, "/api/v1/secrets");
    if (secrets && secrets->ok)
        scrub_learn(r->scrub, secrets->doc);
    put_check(r, check);
    gather(r);
    return archive_close(r->archive);
}

static int report(const char *kubeconfig, const char *path, unsigned sidecars)
{
    struct json_write json;
    struct buf text;
    char folder[64], name[80];
    time_t now = time(NULL);
    struct tm tm;
    size_t len;
    struct api *a = tls_lib_init() ? NULL : api_open(kubeconfig);
    if (!a)
        return 1;
    strftime(folder, sizeof(folder), "weft-bug-report-%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
    snprintf(name, sizeof(name), "%s.tar.gz", folder);
    buf_init(&text);
    json_write_init(&json, &text);
    (void)check_write(a, &json);
    char *check = buf_take_text(&text, &len);
    struct report r = {.asks = asks_create(a), .scrub = scrub_create(), .sidecars = sidecars};
    bool ok = pack(&r, path ? path : name, folder, slice_of(check, len));
    if (ok)
        tell(&r, path ? path : name);
    scrub_destroy(r.scrub);
    asks_destroy(r.asks);
    mem_free(check);
    api_close(a);
    return ok ? 0 : 1;
}

int bug_report_run(int argc, char **argv)
{
    static const struct option longs[] = {
        {"file", required_argument, NULL, 'f'},
        {"sidecars", required_argument, NULL, 's'},
        {"kubeconfig", required_argument, NULL, 'k'},
        {NULL, 0, NULL, 0},
    };
    const char *kubeconfig = NULL, *path = NULL;
    uint64_t sidecars = SIDECARS;
    bool ok = true;
    int o;
    while (ok && (o = getopt_long(argc, argv, "f:", longs, NULL)) != -1) {
        if (o == 'k')
            kubeconfig = optarg;
        else if (o == 'f')
            path = optarg;
        else
            ok = o == 's' && !slice_to_u64(slice_from_cstr(optarg), &sidecars) &&
                 sidecars <= SIDECARS_MAX;
    }
    if (!ok || optind != argc) {
        fputs("usage: weftctl bug-report [-f FILE] [--sidecars N] [--kubeconfig FILE]\n"
              "Packs what helps to see what is wrong into weft-bug-report-TIME.tar.gz: what check "
              "finds,\nobjects, logs, metrics, configuration. Secrets are left out.\n"
              "  -f FILE       another file, which must not be there yet\n"
              "  --sidecars N  of how many sidecars, those that are not ready first [10]\n",
              stderr);
        return 2;
    }
    return report(kubeconfig, path, (unsigned)sidecars);
}
