/* What the health listener says: liveness, readiness, metrics. Ready is who has a certificate and
 * is not about to end. On the injector's only thread. Must not know connections.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "injector/injector_priv.h"
#include "lib/base/mem.h"
#include "lib/base/metric.h"

static unsigned judge_readiness(struct injector *in, struct slice *body)
{
    /* Roots that are more or others than ours are nobody's trouble as long as they vouch for us. */
    struct slice chain = slice_from_cstr(in->chain);
    bool is_vouched =
        chain.len && (!in->controller || webhook_controller_vouches(in->controller, chain));
    if (in->is_draining)
        *body = SLICE("stopping\n");
    else if (!in->listener)
        *body = SLICE("there is no certificate yet\n");
    else if (in->context && !pod_context_is_known(in->context))
        *body = SLICE("namespaces and their limits are not known yet\n");
    else if (!is_vouched)
        *body = SLICE("the API server cannot check our certificate: the webhook configurations "
                      "are not there, or caBundle in them has not the root of it\n");
    else
        *body = SLICE("ok\n");
    return slice_eq(*body, SLICE("ok\n")) ? 200 : 503;
}

static void write_counts(const struct injector *in, struct buf *out)
{
    static const char *const hooks[ADMISSION_HOOK_COUNT] = {"inject", "validate"};
    static const char *const outcomes[ADMISSION_OUTCOME_COUNT] = {
#define X(name, label) label,
        ADMISSION_OUTCOMES(X)
#undef X
    };
    static const char *const name = "weft_injector_admissions_total";
    metric_write_type(out, name, METRIC_COUNTER, "Reviews that were answered.");
    for (size_t h = 0; h < ADMISSION_HOOK_COUNT; h++) {
        for (size_t o = 0; o < ADMISSION_OUTCOME_COUNT; o++) {
            struct metric_label labels[] = {{"webhook", slice_from_cstr(hooks[h])},
                                            {"outcome", slice_from_cstr(outcomes[o])}};
            metric_write_u64(out, name, labels, 2, in->counts[h][o]);
        }
    }
}

static struct slice metrics(struct injector *in)
{
    struct buf text;
    struct identity_state state = {0};
    if (in->identity)
        identity_read(in->identity, &state);
    buf_init(&text);
    write_counts(in, &text);
    metric_write_type(&text, "weft_injector_certificate_not_after_seconds", METRIC_GAUGE,
                      "When our certificate ends, in seconds since 1970.");
    metric_write_u64(&text, "weft_injector_certificate_not_after_seconds", NULL, 0,
                     (uint64_t)state.not_after_ms / 1000);
    identity_write_metrics(in->identity, &text);
    if (in->controller) {
        metric_write_type(&text, "weft_injector_webhooks_current", METRIC_GAUGE,
                          "1: both webhook configurations carry the roots of our certificate.");
        metric_write_u64(&text, "weft_injector_webhooks_current", NULL, 0,
                         webhook_controller_is_right(in->controller));
        metric_write_type(&text, "weft_injector_leader", METRIC_GAUGE,
                          "1 for the one that writes the webhook configurations.");
        metric_write_u64(&text, "weft_injector_leader", NULL, 0, in->is_leader);
    }
    size_t len;
    mem_free(in->metrics);
    in->metrics = buf_take_text(&text, &len);
    return slice_of(in->metrics, len);
}

unsigned injector_probe_answer(void *owner, struct slice method, struct slice path,
                               struct slice *body)
{
    struct injector *in = owner;
    bool is_ready = slice_eq(path, SLICE("/readyz")), is_alive = slice_eq(path, SLICE("/healthz"));
    bool is_metrics = slice_eq(path, SLICE("/metrics"));
    if (!is_ready && !is_alive && !is_metrics) {
        *body = SLICE("not found: only /healthz, /readyz and /metrics are here\n");
        return 404;
    }
    if (!slice_eq(method, SLICE("GET")) && !slice_eq(method, SLICE("HEAD"))) {
        *body = SLICE("only GET\n");
        return 405;
    }
    if (is_ready)
        return judge_readiness(in, body);
    *body = is_alive ? SLICE("ok\n") : metrics(in);
    return 200;
}
