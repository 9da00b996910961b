/* The accessors of sidecar/exchange.h over a plain struct.
 * One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/sidecar/fake_exchange.h"

#include "lib/codec/normalize.h"

void fake_exchange_init(struct exchange *ex, const char *method, const char *authority,
                        const char *target)
{
    *ex = (struct exchange){.fail = FAIL_NONE};
    arena_init(&ex->arena, 4096);
    message_init(&ex->request, &ex->arena);
    message_init(&ex->response, &ex->arena);
    ex->request.method = slice_from_cstr(method);
    ex->request.authority = slice_from_cstr(authority);
    ex->request.path = slice_from_cstr(target);
    ex->original_path = ex->request.path;
    ex->match_path =
        normalize_path_readings(&ex->arena, message_path_only(&ex->request), &ex->other_paths);
    ex->down.direction = DIRECTION_INBOUND;
    if (addr_parse(SLICE("10.1.2.3:40000"), &ex->down.peer) ||
        addr_parse(SLICE("10.9.9.9:9080"), &ex->down.local))
        ex->replies = 1000;
    ex->down.original_dst = ex->down.local;
    forwarded_from_peer(&ex->client, &ex->down.peer);
}

void fake_exchange_dispose(struct exchange *ex)
{
    arena_dispose(&ex->arena);
}

void fake_exchange_header(struct exchange *ex, const char *name, const char *value)
{
    struct slice n = slice_from_cstr(name);
    struct header *h = headers_add(&ex->request.headers, n, slice_from_cstr(value));
    h->id = (uint16_t)header_id_of(n);
}

void fake_exchange_identify(struct exchange *ex, const char *spiffe_id)
{
    ex->peer.spiffe_id = slice_from_cstr(spiffe_id);
    ex->down.tls_peer = &ex->peer;
    ex->down.is_tls = true;
}

enum verdict fake_exchange_request(struct exchange *ex, const struct filter_chain *chain)
{
    for (uint32_t i = 0; chain && i < chain->count; i++) {
        const struct filter_entry *e = &chain->entries[i];
        enum verdict v =
            e->ops->on_request ? e->ops->on_request(ex, e->conf, ex->ctx[i]) : VERDICT_NEXT;
        if (v != VERDICT_NEXT)
            return v;
    }
    return VERDICT_NEXT;
}

enum verdict fake_exchange_response(struct exchange *ex, const struct filter_chain *chain)
{
    ex->response_head = &ex->response;
    for (uint32_t i = chain ? chain->count : 0; i-- > 0;) {
        const struct filter_entry *e = &chain->entries[i];
        enum verdict v =
            e->ops->on_response ? e->ops->on_response(ex, e->conf, ex->ctx[i]) : VERDICT_NEXT;
        if (v != VERDICT_NEXT)
            return v;
    }
    return VERDICT_NEXT;
}

struct arena *exchange_arena(struct exchange *ex)
{
    return &ex->arena;
}

struct message *exchange_request(struct exchange *ex)
{
    return &ex->request;
}

struct message *exchange_response(struct exchange *ex)
{
    return ex->response_head;
}

struct slice exchange_original_path(const struct exchange *ex)
{
    return ex->original_path;
}

struct slice exchange_match_path(struct exchange *ex)
{
    return ex->match_path;
}

const struct normalize_readings *exchange_other_paths(const struct exchange *ex)
{
    return ex->other_paths;
}

const struct downstream_info *exchange_downstream(const struct exchange *ex)
{
    return &ex->down;
}

const struct forwarded *exchange_client(const struct exchange *ex)
{
    return &ex->client;
}

bool exchange_has_odd_names(const struct exchange *ex)
{
    return ex->has_odd_names;
}

const struct route_conf *exchange_route(const struct exchange *ex)
{
    (void)ex;
    return NULL;
}

const struct snapshot *exchange_snapshot(const struct exchange *ex)
{
    (void)ex;
    return NULL;
}

void exchange_reply_fail(struct exchange *ex, enum fail fail, struct slice detail)
{
    ex->fail = fail;
    ex->detail = detail;
    ex->status = fail_info(fail)->http_status;
    ex->replies++;
}

struct message *exchange_reply(struct exchange *ex, unsigned status, struct slice body)
{
    (void)body;
    ex->status = status;
    ex->replies++;
    ex->response_head = &ex->response;
    return &ex->response;
}

void exchange_wake(struct exchange *ex)
{
    ex->wakes++;
}
