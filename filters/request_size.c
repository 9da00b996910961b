/* requestSize: a request with a bigger body is refused with 413 (RFC 9110 §15.5.14), by its length
 * before anything is sent on, else as soon as it has grown too big.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include <inttypes.h>

/* ---- what users write ---- */

struct request_size_spec {
    int64_t max; /* thousandths of a byte */
    bool require_length;
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct request_size_spec, max, "max", QUANTITY,
                 "How many bytes the body of a request may have: \"10Mi\", \"512k\" or a number. "
                 "0: none at all.",
                 .flags = SCHEMA_REQUIRED),
    SCHEMA_FIELD(struct request_size_spec, require_length, "requireContentLength", BOOL,
                 "Refuse requests whose body comes without a Content-Length (chunked, or HTTP/2 "
                 "without one) with 411."),
    {0},
};

static const struct schema spec_schema = {
    .name = "RequestSize",
    .doc = "A limit on the size of a request's body.",
    .size = sizeof(struct request_size_spec),
    .fields = fields,
};

/* ---- what is made of it ---- */

struct conf {
    uint64_t max;
    bool require_length;
};

struct ctx {
    uint64_t seen;
};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct request_size_spec *s = spec;
    (void)b;
    *(struct conf *)conf =
        (struct conf){.max = (uint64_t)(s->max / 1000), .require_length = s->require_length};
    return ERR_OK;
}

/* ---- hooks ---- */

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("length_required"),
     .http_status = 411,
     .grpc_status = 3,
     .flag = FAIL_TEXT("DPE"),
     .text = FAIL_TEXT("this route wants a Content-Length")},
};

static enum filter_verdict refuse(struct filter_exchange *x, const struct fail_info *why)
{
    x->host->fail(x, why, (struct slice){0});
    return FILTER_REPLY;
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    int64_t length = x->request->content_length;
    (void)ctx;
    return length > 0 && (uint64_t)length > c->max ? refuse(x, fail_info(FAIL_REQUEST_TOO_LARGE))
                                                : FILTER_NEXT;
}

static enum filter_verdict on_request_body(struct filter_exchange *x, const void *conf, void *ctx,
                                           struct buf *body, bool end)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    own->seen += body->len;
    (void)end;
    if (own->seen > c->max)
        return refuse(x, fail_info(FAIL_REQUEST_TOO_LARGE));
    if (own->seen && c->require_length && x->request->content_length < 0)
        return refuse(x, &fails[0]);
    return FILTER_NEXT;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    (void)prefix;
    return arena_printf(arena, "refuses bodies of more than %" PRIu64 " bytes with 413%s", c->max,
                        c->require_length ? ", and those without a Content-Length with 411" : "");
}

const struct filter filter_request_size = {
    .name = "requestSize",
    .doc = "Refuses requests with a body that is too large (413).",
    .phase = FILTER_PHASE_LIMIT,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .prepare = prepare,
    .on_request = on_request,
    .is_pure = true,
    .on_request_body = on_request_body,
    .describe = describe,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
