/* The volumes: the token that proves the pod to certd, the roots that prove certd to the pod, and
 * a small memory for what outlives a restart of the sidecar. Pure. Must not know who mounts them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc/doc_make.h"
#include "lib/inject/inject_priv.h"

enum { TOKEN_SECONDS = 3600, READABLE = 0444 };

static struct doc *begin(struct arena *a, struct doc *volumes, const char *name)
{
    struct doc *volume = doc_make_object(a);
    doc_make_put_string(a, volume, "name", slice_from_cstr(name));
    doc_make_push(a, volumes, volume);
    return volume;
}

static void add_token(struct arena *a, struct doc *volumes)
{
    struct doc *projected = doc_make_put_object(a, begin(a, volumes, "weft-token"), "projected");
    doc_make_put_int(a, projected, "defaultMode", READABLE);
    struct doc *source = doc_make_object(a);
    doc_make_push(a, doc_make_put_array(a, projected, "sources"), source);
    struct doc *token = doc_make_put_object(a, source, "serviceAccountToken");
    doc_make_put_string(a, token, "audience", SLICE("weft-certd"));
    doc_make_put_int(a, token, "expirationSeconds", TOKEN_SECONDS);
    doc_make_put_string(a, token, "path", SLICE("token"));
}

static void add_trust(struct arena *a, struct doc *volumes)
{
    struct doc *map = doc_make_put_object(a, begin(a, volumes, "weft-trust"), "configMap");
    doc_make_put_string(a, map, "name", SLICE("weft-trust-bundle"));
}

static void add_memory(struct arena *a, struct doc *volumes, const char *name, const char *limit)
{
    struct doc *dir = doc_make_put_object(a, begin(a, volumes, name), "emptyDir");
    doc_make_put_string(a, dir, "medium", SLICE("Memory"));
    doc_make_put_string(a, dir, "sizeLimit", slice_from_cstr(limit));
}

void inject_volume_add(struct inject_run *r)
{
    struct arena *a = r->arena;
    const struct doc *there = doc_get(r->spec, SLICE("volumes"));
    struct doc *volumes = doc_make_array(a);
    add_token(a, volumes);
    add_trust(a, volumes);
    add_memory(a, volumes, "weft-state", "32Mi");
    if (inject_option_is(&r->options, INJECT_REDIRECT, "iptables"))
        add_memory(a, volumes, "weft-run", "1Mi");
    if (!there || there->type != DOC_ARRAY) {
        json_patch_add(&r->out->patch, volumes, "%s/spec/volumes", r->base);
        return;
    }
    for (size_t i = 0; i < volumes->count; i++)
        json_patch_add(&r->out->patch, volumes->items[i], "%s/spec/volumes/-", r->base);
}
