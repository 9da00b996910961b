/* A shard (or the sum of several) in the Prometheus text format, under Istio's names.
 * Control thread. Must not know where the numbers come from.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "sidecar/telemetry/metrics_priv.h"

enum { LABELS_MAX = 16 };

static const char *const reporter_names[] = {"source", "destination"};
static const char *const security_names[] = {"unknown", "none", "mutual_tls"};
static const char *const protocol_names[] = {"http", "grpc", "tcp"};

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
    const char *name, *label, *help;
};

static const struct family families[FAMILY_COUNT] = {
    [FAMILY_HANDSHAKES] = {"weft_tls_handshakes_total", "result",
                           "TLS handshakes with those who call us: ok, or why not."},
    [FAMILY_PLAINTEXT] = {"weft_plaintext_requests_total", "source",
                          "Requests without mutual TLS: who would be shut out by STRICT."},
};

static void render_families(const struct metrics_shard *m, struct buf *out)
{
    for (int i = 0; i < FAMILY_COUNT; i++) {
        struct slice key;
        void *value;
        metric_write_type(out, families[i].name, METRIC_COUNTER, families[i].help);
        for (size_t at = 0; map_next(&m->families[i], &at, &key, &value);) {
            struct metric_label label = {families[i].label, key};
            metric_write_u64(out, families[i].name, &label, 1, metric_read(value));
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
    if (s->protocol != METRICS_TCP) {
        snprintf(l->status, sizeof(l->status), "%u", s->status);
        push(l, "response_code", slice_from_cstr(l->status));
    }
    push(l, "response_flags", fail_info(s->fail)->flag);
    push(l, "connection_security_policy", slice_from_cstr(security_names[s->security]));
    if (s->protocol != METRICS_TCP && s->grpc_status != METRICS_NO_GRPC_STATUS) {
        snprintf(l->grpc, sizeof(l->grpc), "%d", s->grpc_status);
        push(l, "grpc_response_status", slice_from_cstr(l->grpc));
    }
}

struct shape {
    const char *name, *help;
    bool is_tcp, is_histogram;
    size_t offset; /* into struct series */
};

static const struct shape shapes[] = {
    {"istio_requests_total", "Requests that ended.", false, false,
     offsetof(struct series, requests)},
    {"istio_request_duration_milliseconds",
     "From the first byte of a request to the last of its answer.", false, true,
     offsetof(struct series, duration)},
    {"istio_request_bytes", "Sizes of request bodies.", false, true,
     offsetof(struct series, request_bytes)},
    {"istio_response_bytes", "Sizes of response bodies.", false, true,
     offsetof(struct series, response_bytes)},
    {"istio_tcp_connections_opened_total", "Opaque connections begun.", true, false,
     offsetof(struct series, opened)},
    {"istio_tcp_connections_closed_total", "Opaque connections ended.", true, false,
     offsetof(struct series, closed)},
    {"istio_tcp_sent_bytes_total", "Bytes sent to clients of opaque connections.", true, false,
     offsetof(struct series, sent)},
    {"istio_tcp_received_bytes_total", "Bytes received from clients of opaque connections.", true,
     false, offsetof(struct series, received)},
};

static void render_shape(const struct metrics_shard *m, const struct shape *shape, struct buf *out)
{
    const struct series *s;
    struct labels labels;
    metric_write_type(out, shape->name, shape->is_histogram ? METRIC_HISTOGRAM : METRIC_COUNTER,
                      shape->help);
    for (size_t at = 0; (s = series_next(&m->series, &at));) {
        if ((s->protocol == METRICS_TCP) != shape->is_tcp)
            continue;
        const void *field = (const char *)s + shape->offset;
        fill_labels(&labels, s);
        if (shape->is_histogram)
            metric_write_histogram(out, shape->name, labels.items, labels.count, field);
        else
            metric_write_u64(out, shape->name, labels.items, labels.count,
                             metric_read((const metric_value *)field));
    }
}

void metrics_shard_render(const struct metrics_shard *m, struct buf *out)
{
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        render_shape(m, &shapes[i], out);
    render_families(m, out);
    render_numbers(m, out);
    render_build(out);
}
