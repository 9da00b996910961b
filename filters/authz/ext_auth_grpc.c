/* External authorization by gRPC: envoy.service.auth.v3.Authorization/Check. Both messages lie in
 * the exchange's arena.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/ext_auth.h"

#include <string.h>

#include "filters/grpc_ask.h"
#include "lib/base/utf8.h"
#include "lib/io/stream.h"
#include "lib/proto/ext_authz.pb-c.h"

#define CHECK SLICE("/envoy.service.auth.v3.Authorization/Check")
#define PB(name) Weft__ExtAuthz__##name
/* One of them in the arena, initialised. */
#define PB_NEW(arena, name, init) \
    new_message(arena, &(const PB(name))WEFT__EXT_AUTHZ__##init##__INIT, sizeof(PB(name)))

static void *new_message(struct arena *arena, const void *initial, size_t size)
{
    return memcpy(arena_alloc(arena, size), initial, size);
}

static ProtobufCBinaryData bytes_of(struct slice s)
{
    return (ProtobufCBinaryData){s.len, (uint8_t *)(uintptr_t)s.ptr};
}

static struct slice slice_of_bytes(const ProtobufCBinaryData *b)
{
    return slice_of(b->data ? b->data : (const uint8_t *)"", b->len);
}

/* What is no UTF-8 no reader of a text would take: such bytes become '!', as with Envoy. */
static ProtobufCBinaryData text_of(struct arena *arena, struct slice s)
{
    if (utf8_is_valid(s))
        return bytes_of(s);
    char *to = arena_alloc(arena, s.len);
    for (size_t i = 0; i < s.len;) {
        size_t len = utf8_front(slice_sub(s, i, s.len));
        to[i] = len ? s.ptr[i] : '!';
        for (size_t j = 1; j < len; j++)
            to[i + j] = s.ptr[i + j];
        i += len ? len : 1;
    }
    return bytes_of(slice_of(to, s.len));
}

/* ---- who and where ---- */

static PB(Address) * address_of(struct arena *arena, const struct addr *from)
{
    char text[ADDR_TEXT_MAX];
    PB(Address) *a = PB_NEW(arena, Address, ADDRESS);
    a->socket = PB_NEW(arena, SocketAddress, SOCKET_ADDRESS);
    a->socket->address =
        bytes_of(arena_copy(arena, slice_from_cstr(addr_format_ip(from, text))));
    a->socket->port = from->port;
    return a;
}

static PB(Peer) * source_of(struct filter_exchange *x)
{
    const struct downstream_info *down = x->downstream;
    PB(Peer) *p = PB_NEW(x->arena, Peer, PEER);
    p->address = address_of(x->arena, x->client->is_unknown ? &down->peer : &x->client->client);
    if (down->tls_peer)
        p->principal = bytes_of(down->tls_peer->spiffe_id);
    return p;
}

static PB(Peer) * destination_of(struct filter_exchange *x)
{
    const struct downstream_info *down = x->downstream;
    PB(Peer) *p = PB_NEW(x->arena, Peer, PEER);
    p->address =
        address_of(x->arena, down->original_dst.family ? &down->original_dst : &down->local);
    return p;
}

/* ---- the request ---- */

struct pairs {
    PB(Pair) * *items;
    size_t count;
};

static PB(Pair) * push(struct pairs *to, struct arena *arena, struct slice key, struct slice value)
{
    PB(Pair) *p = PB_NEW(arena, Pair, PAIR);
    p->key = text_of(arena, key);
    p->value = text_of(arena, value);
    to->items[to->count++] = p;
    return p;
}

/* Several lines of one name are one value (RFC 9110 §5.3). */
static void push_header(struct pairs *to, struct arena *arena, const struct header *h)
{
    for (size_t i = 0; i < to->count; i++) {
        PB(Pair) *there = to->items[i];
        if (!slice_eq(slice_of_bytes(&there->key), h->name))
            continue;
        struct slice first = slice_of_bytes(&there->value);
        there->value = text_of(arena, arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(first),
                                                   h->id == HEADER_COOKIE ? "; " : ",",
                                                   SLICE_ARG(h->value)));
        return;
    }
    push(to, arena, h->name, h->value);
}

