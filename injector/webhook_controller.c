/* Two watches, of one object each. What is written are only the caBundle fields that differ, and
 * only if the object is still the one that was looked at. On the injector's only thread. Must not
 * know where the roots come from, nor who leads.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "injector/webhook_controller.h"

#include <string.h>

#include "lib/base/json_write.h"
#include "lib/base/list.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/codec/text/base64.h"
#include "lib/io/timer.h"
#include "lib/kube/kube_pace.h"
#include "lib/kube/kube_watch.h"
#include "lib/tls/tls_chain.h"

#define GROUP "/apis/admissionregistration.k8s.io/v1/"

enum { KIND_COUNT = 2, WEBHOOKS_MAX = 64, SOON_MS = 300 };

static const char *const paths[KIND_COUNT] = {GROUP "mutatingwebhookconfigurations",
                                              GROUP "validatingwebhookconfigurations"};

/* One configuration, as last seen. */
struct watched {
    struct webhook_controller *controller;
    const char *path;
    struct kube_watch *watch;
    struct kube_request *writing;
    struct timer again;
    struct kube_pace pace;
    char *resource_version; /* NULL: it is not there */
    bool in_list;
    size_t count;
    char *bundles[WEBHOOKS_MAX]; /* caBundle of each webhook; NULL: none */
};

struct webhook_controller {
    struct kube_client *client;
    char *name;
    char *roots; /* base64; NULL: not known yet */
    bool is_active;
    struct watched kinds[KIND_COUNT];
};

static bool is_wrong(const struct watched *w, size_t i)
{
    const char *roots = w->controller->roots;
    return !w->bundles[i] || strcmp(w->bundles[i], roots) != 0;
}

static bool any_wrong(const struct watched *w)
{
    for (size_t i = 0; i < w->count; i++)
        if (is_wrong(w, i))
            return true;
    return false;
}

/* ---- writing */

static void write_step(struct json_write *w, const char *op, const char *path, const char *value)
{
    json_write_object(w);
    json_write_field(w, "op", slice_from_cstr(op));
    json_write_field(w, "path", slice_from_cstr(path));
    json_write_field(w, "value", slice_from_cstr(value));
    json_write_object_end(w);
}

static char *make_patch(const struct watched *w, size_t *len)
{
    struct buf out;
    struct json_write json;
    buf_init(&out);
    json_write_init(&json, &out);
    json_write_array(&json);
    write_step(&json, "test", "/metadata/resourceVersion", w->resource_version);
    for (size_t i = 0; i < w->count; i++) {
        char *path = mem_printf("/webhooks/%zu/clientConfig/caBundle", i);
        if (is_wrong(w, i))
            write_step(&json, "add", path, w->controller->roots);
        mem_free(path);
    }
    json_write_array_end(&json);
    return buf_take_text(&out, len);
}

static void try_in(struct watched *w, uint64_t delay_ms)
{
    uint64_t wait_ms = kube_pace_wait_ms(&w->pace);
    timer_start(&w->again, wait_ms > delay_ms ? wait_ms : delay_ms);
}

static void on_written(void *owner, const struct kube_result *result)
{
    struct watched *w = owner;
    w->writing = NULL;
    if (kube_pace_take(&w->pace, result))
        LOG_I("webhooks", "%s/%s: wrote the roots that we are to be trusted by", w->path,
              w->controller->name);
    else
        LOG_W("webhooks", "%s/%s: caBundle cannot be written: %u %.*s; next try in %lu ms", w->path,
              w->controller->name, result->status, SLICE_ARG(result->detail),
              (unsigned long)kube_pace_wait_ms(&w->pace));
    /* Should somebody have changed it meanwhile; the watch tells by then. */
    try_in(w, SOON_MS);
}

static void write_if_wrong(struct watched *w)
{
    size_t len;
    const struct webhook_controller *k = w->controller;
    if (!k->is_active || !k->roots || !w->resource_version || w->writing || !any_wrong(w))
        return;
    if (kube_pace_wait_ms(&w->pace)) {
        try_in(w, 0);
        return;
    }
    char *text = make_patch(w, &len), *path = mem_printf("%s/%s", w->path, k->name);
    struct kube_call call = {.method = "PATCH",
                             .path = slice_from_cstr(path),
                             .body = slice_of(text, len),
                             .content_type = "application/json-patch+json"};
    w->writing = kube_client_send(k->client, &call, on_written, w);
    mem_free(path);
    mem_free(text);
}

static void on_again(struct timer *t)
{
    write_if_wrong(container_of(t, struct watched, again));
}

/* ---- watching */

static void forget(struct watched *w)
{
    for (size_t i = 0; i < w->count; i++)
        mem_free(w->bundles[i]);
    w->count = 0;
    mem_free(w->resource_version);
    w->resource_version = NULL;
}

static void on_begin(void *owner)
{
    ((struct watched *)owner)->in_list = false;
}

