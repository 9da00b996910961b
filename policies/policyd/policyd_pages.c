/* Pages made when they are asked for. On the loop's thread. Must not know how the numbers came
 * about.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/policyd_pages.h"

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/metric.h"
#include "lib/identity/identity.h"
#include "lib/net/grpc_listener.h"
#include "policies/policyd/discovery_listener.h"
#include "policies/policyd/subscriber_list.h"
#include "policies/policyd/object_store.h"

enum { PROBES_MAX = 64 };

struct policyd_pages {
    struct policyd_pages_config config;
    struct grpc_service service;
    struct grpc_listener *listener;
    char *page; /* the last one that was made */
};

/* ---- metrics ---- */

static void put(struct buf *out, const char *name, enum metric_type type, const char *help,
                uint64_t value)
{
    metric_write_type(out, name, type, help);
    metric_write_u64(out, name, NULL, 0, value);
}

static void write_roster(const struct policyd_pages *p, struct buf *out)
{
    struct subscriber_list_count n;
    subscriber_list_measure(p->config.subscribers, &n);
    put(out, "weft_policyd_subscribers", METRIC_GAUGE, "Data planes that are connected.",
        n.subscribers);
    put(out, "weft_policyd_subscribers_waiting", METRIC_GAUGE,
        "Data planes that are not served yet.", n.waiting);
    put(out, "weft_policyd_subscribers_behind", METRIC_GAUGE,
        "Data planes that do not have the newest configuration.", n.behind);
    put(out, "weft_policyd_subscribers_gateways", METRIC_GAUGE,
        "Data planes of Gateways that are connected.", n.gateways);
    put(out, "weft_policyd_addresses", METRIC_GAUGE, "Addresses that data planes asked for.",
        n.addresses);
    put(out, "weft_policyd_updates_total", METRIC_COUNTER, "Updates that were sent.", n.updates);
    put(out, "weft_policyd_update_bytes_total", METRIC_COUNTER, "Bytes of them.", n.update_bytes);
    put(out, "weft_policyd_acks_total", METRIC_COUNTER, "Updates that are in force.", n.acks);
    put(out, "weft_policyd_nacks_total", METRIC_COUNTER, "Updates that a data plane refused.",
        n.nacks);
    put(out, "weft_policyd_refused_total", METRIC_COUNTER, "Data planes that were not served.",
        n.refused);
    put(out, "weft_policyd_streams_refused_total", METRIC_COUNTER,
        "Streams that were one too many of one identity at one address.", n.crowded);
    put(out, "weft_policyd_desynced_total", METRIC_COUNTER,
        "Data planes that had something else than they were sent.", n.desynced);
    put(out, "weft_policyd_slow_total", METRIC_COUNTER,
        "Data planes that did not answer an update in time.", n.slow);
    metric_write_type(out, "weft_policyd_propagation_milliseconds", METRIC_HISTOGRAM,
                      "From a change to the word of a data plane that it is in force there.");
    metric_write_histogram(out, "weft_policyd_propagation_milliseconds", NULL, 0, METRIC_DURATION,
                           subscriber_list_propagation(p->config.subscribers));
}

static void write_identity(const struct identity *id, struct buf *out)
{
    struct identity_state state = {0};
    if (id)
        identity_read(id, &state);
    put(out, "weft_policyd_certificate_not_after_seconds", METRIC_GAUGE,
        "When our own certificate ends.", (uint64_t)(state.not_after_ms / 1000));
    identity_write_metrics(id, out);
}