enum { PAIRS_EXTRA = 5 }; /* the four pseudo-headers, and whether the body is whole */

static void show_headers(struct filter_exchange *x, const struct ext_auth *c,
                         const struct ext_auth_body *body, PB(HttpRequest) * to)
{
    const struct headers *from = &x->request->headers;
    const struct message *m = x->request;
    struct pairs pairs = {arena_alloc(x->arena, (from->count + PAIRS_EXTRA) *
                                                    sizeof(PB(Pair) *)), 0};
    if (!c->allowed_count) {
        push(&pairs, x->arena, SLICE(":method"), m->method);
        push(&pairs, x->arena, SLICE(":path"), m->path);
        push(&pairs, x->arena, SLICE(":authority"), m->authority);
        push(&pairs, x->arena, SLICE(":scheme"), m->scheme);
    }
    if (c->body_max)
        push(&pairs, x->arena, SLICE("x-envoy-auth-partial-body"),
             body->is_whole ? SLICE("false") : SLICE("true"));
    for (uint32_t i = 0; i < from->count; i++) {
        const struct header *h = &from->items[i];
        bool is_shown =
            !c->allowed_count || ext_auth_names(c->allowed, c->allowed_count, h->name);
        if (is_shown && !slice_starts_with(h->name, SLICE("x-weft-")) &&
            !slice_eq_cstr(h->name, "x-envoy-auth-partial-body"))
            push_header(&pairs, x->arena, h);
    }
    to->headers = pairs.items;
    to->n_headers = pairs.count;
}

static struct slice protocol_of(const struct message *m)
{
    return m->version == HTTP_2     ? SLICE("HTTP/2")
           : m->version == HTTP_1_1 ? SLICE("HTTP/1.1")
                                    : SLICE("HTTP/1.0");
}

static PB(Request) * request_of(struct filter_exchange *x, const struct ext_auth *c,
                                const struct ext_auth_body *body)
{
    const struct message *m = x->request;
    PB(Request) *r = PB_NEW(x->arena, Request, REQUEST);
    int64_t now_ms = x->host->unix_ms(x);
    r->time = PB_NEW(x->arena, Time, TIME);
    r->time->seconds = now_ms / 1000;
    r->time->nanos = (int32_t)(now_ms % 1000 * 1000000);
    PB(HttpRequest) *http = r->http = PB_NEW(x->arena, HttpRequest, HTTP_REQUEST);
    http->id = text_of(x->arena, headers_get_id(&m->headers, HEADER_X_REQUEST_ID));
    http->method = bytes_of(m->method);
    http->path = text_of(x->arena, m->path);
    http->host = text_of(x->arena, m->authority);
    http->scheme = bytes_of(m->scheme);
    http->protocol = bytes_of(protocol_of(m));
    http->size = m->content_length;
    if (utf8_is_valid(body->bytes))
        http->body = bytes_of(body->bytes);
    else
        http->raw_body = bytes_of(body->bytes);
    show_headers(x, c, body, http);
    return r;
}

static void show_context(struct filter_exchange *x, const struct ext_auth *c, PB(Attributes) * to)
{
    struct pairs pairs = {arena_alloc(x->arena, c->context_count * sizeof(PB(Pair) *)), 0};
    for (uint32_t i = 0; i < c->context_count; i++)
        push(&pairs, x->arena, c->context[i].key, c->context[i].value);
    to->context_extensions = pairs.items;
    to->n_context_extensions = pairs.count;
}

