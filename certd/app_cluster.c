/* certd in a cluster: the CA in a Secret, the trust bundle in every namespace, callers proven by
 * service-account tokens. Any number of replicas; none has state of its own. Until the API server
 * has shown the Secret there is no door for callers. On certd's only thread. Must not know how a
 * certificate is made.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/app_priv.h"
#include "certd/bundle_keeper.h"
#include "certd/ca_keeper.h"
#include "certd/token_review.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/kube/kube_client.h"

struct cluster {
    struct kube_client *client;
    struct ca_keeper *ca;
    struct bundle_keeper *bundles;
    struct token_review *reviews;
    char *own_name; /* weft-certd.<namespace>.svc */
};

static void on_ca(void *owner, struct ca *fresh)
{
    struct app *app = owner;
    struct cluster *c = app->home_state;
    const struct options *o = app->options;
    if (app_use_ca(app, fresh))
        return;
    LOG_I("certd", "signing with the CA of Secret %.*s/" CA_KEEPER_SECRET ", bundle version %lld",
          SLICE_ARG(kube_client_namespace(c->client)), (long long)app->ca.bundle_version);
    bundle_keeper_set(c->bundles, slice_from_cstr(app->ca.bundle_pem));
    if (app->door)
        return;
    struct service_config config = {
        .reviews = c->reviews,
        .policy = options_policy(o),
        .ca = &app->ca,
        .audit = app->audit,
        .rate_per_minute = o->rate_per_minute,
    };
    /* A port that cannot be had is not got by waiting. */
    if (app_serve_with(app, &config)) {
        app->is_broken = true;
        loop_stop(app->loop);
    }
}

/* The last of own_names is kept free for it. */
static void add_own_name(struct app *app, struct cluster *c)
{
    c->own_name = mem_printf("weft-certd.%.*s.svc", SLICE_ARG(kube_client_namespace(c->client)));
    app->own_names[app->options->dns_name_count] = c->own_name;
}

static enum err open_home(struct app *app)
{
    char why[KUBE_DETAIL_MAX];
    const struct options *o = app->options;
    struct kube_config config;
    enum err e = kube_config_load(o->kubeconfig, &config, why);
    if (e) {
        LOG_E("certd", "the API server cannot be asked: %s", why);
        return e;
    }
    struct cluster *c = mem_zalloc(sizeof(*c));
    app->home_state = c;
    c->client = kube_client_create(app->loop, &config);
    add_own_name(app, c);
    e = audit_open(NULL, &app->audit);
    if (e)
        return e;
    struct token_review_config reviews = {o->trust_domain, o->match_pod_address};
    struct ca_keeper_config ca = {kube_client_namespace(c->client), o->trust_domain, o->root_ttl_ms,
                                  o->intermediate_ttl_ms};
    c->reviews = token_review_create(app->loop, c->client, &reviews);
    c->bundles = bundle_keeper_open(app->loop, c->client);
    c->ca = ca_keeper_open(app->loop, c->client, &ca, on_ca, app);
    return ERR_OK;
}

static void tick(struct app *app, int64_t now_ms)
{
    (void)app, (void)now_ms;
}

static void reload(struct app *app)
{
    (void)app;
    LOG_I("certd", "nothing to read again: the Secret is watched");
}

static void close_home(struct app *app)
{
    struct cluster *c = app->home_state;
    if (!c)
        return;
    ca_keeper_close(c->ca);
    bundle_keeper_close(c->bundles);
    token_review_destroy(c->reviews);
    kube_client_destroy(c->client);
    mem_free(c->own_name);
    mem_free(c);
}

const struct app_home app_cluster_home = {open_home, tick, reload, close_home};
