/* Prometheus asks a pod once: the sidecar, which adds what the app has to say. Where the app's
 * metrics are comes from the annotations that everybody uses for it. Pure. Must not know what else
 * an injection does.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc/doc_make.h"
#include "lib/inject/inject_priv.h"

enum { PATH_MAX_LEN = 512 };

static struct slice annotation(const struct inject_run *r, struct slice name)
{
    return slice_trim(doc_string(doc_get(r->annotations, name)));
}

static bool is_plain_path(struct slice path)
{
    for (size_t i = 0; i < path.len; i++)
        if (path.ptr[i] <= ' ' || path.ptr[i] == 0x7f)
            return false;
    return path.len <= PATH_MAX_LEN;
}

/* "9090/metrics": where the app is to be asked. False: it says where, but not in a usable way. */
static bool find_app(struct inject_run *r)
{
    struct slice port = annotation(r, SLICE("prometheus.io/port"));
    struct slice path = annotation(r, SLICE("prometheus.io/path"));
    struct slice scheme = annotation(r, SLICE("prometheus.io/scheme"));
    uint64_t number;
    if (slice_is_empty(port))
        return true;
    if (slice_is_empty(path))
        path = SLICE("/metrics");
    bool ok = slice_to_u64(port, &number) == ERR_OK && number >= 1 && number <= 65535 &&
              path.ptr[0] == '/' && is_plain_path(path) &&
              (slice_is_empty(scheme) || slice_eq(scheme, SLICE("http")));
    if (ok && number != INJECT_PORT_METRICS)
        r->metrics = arena_printf(r->arena, "%.*s%.*s", SLICE_ARG(port), SLICE_ARG(path));
    return ok;
}

void inject_metrics_merge(struct inject_run *r, struct doc *annotations)
{
    struct slice scrape = annotation(r, SLICE("prometheus.io/scrape"));
    if (!inject_option_is(&r->options, INJECT_MERGE_METRICS, "true") ||
        slice_eq(scrape, SLICE("false")))
        return;
    if (!find_app(r)) {
        inject_warn(r, "the annotations prometheus.io/port, path and scheme do not name an HTTP "
                       "address; the app's metrics are not merged with the sidecar's");
        return;
    }
    doc_make_put_string(r->arena, annotations, "prometheus.io/scrape", SLICE("true"));
    doc_make_put_string(r->arena, annotations, "prometheus.io/port", SLICE("15020"));
    doc_make_put_string(r->arena, annotations, "prometheus.io/path", SLICE("/metrics"));
    if (annotation(r, SLICE("prometheus.io/scheme")).len)
        doc_make_put_string(r->arena, annotations, "prometheus.io/scheme", SLICE("http"));
}
