/* What the health listener says: liveness, readiness, metrics. Ready is who can sign; alive is who
 * is not stuck, so waiting for the API server is no reason to be restarted. On certd's only thread.
 * Must not know connections. SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/certd_priv.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/metric.h"

static bool has_expired(const struct certd *certd)
{
    return certd->ca.signer && clock_wall_ms() >= x509_authority_not_after_ms(certd->ca.signer);
}

static unsigned judge(const struct certd *certd, bool readiness, struct slice *body)
{
    if (!certd->listener) {
        *body = SLICE("there is no CA yet\n");
        return readiness ? 503 : 200;
    }
    bool expired = has_expired(certd);
    if (certd->is_healthy && !expired) {
        *body = SLICE("ok\n");
        return 200;
    }
    *body = expired ? SLICE("the signing certificate has expired\n")
                    : SLICE("certd's own certificate could not be renewed; see its log\n");
    return 503;
}

static void put(struct buf *out, const char *name, enum metric_type type, const char *help,
                uint64_t value)
{
    metric_write_type(out, name, type, help);
    metric_write_u64(out, name, NULL, 0, value);
}

static void write_metrics(const struct certd *certd, struct buf *out)
{
    const struct ca *ca = &certd->ca;
    int64_t end_ms = ca->signer ? x509_authority_not_after_ms(ca->signer) : 0;
    put(out, "weft_certd_certificates_issued_total", METRIC_COUNTER, "Certificates signed.",
        certd->service.issued);
    put(out, "weft_certd_requests_refused_total", METRIC_COUNTER,
        "Requests for a certificate that were not granted.", certd->service.refused);
    put(out, "weft_certd_reviews_refused_total", METRIC_COUNTER,
        "Of these: tokens that were not reviewed, since too many attempts came from the address.",
        certd->service.unreviewed);
    put(out, "weft_certd_signer_not_after_seconds", METRIC_GAUGE,
        "When the signing certificate ends, in seconds since 1970.", (uint64_t)end_ms / 1000);
    put(out, "weft_certd_bundle_version", METRIC_GAUGE, "Version of the set of roots.",
        (uint64_t)ca->bundle_version);
    certd->home->metrics(certd, out);
}

static struct slice metrics(struct certd *certd)
{
    struct buf text;
    buf_init(&text);
    write_metrics(certd, &text);
    size_t len;
    mem_free(certd->metrics);
    certd->metrics = buf_take_text(&text, &len);
    return slice_of(certd->metrics, len);
}

unsigned certd_probe_answer(void *owner, struct slice method, struct slice path, struct slice *body)
{
    struct certd *certd = owner;
    bool ready = slice_eq(path, SLICE("/readyz")), alive = slice_eq(path, SLICE("/healthz"));
    bool is_metrics = slice_eq(path, SLICE("/metrics"));
    if (!ready && !alive && !is_metrics) {
        *body = SLICE("not found: only /healthz, /readyz and /metrics are here\n");
        return 404;
    }
    if (!slice_eq(method, SLICE("GET")) && !slice_eq(method, SLICE("HEAD"))) {
        *body = SLICE("only GET\n");
        return 405;
    }
    if (!is_metrics)
        return judge(certd, ready, body);
    *body = metrics(certd);
    return 200;
}
