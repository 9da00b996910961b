/* compression: response bodies are compressed for clients that accept it (RFC 9110 §12.5.3), as
 * nginx's gzip and brotli modules do. A body is compressed as it passes: what the backend sends in
 * pieces reaches the client in pieces, and a large piece is taken a part at a time.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include <string.h>

#include "filters/shape/accept.h"
#include "filters/shape/body_form.h"
#include "filters/shape/content_coding.h"
#include "lib/codec/compress/encoder.h"

#define PIECE (16u * 1024) /* of input at a time: well under a millisecond */

/* ---- what users write ---- */

struct compression_spec {
    struct schema_list codings; /* int, enum content_coding */
    struct schema_list types;   /* struct slice */
    int64_t min_size;           /* thousandths of a byte */
    int64_t gzip_level, brotli_level, zstd_level;
    bool hides;
};

static const struct schema_field coding_element = {.type = SCHEMA_ENUM,
                                                   .choices = content_coding_names};
static const struct schema_field type_element = {.type = SCHEMA_STRING, .min = 3, .max = 128};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct compression_spec, codings, "codings", LIST,
                 "What is offered, the first where a client wants several equally: br, zstd, gzip "
                 "when left out.",
                 .min = 1, .max = 3, .element = &coding_element),
    SCHEMA_FIELD(struct compression_spec, types, "contentTypes", LIST,
                 "Media types that are compressed; \"text/*\" is all of a kind. Text, JSON, XML, "
                 "JavaScript, fonts and SVG when left out; never streams of events.",
                 .min = 1, .max = 64, .element = &type_element),
    SCHEMA_FIELD(struct compression_spec, min_size, "minSize", QUANTITY,
                 "Responses whose Content-Length is smaller are left alone; those without one are "
                 "compressed.",
                 .fallback = INT64_C(1024000)),
    SCHEMA_FIELD(struct compression_spec, gzip_level, "gzipLevel", INT,
                 "From 1, which is fastest, to 9.", .min = 1, .max = 9, .fallback = 5),
    SCHEMA_FIELD(struct compression_spec, brotli_level, "brotliLevel", INT,
                 "From 0, which is fastest, to 6. From 4 on the library works on pieces of 64 kB, "
                 "which can take a few milliseconds.",
                 .min = 0, .max = 6, .fallback = 3),
    SCHEMA_FIELD(struct compression_spec, zstd_level, "zstdLevel", INT,
                 "From 1, which is fastest, to 6.", .min = 1, .max = 6, .fallback = 3),
    SCHEMA_FIELD(struct compression_spec, hides, "removeAcceptEncoding", BOOL,
                 "The backend is asked without Accept-Encoding, so that it leaves the compression "
                 "to us."),
    {0},
};

static const struct schema spec_schema = {
    .name = "Compression",
    .doc = "Which responses are compressed, and how. Pages that show a secret beside what a "
           "request says should be left out: their size tells about the secret (BREACH).",
    .size = sizeof(struct compression_spec),
    .fields = fields,
};

/* ---- what is made of it ---- */

struct conf {
    const struct slice *types;
    size_t type_count;
    int64_t min_size;
    enum content_coding codings[CODING_COUNT];
    size_t coding_count;
    int levels[CODING_COUNT];
    bool hides;
};

static const struct slice usual_types[] = {
    {"text/html", 9},
    {"text/plain", 10},
    {"text/css", 8},
    {"text/csv", 8},
    {"text/xml", 8},
    {"text/javascript", 15},
    {"application/json", 16},
    {"application/xml", 15},
    {"application/javascript", 22},
    {"application/x-javascript", 24},
    {"application/manifest+json", 25},
    {"application/problem+json", 24},
    {"application/ld+json", 19},
    {"application/rss+xml", 19},
    {"application/atom+xml", 20},
    {"application/xhtml+xml", 21},
    {"application/wasm", 16},
    {"application/vnd.ms-fontobject", 29},
    {"font/otf", 8},
    {"font/ttf", 8},
    {"image/svg+xml", 13},
};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    static const enum content_coding usual[] = {CODING_BROTLI, CODING_ZSTD, CODING_GZIP};
    const struct compression_spec *s = spec;
    struct conf *c = conf;
    *c = (struct conf){.types = s->types.count ? s->types.items : usual_types,
                       .type_count = s->types.count
                                         ? s->types.count
                                         : sizeof(usual_types) / sizeof(usual_types[0]),
                       .min_size = s->min_size / 1000,
                       .levels = {[CODING_GZIP] = (int)s->gzip_level,
                                  [CODING_BROTLI] = (int)s->brotli_level,
                                  [CODING_ZSTD] = (int)s->zstd_level},
                       .hides = s->hides};
    if (!s->codings.count) {
        memcpy(c->codings, usual, sizeof(usual));
        c->coding_count = CODING_COUNT;
    }
    for (SCHEMA_EACH(s->codings, int, coding)) {
        for (size_t i = 0; i < c->coding_count; i++)
            if (c->codings[i] == (enum content_coding)*coding)
                return filter_refuse(b, "codings: %s is there twice",
                                     content_coding_names[*coding]);
        c->codings[c->coding_count++] = (enum content_coding)*coding;
    }
    return ERR_OK;
}

/* ---- which responses ---- */

struct ctx {
    struct encoder *encoder; /* NULL: the body is left alone */
    enum content_coding coding;
    bool is_wanted; /* the client accepts `coding`, and likes it at least as well as none */
};