static void on_put(void *owner, const struct doc *object)
{
    struct watched *w = owner;
    const struct doc *webhooks = doc_get(object, SLICE("webhooks"));
    struct slice version = doc_string(doc_find(object, "metadata.resourceVersion"));
    bool known = w->resource_version;
    w->in_list = true;
    forget(w);
    w->resource_version = mem_strndup(version.ptr ? version.ptr : "", version.len);
    for (size_t i = 0; webhooks && webhooks->type == DOC_ARRAY && i < webhooks->count; i++) {
        struct slice b = doc_string(doc_find(webhooks->items[i], "clientConfig.caBundle"));
        if (w->count == WEBHOOKS_MAX)
            break;
        w->bundles[w->count++] = b.len ? mem_strndup(b.ptr, b.len) : NULL;
    }
    /* The first time at once; later a moment after, since another replica may know newer roots. */
    if (!known)
        write_if_wrong(w);
    else if (!timer_is_running(&w->again))
        timer_start(&w->again, SOON_MS);
}

static void on_delete(void *owner, const struct doc *object)
{
    (void)object;
    forget(owner);
}

static void on_synced(void *owner)
{
    struct watched *w = owner;
    if (w->in_list)
        return;
    forget(w);
    LOG_W("webhooks", "there is no %s/%s: the API server will not ask us", w->path,
          w->controller->name);
}

static void on_trouble(void *owner, unsigned status, struct slice detail)
{
    const struct watched *w = owner;
    LOG_W("webhooks", "%s cannot be watched: %u %.*s", w->path, status, SLICE_ARG(detail));
}

/* ---- life */

struct webhook_controller *webhook_controller_open(struct loop *l, struct kube_client *client,
                                                   struct slice name)
{
    static const struct kube_watch_events events = {on_begin, on_put, on_delete, on_synced,
                                                    on_trouble};
    struct webhook_controller *k = mem_zalloc(sizeof(*k));
    k->client = client;
    k->name = mem_strndup(name.ptr, name.len);
    char *selector = mem_printf("fieldSelector=metadata.name%%3D%s", k->name);
    for (int i = 0; i < KIND_COUNT; i++) {
        struct watched *w = &k->kinds[i];
        w->controller = k;
        w->path = paths[i];
        timer_init(&w->again, l, on_again);
        kube_pace_init(&w->pace, l);
        struct kube_watch_config config = {.path = paths[i],
                                           .selectors = slice_from_cstr(selector)};
        w->watch = kube_watch_open(client, &config, &events, w);
    }
    mem_free(selector);
    return k;
}

void webhook_controller_set(struct webhook_controller *k, struct slice roots_pem)
{
    size_t len = BASE64_ENCODED_LEN(roots_pem.len);
    mem_free(k->roots);
    k->roots = mem_alloc(len + 1);
    base64_encode(roots_pem, k->roots);
    k->roots[len] = 0;
    for (int i = 0; i < KIND_COUNT; i++)
        write_if_wrong(&k->kinds[i]);
}

void webhook_controller_set_active(struct webhook_controller *k, bool is_active)
{
    k->is_active = is_active;
    for (int i = 0; i < KIND_COUNT; i++)
        write_if_wrong(&k->kinds[i]);
}

bool webhook_controller_is_right(const struct webhook_controller *k)
{
    for (int i = 0; i < KIND_COUNT; i++)
        if (!k->roots || !k->kinds[i].resource_version || any_wrong(&k->kinds[i]))
            return false;
    return true;
}

static bool vouches(const char *bundle, struct slice chain_pem)
{
    char why[TLS_DETAIL_MAX];
    size_t len, room = BASE64_DECODED_MAX(bundle ? strlen(bundle) : 0) + 1;
    if (!bundle)
        return false;
    char *pem = mem_alloc(room);
    bool yes = base64_decode(slice_from_cstr(bundle), pem, &len) == ERR_OK &&
               tls_chain_check(chain_pem, slice_of(pem, len), why) == ERR_OK;
    mem_free(pem);
    return yes;
}

bool webhook_controller_vouches(const struct webhook_controller *k, struct slice chain_pem)
{
    for (int i = 0; i < KIND_COUNT; i++) {
        const struct watched *w = &k->kinds[i];
        if (!w->resource_version)
            return false;
        for (size_t j = 0; j < w->count; j++)
            if (!vouches(w->bundles[j], chain_pem))
                return false;
    }
    return true;
}

void webhook_controller_close(struct webhook_controller *k)
{
    if (!k)
        return;
    for (int i = 0; i < KIND_COUNT; i++) {
        struct watched *w = &k->kinds[i];
        kube_watch_close(w->watch);
        if (w->writing)
            kube_request_cancel(w->writing);
        timer_stop(&w->again);
        forget(w);
    }
    mem_free(k->roots);
    mem_free(k->name);
    mem_free(k);
}
