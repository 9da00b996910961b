/* A request and its answer as text: the head that goes out, and what a failure says for people. On
 * the client's loop. Must not know when things happen.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/codec/text/base64.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/kube/kube_client_priv.h"

enum { SHOWN_MAX = 200, RETRY_AFTER_MAX_S = 3600 };

/* RFC 6455 §4.1. What the server would prove with the key, TLS has proven. */
static void ask_for_websocket(struct kube_request *r)
{
    char key[BASE64_ENCODED_LEN(16)];
    uint8_t nonce[16];
    struct headers *h = &r->request.headers;
    rand_secure(nonce, sizeof(nonce));
    base64_encode(slice_of(nonce, sizeof(nonce)), key);
    r->request.upgrade = SLICE("websocket");
    headers_add(h, SLICE("sec-websocket-version"), SLICE("13"));
    headers_add(h, SLICE("sec-websocket-key"), arena_copy(&r->arena, slice_of(key, sizeof(key))));
    headers_add(h, SLICE("sec-websocket-protocol"), slice_from_cstr(r->websocket));
}

enum err kube_request_head(struct kube_request *r, char **why)
{
    struct kube_client *c = r->client;
    struct message *m = &r->request;
    struct slice token;
    enum err e = kube_client_token(c, &token, why);
    if (e)
        return e;
    message_init(m, &r->arena);
    m->version = HTTP_1_1;
    m->method = slice_from_cstr(r->method);
    m->scheme = SLICE("https");
    m->authority = slice_from_cstr(c->authority);
    m->path = r->path;
    headers_add_id(&m->headers, HEADER_ACCEPT,
                   r->websocket ? SLICE("*/*") : SLICE("application/json"));
    headers_add_id(&m->headers, HEADER_USER_AGENT, SLICE("weft/" WEFT_VERSION));
    if (token.len)
        headers_add_id(&m->headers, HEADER_AUTHORIZATION,
                       arena_printf(&r->arena, "Bearer %.*s", SLICE_ARG(token)))
            ->never_index = true;
    if (r->websocket)
        ask_for_websocket(r);
    if (r->body.len) {
        m->content_length = (int64_t)r->body.len;
        headers_add_id(&m->headers, HEADER_CONTENT_TYPE, slice_from_cstr(r->content_type));
        headers_add_id(&m->headers, HEADER_CONTENT_LENGTH,
                       arena_decimal(&r->arena, r->body.len));
    }
    return ERR_OK;
}

struct slice kube_request_failure(struct kube_request *r, struct slice body)
{
    struct doc_error error;
    const struct doc *status;
    struct slice text = {NULL, 0};
    if (body.len && doc_json_parse(body, &r->arena, &status, &error) == ERR_OK)
        text = doc_string(doc_get(status, SLICE("message")));
    else if (body.len && body.ptr[0] >= ' ' && body.ptr[0] < 0x7f)
        text = slice_sub(body, 0, slice_find_byte(slice_sub(body, 0, SHOWN_MAX), '\n'));
    if (text.len)
        return text;
    return arena_printf(&r->arena, "HTTP status %u %s", r->head->status,
                        message_reason(r->head->status));
}

uint32_t kube_request_pause(const struct kube_request *r)
{
    uint64_t seconds;
    if (slice_to_u64(headers_get_id(&r->head->headers, HEADER_RETRY_AFTER), &seconds))
        return 0;
    return (uint32_t)(seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * 1000;
}
