/* weftctl install: applies the built-in manifests and waits until all is at work. It can be run
 * again to change or repair. The CA goes first: the others need what it hands out. Main thread;
 * blocking. Must not know what the manifests say.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/verbs.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/schema/schema_format.h"
#include "lib/tls/tls_ctx.h"
#include "weftctl/install/await.h"
#include "weftctl/check/check.h"
#include "weftctl/check/check_priv.h"
#include "weftctl/install/manifests.h"
#include "weftctl/output.h"
#include "weftctl/install/step.h"

enum { ARENA_BLOCK = 65536, DEFAULT_TIMEOUT_S = 120 };

struct options {
    struct manifests_config manifests;
    const char *kubeconfig;
    unsigned timeout_s;
    bool print_only, no_wait;
};

struct install {
    const struct options *options;
    struct arena arena;
    struct doc_list objects;
    struct api *api;
    unsigned applied, created;
};

static int usage(void)
{
    fputs("usage: weftctl install [--ingress] [--image IMAGE] [--replicas N]\n"
          "  --ingress         also a front door: Gateway weft-ingress, and Ingress objects\n"
          "  --image IMAGE     for all programs, sidecars and gateways\n"
          "  --replicas N      of each of our programs\n"
          "  --cluster-domain NAME  where the cluster's names are not in what its pods' resolver\n"
          "                    says (auto), or cluster.local\n"
          "  --timeout SECONDS for everything to be at work [120]\n"
          "  --no-wait         do not wait for it\n"
          "  --dry-run         print the manifests, and change nothing\n"
          "  --kubeconfig FILE how to reach the cluster\n",
          stderr);
    return 2;
}

static bool take_number(const char *text, unsigned max, unsigned *out)
{
    uint64_t n;
    if (slice_to_u64(slice_from_cstr(text), &n) || n == 0 || n > max)
        return false;
    *out = (unsigned)n;
    return true;
}

static bool take_option(struct options *o, int c)
{
    switch (c) {
    case 'g':
        return o->manifests.with_ingress = true;
    case 'i':
        o->manifests.image = optarg;
        return *optarg != '\0';
    case 'r':
        return take_number(optarg, 100, &o->manifests.replicas);
    case 'c':
        o->manifests.cluster_domain = optarg;
        return schema_format_trust_domain.is_valid(slice_from_cstr(optarg));
    case 't':
        return take_number(optarg, 3600, &o->timeout_s);
    case 'w':
        return o->no_wait = true;
    case 'd':
        return o->print_only = true;
    case 'k':
        o->kubeconfig = optarg;
        return true;
    default:
        return false;
    }
}

static bool read_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"ingress", no_argument, NULL, 'g'},          {"image", required_argument, NULL, 'i'},
        {"replicas", required_argument, NULL, 'r'},   {"timeout", required_argument, NULL, 't'},
        {"cluster-domain", required_argument, NULL, 'c'},
        {"no-wait", no_argument, NULL, 'w'},          {"dry-run", no_argument, NULL, 'd'},
        {"kubeconfig", required_argument, NULL, 'k'}, {NULL, 0, NULL, 0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
        if (!take_option(o, c))
            return false;
    return optind == argc;
}

/* ---- printing ---- */

static void print_all(const struct install *in)
{
    for (size_t i = 0; i < in->objects.count; i++) {
        struct buf json;
        buf_init(&json);
        manifests_write(&in->options->manifests, in->objects.items[i], &json);
        puts("---");
        output_print(&json, OUTPUT_YAML);
        buf_dispose(&json);
    }
}

/* ---- applying ---- */

static bool send(struct install *in, const char *path, const char *body, size_t len,
                 struct api_answer *answer)
{
    char *whole = mem_printf("%s?fieldManager=weftctl&force=true", path);
    struct kube_call call = {.method = "PATCH",
                             .path = slice_from_cstr(whole),
                             .body = slice_of(body, len),
                             .content_type = "application/apply-patch+yaml"};
    bool ok = api_call(in->api, &call, answer);
    mem_free(whole);
    return ok;
}

static bool apply(struct install *in, const struct doc *o)
{
    struct buf json;
    struct api_answer answer;
    buf_init(&json);
    manifests_write(&in->options->manifests, o, &json);
    size_t len;
    char *body = buf_take_text(&json, &len), *path = manifests_path(o);
    bool ok = send(in, path, body, len, &answer);
    if (!ok)
        step_say(STEP_FAILED, "%.*s %.*s: %s", SLICE_ARG(manifests_kind(o)),
                 SLICE_ARG(manifests_name(o)), answer.detail);
    in->applied += ok;
    in->created += answer.status == 201;
    mem_free(path);
    mem_free(body);
    return ok;
}

