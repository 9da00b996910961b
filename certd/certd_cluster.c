/* certd in a cluster: the CA in a Secret, the trust bundle in every namespace, callers proven by
 * service-account tokens. Any number of replicas; none has state of its own, all of them sign, and
 * the one that holds the Lease writes. Until the API server
 * has shown the Secret there is no listener for callers. On certd's only thread. Must not know how
 * a certificate is made. SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/certd_priv.h"
#include "certd/bundle_controller.h"
#include "certd/ca_controller.h"
#include "certd/token_review.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/metric.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/kube/kube_client.h"
#include "lib/kube/kube_lease.h"

enum { LEAVE_MS = 3000 };

struct cluster {
    struct kube_client *client;
    struct ca_controller *ca;
    struct bundle_controller *bundles;
    struct token_review *reviews;
    struct kube_lease *lease;
    struct timer leaving;
    bool is_leader;
    char *own_name; /* weft-certd.<namespace>.svc */
};

static void on_ca(void *owner, struct ca *fresh)
{
    struct certd *certd = owner;
    struct cluster *c = certd->home_state;
    const struct options *o = certd->options;
    if (certd_use_ca(certd, fresh))
        return;
    LOG_I("certd",
          "signing with the CA of Secret %.*s/" CA_CONTROLLER_SECRET ", bundle version %lld",
          SLICE_ARG(kube_client_namespace(c->client)), (long long)certd->ca.bundle_version);
    bundle_controller_set(c->bundles, slice_from_cstr(certd->ca.bundle_pem));
    if (certd->listener)
        return;
    struct ca_service_config config = {
        .reviews = c->reviews,
        .policy = options_policy(o),
        .ca = &certd->ca,
        .audit = certd->audit,
        .rate_per_minute = o->rate_per_minute,
    };
    /* A port that cannot be had is not got by waiting. */
    if (certd_serve_with(certd, &config)) {
        certd->is_broken = true;
        loop_stop(certd->loop);
    }
}

static bool published(void *owner, struct slice *roots_pem, bool *is_own)
{
    return bundle_controller_published(((struct cluster *)owner)->bundles, roots_pem, is_own);
}

static void on_bundles_watched(void *owner)
{
    struct cluster *c = owner;
    if (c->ca)
        ca_controller_look(c->ca);
}

static void on_lease(void *owner, bool is_leader)
{
    struct cluster *c = owner;
    c->is_leader = is_leader;
    LOG_I("certd", is_leader ? "this replica writes the Secret and the trust bundles now"
                             : "another replica writes the Secret and the trust bundles");
    bundle_controller_set_active(c->bundles, is_leader);
    ca_controller_set_active(c->ca, is_leader);
}

/* The last of own_names is kept free for it. */
static void add_own_name(struct certd *certd, struct cluster *c)
{
    c->own_name = mem_printf("weft-certd.%.*s.svc", SLICE_ARG(kube_client_namespace(c->client)));
    certd->own_names[certd->options->dns_name_count] = c->own_name;
}

/* ---- leaving */

static void on_left_too_late(struct timer *t)
{
    loop_stop(t->loop);
}

static void on_left(void *owner)
{
    certd_stop(owner);
}

/* So that another replica can write at once. */
static void leave(struct certd *certd)
{
    struct cluster *c = certd->home_state;
    if (!c->lease)
        return;
    bundle_controller_set_active(c->bundles, false);
    ca_controller_set_active(c->ca, false);
    kube_lease_close(c->lease, on_left, certd);
    c->lease = NULL;
    timer_start(&c->leaving, LEAVE_MS);
}

static void add_metric(struct buf *out, const char *name, enum metric_type type, const char *help,
                       uint64_t value)
{
    metric_write_type(out, name, type, help);
    metric_write_u64(out, name, NULL, 0, value);
}

static void add_metrics(const struct certd *certd, struct buf *out)
{
    const struct cluster *c = certd->home_state;
    struct ca_controller_state ca;
    if (!c || !c->ca)
        return;
    ca_controller_read(c->ca, &ca);
    add_metric(out, "weft_certd_leader", METRIC_GAUGE,
               "1 for the one that writes the Secret and the trust bundles.", c->is_leader);
    add_metric(out, "weft_certd_bundles_outdated", METRIC_GAUGE,
               "Namespaces whose trust bundle is not what it must be.",
               bundle_controller_outdated(c->bundles));
    add_metric(out, "weft_certd_root_replaced_timestamp_seconds", METRIC_GAUGE,
               CERTD_ROOT_REPLACED_HELP,
               (uint64_t)ca.replaced_ms / 1000);
    add_metric(out, "weft_certd_ca_restored_total", METRIC_COUNTER,
               "How often the CA's Secret was deleted and written again.", ca.restored);
}

static enum err open_home(struct certd *certd)
{
    char why[KUBE_DETAIL_MAX];
    const struct options *o = certd->options;
    struct kube_config config;
    enum err e = kube_config_load(o->kubeconfig, &config, why);
    if (e) {
        LOG_E("certd", "the API server cannot be asked: %s", why);
        return e;
    }
    struct cluster *c = mem_zalloc(sizeof(*c));
    certd->home_state = c;
    timer_init(&c->leaving, certd->loop, on_left_too_late);
    c->client = kube_client_create(certd->loop, &config);
    add_own_name(certd, c);
    e = audit_open(NULL, &certd->audit);
    if (e)
        return e;
    struct token_review_config reviews = {o->trust_domain, o->match_pod_address};
    struct slice space = kube_client_namespace(c->client);
    struct ca_controller_config ca = {
        space, o->trust_domain, o->root_ttl_ms, o->intermediate_ttl_ms, published, c};
    char *name = kube_lease_own_name();
    struct kube_lease_config lease = {.namespace_name = space,
                                      .name = SLICE("weft-certd"),
                                      .holder = slice_from_cstr(name)};
    c->reviews = token_review_create(certd->loop, c->client, &reviews);
    c->bundles = bundle_controller_open(certd->loop, c->client, space, on_bundles_watched, c);
    c->ca = ca_controller_open(certd->loop, c->client, &ca, on_ca, certd);
    c->lease = kube_lease_open(c->client, &lease, on_lease, c);
    mem_free(name);
    return ERR_OK;
}

static void tick(struct certd *certd, int64_t now_ms)
{
    (void)certd, (void)now_ms;
}

static void reload(struct certd *certd)
{
    (void)certd;
    LOG_I("certd", "nothing to read again: the Secret is watched");
}

static void close_home(struct certd *certd)
{
    struct cluster *c = certd->home_state;
    if (!c)
        return;
    if (c->lease)
        kube_lease_close(c->lease, NULL, NULL);
    timer_stop(&c->leaving);
    ca_controller_close(c->ca);
    bundle_controller_close(c->bundles);
    token_review_destroy(c->reviews);
    kube_client_destroy(c->client);
    mem_free(c->own_name);
    mem_free(c);
}

const struct certd_home certd_cluster_home = {open_home, tick,        reload,
                                          leave,     add_metrics, close_home};
