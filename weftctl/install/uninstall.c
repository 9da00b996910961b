/* weftctl uninstall: the built-in manifests backwards, so that webhooks go before what answers
 * them; then what the programs made themselves. Policies of users go only with --crds. Main thread;
 * blocking. Must not know what the manifests say.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/verbs.h"

#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "weftctl/check/ask.h"
#include "weftctl/install/await.h"
#include "weftctl/install/manifests.h"
#include "weftctl/say.h"
#include "weftctl/install/step.h"

enum { ARENA_BLOCK = 65536, GONE_MS = 120000 };

#define BUNDLES "/api/v1/configmaps?fieldSelector=metadata.name%3Dweft-trust-bundle"

struct uninstall {
    struct arena arena;
    struct api *api;
    struct doc_list objects;
    bool with_crds, is_sure, only_says;
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

/* ---- are you sure ---- */

static size_t count_of(const struct ask *a)
{
    return a && a->doc && a->doc->type == DOC_ARRAY ? a->doc->count : 0;
}

/* Pods that trust the CA that is about to go. */
static size_t count_sidecars(struct uninstall *u)
{
    struct asks *s = asks_create(u->api);
    size_t count;
    do {
        asks_begin(s);
        count = 0;
        const struct ask *spaces =
            ask_list(s, "/api/v1/namespaces?labelSelector=weft.dev/inject%%3Denabled");
        for (size_t i = 0; i < count_of(spaces); i++) {
            const struct ask *pods =
                ask_list(s, "/api/v1/namespaces/%.*s/pods",
                         SLICE_ARG(manifests_name(spaces->doc->items[i])));
            for (size_t j = 0; j < count_of(pods); j++)
                count += doc_find(pods->doc->items[j],
                                  "metadata.annotations[\"weft.dev/status\"]") != NULL;
        }
        asks_wait(s);
    } while (asks_is_waiting(s));
    asks_destroy(s);
    return count;
}

static void say_what_goes(struct uninstall *u)
{
    size_t pods = count_sidecars(u);
    printf("This deletes namespace weft-system with the CA in it (Secret weft-ca): %zu pods still "
           "have\nsidecars, which get no new certificates then, and must be made anew. Another "
           "installation\nmakes another CA, unless you keep the Secret:\n"
           "  kubectl -n weft-system get secret weft-ca -o yaml > weft-ca.yaml\n%s",
           pods,
           u->with_crds ? "--crds deletes all policies too, in every namespace.\n" : "");
}

static bool is_confirmed(void)
{
    char answer[16] = "";
    fputs("Continue? [y/N] ", stdout);
    fflush(stdout);
    return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static void say_objects(const struct uninstall *u)
{
    for (size_t i = u->objects.count; i-- > 0;) {
        const struct doc *o = u->objects.items[i];
        if (is_kind(o, "CustomResourceDefinition") && !u->with_crds)
            continue;
        printf("would delete %.*s %.*s%s%.*s\n", SLICE_ARG(manifests_kind(o)),
               SLICE_ARG(manifests_namespace(o)), manifests_namespace(o).len ? "/" : "",
               SLICE_ARG(manifests_name(o)));
    }
    puts("would delete ConfigMap weft-trust-bundle in every namespace");
}

/* The exit status, or -1: go on. */
static int ask_first(struct uninstall *u)
{
    say_what_goes(u);
    if (u->only_says) {
        say_objects(u);
        return 0;
    }
    if (u->is_sure)
        return -1;
    if (!isatty(STDIN_FILENO)) {
        say_error("nobody is there to ask: say --yes");
        return 2;
    }
    return is_confirmed() ? -1 : 1;
}

static int uninstall(struct uninstall *u)
{
    int asked = ask_first(u);
    if (asked >= 0)
        return asked;
    for (size_t i = u->objects.count; i-- > 0;)
        delete_one(u, u->objects.items[i]);
    delete_bundles(u);
    step_say(STEP_WAITING, "%u objects deleted; waiting for the end of namespace weft-system",
             u->deleted);
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
        {"yes", no_argument, NULL, 'y'},
        {"dry-run", no_argument, NULL, 'd'},
        {"kubeconfig", required_argument, NULL, 'k'},
        {NULL, 0, NULL, 0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "y", longs, NULL)) != -1) {
        u->with_crds |= c == 'c';
        u->is_sure |= c == 'y';
        u->only_says |= c == 'd';
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
        fputs("usage: weftctl uninstall [--crds] [--yes] [--dry-run] [--kubeconfig FILE]\n"
              "Asks first; the CA goes with it.\n"
              "  --crds     also the kinds of policy.weft.dev, and with them all policies\n"
              "  --yes, -y  do not ask\n"
              "  --dry-run  say what would be deleted, and delete nothing\n",
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
