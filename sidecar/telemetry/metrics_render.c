/* A shard (or the sum of several) in the Prometheus text format, under Istio's names.
 * Control thread. Must not know where the numbers come from.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "sidecar/telemetry/metrics_priv.h"

enum { LABELS_MAX = 16 };

static const char *const reporter_names[] = {"source", "destination"};
static const char *const security_names[] = {"unknown", "none", "mutual_tls"};
static const char *const protocol_names[] = {"http", "grpc", "tcp", "udp"};

static const char *const text_names[SERIES_TEXT_COUNT] = {
    [SERIES_SOURCE_WORKLOAD] = "source_workload",
    [SERIES_SOURCE_NAMESPACE] = "source_workload_namespace",
    [SERIES_SOURCE_PRINCIPAL] = "source_principal",
    [SERIES_DESTINATION_WORKLOAD] = "destination_workload",
    [SERIES_DESTINATION_NAMESPACE] = "destination_workload_namespace",
    [SERIES_DESTINATION_PRINCIPAL] = "destination_principal",
    [SERIES_SERVICE] = "destination_service",
    [SERIES_SERVICE_NAME] = "destination_service_name",
    [SERIES_SERVICE_NAMESPACE] = "destination_service_namespace",
};

/* ---- plain numbers ---- */

struct number {
    const char *name, *help;
    enum metric_type type;
};

static const struct number numbers[METRICS_COUNT] = {
#define X(id, type, name, help) {name, help, METRIC_##type},
#include "sidecar/telemetry/metrics.def"
#undef X
};

static void render_numbers(const struct metrics_shard *m, struct buf *out)
{
    for (int i = 0; i < METRICS_COUNT; i++) {
        metric_write_type(out, numbers[i].name, numbers[i].type, numbers[i].help);
        metric_write_u64(out, numbers[i].name, NULL, 0, metric_read(&m->values[i]));
    }
}

static void render_build(struct buf *out)
{
    const struct slice version = slice_from_cstr(WEFT_VERSION);
    const struct metric_label weft[] = {{"version", version}};
    const struct metric_label istio[] = {{"component", SLICE("proxy")}, {"tag", version}};
    metric_write_type(out, "weft_build_info", METRIC_GAUGE, "The version that runs.");
    metric_write_u64(out, "weft_build_info", weft, 1, 1);
    metric_write_type(out, "istio_build", METRIC_GAUGE, "The same, under Istio's name.");
    metric_write_u64(out, "istio_build", istio, 2, 1);
}

struct family {
    const char *name, *label, *second, *help; /* second: another label, or NULL */
};

static const struct family families[FAMILY_COUNT] = {
    [FAMILY_HANDSHAKES] = {"weft_tls_handshakes_total", "result", NULL,
                           "TLS handshakes with those who call us: ok, or why not."},
    [FAMILY_PLAINTEXT] = {"weft_plaintext_requests_total", "source", NULL,
                          "Requests without mutual TLS: who would be shut out by STRICT."},
    [FAMILY_FILTERS] = {"weft_filter_events_total", "filter", "event",
                        "What filters did to requests, beside letting them pass."},
    [FAMILY_UDP_DROPPED] = {"weft_udp_datagrams_dropped_total", "reason", NULL,
                            "Datagrams that went nowhere, by the reason."},
    [FAMILY_CONSUMERS] = {"weft_consumer_requests_total", "consumer", "response_code",
                          "Requests of consumers that a filter has let in."},
};

static void render_families(const struct metrics_shard *m, struct buf *out)
{
    for (int i = 0; i < FAMILY_COUNT; i++) {
        struct slice key;
        void *value;
        metric_write_type(out, families[i].name, METRIC_COUNTER, families[i].help);
        for (size_t at = 0; map_next(&m->families[i], &at, &key, &value);) {
            size_t end = families[i].second ? slice_find_byte(key, ' ') : key.len;
            struct metric_label labels[] = {
                {families[i].label, slice_sub(key, 0, end)},
                {families[i].second, slice_sub(key, end + 1, key.len)},
            };
            metric_write_u64(out, families[i].name, labels, families[i].second ? 2 : 1,
                             metric_read(value));
        }
    }
}

/* ---- series ---- */

struct labels {
    struct metric_label items[LABELS_MAX];
    size_t count;
    char status[8], grpc[8];
};

static void push(struct labels *l, const char *name, struct slice value)
{
    l->items[l->count++] = (struct metric_label){name, value};
}

