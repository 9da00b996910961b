/* What filters are told of a request, and what they may do, written down.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/sidecar/fake_exchange.h"

#include "lib/base/list.h"
#include "lib/codec/http/normalize.h"

static struct fake_exchange *fake_of(const struct filter_exchange *x)
{
    return container_of(x, struct fake_exchange, x);
}

static struct message *reply(struct filter_exchange *x, unsigned status, struct slice body)
{
    struct fake_exchange *ex = fake_of(x);
    (void)body;
    ex->status = status;
    ex->replies++;
    x->response = &ex->response;
    return x->response;
}

static struct message *reply_fail(struct filter_exchange *x, const struct fail_info *why,
                                  struct slice detail)
{
    struct fake_exchange *ex = fake_of(x);
    ex->fail = fail_of(why);
    ex->detail = detail;
    return reply(x, why->http_status, detail);
}

static void wake(struct filter_exchange *x)
{
    fake_of(x)->wakes++;
}

static const struct filter_host host = {.reply = reply, .fail = reply_fail, .wake = wake};

void fake_exchange_init(struct fake_exchange *ex, const char *method, const char *authority,
                        const char *target)
{
    *ex = (struct fake_exchange){.fail = FAIL_NONE};
    arena_init(&ex->arena, 4096);
    message_init(&ex->request, &ex->arena);
    message_init(&ex->response, &ex->arena);
    ex->request.method = slice_from_cstr(method);
    ex->request.authority = slice_from_cstr(authority);
    ex->request.path = slice_from_cstr(target);
    ex->x = (struct filter_exchange){.host = &host,
                                     .arena = &ex->arena,
                                     .request = &ex->request,
                                     .original_path = ex->request.path,
                                     .downstream = &ex->down,
                                     .client = &ex->client};
    ex->x.match_path =
        normalize_path_readings(&ex->arena, message_path_only(&ex->request), &ex->x.other_paths);
    ex->down.direction = DIRECTION_INBOUND;
    if (addr_parse(SLICE("10.1.2.3:40000"), &ex->down.peer) ||
        addr_parse(SLICE("10.9.9.9:9080"), &ex->down.local))
        ex->replies = 1000;
    ex->down.original_dst = ex->down.local;
    forwarded_from_peer(&ex->client, &ex->down.peer);
}

void fake_exchange_dispose(struct fake_exchange *ex)
{
    filter_road_end(&ex->road, &ex->x);
    arena_dispose(&ex->arena);
}

void fake_exchange_header(struct fake_exchange *ex, const char *name, const char *value)
{
    struct slice n = slice_from_cstr(name);
    struct header *h = headers_add(&ex->request.headers, n, slice_from_cstr(value));
    h->id = (uint16_t)header_id_of(n);
}

void fake_exchange_identify(struct fake_exchange *ex, const char *spiffe_id)
{
    ex->peer.spiffe_id = slice_from_cstr(spiffe_id);
    ex->down.tls_peer = &ex->peer;
    ex->down.is_tls = true;
}

enum filter_verdict fake_exchange_request(struct fake_exchange *ex,
                                          const struct filter_chain *chain)
{
    return filter_road_request(&ex->road, &ex->x, chain);
}

enum filter_verdict fake_exchange_response(struct fake_exchange *ex,
                                           const struct filter_chain *chain)
{
    ex->x.response = &ex->response;
    if (ex->road.frame_count)
        return filter_road_response(&ex->road, &ex->x);
    filter_road_unreached(&ex->road, &ex->x, chain);
    return FILTER_NEXT;
}
