/* weftctl install: applies the built-in manifests and waits until all is at work. It can be run
 * again to change or repair. The CA goes first: the others need what it hands out. Main thread;
 * blocking. Must not know what the manifests say.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/install.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/codec/doc_json.h"
#include "lib/schema/schema_format.h"
#include "weftctl/install_wait.h"
#include "weftctl/manifests.h"
#include "weftctl/output.h"
#include "weftctl/step.h"

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

static bool needs_gateway_api(struct install *in)
{
    struct api_answer answer;
    if (api_get(in->api, SLICE("/apis/gateway.networking.k8s.io/v1"), &answer))
        return true;
    if (answer.status == 404)
        step_say(STEP_FAILED, "the Gateway API is not installed: apply its CRDs (v1.6, standard or "
                              "experimental channel) first");
    else
        step_say(STEP_FAILED, "the cluster cannot be asked: %s", answer.detail);
    return false;
}

static bool run_stages(struct install *in)
{
    bool wait = !in->options->no_wait;
    struct install_wait w = {in->api, in->options->timeout_s * 1000};
    if (!needs_gateway_api(in) || !apply_stage(in, 0))
        return false;
    step_say(STEP_OK,
             "%u objects applied, %u of them new: namespace, CRDs, rights, Services, "
             "webhooks",
             in->applied, in->created);
    if (!install_wait_crds(&w, &in->objects) || !apply_stage(in, 1))
        return false;
    if (wait && (!install_wait_deployment(&w, "weft-certd") || !install_wait_trust_bundle(&w)))
        return false;
    if (!apply_stage(in, 2))
        return false;
    if (wait && (!install_wait_deployment(&w, "weft-policyd") ||
                 !install_wait_deployment(&w, "weft-injector") || !install_wait_webhooks(&w)))
        return false;
    if (!apply_stage(in, 3))
        return false;
    if (wait && !install_wait_gateway_class(&w))
        return false;
    if (wait && in->options->manifests.with_ingress)
        return install_wait_gateway(&w, "weft-ingress");
    return true;
}

static int install(struct install *in)
{
    if (in->options->print_only) {
        print_all(in);
        return 0;
    }
    in->api = api_open(in->options->kubeconfig);
    if (!in->api)
        return 1;
    bool ok = run_stages(in);
    if (ok)
        step_say(STEP_OK, "Weft " WEFT_VERSION " is installed. Give a namespace sidecars: kubectl "
                          "label namespace NAME weft.dev/inject=enabled");
    else
        puts("`weftctl check` and `kubectl -n weft-system get pods` say more");
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
