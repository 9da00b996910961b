/* The kubelet has no certificate: under STRICT its probes would be refused, and without the app's
 * own port they would lose their meaning. So each HTTP, TCP and gRPC probe is led to the sidecar,
 * which asks the app what the kubelet wanted to ask. HTTP hooks go the same way: the kubelet takes
 * the 403 of a refusal for a success. Exec probes, exec and sleep hooks need no connection, and
 * what names a host is not for this pod; those stay. Named ports become numbers here, since the
 * sidecar does not know the names. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc/doc_make.h"
#include "lib/codec/doc/doc_write.h"
#include "lib/inject/inject_priv.h"
#include "lib/tls/digest.h"

struct kind {
    const char *at, *field, *path;
    bool is_hook;
};

static const struct kind kinds[] = {
    {"", "livenessProbe", "livez", false},
    {"", "readinessProbe", "readyz", false},
    {"", "startupProbe", "startupz", false},
    {"lifecycle", "postStart", "poststart", true},
    {"lifecycle", "preStop", "prestop", true},
};
enum { KIND_COUNT = sizeof(kinds) / sizeof(kinds[0]), TIMEOUT_MAX_S = 86400, GRACE_DEFAULT_S = 30 };

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

/* The handler of a probe that can be led to the sidecar; NULL: none of them. Other handlers of
 * hooks open no connection. */
static const char *handler_of(const struct doc *probe, const struct kind *kind)
{
    for (size_t i = 0; i < (kind->is_hook ? 1 : HANDLER_COUNT); i++) {
        const struct doc *handler = doc_get(probe, slice_from_cstr(handlers[i]));
        if (handler && handler->type == DOC_OBJECT)
            return doc_string(doc_get(handler, SLICE("host"))).len ? NULL : handlers[i];
    }
    return NULL;
}

int64_t inject_probe_grace(const struct inject_run *r)
{
    const struct doc *grace = doc_get(r->spec, SLICE("terminationGracePeriodSeconds"));
    bool is_said = grace && grace->type == DOC_INT && grace->integer >= 0;
    return is_said ? grace->integer : GRACE_DEFAULT_S;
}

/* How long the app may take; 0: as the sidecar has it. The kubelet waits for a hook as long as it
 * takes, but for preStop never longer than the pod's grace period. */
static int64_t timeout_of(const struct inject_run *r, const struct doc *probe,
                          const struct kind *kind)
{
    const struct doc *timeout = doc_get(probe, SLICE("timeoutSeconds"));
    int64_t seconds = timeout && timeout->type == DOC_INT ? timeout->integer : 0;
    if (kind->is_hook)
        seconds = slice_eq_cstr(SLICE("preStop"), kind->field) ? inject_probe_grace(r) + 1
                                                               : TIMEOUT_MAX_S;
    return seconds > TIMEOUT_MAX_S ? TIMEOUT_MAX_S : seconds;
}

/* What the sidecar is to ask: the handler with a number as its port, and how long that may take. */
static const struct doc *note_probe(const struct inject_run *r, const struct doc *probe,
                                    const char *handler, int64_t port, const struct kind *kind)
{
    struct arena *a = r->arena;
    struct doc *noted = doc_make_object(a);
    struct doc *copy = doc_make_copy(a, doc_get(probe, slice_from_cstr(handler)));
    int64_t timeout = timeout_of(r, probe, kind);
    doc_make_put_int(a, copy, "port", port);
    doc_make_put(a, noted, slice_from_cstr(handler), copy);
    if (timeout > 0)
        doc_make_put_int(a, noted, "timeoutSeconds", timeout);
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

/* Port 15021 is open to everybody, and a hook changes something in the app: whoever has not read
 * the pod must not be able to call it. The webhook draws lots; for a file it comes from the file,
 * so that the same one gives the same. */
static struct slice hook_key(const struct inject_run *r)
{
    uint8_t digest[DIGEST_SIZE];
    char text[DIGEST_HEX_MAX];
    struct json_write w;
    struct buf json;
    if (r->config->hook_key.len)
        return r->config->hook_key;
    buf_init(&json);
    json_write_init(&w, &json);
    doc_write_json(&w, r->spec);
    digest_sha256(buf_take_into(&json, r->arena), digest);
    return arena_copy(r->arena, slice_of(digest_hex(digest, text), 32));
}

static void rewrite(struct inject_run *r, struct doc *noted, const struct doc *container,
                    const char *list, size_t at, const struct kind *kind)
{
    struct arena *a = r->arena;
    const struct doc *parent =
        kind->is_hook ? doc_get(container, slice_from_cstr(kind->at)) : container;
    const struct doc *probe = doc_get(parent, slice_from_cstr(kind->field));
    struct slice name = doc_string(doc_get(container, SLICE("name")));
    const char *handler = handler_of(probe, kind);
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
    if (kind->is_hook)
        key = arena_printf(a, "%.*s/%.*s", SLICE_ARG(hook_key(r)), SLICE_ARG(key));
    doc_make_put(a, noted, key, note_probe(r, probe, handler, port, kind));
    struct slice path = arena_printf(a, "/app-%s/%.*s", kind->is_hook ? "lifecycle" : "health",
                                     SLICE_ARG(key));
    json_patch_replace(&r->out->patch, lead(a, probe, handler, path), "%s/spec/%s/%zu%s%s/%s",
                       r->base, list, at, *kind->at ? "/" : "", kind->at, kind->field);
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