static void choose(const struct conf *c, const struct headers *h, struct ctx *own)
{
    unsigned best = accept_coding_quality(h, SLICE("identity"));
    for (size_t i = 0; i < c->coding_count; i++) {
        struct slice name = slice_from_cstr(content_coding_names[c->codings[i]]);
        unsigned quality = accept_coding_quality(h, name);
        if (!quality || quality < best || (own->is_wanted && quality == best))
            continue;
        best = quality;
        own->coding = c->codings[i];
        own->is_wanted = true;
    }
}

static bool is_of(struct slice type, struct slice wanted)
{
    size_t len = wanted.len;
    if (len > 2 && slice_ends_with(wanted, SLICE("/*")))
        return type.len >= len && slice_eq_nocase(slice_sub(type, 0, len - 1),
                                                  slice_sub(wanted, 0, len - 1));
    return slice_eq_nocase(type, wanted);
}

static bool is_of_type(const struct conf *c, const struct headers *h)
{
    struct slice value = headers_get_id(h, HEADER_CONTENT_TYPE);
    struct slice type = slice_trim(slice_sub(value, 0, slice_find_byte(value, ';')));
    if (slice_eq_nocase(type, SLICE("text/event-stream")))
        return false;
    for (size_t i = 0; i < c->type_count; i++)
        if (is_of(type, c->types[i]))
            return true;
    return false;
}

/* Whoever asks: what is decided by Accept-Encoding says so (Vary), also where nothing is done. */
static bool is_ours(const struct conf *c, const struct filter_exchange *x)
{
    const struct message *m = x->response;
    return !x->is_answered_here && body_form_is_complete(x->request, m) &&
           (m->content_length < 0 || m->content_length >= c->min_size) && m->content_length != 0 &&
           !message_may_switch(x->request) && !content_coding_is_any(&m->headers) &&
           !content_coding_is_final(&m->headers) && is_of_type(c, &m->headers);
}

/* ---- hooks ---- */

enum { COMPRESSED };
static const char *const events[] = {[COMPRESSED] = "compressed", NULL};

extern const struct filter filter_compression;

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    choose(c, &x->request->headers, ctx);
    if (c->hides)
        headers_remove_id(&x->request->headers, HEADER_ACCEPT_ENCODING);
    return FILTER_NEXT;
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    struct message *m = x->response;
    if (!is_ours(c, x))
        return FILTER_NEXT;
    content_coding_note_vary(&m->headers);
    if (own->is_wanted)
        own->encoder = encoder_take(own->coding, c->levels[own->coding]);
    if (!own->encoder)
        return FILTER_NEXT;
    content_coding_changed(m);
    headers_add_id(&m->headers, HEADER_CONTENT_ENCODING,
                   slice_from_cstr(content_coding_names[own->coding]));
    x->host->count(x, &filter_compression, COMPRESSED);
    return FILTER_NEXT;
}

/* Up to a piece off the front. flush: of the last of it. */
static bool encode_piece(struct ctx *own, struct buf *body, enum encoder_flush flush,
                         struct buf *out)
{
    size_t left = PIECE;
    while (!buf_is_empty(body) && left) {
        struct slice front = buf_front(body);
        front.len = front.len < left ? front.len : left;
        bool is_last = front.len == body->len;
        if (!encoder_run(own->encoder, front, is_last ? flush : ENCODER_GO_ON, out))
            return false;
        left -= front.len;
        buf_drain(body, front.len);
        if (is_last)
            return true;
    }
    return !buf_is_empty(body) || encoder_run(own->encoder, (struct slice){0}, flush, out);
}

static enum filter_verdict on_response_body(struct filter_exchange *x, const void *conf, void *ctx,
                                            struct buf *body, bool end)
{
    struct ctx *own = ctx;
    struct buf out;
    (void)conf;
    if (!own->encoder)
        return FILTER_NEXT;
    buf_init(&out);
    if (!encode_piece(own, body, end ? ENCODER_END : ENCODER_FLUSH, &out)) {
        buf_dispose(&out);
        return FILTER_RESET;
    }
    bool is_all = buf_is_empty(body);
    buf_move_all(is_all ? body : x->passing, &out);
    if (is_all)
        return FILTER_NEXT;
    x->host->wake(x); /* the rest in the next turn: others want theirs too */
    return FILTER_WAIT;
}

static void on_end(struct filter_exchange *x, const void *conf, void *ctx)
{
    struct ctx *own = ctx;
    (void)x, (void)conf;
    encoder_give(own->encoder);
    own->encoder = NULL;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    struct slice list = SLICE("");
    (void)prefix;
    for (size_t i = 0; i < c->coding_count; i++)
        list = arena_printf(arena, "%.*s%s%s", SLICE_ARG(list), i ? ", " : "",
                            content_coding_names[c->codings[i]]);
    return arena_printf(arena, "compresses responses with %.*s", SLICE_ARG(list));
}

const struct filter filter_compression = {
    .name = "compression",
    .doc = "Compresses responses with brotli, zstd or gzip, as the client accepts.",
    .phase = FILTER_PHASE_CORS, /* the last to see responses */
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .prepare = prepare,
    .on_request = on_request,
    .on_response = on_response,
    .on_response_body = on_response_body,
    .on_end = on_end,
    .describe = describe,
    .is_pure = true,
    .events = events,
};
