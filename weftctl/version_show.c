/* weftctl version: this program's, and what runs in the cluster. Main thread; blocking.
 * Must not know what differs between versions.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/version_show.h"

#include <getopt.h>
#include <stdio.h>

#include "lib/base/json_write.h"
#include "lib/codec/doc_json.h"
#include "weftctl/api.h"
#include "weftctl/output.h"
#include "weftctl/say.h"
#include "weftctl/subscribers.h"

enum { ARENA_BLOCK = 32768, VERSIONS_MAX = 16 };

struct tally {
    struct slice version;
    size_t count;
};

struct report {
    struct arena arena;
    struct json_write json;
    struct tally planes[VERSIONS_MAX];
    size_t plane_count;
    enum output_form form;
};

static void count_plane(void *owner, struct slice policyd, const struct doc *one)
{
    struct report *r = owner;
    struct slice version = doc_string(doc_get(one, SLICE("version")));
    (void)policyd;
    for (size_t i = 0; i < r->plane_count; i++) {
        if (slice_eq(r->planes[i].version, version)) {
            r->planes[i].count++;
            return;
        }
    }
    if (r->plane_count < VERSIONS_MAX)
        r->planes[r->plane_count++] = (struct tally){version, 1};
}

static void say(struct report *r, const char *what, struct slice value)
{
    if (r->form == OUTPUT_TEXT)
        printf("%-14s %.*s\n", what, SLICE_ARG(value));
    else
        json_write_field(&r->json, what, value);
}

static bool show_programs(struct report *r, struct api *a)
{
    static const char *const programs[] = {"weft-certd", "weft-policyd", "weft-injector"};
    struct api_answer answer;
    struct doc_error error;
    const struct doc *d;
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        struct slice path = arena_printf(
            &r->arena, "/apis/apps/v1/namespaces/weft-system/deployments/%s", programs[i]);
        if (api_get(a, path, &answer) &&
            doc_json_parse(answer.body, &r->arena, &d, &error) == ERR_OK)
            say(r, programs[i], doc_string(doc_find(d, "spec.template.spec.containers[0].image")));
        else if (answer.status == 404)
            say(r, programs[i], SLICE("not installed"));
        else {
            say_error("%s", answer.detail);
            return false;
        }
    }
    return true;
}

static bool show_cluster(struct report *r, const char *kubeconfig)
{
    struct api *a = api_open(kubeconfig);
    if (!a)
        return false;
    bool ok = show_programs(r, a);
    if (ok && subscribers_each(a, &r->arena, count_plane, r)) {
        for (size_t i = 0; i < r->plane_count; i++)
            say(r, "data planes",
                arena_printf(&r->arena, "%zu of %.*s", r->planes[i].count,
                             SLICE_ARG(r->planes[i].version)));
    }
    api_close(a);
    return ok;
}

static bool show(struct report *r, bool is_client_only, const char *kubeconfig)
{
    struct buf text;
    buf_init(&text);
    json_write_init(&r->json, &text);
    json_write_object(&r->json);
    say(r, "weftctl", SLICE(WEFT_VERSION));
    bool ok = is_client_only || show_cluster(r, kubeconfig);
    json_write_object_end(&r->json);
    if (r->form != OUTPUT_TEXT)
        output_print(&text, r->form);
    buf_dispose(&text);
    return ok;
}

int version_show_run(int argc, char **argv)
{
    static const struct option longs[] = {
        {"client", no_argument, NULL, 'c'},
        {"output", required_argument, NULL, 'o'},
        {"kubeconfig", required_argument, NULL, 'k'},
        {NULL, 0, NULL, 0},
    };
    struct report r = {0};
    const char *kubeconfig = NULL;
    bool is_client_only = false, ok = true;
    int c;
    while (ok && (c = getopt_long(argc, argv, "o:", longs, NULL)) != -1) {
        is_client_only |= c == 'c';
        if (c == 'k')
            kubeconfig = optarg;
        else if (c == 'o')
            ok = output_form_parse(optarg, &r.form);
        else
            ok = c == 'c';
    }
    if (!ok || optind != argc) {
        fputs("usage: weftctl version [--client] [-o text|json|yaml] [--kubeconfig FILE]\n",
              stderr);
        return 2;
    }
    arena_init(&r.arena, ARENA_BLOCK);
    ok = show(&r, is_client_only, kubeconfig);
    arena_dispose(&r.arena);
    return ok ? 0 : 1;
}
