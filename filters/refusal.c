/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/refusal.h"

static struct slice type_of(struct slice content_type, struct slice body)
{
    if (content_type.len)
        return content_type;
    return slice_starts_with(body, SLICE("{")) ? SLICE("application/json")
                                               : SLICE("text/plain; charset=utf-8");
}

struct message *refusal_answer(struct filter_exchange *x, const struct fail_info *why,
                               struct slice detail, unsigned status, struct slice content_type,
                               struct slice body)
{
    struct message *m = x->host->fail(x, why, detail);
    if (message_is_grpc(x->request))
        return m;
    struct slice reason = headers_get_id(&m->headers, HEADER_WEFT_REASON);
    m = x->host->reply(x, status, body);
    headers_set_id(&m->headers, HEADER_CONTENT_TYPE, type_of(content_type, body));
    if (reason.len)
        headers_set_id(&m->headers, HEADER_WEFT_REASON, reason);
    return m;
}

enum filter_verdict refusal_challenge(struct filter_exchange *x, const struct fail_info *why,
                                      struct slice detail, struct slice challenge)
{
    struct message *head = x->host->fail(x, why, detail);
    if (why->http_status == 401)
        headers_add_id(&head->headers, HEADER_WWW_AUTHENTICATE, challenge);
    return FILTER_REPLY;
}