static void fill_labels(struct labels *l, const struct series *s)
{
    l->count = 0;
    push(l, "reporter", slice_from_cstr(reporter_names[s->reporter]));
    for (int i = 0; i < SERIES_TEXT_COUNT; i++)
        push(l, text_names[i], series_text(s, (enum series_text)i));
    push(l, "request_protocol", slice_from_cstr(protocol_names[s->protocol]));
    if (!metrics_is_opaque(s->protocol)) {
        snprintf(l->status, sizeof(l->status), "%u", s->status);
        push(l, "response_code", slice_from_cstr(l->status));
    }
    push(l, "response_flags", fail_info(s->fail)->flag);
    push(l, "connection_security_policy", slice_from_cstr(security_names[s->security]));
    if (!metrics_is_opaque(s->protocol) && s->grpc_status != METRICS_NO_GRPC_STATUS) {
        snprintf(l->grpc, sizeof(l->grpc), "%d", s->grpc_status);
        push(l, "grpc_response_status", slice_from_cstr(l->grpc));
    }
}

enum shape_kind { SHAPE_COUNTER, SHAPE_DURATION, SHAPE_SIZE };

struct shape {
    const char *name, *help;
    bool is_tcp;
    enum shape_kind kind;
    size_t at; /* offset into struct series; of SHAPE_SIZE: enum series_size */
};

static const struct shape shapes[] = {
    {"istio_requests_total", "Requests that ended.", false, SHAPE_COUNTER,
     offsetof(struct series, requests)},
    {"istio_request_duration_milliseconds",
     "From the first byte of a request to the last of its answer.", false, SHAPE_DURATION,
     offsetof(struct series, duration)},
    {"istio_request_bytes", "Sizes of request bodies.", false, SHAPE_SIZE, SERIES_REQUEST_SIZE},
    {"istio_response_bytes", "Sizes of response bodies.", false, SHAPE_SIZE, SERIES_RESPONSE_SIZE},
    {"istio_tcp_connections_opened_total", "Opaque connections begun.", true, SHAPE_COUNTER,
     offsetof(struct series, opened)},
    {"istio_tcp_connections_closed_total", "Opaque connections ended.", true, SHAPE_COUNTER,
     offsetof(struct series, closed)},
    {"istio_tcp_sent_bytes_total", "Bytes sent to clients of opaque connections.", true,
     SHAPE_COUNTER, offsetof(struct series, sent)},
    {"istio_tcp_received_bytes_total", "Bytes received from clients of opaque connections.", true,
     SHAPE_COUNTER, offsetof(struct series, received)},
};

enum { SHAPE_COUNT = sizeof(shapes) / sizeof(shapes[0]) };

static void render_sample(const struct shape *shape, const struct series *s, struct buf *out)
{
    const void *field = (const char *)s + shape->at;
    struct labels labels;
    fill_labels(&labels, s);
    switch (shape->kind) {
    case SHAPE_COUNTER:
        metric_write_u64(out, shape->name, labels.items, labels.count,
                         metric_read((const metric_value *)field));
        break;
    case SHAPE_DURATION:
        metric_write_histogram(out, shape->name, labels.items, labels.count, METRIC_DURATION,
                               field);
        break;
    case SHAPE_SIZE:
        metric_write_histogram(out, shape->name, labels.items, labels.count, METRIC_SIZE,
                               series_size(s, (enum series_size)shape->at));
        break;
    }
}

static bool is_shown(const struct shape *shape, const struct series *s)
{
    return metrics_is_opaque(s->protocol) == shape->is_tcp &&
           (shape->kind != SHAPE_SIZE || s->has_sizes);
}

/* Until there is enough. False: the shape is done. */
static bool render_shape(const struct metrics_shard *m, const struct shape *shape,
                         struct metrics_cursor *c, struct buf *out, size_t enough)
{
    static const enum metric_type types[] = {METRIC_COUNTER, METRIC_HISTOGRAM, METRIC_HISTOGRAM};
    const struct series *s;
    while (out->len < enough) {
        if (!(s = series_next(&m->series, &c->at)))
            return false;
        if (!is_shown(shape, s))
            continue;
        if (!c->is_begun)
            metric_write_type(out, shape->name, types[shape->kind], shape->help);
        c->is_begun = true;
        render_sample(shape, s, out);
    }
    return true;
}

bool metrics_shard_render_some(const struct metrics_shard *m, struct metrics_cursor *c,
                               struct buf *out, size_t enough)
{
    enough += out->len;
    for (; c->part < SHAPE_COUNT; *c = (struct metrics_cursor){.part = c->part + 1})
        if (render_shape(m, &shapes[c->part], c, out, enough))
            return true;
    render_families(m, out);
    render_numbers(m, out);
    render_build(out);
    return false;
}

void metrics_shard_render(const struct metrics_shard *m, struct buf *out)
{
    struct metrics_cursor c = {0};
    (void)metrics_shard_render_some(m, &c, out, SIZE_MAX - out->len);
}
