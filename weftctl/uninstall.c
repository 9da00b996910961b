/* weftctl uninstall: the built-in manifests backwards, so that webhooks go before what answers
 * them; then what the programs made themselves. Policies of users go only with --crds. Main thread;
 * blocking. Must not know what the manifests say.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/uninstall.h"

#include <getopt.h>
#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/codec/doc_json.h"
#include "weftctl/await.h"
#include "weftctl/manifests.h"
#include "weftctl/step.h"

enum { ARENA_BLOCK = 65536, GONE_MS = 120000 };

#define BUNDLES "/api/v1/configmaps?fieldSelector=metadata.name%3Dweft-trust-bundle"

struct uninstall {
    struct arena arena;
    struct api *api;
    struct doc_list objects;
    bool with_crds;
    unsigned deleted, failed;
};

static void delete_at(struct uninstall *u, const char *path, struct slice what)
{
    struct api_answer answer;
    struct kube_call call = {.method = "DELETE",
                             .path = slice_from_cstr(path),
                             .body = SLICE("{\"propagationPolicy\":\"Background\"}")};
    if (api_call(u->api, &call, &answer)) {
        u->deleted++;
    } else if (answer.status != 404) {
        u->failed++;
        step_say(STEP_FAILED, "%.*s: %s", SLICE_ARG(what), answer.detail);
    }
}

static bool is_kind(const struct doc *o, const char *kind)
{
    return slice_eq_cstr(manifests_kind(o), kind);
}

static void delete_one(struct uninstall *u, const struct doc *o)
{
    if (is_kind(o, "CustomResourceDefinition") && !u->with_crds)
        return;
    char *path = manifests_path(o);
    delete_at(u, path, manifests_name(o));
    mem_free(path);
}

/* The trust bundles that certd wrote into every namespace. */
static void delete_bundles(struct uninstall *u)
{
    struct api_answer answer;
    struct doc_error error;
    const struct doc *list;
    if (!api_get(u->api, SLICE(BUNDLES), &answer) ||
        doc_json_parse(answer.body, &u->arena, &list, &error))
        return;
    const struct doc *items = doc_get(list, SLICE("items"));
    for (size_t i = 0; items && items->type == DOC_ARRAY && i < items->count; i++) {
        struct slice space = manifests_namespace(items->items[i]);
        char *path =
            mem_printf("/api/v1/namespaces/%.*s/configmaps/weft-trust-bundle", SLICE_ARG(space));
        delete_at(u, path, space);
        mem_free(path);
    }
}

static int uninstall(struct uninstall *u)
{
    for (size_t i = u->objects.count; i-- > 0;)
        delete_one(u, u->objects.items[i]);
    delete_bundles(u);
    if (u->failed)
        return 1;
    if (!await_gone(u->api, "/api/v1/namespaces",
                    SLICE("fieldSelector=metadata.name%3Dweft-system"), GONE_MS)) {
        step_say(STEP_FAILED, "namespace weft-system is still being deleted");
        return 1;
    }
    step_say(STEP_OK, "%u objects deleted; pods keep their sidecars until they are made anew",
             u->deleted);
    if (!u->with_crds)
        step_say(STEP_OK, "policies and their CRDs are kept; --crds deletes them too");
    return 0;
}

static bool read_options(int argc, char **argv, struct uninstall *u, const char **kubeconfig)
{
    static const struct option longs[] = {
        {"crds", no_argument, NULL, 'c'},
        {"kubeconfig", required_argument, NULL, 'k'},
        {NULL, 0, NULL, 0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        u->with_crds |= c == 'c';
        if (c == 'k')
            *kubeconfig = optarg;
        if (c == '?')
            return false;
    }
    return optind == argc;
}

int uninstall_run(int argc, char **argv)
{
    static const struct manifests_config all = {.with_ingress = true};
    struct uninstall u = {0};
    const char *kubeconfig = NULL;
    int status = 1;
    if (!read_options(argc, argv, &u, &kubeconfig)) {
        fputs("usage: weftctl uninstall [--crds] [--kubeconfig FILE]\n"
              "  --crds  also the kinds of policy.weft.dev, and with them all policies\n",
              stderr);
        return 2;
    }
    arena_init(&u.arena, ARENA_BLOCK);
    u.api = manifests_load(&u.arena, &all, &u.objects) ? api_open(kubeconfig) : NULL;
    if (u.api) {
        status = uninstall(&u);
        api_close(u.api);
    }
    arena_dispose(&u.arena);
    return status;
}
