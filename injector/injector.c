/* Composition: a certificate first, then the listener for webhooks, then the configurations that
 * tell the API server of it; taken down in reverse. On SIGTERM webhooks are still answered for a
 * while, since whoever asks learns late that we are going. One loop, one thread. Must not know what
 * is decided about pods and policies. SPDX-License-Identifier: GPL-3.0-or-later */
#include "injector/injector.h"

#include <signal.h>
#include <stdio.h>

#include "injector/injector_priv.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/signals.h"
#include "lib/kube/kube_client.h"
#include "lib/kube/kube_entry.h"
#include "lib/kube/kube_lease.h"

enum { MAX_CONNECTIONS = 512, MAX_PROBES = 64, ARENA_BLOCK = 65536 };

/* ---- webhooks */

static struct tls_ctx *current_ctx(void *owner)
{
    return ((struct injector *)owner)->ctx;
}

static unsigned answer(void *owner, struct slice path, struct slice body, struct buf *out)
{
    struct injector *in = owner;
    enum admission_hook hook;
    enum admission_outcome outcome;
    struct arena arena;
    if (slice_eq(path, SLICE("/inject"))) {
        hook = ADMISSION_INJECT;
    } else if (slice_eq(path, SLICE("/validate"))) {
        hook = ADMISSION_VALIDATE;
    } else {
        buf_append_slice(out, SLICE("not found: only /inject and /validate are here\n"));
        return 404;
    }
    arena_init(&arena, ARENA_BLOCK);
    unsigned status =
        admission_review(hook, &in->config, in->context, body, &arena, out, &outcome);
    arena_dispose(&arena);
    in->counts[hook][outcome]++;
    return status;
}

static enum err open_listener(struct injector *in)
{
    char text[ADDR_TEXT_MAX];
    struct addr at;
    struct webhook_listener_config config = {
        in->options->listen, ADMISSION_BODY_MAX, MAX_CONNECTIONS, current_ctx, answer, in};
    enum err e = webhook_listener_open(in->loop, &config, &in->listener);
    if (e) {
        LOG_E("injector", "cannot listen on %s: %s", addr_format(&in->options->listen, text),
              err_text(e));
        return e;
    }
    webhook_listener_addr(in->listener, &at);
    LOG_I("injector", "listening on %s", addr_format(&at, text));
    return ERR_OK;
}

/* ---- our certificate */

static enum err use(void *owner, const char *spiffe_id, const struct identity_material *m,
                    char detail[TLS_DETAIL_MAX])
{
    static const char *const alpn[] = {"h2", "http/1.1", NULL};
    struct injector *in = owner;
    struct tls_ctx *fresh;
    struct tls_public_cert cert = {.cert_chain_pem = slice_from_cstr(m->chain_pem),
                                   .key_pem = slice_from_cstr(m->key_pem)};
    struct tls_public_config config = {.certs = &cert, .cert_count = 1, .alpn = alpn};
    (void)spiffe_id;
    enum err e = tls_ctx_create_public(&config, &fresh, detail);
    if (e)
        return e;
    tls_ctx_unref(in->ctx);
    in->ctx = fresh;
    mem_free(in->chain);
    in->chain = mem_strdup(m->chain_pem);
    if (in->controller)
        webhook_controller_set(in->controller, slice_from_cstr(m->roots_pem));
    if (!in->listener && open_listener(in)) {
        /* A port that cannot be had is not got by waiting. */
        in->is_broken = true;
        loop_stop(in->loop);
    }
    return ERR_OK;
}

static enum err open_identity(struct injector *in)
{
    const struct injector_options *o = in->options;
    struct identity_config config = {
        .trust_domain = o->trust_domain,
        .namespace_name = o->namespace_name,
        .service_account = o->service_account,
        .certd_address = o->certd,
        .certd_name = o->certd_name,
        .trust_bundle_file = o->trust_bundle,
        .token_file = o->token_file,
        .cert_file = o->cert_file,
        .key_file = o->key_file,
        .use = use,
        .owner = in,
    };
    return identity_open(in->loop, &config, &in->identity);
}

/* ---- life */

static void on_lease(void *owner, bool is_leader)
{
    struct injector *in = owner;
    in->is_leader = is_leader;
    LOG_I("injector", is_leader ? "this replica writes the webhook configurations now"
                                : "another replica writes the webhook configurations");
    webhook_controller_set_active(in->controller, is_leader);
}

static void open_lease(struct injector *in)
{
    char *name = kube_lease_own_name();
    struct kube_lease_config config = {.namespace_name =
                                           slice_from_cstr(in->options->namespace_name),
                                       .name = SLICE("weft-injector"),
                                       .holder = slice_from_cstr(name)};
    in->lease = kube_lease_open(in->client, &config, on_lease, in);
    mem_free(name);
}

