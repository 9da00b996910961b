/* weftctl version: this program's, and what runs in the cluster. Main thread; blocking.
 * Must not know what differs between versions.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/verbs.h"

#include <getopt.h>
#include <stdio.h>

#include "lib/base/json_write.h"
#include "lib/codec/doc/doc_json.h"
#include "weftctl/api.h"
#include "weftctl/output.h"
#include "weftctl/say.h"
#include "weftctl/show/subscribers.h"

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

/* The tag: what stands behind the last colon of an image that is not named by its digest. */
static struct slice version_of(struct slice image)
{
    size_t at = image.len;
    if (slice_find_byte(image, '@') < image.len)
        return SLICE("unknown");
    while (at > 0 && image.ptr[at - 1] != ':' && image.ptr[at - 1] != '/')
        at--;
    return at > 0 && image.ptr[at - 1] == ':' ? slice_sub(image, at, image.len) : SLICE("latest");
}

static void say_program(struct report *r, const char *name, struct slice version,
                        struct slice image)
{
    if (r->form == OUTPUT_TEXT) {
        printf("%-14s %.*s%s%.*s%s\n", name, SLICE_ARG(version), image.len ? " (" : "",
               SLICE_ARG(image), image.len ? ")" : "");
        return;
    }
    json_write_object(&r->json);
    json_write_field(&r->json, "name", slice_from_cstr(name));
    json_write_field(&r->json, "version", version);
    json_write_field(&r->json, "image", image);
    json_write_object_end(&r->json);
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
            doc_json_parse(answer.body, &r->arena, &d, &error) == ERR_OK) {
            struct slice image = doc_string(doc_find(d, "spec.template.spec.containers[0].image"));
            say_program(r, programs[i], version_of(image), image);
        } else if (answer.status == 404) {
            say_program(r, programs[i], SLICE("not installed"), SLICE(""));
        } else {
            say_error("%s", answer.detail);
            return false;
        }
    }
    return true;
}

static void show_planes(struct report *r)
{
    for (size_t i = 0; i < r->plane_count; i++) {
        if (r->form == OUTPUT_TEXT) {
            printf("%-14s %zu of %.*s\n", "data planes", r->planes[i].count,
                   SLICE_ARG(r->planes[i].version));
            continue;
        }
        json_write_object(&r->json);
        json_write_field(&r->json, "version", r->planes[i].version);
        json_write_field_u64(&r->json, "count", r->planes[i].count);
        json_write_object_end(&r->json);
    }
}

static bool show_cluster(struct report *r, const char *kubeconfig)
{
    struct api *a = api_open(kubeconfig);
    if (!a)
        return false;
    json_write_key(&r->json, "controlPlane");
    json_write_array(&r->json);
    bool ok = show_programs(r, a);
    json_write_array_end(&r->json);
    if (ok)
        subscribers_each(a, &r->arena, count_plane, r);
    json_write_key(&r->json, "dataPlanes");
    json_write_array(&r->json);
    show_planes(r);
    json_write_array_end(&r->json);
    api_close(a);
    return ok;
}

static bool show(struct report *r, bool is_client_only, const char *kubeconfig)
{
    struct buf text;
    buf_init(&text);
    json_write_init(&r->json, &text);
    json_write_object(&r->json);
    if (r->form == OUTPUT_TEXT)
        puts("weftctl        " WEFT_VERSION);
    else
        json_write_field(&r->json, "weftctl", SLICE(WEFT_VERSION));
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
