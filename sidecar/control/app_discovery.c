/* Between the discovery stream and the workers: letters one way, questions the other, and the
 * certificate that the stream shows. Control thread. Must not know what is streamed.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/app_discovery.h"

#include "lib/tls/tls_ctx.h"
#include "sidecar/control/app_priv.h"
#include "sidecar/source/source_stream.h"
#include "sidecar/worker/worker.h"

static void on_answers(void *owner, const struct addr *addrs, size_t count, bool is_connected)
{
    struct app *app = owner;
    for (unsigned i = 0; i < app->worker_count; i++)
        worker_post_answers(&app->workers[i], addrs, count, is_connected);
}

void app_discovery_open(struct app *app, source_publish_fn publish)
{
    struct source_stream_config config = {
        .settings = app->settings,
        .publish = publish,
        .on_answers = on_answers,
        .owner = app,
    };
    app->stream = source_stream_open(app->loop, &config);
}

void app_discovery_close(struct app *app)
{
    if (app->stream)
        source_stream_close(app->stream);
    app->stream = NULL;
}

enum err app_discovery_identify(struct app *app, const struct identity_material *m,
                                char detail[TLS_DETAIL_MAX])
{
    static const char *const alpn[] = {"h2", NULL};
    struct tls_mesh_config config = {
        .cert_chain_pem = slice_from_cstr(m->chain_pem),
        .key_pem = slice_from_cstr(m->key_pem),
        .roots_pem = slice_from_cstr(m->roots_pem),
        .trust_domain = slice_from_cstr(app->settings->trust_domain),
        .alpn = alpn,
    };
    struct tls_ctx *ctx;
    if (!app->stream)
        return ERR_OK;
    enum err e = tls_ctx_create_mesh(&config, &ctx, detail);
    if (e != ERR_OK)
        return e;
    source_stream_identify(app->stream, ctx);
    tls_ctx_unref(ctx);
    return ERR_OK;
}

void app_discovery_interest(struct app *app, struct worker *w, const struct addr *to, bool wanted)
{
    if (!app->stream)
        return;
    if (!wanted)
        source_stream_drop(app->stream, to);
    else if (source_stream_want(app->stream, to))
        worker_post_answers(w, to, 1, source_stream_is_connected(app->stream));
}

void app_discovery_brief(struct app *app, struct worker *w)
{
    if (app->stream)
        worker_post_answers(w, NULL, 0, source_stream_is_connected(app->stream));
}
