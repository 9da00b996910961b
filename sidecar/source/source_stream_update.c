/* One update: parsed, looked over for what is not ours, built beside what is in force, and then
 * taken over and acknowledged; or refused, and nothing has changed. Control thread. Must not know
 * how the stream comes and goes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "sidecar/config/last_good.h"
#include "sidecar/source/source_stream_priv.h"

#define BODY(kind) WEFT__CONFIG__V1__RESOURCE__BODY_##kind
#define DETAIL_MAX 256
#define KEEP_AFTER_MS 1000

typedef Weft__Discovery__V1__Update update;
typedef Weft__Config__V1__Resource resource;

/* ---- is it for us? */

static enum err refuse(char *detail, const char *name, const char *why)
{
    snprintf(detail, DETAIL_MAX, "%s: %s", name, why);
    return ERR_INVALID;
}

/* policyd is trusted, but a mistake in it must not make us somebody else. */
static enum err check_inbound(const struct settings *s, const resource *r, char *detail)
{
    struct slice workload = slice_from_cstr(r->inbound->workload);
    if (s->mode == MODE_INGRESS)
        return refuse(detail, r->name, "a gateway has no inbound");
    if (s->workload && workload.len && !slice_eq_cstr(workload, s->source_label))
        return refuse(detail, r->name, "it is another workload's");
    return ERR_OK;
}

static enum err check_gateway(const struct settings *s, const resource *r, char *detail)
{
    char mine[DETAIL_MAX];
    if (s->mode != MODE_INGRESS)
        return refuse(detail, r->name, "a sidecar serves no gateway");
    snprintf(mine, sizeof(mine), "gateway/%s/%s:", s->namespace_name, s->gateway);
    if (!slice_starts_with(slice_from_cstr(r->name), slice_from_cstr(mine)))
        return refuse(detail, r->name, "it is another gateway's");
    return ERR_OK;
}

static enum err check(const struct settings *s, const resource *r, char *detail)
{
    switch (r->body_case) {
    case BODY(INBOUND):
        return check_inbound(s, r, detail);
    case BODY(GATEWAY):
        return check_gateway(s, r, detail);
    case BODY(DESTINATION):
    case BODY(CLUSTER):
    case BODY(FILTER):
    case BODY(CONSUMER):
    case BODY(WORKLOAD):
    case BODY(MESH):
        return ERR_OK;
    default:
        return refuse(detail, r->name, "a resource of an unknown kind");
    }
}

/* ---- taking it in */

static void publish(struct source_stream *s, struct snapshot *snapshot)
{
    s->has_published = true;
    LOG_I("config", "version %lu is in force", (unsigned long)snapshot_version(snapshot));
    s->config.publish(s->config.owner, snapshot);
}

/* The first of them, for policyd. */
static void on_refused(void *owner, const char *name, const char *why)
{
    char *first = owner;
    (void)name;
    LOG_E("config", "refused alone, the rest goes into force: %s", why);
    if (!*first)
        snprintf(first, DETAIL_MAX, "%s", why);
}

/* detail: why all of it is refused, or why a part of it is. */
static enum err apply(struct source_stream *s, const struct resource_change *change, char *detail)
{
    struct resource_preview preview;
    for (size_t i = 0; i < change->resource_count; i++) {
        enum err e = check(s->config.settings, change->resources[i], detail);
        if (e)
            return e;
    }
    resource_set_preview(&s->set, change, &preview);
    struct snapshot *snapshot =
        snapshot_build_what_can_be(s->builder, &preview.configuration, on_refused, detail);
    resource_set_preview_dispose(&preview);
    s->rejected += *detail != 0;
    resource_set_commit(&s->set, change);
    publish(s, snapshot);
    return ERR_OK;
}

static void take_answers(struct source_stream *s, const update *u)
{
    struct addr *addrs = mem_alloc((u->n_answers + 1) * sizeof(*addrs));
    size_t count = 0;
    for (size_t i = 0; i < u->n_answers; i++) {
        struct subscriptions_address *a =
            subscriptions_find(&s->wanted, slice_from_cstr(u->answers[i]->address));
        if (!a || a->is_answered)
            continue;
        a->is_answered = true;
        addrs[count++] = a->addr;
    }
    if (count)
        s->config.on_answers(s->config.owner, addrs, count, true);
    mem_free(addrs);
}