void ext_auth_grpc_ask(struct filter_exchange *x, const struct ext_auth *c,
                       const struct ext_auth_body *body, struct filter_call *call)
{
    PB(CheckRequest) check = WEFT__EXT_AUTHZ__CHECK_REQUEST__INIT;
    PB(Attributes) *a = check.attributes = PB_NEW(x->arena, Attributes, ATTRIBUTES);
    a->source = source_of(x);
    a->destination = destination_of(x);
    a->request = request_of(x, c, body);
    show_context(x, c, a);
    if (x->downstream->sni.len) {
        a->tls_session = PB_NEW(x->arena, TlsSession, TLS_SESSION);
        a->tls_session->sni = text_of(x->arena, x->downstream->sni);
    }
    size_t len = weft__ext_authz__check_request__get_packed_size(&check);
    uint8_t *frame = arena_alloc(x->arena, GRPC_FRAME_PREFIX + len);
    weft__ext_authz__check_request__pack(&check, frame + GRPC_FRAME_PREFIX);
    grpc_ask_prepare(call, x->arena, CHECK, slice_of(frame, GRPC_FRAME_PREFIX + len),
                     c->timeout_ms);
}

/* ---- the answer ---- */

static void *allocate(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void keep(void *arena, void *memory)
{
    (void)arena;
    (void)memory; /* it goes with the arena */
}

static struct slice value_of(const PB(HeaderValue) * h)
{
    return h->raw_value.len ? slice_of_bytes(&h->raw_value) : slice_of_bytes(&h->value);
}

/* append alone is how most authorizers say it, and it says "set" where it is not given; only for
 * responses does an action without it count. */
static enum ext_auth_action action_of(const PB(HeaderOption) * h, bool is_response)
{
    static const enum ext_auth_action actions[] = {EXT_AUTH_APPEND, EXT_AUTH_ADD_IF_ABSENT,
                                                   EXT_AUTH_SET, EXT_AUTH_SET_IF_PRESENT};
    if (h->append)
        return h->append->value ? EXT_AUTH_APPEND : EXT_AUTH_SET;
    if (h->append_action >= 1 && h->append_action <= 3)
        return actions[h->append_action];
    return is_response ? EXT_AUTH_APPEND : EXT_AUTH_SET;
}

struct reading {
    struct filter_exchange *x;
    struct ext_auth_answer *out;
    bool is_response;        /* for the client */
    const struct slice *may; /* names for the backend; NULL: any */
    uint32_t may_count;
};

static bool refuse(struct reading *r, const char *what, struct slice name)
{
    r->out->verdict = EXT_AUTH_FAILED;
    r->out->why = arena_printf(r->x->arena, "it may not %s the header \"%.*s\"", what,
                               name.len < 64 ? (int)name.len : 64, name.ptr);
    return false;
}

static bool take_header(struct reading *r, const PB(HeaderOption) * from,
                        struct ext_auth_header *to)
{
    static const PB(HeaderValue) none = WEFT__EXT_AUTHZ__HEADER_VALUE__INIT;
    const PB(HeaderValue) *h = from->header ? from->header : &none;
    struct slice name = arena_copy_lower(r->x->arena, slice_of_bytes(&h->key));
    *to = (struct ext_auth_header){name, slice_trim(value_of(h)), action_of(from, r->is_response)};
    bool is_meant = !r->may || ext_auth_names(r->may, r->may_count, name);
    if (!is_meant || !ext_auth_may_change(name) || !message_value_is_valid(to->value))
        return refuse(r, "set", utf8_is_valid(name) ? name : SLICE("?"));
    return true;
}

static bool take_headers(struct reading *r, PB(HeaderOption) * *from, size_t count,
                         struct ext_auth_header **to, uint32_t *taken)
{
    *to = arena_alloc(r->x->arena, count * sizeof(**to));
    for (size_t i = 0; i < count; i++)
        if (!take_header(r, from[i], &(*to)[(*taken)++]))
            return false;
    return true;
}

static bool take_removals(struct reading *r, const PB(Allowed) * from)
{
    struct ext_auth_answer *out = r->out;
    out->remove = arena_alloc(r->x->arena, from->n_headers_to_remove * sizeof(*out->remove));
    for (size_t i = 0; i < from->n_headers_to_remove; i++) {
        struct slice name =
            arena_copy_lower(r->x->arena, slice_of_bytes(&from->headers_to_remove[i]));
        if (!ext_auth_may_change(name))
            return refuse(r, "remove", utf8_is_valid(name) ? name : SLICE("?"));
        out->remove[out->remove_count++] = name;
    }
    return true;
}

static void take_query(struct reading *r, const PB(Allowed) * from)
{
    struct ext_auth_answer *out = r->out;
    struct arena *arena = r->x->arena;
    out->query_set =
        arena_alloc(arena, from->n_query_parameters_to_set * sizeof(*out->query_set));
    out->query_remove =
        arena_alloc(arena, from->n_query_parameters_to_remove * sizeof(*out->query_remove));
    for (size_t i = 0; i < from->n_query_parameters_to_set; i++) {
        const PB(QueryParameter) *q = from->query_parameters_to_set[i];
        out->query_set[out->query_set_count++] =
            (struct schema_pair){slice_of_bytes(&q->key), slice_of_bytes(&q->value)};
    }
    for (size_t i = 0; i < from->n_query_parameters_to_remove; i++)
        out->query_remove[out->query_remove_count++] =
            slice_of_bytes(&from->query_parameters_to_remove[i]);
}

static void take_allowed(struct reading *r, const struct ext_auth *c, const PB(Allowed) * from)
{
    struct ext_auth_answer *out = r->out;
    out->verdict = EXT_AUTH_ALLOWED;
    if (!from)
        return;
    r->may = c->to_backend_count ? c->to_backend : NULL;
    r->may_count = c->to_backend_count;
    if (!take_headers(r, from->headers, from->n_headers, &out->to_backend,
                      &out->to_backend_count) ||
        !take_removals(r, from))
        return;
    take_query(r, from);
    r->may = NULL;
    r->is_response = true;
    (void)take_headers(r, from->response_headers_to_add, from->n_response_headers_to_add,
                       &out->to_client, &out->to_client_count);
}

static void take_denied(struct reading *r, const PB(Denied) * from)
{
    struct ext_auth_answer *out = r->out;
    int32_t status = from && from->status ? from->status->code : 0;
    out->verdict = EXT_AUTH_DENIED;
    out->status = status >= 200 && status <= 599 ? (uint16_t)status : 403;
    if (!from)
        return;
    out->body = slice_of_bytes(&from->body);
    r->is_response = true;
    (void)take_headers(r, from->headers, from->n_headers, &out->to_client, &out->to_client_count);
}

void ext_auth_grpc_read(struct filter_exchange *x, const struct ext_auth *c,
                        const struct filter_call *call, struct ext_auth_answer *out)
{
    ProtobufCAllocator in_arena = {allocate, keep, x->arena};
    struct reading r = {.x = x, .out = out};
    struct slice message;
    *out = (struct ext_auth_answer){.verdict = EXT_AUTH_FAILED};
    if (!grpc_ask_answer(call, x->arena, &message, &out->why))
        return;
    PB(CheckResponse) *m = weft__ext_authz__check_response__unpack(
        &in_arena, message.len, (const uint8_t *)message.ptr);
    if (!m) {
        out->why = SLICE("its answer cannot be read");
        return;
    }
    /* Both must say that it may go on; without a status it is OK (proto3). */
    bool is_denied = m->http_response_case == WEFT__EXT_AUTHZ__CHECK_RESPONSE__HTTP_RESPONSE_DENIED;
    if (is_denied || (m->status && m->status->code != 0))
        take_denied(&r, is_denied ? m->denied : NULL);
    else
        take_allowed(&r, c,
                     m->http_response_case ==
                             WEFT__EXT_AUTHZ__CHECK_RESPONSE__HTTP_RESPONSE_ALLOWED
                         ? m->allowed
                         : NULL);
}
