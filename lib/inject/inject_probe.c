/* The kubelet has no certificate: under STRICT its probes would be refused, and without the app's
 * own port they would lose their meaning. So each HTTP, TCP and gRPC probe is led to the sidecar,
 * which asks the app what the kubelet wanted to ask. Named ports become numbers here, since the
 * sidecar does not know the names. Pure. Must not know what else an injection does.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc_make.h"
#include "lib/codec/doc_write.h"
#include "lib/inject/inject_priv.h"

struct kind {
    const char *field, *path;
};

static const struct kind kinds[] = {
    {"livenessProbe", "livez"}, {"readinessProbe", "readyz"}, {"startupProbe", "startupz"}};
enum { KIND_COUNT = sizeof(kinds) / sizeof(kinds[0]) };

static const char *const handlers[] = {"httpGet", "tcpSocket", "grpc"};
enum { HANDLER_COUNT = sizeof(handlers) / sizeof(handlers[0]) };

/* 0: not to be found. */
static int64_t find_port(const struct doc *container, const struct doc *port)
{
    const struct doc *ports = doc_get(container, SLICE("ports"));
    if (port && port->type == DOC_INT)
        return port->integer >= 1 && port->integer <= 65535 ? port->integer : 0;
    struct slice name = doc_string(port);
    uint64_t number;
    if (slice_to_u64(name, &number) == ERR_OK)
        return number >= 1 && number <= 65535 ? (int64_t)number : 0;
    for (size_t i = 0; name.len && ports && ports->type == DOC_ARRAY && i < ports->count; i++) {
        const struct doc *number_of = doc_get(ports->items[i], SLICE("containerPort"));
        if (slice_eq(doc_string(doc_get(ports->items[i], SLICE("name"))), name) && number_of &&
            number_of->type == DOC_INT)
            return number_of->integer;
    }
    return 0;
}

/* The handler of a probe that can be led to the sidecar; NULL: none of them. */
static const char *handler_of(const struct doc *probe)
{
    for (size_t i = 0; i < HANDLER_COUNT; i++) {
        const struct doc *handler = doc_get(probe, slice_from_cstr(handlers[i]));
        if (handler && handler->type == DOC_OBJECT)
            return handlers[i];
    }
    return NULL;
}

/* What the sidecar is to ask: the handler with a number as its port, and how long that may take. */
static const struct doc *note_probe(struct arena *a, const struct doc *probe, const char *handler,
                                    int64_t port)
{
    struct doc *noted = doc_make_object(a);
    struct doc *copy = doc_make_copy(a, doc_get(probe, slice_from_cstr(handler)));
    const struct doc *timeout = doc_get(probe, SLICE("timeoutSeconds"));
    doc_make_put_int(a, copy, "port", port);
    doc_make_put(a, noted, slice_from_cstr(handler), copy);
    if (timeout && timeout->type == DOC_INT)
        doc_make_put(a, noted, SLICE("timeoutSeconds"), timeout);
    return noted;
}

/* The same probe, asked of the sidecar. */
static const struct doc *lead(struct arena *a, const struct doc *probe, const char *handler,
                              struct slice path)
{
    struct doc *led = doc_make_copy(a, probe);
    doc_make_remove(led, slice_from_cstr(handler));
    struct doc *get = doc_make_put_object(a, led, "httpGet");
    doc_make_put_string(a, get, "path", path);
    doc_make_put_int(a, get, "port", INJECT_PORT_HEALTH);
    doc_make_put_string(a, get, "scheme", SLICE("HTTP"));
    return led;
}

static void rewrite(struct inject_run *r, struct doc *noted, const struct doc *container,
                    const char *list, size_t at, const struct kind *kind)
{
    struct arena *a = r->arena;
    const struct doc *probe = doc_get(container, slice_from_cstr(kind->field));
    struct slice name = doc_string(doc_get(container, SLICE("name")));
    const char *handler = handler_of(probe);
    if (!handler || slice_is_empty(name))
        return;
    const struct doc *asked = doc_get(doc_get(probe, slice_from_cstr(handler)), SLICE("port"));
    int64_t port = find_port(container, asked);
    if (port == 0) {
        inject_warn(r, "container %.*s: the port of its %s is not to be found; it is left as it is",
                    SLICE_ARG(name), kind->field);
        return;
    }
    if (port == INJECT_PORT_HEALTH || port == INJECT_PORT_METRICS)
        return;
    struct slice key = arena_printf(a, "%.*s/%s", SLICE_ARG(name), kind->path);
    doc_make_put(a, noted, key, note_probe(a, probe, handler, port));
    struct slice path = arena_printf(a, "/app-health/%.*s", SLICE_ARG(key));
    json_patch_replace(&r->out->patch, lead(a, probe, handler, path), "%s/spec/%s/%zu/%s", r->base,
                       list, at, kind->field);
}

static void rewrite_list(struct inject_run *r, struct doc *noted, const char *list)
{
    const struct doc *containers = doc_get(r->spec, slice_from_cstr(list));
    for (size_t i = 0; containers && containers->type == DOC_ARRAY && i < containers->count; i++)
        for (size_t k = 0; k < KIND_COUNT; k++)
            rewrite(r, noted, containers->items[i], list, i, &kinds[k]);
}

void inject_probe_rewrite(struct inject_run *r)
{
    struct doc *noted = doc_make_object(r->arena);
    struct json_write w;
    struct buf text;
    if (!inject_option_is(&r->options, INJECT_REWRITE_PROBES, "true"))
        return;
    rewrite_list(r, noted, "initContainers");
    rewrite_list(r, noted, "containers");
    if (noted->count == 0)
        return;
    buf_init(&text);
    json_write_init(&w, &text);
    doc_write_json(&w, noted);
    r->probes = buf_take_into(&text, r->arena);
}