static bool is_named(const struct doc *o, const char *name)
{
    return slice_eq_cstr(manifests_name(o), name);
}

static bool is_kind(const struct doc *o, const char *kind)
{
    return slice_eq_cstr(manifests_kind(o), kind);
}

/* What the CA and its Deployment need, then the CA, then everything else. */
static unsigned stage_of(const struct doc *o)
{
    if (is_kind(o, "Deployment"))
        return is_named(o, "weft-certd") ? 1 : 2;
    return is_kind(o, "Gateway") || is_kind(o, "GatewayClass") ? 3 : 0;
}

static bool apply_stage(struct install *in, unsigned stage)
{
    in->applied = in->created = 0;
    for (size_t i = 0; i < in->objects.count; i++)
        if (stage_of(in->objects.items[i]) == stage && !apply(in, in->objects.items[i]))
            return false;
    return true;
}

/* ---- waiting ---- */

/* The probes of `weftctl check` by these names; NULL-terminated. */
static bool wait_for(const struct install *in, const char *const *probes)
{
    return in->options->no_wait || check_await(in->api, probes, in->options->timeout_s * 1000);
}

static bool is_programmed(void *owner, const struct doc *gateway)
{
    (void)owner;
    return judge_is_true(gateway, "Programmed");
}

static bool wait_for_ingress(const struct install *in)
{
    const char *path = "/apis/gateway.networking.k8s.io/v1/namespaces/weft-system/gateways";
    bool ok = await_objects(in->api, path, SLICE("fieldSelector=metadata.name%3Dweft-ingress"),
                            in->options->timeout_s * 1000, is_programmed, NULL);
    if (ok)
        step_say(STEP_OK, "Gateway weft-ingress answers");
    else
        step_tell(STEP_FAILED, "Gateway weft-ingress", SLICE("is not programmed"),
                  SLICE("kubectl -n weft-system describe gateway weft-ingress"));
    return ok;
}

static bool run_stages(struct install *in)
{
    static const char *const before[] = {"Gateway API", NULL},
                      *const crds[] = {"Weft's CRDs", NULL},
                      *const certd[] = {"weft-certd", "trust bundle", NULL},
                      *const others[] = {"weft-policyd", "weft-injector", NULL},
                      *const webhooks[] = {"injection", "validation", NULL},
                      *const class[] = {"GatewayClass weft", NULL};
    if (!check_await(in->api, before, 0) || !apply_stage(in, 0))
        return false;
    step_say(STEP_OK,
             "%u objects applied, %u of them new: namespace, CRDs, rights, Services, "
             "webhooks",
             in->applied, in->created);
    if (!check_await(in->api, crds, in->options->timeout_s * 1000))
        return false;
    if (!apply_stage(in, 1) || !wait_for(in, certd))
        return false;
    if (!apply_stage(in, 2) || !wait_for(in, others) || !wait_for(in, webhooks))
        return false;
    if (!apply_stage(in, 3) || !wait_for(in, class))
        return false;
    if (!in->options->no_wait && in->options->manifests.with_ingress)
        return wait_for_ingress(in);
    return true;
}

static int install(struct install *in)
{
    if (in->options->print_only) {
        print_all(in);
        return 0;
    }
    in->api = tls_lib_init() ? NULL : api_open(in->options->kubeconfig);
    if (!in->api)
        return 1;
    bool ok = run_stages(in);
    if (ok)
        step_say(STEP_OK, "Weft " WEFT_VERSION " is installed. Give a namespace sidecars: kubectl "
                          "label namespace NAME weft.dev/inject=enabled");
    else
        puts("`weftctl check` looks at everything; the same command again goes on from here");
    api_close(in->api);
    return ok ? 0 : 1;
}

int install_run(int argc, char **argv)
{
    struct options o = {.timeout_s = DEFAULT_TIMEOUT_S};
    struct install in = {.options = &o};
    if (!read_options(argc, argv, &o))
        return usage();
    arena_init(&in.arena, ARENA_BLOCK);
    int status = manifests_load(&in.arena, &o.manifests, &in.objects) ? install(&in) : 1;
    arena_dispose(&in.arena);
    return status;
}
