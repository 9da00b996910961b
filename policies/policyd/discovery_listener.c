/* A mutual TLS port that only workloads of our trust domain get through, with a certificate that is
 * renewed while it is open. On the loop's thread. Must not know what is streamed.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/discovery_listener.h"

#include <stdio.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/identity/identity.h"
#include "lib/io/loop.h"
#include "lib/net/grpc_listener.h"
#include "lib/tls/tls_roots.h"
#include "policies/compile/discovery.h"
#include "policies/policyd/subscriber_list.h"

enum { CONNECTIONS_MAX = 20000, REQUEST_MAX = 4 << 20, STREAMS_MAX = 4 };

struct discovery_listener {
    struct loop *loop;
    const struct policyd_options *options;
    struct identity *identity;
    struct tls_ctx *ctx; /* of the newest certificate */
    struct grpc_method method;
    struct grpc_service service;
    struct grpc_listener *listener;
    bool is_shut;
};

static void on_stream(struct grpc_call *call, struct grpc_stream *stream)
{
    subscriber_list_admit(grpc_call_owner(call), stream);
}

static struct tls_ctx *current_ctx(void *owner)
{
    return ((struct discovery_listener *)owner)->ctx;
}

static enum err listen_once(struct discovery_listener *d)
{
    char text[ADDR_TEXT_MAX];
    struct addr at;
    struct grpc_listener_config config = {d->options->listen, &d->service, HTTP_PROTOCOL_2,
                                          current_ctx,        d,           CONNECTIONS_MAX};
    if (d->listener || d->is_shut)
        return ERR_OK;
    enum err e = grpc_listener_open(d->loop, &config, &d->listener);
    if (e) {
        LOG_E("door", "cannot listen on %s: %s", addr_format(&d->options->listen, text),
              err_text(e));
        return e;
    }
    grpc_listener_addr(d->listener, &at);
    LOG_I("door", "data planes of %s are served on %s", d->options->trust_domain,
          addr_format(&at, text));
    return ERR_OK;
}

static enum err use_certificate(void *owner, const char *spiffe_id,
                                const struct identity_material *m, char detail[TLS_DETAIL_MAX])
{
    static const char *const alpn[] = {"h2", NULL};
    struct discovery_listener *d = owner;
    struct tls_ctx *ctx;
    struct tls_roots_report report = {0};
    struct tls_mesh_config config = {
        .is_server = true,
        .cert_chain_pem = slice_from_cstr(m->chain_pem),
        .key_pem = slice_from_cstr(m->key_pem),
        .roots_pem = slice_from_cstr(m->roots_pem),
        .trust_domain = slice_from_cstr(d->options->trust_domain),
        .alpn = alpn,
        .roots_report = &report,
    };
    (void)spiffe_id;
    enum err e = tls_ctx_create_mesh(&config, &ctx, detail);
    if (e)
        return e;
    if (report.skipped)
        LOG_W("identity", "of the trust bundle is left out: %s", report.text);
    tls_ctx_unref(d->ctx);
    d->ctx = ctx;
    if (d->listener)
        grpc_listener_review(d->listener);
    snprintf(detail, TLS_DETAIL_MAX, "the port cannot be opened");
    return listen_once(d);
}

enum err discovery_listener_open(struct loop *l, const struct policyd_options *o,
                                 struct subscriber_list *subscribers,
                                 struct discovery_listener **out)
{
    struct discovery_listener *d = mem_zalloc(sizeof *d);
    d->loop = l;
    d->options = o;
    d->method = (struct grpc_method){.path = DISCOVERY_PATH, .open = on_stream};
    d->service = (struct grpc_service){.methods = &d->method,
                                       .method_count = 1,
                                       .owner = subscribers,
                                       .max_request = REQUEST_MAX,
                                       .http = {.max_streams = STREAMS_MAX}};
    struct identity_config config = {
        .trust_domain = o->trust_domain,
        .namespace_name = o->namespace_name,
        .service_account = o->service_account,
        .certd_address = o->certd_address,
        .certd_name = o->certd_name,
        .trust_bundle_file = o->trust_bundle_file,
        .token_file = o->token_file,
        .join_token_file = o->join_token_file,
        .keep_dir = o->identity_dir,
        .cert_file = o->cert_file,
        .key_file = o->key_file,
        .use = use_certificate,
        .owner = d,
    };
    *out = d;
    return identity_open(l, &config, &d->identity);
}

void discovery_listener_shut(struct discovery_listener *d)
{
    d->is_shut = true;
    grpc_listener_close(d->listener);
    d->listener = NULL;
}

void discovery_listener_close(struct discovery_listener *d)
{
    discovery_listener_shut(d);
    if (d->identity)
        identity_close(d->identity);
    tls_ctx_unref(d->ctx);
    mem_free(d);
}

bool discovery_listener_is_open(const struct discovery_listener *d)
{
    return d->listener != NULL;
}

void discovery_listener_trust(struct discovery_listener *d, struct slice roots_pem)
{
    char *roots = mem_strndup(roots_pem.ptr ? roots_pem.ptr : "", roots_pem.len);
    if (d->identity)
        identity_trust(d->identity, roots);
    mem_free(roots);
}

const struct identity *discovery_listener_identity(const struct discovery_listener *d)
{
    return d->identity;
}
