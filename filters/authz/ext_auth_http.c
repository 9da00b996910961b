/* External authorization by HTTP: the request's method, host and path, below a path of the
 * authorizer's; 200 allows (Gateway API's ExternalAuth, Envoy's http_service).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/ext_auth.h"

/* ---- what is asked ---- */

static void show_headers(struct filter_exchange *x, const struct ext_auth *c, struct message *m)
{
    const struct headers *from = &x->request->headers;
    for (uint32_t i = 0; i < from->count; i++) {
        const struct header *h = &from->items[i];
        bool is_shown = h->id == HEADER_AUTHORIZATION ||
                        ext_auth_names(c->allowed, c->allowed_count, h->name);
        if (is_shown && ext_auth_may_change(h->name)) /* it frames its own message, or none */
            headers_add(&m->headers, h->name, h->value);
    }
}

bool ext_auth_http_ask(struct filter_exchange *x, const struct ext_auth *c,
                       const struct ext_auth_body *body, struct filter_call *call,
                       struct slice *why)
{
    const struct message *request = x->request;
    if (message_is_connect(request) || !slice_starts_with(request->path, SLICE("/"))) {
        *why = SLICE("a request without a path cannot be shown to it");
        return false;
    }
    struct message *m = filter_call_request(
        call, x->arena, request->method,
        c->path.len ? arena_printf(x->arena, "%.*s%.*s", SLICE_ARG(c->path),
                                   SLICE_ARG(request->path))
                    : request->path);
    m->authority = request->authority;
    show_headers(x, c, m);
    if (c->body_max)
        headers_set(&m->headers, SLICE("x-envoy-auth-partial-body"),
                    body->is_whole ? SLICE("false") : SLICE("true"));
    if (!body->bytes.len)
        headers_add_id(&m->headers, HEADER_CONTENT_LENGTH, SLICE("0"));
    call->body = body->bytes;
    call->timeout_ms = c->timeout_ms;
    return true;
}

/* ---- what is answered ---- */

/* Tells of the answer itself, and not of the request or of what the client is to know. */
static bool is_of_answer(const struct header *h)
{
    switch (h->id) {
    case HEADER_CONTENT_TYPE:
    case HEADER_CONTENT_ENCODING:
    case HEADER_DATE:
    case HEADER_SERVER:
        return true;
    default:
        return false;
    }
}

static struct ext_auth_header *push(struct ext_auth_header **list, uint32_t *count,
                                    struct arena *arena, uint32_t most)
{
    if (!*list)
        *list = arena_alloc(arena, most * sizeof(**list));
    return &(*list)[(*count)++];
}

/* Several lines of one name stay several. */
static enum ext_auth_action action_for(const struct ext_auth_header *list, uint32_t count,
                                       struct slice name)
{
    for (uint32_t i = 0; i < count; i++)
        if (slice_eq(list[i].name, name))
            return EXT_AUTH_APPEND;
    return EXT_AUTH_SET;
}

static void take_allowed(struct filter_exchange *x, const struct ext_auth *c,
                         const struct headers *from, struct ext_auth_answer *out)
{
    for (uint32_t i = 0; i < from->count; i++) {
        const struct header *h = &from->items[i];
        bool is_meant = ext_auth_names(c->to_backend, c->to_backend_count, h->name) ||
                        (c->all_to_backend && !is_of_answer(h));
        if (!is_meant || !ext_auth_may_change(h->name))
            continue;
        enum ext_auth_action action = action_for(out->to_backend, out->to_backend_count, h->name);
        *push(&out->to_backend, &out->to_backend_count, x->arena, from->count) =
            (struct ext_auth_header){h->name, h->value, action};
    }
}

static void take_denied(struct filter_exchange *x, const struct filter_call *call,
                        struct ext_auth_answer *out)
{
    const struct headers *from = &call->response->headers;
    out->body = call->response_body;
    for (uint32_t i = 0; i < from->count; i++) {
        const struct header *h = &from->items[i];
        bool is_ours = h->id == HEADER_DATE || h->id == HEADER_SERVER;
        if (!is_ours && ext_auth_may_change(h->name))
            *push(&out->to_client, &out->to_client_count, x->arena, from->count) =
                (struct ext_auth_header){h->name, h->value, EXT_AUTH_APPEND};
    }
}

void ext_auth_http_read(struct filter_exchange *x, const struct ext_auth *c,
                        const struct filter_call *call, struct ext_auth_answer *out)
{
    *out = (struct ext_auth_answer){.verdict = EXT_AUTH_FAILED};
    if (call->failed) {
        out->why = call->failed->label;
        return;
    }
    out->status = call->response->status;
    if (out->status == 200) {
        out->verdict = EXT_AUTH_ALLOWED;
        take_allowed(x, c, &call->response->headers, out);
    } else if (out->status >= 300 && out->status < 500) {
        out->verdict = EXT_AUTH_DENIED;
        take_denied(x, call, out);
    } else {
        /* 204 would look like success to the client, and 500 says that nothing was decided. */
        out->why = arena_printf(x->arena, "it answered with status %u", (unsigned)out->status);
    }
}