static void write_state(const struct policyd_pages *p, struct buf *out)
{
    const struct policyd_pages_config *c = &p->config;
    struct answers_count n;
    compile_cache_measure(c->cache, &n);
    put(out, "weft_policyd_objects", METRIC_GAUGE, "Objects that are in force.",
        policy_set_count(object_store_set(c->world)));
    put(out, "weft_policyd_answers", METRIC_GAUGE, "Compiled answers that somebody holds.",
        n.answers);
    put(out, "weft_policyd_resource_bytes", METRIC_GAUGE, "Bytes of packed resources.",
        n.packed_resource_bytes);
    put(out, "weft_policyd_resources_refused", METRIC_GAUGE,
        "Resources whose newest version no data plane could use.", n.refused);
    put(out, "weft_policyd_compiled_total", METRIC_COUNTER, "Answers that were compiled.",
        n.compiled);
    put(out, "weft_policyd_leader", METRIC_GAUGE, "1 for the one that writes statuses.",
        c->is_leader(c->owner));
    put(out, "weft_policyd_watches_in_trouble", METRIC_GAUGE,
        "Kinds of objects that are out of contact.", c->troubles(c->owner));
    write_identity(discovery_listener_identity(c->listener), out);
    put(out, "weft_policyd_status_writes_total", METRIC_COUNTER, "Statuses that were written.",
        c->writes(c->owner));
}

/* ---- pages ---- */

static struct slice keep(struct policyd_pages *p, struct buf *text)
{
    size_t len;
    mem_free(p->page);
    p->page = buf_take_text(text, &len);
    return slice_of(p->page, len);
}

static struct slice make_metrics(struct policyd_pages *p)
{
    struct buf out;
    buf_init(&out);
    write_roster(p, &out);
    write_state(p, &out);
    return keep(p, &out);
}

static struct slice make_subscribers(struct policyd_pages *p)
{
    struct json_write w;
    struct buf out;
    buf_init(&out);
    json_write_init(&w, &out);
    subscriber_list_write(p->config.subscribers, &w);
    buf_append(&out, "\n", 1);
    return keep(p, &out);
}

static unsigned ready(const struct policyd_pages *p, struct slice *body)
{
    bool has_world = object_store_is_ready(p->config.world);
    bool is_open = discovery_listener_is_open(p->config.listener);
    *body = !has_world ? SLICE("the objects are not all read yet\n")
            : !is_open ? SLICE("there is no certificate yet\n")
                       : SLICE("ok\n");
    return has_world && is_open ? 200 : 503;
}

static unsigned serve(void *owner, struct slice method, struct slice path, struct slice *body)
{
    struct policyd_pages *p = owner;
    if (!slice_eq_cstr(method, "GET") && !slice_eq_cstr(method, "HEAD")) {
        *body = SLICE("only GET\n");
        return 405;
    }
    if (slice_eq_cstr(path, "/healthz"))
        *body = SLICE("ok\n");
    else if (slice_eq_cstr(path, "/readyz"))
        return ready(p, body);
    else if (slice_eq_cstr(path, "/metrics"))
        *body = make_metrics(p);
    else if (slice_eq_cstr(path, "/debug/subscribers"))
        *body = make_subscribers(p);
    else {
        *body = SLICE("not found: /healthz, /readyz, /metrics and /debug/subscribers are here\n");
        return 404;
    }
    return 200;
}

enum err policyd_pages_open(const struct policyd_pages_config *config, struct policyd_pages **out)
{
    char text[ADDR_TEXT_MAX];
    struct addr at;
    struct policyd_pages *p = mem_zalloc(sizeof *p);
    p->config = *config;
    p->service = (struct grpc_service){.owner = p, .plain = serve, .http = {.max_streams = 8}};
    struct grpc_listener_config listener = {config->at, &p->service, HTTP_PROTOCOL_1,
                                            NULL,       p,           PROBES_MAX};
    enum err e = grpc_listener_open(config->loop, &listener, &p->listener);
    if (e) {
        LOG_E("pages", "cannot listen on %s: %s", addr_format(&config->at, text), err_text(e));
        mem_free(p);
        return e;
    }
    grpc_listener_addr(p->listener, &at);
    LOG_I("pages", "health and metrics on %s", addr_format(&at, text));
    *out = p;
    return ERR_OK;
}

void policyd_pages_close(struct policyd_pages *p)
{
    if (!p)
        return;
    grpc_listener_close(p->listener);
    mem_free(p->page);
    mem_free(p);
}
