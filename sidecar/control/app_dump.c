/* JSON views for people who look into a running sidecar. Nothing here changes anything; secrets
 * are not shown. Control thread or worker, see app_dump.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/app_dump.h"

#include "lib/base/clock.h"
#include "lib/base/json_write.h"
#include "lib/base/mem.h"
#include "lib/identity/identity.h"
#include "lib/io/loop.h"
#include "sidecar/control/app_priv.h"
#include "sidecar/source/source_folder.h"
#include "sidecar/source/source_stream.h"
#include "sidecar/worker/mesh_identity.h"
#include "sidecar/upstream/outlier.h"
#include "sidecar/upstream/pool.h"
#include "sidecar/worker/worker.h"

static void put_text(struct json_write *w, const char *key, const char *value)
{
    json_write_field(w, key, slice_from_cstr(value));
}

static void put_identity(struct json_write *w, const struct mesh_identity *m,
                         const struct identity *id)
{
    struct identity_state state;
    json_write_key(w, "identity");
    json_write_object(w);
    if (m) {
        put_text(w, "spiffe_id", m->spiffe_id);
        json_write_key(w, "seconds_left");
        json_write_i64(w, (m->not_after_ms - clock_wall_ms()) / 1000);
        json_write_field_u64(w, "generation", m->generation);
    }
    if (id) {
        identity_read(id, &state);
        json_write_field_bool(w, "trusted", state.is_trusted);
        json_write_field_u64(w, "failed_requests", state.failures);
    }
    json_write_object_end(w);
}

static void put_folder(struct json_write *w, const struct app *app)
{
    put_text(w, "policy_dir", app->settings->policy_dir);
    json_write_field_u64(w, "config_rejected", source_folder_rejected(app->source));
}

static void put_discovery(struct json_write *w, const struct app *app)
{
    struct source_stream_status status;
    source_stream_read(app->stream, &status);
    json_write_field_u64(w, "config_rejected", status.rejected);
    json_write_key(w, "discovery");
    json_write_object(w);
    put_text(w, "address", app->settings->discovery);
    json_write_field_bool(w, "connected", status.is_connected);
    put_text(w, "problem", status.problem);
    json_write_field_u64(w, "serial", status.serial);
    json_write_field_u64(w, "updates", status.updates);
    json_write_field_u64(w, "resyncs", status.resyncs);
    json_write_field_u64(w, "resources", status.resources);
    json_write_field_u64(w, "addresses", status.addresses);
    json_write_object_end(w);
}

void app_dump_status(const struct app *app, struct buf *out)
{
    const struct settings *s = app->settings;
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    put_text(&w, "version", WEFT_VERSION);
    put_text(&w, "mode", s->mode == MODE_INGRESS ? "ingress" : "sidecar");
    put_text(&w, "namespace", s->namespace_name);
    put_text(&w, "workload", s->workload ? s->workload : s->gateway);
    json_write_field_u64(&w, "config_version", app->snapshot ? snapshot_version(app->snapshot) : 0);
    if (app->source)
        put_folder(&w, app);
    else
        put_discovery(&w, app);
    json_write_field_bool(&w, "draining", app->is_draining);
    json_write_field_u64(&w, "memory_fresh_blocks", mem_fresh_count());
    put_identity(&w, app->mesh, app->identity);
    json_write_key(&w, "workers");
    json_write_array(&w);
    for (unsigned i = 0; i < app->worker_count; i++)
        json_write_i64(&w, (int64_t)app->adopted[i]);
    json_write_array_end(&w);
    json_write_object_end(&w);
    buf_append_slice(out, SLICE("\n"));
}

static void put_endpoint(struct json_write *w, const struct endpoint *e, uint64_t now_ms)
{
    unsigned connections = 0;
    for (int kind = 0; kind < POOL_KIND_COUNT; kind++)
        connections += e->pools[kind] ? pool_connections(e->pools[kind]) : 0;
    json_write_object(w);
    json_write_field(w, "address", e->conf->address_text);
    json_write_field(w, "workload", e->conf->workload);
    json_write_field_bool(w, "ready", e->conf->ready);
    json_write_field_bool(w, "meshed", e->conf->meshed);
    json_write_field_bool(w, "ejected", outlier_is_ejected(e->conf->health, now_ms));
    json_write_field_bool(w, "unhealthy", endpoint_is_unhealthy(e));
    json_write_field_u64(w, "active", e->active);
    json_write_field_u64(w, "connections", connections);
    json_write_object_end(w);
}

static void put_cluster(struct json_write *w, const struct cluster *c)
{
    json_write_object(w);
    json_write_field(w, "name", c->conf->name);
    json_write_field_u64(w, "active", c->active);
    json_write_field_u64(w, "pending", c->pending);
    json_write_field_u64(w, "connections", c->connections);
    json_write_key(w, "endpoints");
    json_write_array(w);
    for (uint32_t i = 0; i < c->endpoint_count; i++)
        put_endpoint(w, c->endpoints[i], loop_now_ms(c->worker->loop));
    json_write_array_end(w);
    json_write_object_end(w);
}

void app_dump_worker(const struct worker *worker, struct buf *out)
{
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_field_u64(&w, "worker", worker->index);
    json_write_field_u64(&w, "config_version", snapshot_version(worker_snapshot(worker)));
    json_write_field_u64(&w, "sessions", worker->session_count);
    json_write_field_u64(&w, "flows", flow_table_count(&worker->flows));
    json_write_field_u64(&w, "exchanges", worker->exchange_count);
    json_write_key(&w, "clusters");
    json_write_array(&w);
    for (uint32_t i = 0; i < worker->clusters.slots; i++)
        if (worker->clusters.by_slot[i])
            put_cluster(&w, worker->clusters.by_slot[i]);
    size_t at = 0;
    struct slice key;
    void *value;
    while (map_next(&worker->clusters.dynamic, &at, &key, &value))
        put_cluster(&w, value);
    json_write_array_end(&w);
    json_write_object_end(&w);
}