/* ---- answering it */

/* refused: why a part of what we have is not in force; empty: all is. */
static void acknowledge(struct source_stream *s, char *refused)
{
    Weft__Discovery__V1__Request request = WEFT__DISCOVERY__V1__REQUEST__INIT;
    Weft__Discovery__V1__Ack ack = WEFT__DISCOVERY__V1__ACK__INIT;
    ack.serial = s->serial;
    ack.digest = s->set.digest;
    ack.refused = refused;
    request.body_case = WEFT__DISCOVERY__V1__REQUEST__BODY_ACK;
    request.ack = &ack;
    source_stream_send(s, &request);
}

static void reject(struct source_stream *s, char *detail)
{
    Weft__Discovery__V1__Request request = WEFT__DISCOVERY__V1__REQUEST__INIT;
    Weft__Discovery__V1__Nack nack = WEFT__DISCOVERY__V1__NACK__INIT;
    s->rejected++;
    LOG_E("config", "an update is refused as a whole; %s: %s",
          s->has_published ? "what is in force stays" : "nothing is in force yet", detail);
    nack.serial = s->serial;
    nack.detail = detail;
    request.body_case = WEFT__DISCOVERY__V1__REQUEST__BODY_NACK;
    request.nack = &nack;
    source_stream_send(s, &request);
}

static void take(struct source_stream *s, const update *u)
{
    char detail[DETAIL_MAX] = "";
    struct resource_change change = {
        .resources = u->resources,
        .resource_count = u->n_resources,
        .removed = u->removed,
        .removed_count = u->n_removed,
        .from_nothing = s->from_nothing,
    };
    bool changes = u->n_resources + u->n_removed > 0 || s->from_nothing || !s->has_published;
    s->updates++;
    if (changes && apply(s, &change, detail)) {
        reject(s, detail);
        return;
    }
    s->from_nothing = false;
    if (changes && s->config.settings->last_good_file && !timer_is_running(&s->keep))
        timer_start(&s->keep, KEEP_AFTER_MS);
    take_answers(s, u);
    if (s->set.digest == u->digest) {
        s->failures = 0;
        acknowledge(s, detail);
        return;
    }
    s->from_nothing = true;
    s->resyncs++;
    source_stream_restart(s, "what we have is not what policyd thinks we have: all anew");
}

void source_stream_update(struct source_stream *s, struct slice packed)
{
    update *u = weft__discovery__v1__update__unpack(NULL, packed.len, (const uint8_t *)packed.ptr);
    if (!u || u->serial <= s->serial) {
        s->rejected++;
        source_stream_restart(s, u ? "an update came twice" : "an update cannot be read");
    } else {
        s->serial = u->serial;
        take(s, u);
    }
    if (u)
        weft__discovery__v1__update__free_unpacked(u, NULL);
}

/* ---- over restarts */

void source_stream_write_last_good(struct source_stream *s)
{
    struct buf packed;
    buf_init(&packed);
    resource_set_pack(&s->set, &packed);
    size_t len;
    char *whole = buf_take_text(&packed, &len);
    last_good_keep(s->config.settings->last_good_file, whole, len);
    mem_free(whole);
}

void source_stream_load_last_good(struct source_stream *s)
{
    const char *path = s->config.settings->last_good_file;
    Weft__Config__V1__Configuration *c;
    char detail[DETAIL_MAX] = "it cannot be read";
    enum err e = last_good_load(path, &c);
    if (e == ERR_NOT_FOUND)
        return;
    if (e == ERR_OK) {
        detail[0] = '\0';
        struct resource_change change = {.resources = c->resources,
                                         .resource_count = c->n_resources};
        e = apply(s, &change, detail);
        weft__config__v1__configuration__free_unpacked(c, NULL);
    }
    if (e == ERR_OK)
        LOG_W("config", "serving the last good configuration from %s", path);
    else
        LOG_W("config", "%s: not used: %s", path, detail);
}
