/* Certificates that listeners show: how long they hold, and for which hosts. Control thread. Must
 * not know why one cannot be used at all: the model of the Gateway says that.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <time.h>

#include "lib/base/map.h"
#include "lib/tls/tls_own_cert.h"
#include "lib/tls/x509.h"
#include "policies/analyze/analyze_priv.h"

#define DAY_MS INT64_C(86400000)
enum { NEAR_DAYS = 30, DATE_MAX = 24 };

static void write_date(int64_t ms, char out[DATE_MAX])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(out, DATE_MAX, "%Y-%m-%d %H:%M UTC", &tm);
}

static void judge_end(struct analyze *a, const struct secret *s)
{
    struct x509_facts facts;
    char date[DATE_MAX];
    if (!a->in->now_ms || x509_read(s->cert_chain_pem, &facts))
        return;
    int64_t left = facts.not_after_ms - a->in->now_ms;
    write_date(facts.not_after_ms, date);
    if (left <= 0)
        analyze_say(a, FINDING_CERTIFICATE_EXPIRED, &s->object, 0, "data.tls.crt",
                    "the certificate expired at %s: clients refuse it", date);
    else if (left < NEAR_DAYS * DAY_MS)
        analyze_say(a, FINDING_CERTIFICATE_NEAR_END, &s->object, 0, "data.tls.crt",
                    "the certificate ends at %s, in %d days", date, (int)(left / DAY_MS));
    if (facts.not_before_ms > a->in->now_ms) {
        write_date(facts.not_before_ms, date);
        analyze_say(a, FINDING_CERTIFICATE_EXPIRED, &s->object, 0, "data.tls.crt",
                    "the certificate is not valid before %s: clients refuse it", date);
    }
    x509_facts_dispose(&facts);
}

/* A wildcard listener needs a wildcard in the certificate, which looks like any label. */
static bool is_for(const struct secret *s, struct slice host)
{
    struct tls_own_cert cert;
    bool wild = slice_starts_with(host, SLICE("*."));
    tls_own_cert_read(s->cert_chain_pem, &cert);
    bool fits = !wild && tls_own_cert_fits(&cert, host) > 0;
    for (size_t i = 0; !fits && i < cert.name_count; i++)
        fits = slice_eq(cert.names[i], host) ||
               (wild && slice_ends_with(cert.names[i], slice_sub(host, 1, host.len)));
    tls_own_cert_dispose(&cert);
    return fits;
}

static void judge_host(struct analyze *a, const struct gateway_model_listener *l)
{
    struct slice host = l->from->hostname;
    for (size_t i = 0; i < l->n_certificates; i++)
        if (!host.len || is_for(l->certificates[i], host))
            return;
    if (l->n_certificates)
        analyze_say(a, FINDING_CERTIFICATE_HOST, l->owner, l->from->line, "spec.listeners",
                    "listener %.*s is for %.*s, and the certificate in %.*s is not",
                    SLICE_ARG(l->from->name), SLICE_ARG(host),
                    SLICE_ARG(l->certificates[0]->object.text));
}

/* Several listeners share a Secret: it is told once. */
static void judge_once(struct analyze *a, struct map *seen, const struct secret *s)
{
    if (!map_put(seen, s->object.text, a))
        judge_end(a, s);
}

void analyze_certificates(struct analyze *a)
{
    struct map seen;
    map_init(&seen);
    for (size_t i = 0; i < a->n_models; i++) {
        const struct gateway_model *m = a->models[i];
        for (size_t j = 0; j < m->n_listeners; j++) {
            const struct gateway_model_listener *l = &m->listeners[j];
            for (size_t k = 0; k < l->n_certificates; k++)
                judge_once(a, &seen, l->certificates[k]);
            judge_host(a, l);
        }
        if (m->client_certificate)
            judge_once(a, &seen, m->client_certificate);
    }
    map_dispose(&seen);
}