static void close_lease(struct injector *in)
{
    if (!in->lease)
        return;
    webhook_controller_set_active(in->controller, false);
    kube_lease_close(in->lease, NULL, NULL);
    in->lease = NULL;
}

/* The file that is mounted shows it up to two minutes later, and each replica's at another time. */
static void on_trust(void *owner, struct slice text)
{
    struct injector *in = owner;
    char *roots = mem_strndup(text.ptr ? text.ptr : "", text.len);
    identity_trust(in->identity, roots);
    mem_free(roots);
}

static enum err open_keeper(struct injector *in)
{
    char why[KUBE_DETAIL_MAX];
    struct kube_config config;
    if (!in->options->webhooks)
        return ERR_OK;
    enum err e = kube_config_load(in->options->kubeconfig, &config, why);
    if (e) {
        LOG_E("injector", "the API server cannot be asked: %s", why);
        return e;
    }
    in->client = kube_client_create(in->loop, &config);
    in->controller =
        webhook_controller_open(in->loop, in->client, slice_from_cstr(in->options->webhooks));
    in->context = pod_context_open(in->client, slice_from_cstr(in->options->namespace_name));
    open_lease(in);
    return ERR_OK;
}

static enum err open_health(struct injector *in)
{
    char text[ADDR_TEXT_MAX];
    struct addr at;
    in->health = (struct grpc_service){
        .owner = in, .plain = injector_probe_answer, .http = {.max_streams = 8}};
    struct grpc_listener_config config = {
        in->options->health, &in->health, HTTP_PROTOCOL_1, NULL, in, MAX_PROBES};
    if (!in->options->health.family)
        return ERR_OK;
    enum err e = grpc_listener_open(in->loop, &config, &in->health_listener);
    if (e) {
        LOG_E("injector", "cannot listen on %s: %s", addr_format(&in->options->health, text),
              err_text(e));
        return e;
    }
    grpc_listener_addr(in->health_listener, &at);
    LOG_I("injector", "health probe on %s", addr_format(&at, text));
    return ERR_OK;
}

static void on_drained(struct timer *t)
{
    loop_stop(container_of(t, struct injector, drained)->loop);
}

static void on_signal(void *owner, int number)
{
    struct injector *in = owner;
    if (number != SIGTERM && number != SIGINT)
        return;
    if (in->is_draining || !in->listener) {
        loop_stop(in->loop);
        return;
    }
    in->is_draining = true;
    LOG_I("injector", "stopping in %llu ms", (unsigned long long)in->options->drain_ms);
    close_lease(in);
    webhook_listener_drain(in->listener);
    timer_start(&in->drained, in->options->drain_ms);
}

static enum err start(struct injector *in)
{
    const struct injector_options *o = in->options;
    in->config = (struct inject_config){
        .image = slice_from_cstr(o->image),
        .pull_policy = slice_from_cstr(o->pull_policy),
        .discovery = slice_from_cstr(o->discovery),
        .certd = slice_from_cstr(o->sidecar_certd),
        .trust_domain = slice_from_cstr(o->trust_domain),
        .system_namespace = slice_from_cstr(o->namespace_name),
        .native = !o->classic,
    };
    in->names = injector_names_open(in->loop, &in->config);
    enum err e = open_health(in);
    if (!e)
        e = open_keeper(in);
    if (!e)
        e = open_identity(in);
    if (!e && in->client && o->certd)
        in->trust = kube_entry_open(in->client, slice_from_cstr(o->namespace_name),
                                    "weft-trust-bundle", "ca.crt", on_trust, in);
    return e;
}

static void dispose(struct injector *in)
{
    kube_entry_close(in->trust);
    if (in->identity)
        identity_close(in->identity);
    close_lease(in);
    webhook_controller_close(in->controller);
    pod_context_close(in->context);
    if (in->client)
        kube_client_destroy(in->client);
    webhook_listener_close(in->listener);
    injector_names_close(in->names);
    grpc_listener_close(in->health_listener);
    timer_stop(&in->drained);
    idle_memory_end(&in->memory);
    if (in->signals)
        signals_close(in->signals);
    tls_ctx_unref(in->ctx);
    mem_free(in->chain);
    mem_free(in->metrics);
}

int injector_serve(const struct injector_options *options)
{
    struct injector in = {.options = options};
    in.loop = loop_create();
    timer_init(&in.drained, in.loop, on_drained);
    mem_set_up();
    idle_memory_begin(&in.memory, in.loop, true);
    enum err e = start(&in);
    if (!e && !in.is_broken) {
        in.signals = signals_open(in.loop, on_signal, &in);
        loop_run(in.loop);
    }
    dispose(&in);
    loop_destroy(in.loop);
    return e || in.is_broken ? 1 : 0;
}
