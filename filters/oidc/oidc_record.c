/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/oidc/oidc_record.h"

#include <string.h>

enum { TIME_SIZE = 8, LEN_SIZE = 2, TEXT_MAX = 65535 };

/* ---- writing: numbers with the high byte first, texts behind their length ---- */

struct out {
    char *to;
    size_t len;
    bool is_too_long;
};

static void put_number(struct out *o, uint64_t n, unsigned size)
{
    while (size-- > 0)
        o->to[o->len++] = (char)(n >> (8 * size));
}

static void put_bytes(struct out *o, const void *from, size_t len)
{
    if (len)
        memcpy(o->to + o->len, from, len);
    o->len += len;
}

static void put_text(struct out *o, struct slice text)
{
    o->is_too_long |= text.len > TEXT_MAX;
    put_number(o, text.len, LEN_SIZE);
    put_bytes(o, text.ptr, text.len);
}

static struct slice whole(const struct out *o)
{
    return o->is_too_long ? SLICE("") : slice_of(o->to, o->len);
}

struct slice oidc_record_session(struct arena *arena, const struct oidc_session *s)
{
    size_t texts = s->id_token.len + s->access_token.len + s->refresh_token.len;
    struct out o = {.to = arena_alloc(arena, OIDC_ID_SIZE + 3 * TIME_SIZE + 3 * LEN_SIZE + texts)};
    put_bytes(&o, s->id, OIDC_ID_SIZE);
    put_number(&o, (uint64_t)s->begun_ms, TIME_SIZE);
    put_number(&o, (uint64_t)s->renewed_ms, TIME_SIZE);
    put_number(&o, (uint64_t)s->expires_ms, TIME_SIZE);
    put_text(&o, s->id_token);
    put_text(&o, s->access_token);
    put_text(&o, s->refresh_token);
    return whole(&o);
}

struct slice oidc_record_login(struct arena *arena, const struct oidc_login *l)
{
    size_t texts = l->state.len + l->nonce.len + l->verifier.len + l->path.len;
    struct out o = {.to = arena_alloc(arena, TIME_SIZE + 4 * LEN_SIZE + texts)};
    put_number(&o, (uint64_t)l->begun_ms, TIME_SIZE);
    put_text(&o, l->state);
    put_text(&o, l->nonce);
    put_text(&o, l->verifier);
    put_text(&o, l->path);
    return whole(&o);
}

struct slice oidc_record_seen(struct arena *arena, const struct oidc_seen *s)
{
    struct out o = {.to = arena_alloc(arena, OIDC_ID_SIZE + TIME_SIZE)};
    put_bytes(&o, s->id, OIDC_ID_SIZE);
    put_number(&o, (uint64_t)s->at_ms, TIME_SIZE);
    return whole(&o);
}

/* ---- reading: what is missing is noted, and the rest is empty ---- */

struct in {
    struct slice rest;
    bool is_short;
};

static struct slice take_bytes(struct in *i, size_t len)
{
    if (i->rest.len < len) {
        *i = (struct in){.is_short = true};
        return SLICE("");
    }
    struct slice bytes = slice_sub(i->rest, 0, len);
    i->rest = slice_sub(i->rest, len, i->rest.len);
    return bytes;
}

static uint64_t take_number(struct in *i, unsigned size)
{
    struct slice bytes = take_bytes(i, size);
    uint64_t n = 0;
    for (size_t at = 0; at < bytes.len; at++)
        n = n << 8 | (unsigned char)bytes.ptr[at];
    return n;
}

/* No time that anything is added to overflows. */
static int64_t take_time(struct in *i)
{
    uint64_t n = take_number(i, TIME_SIZE);
    i->is_short |= n > (uint64_t)INT64_MAX / 2;
    return i->is_short ? 0 : (int64_t)n;
}

static struct slice take_text(struct in *i)
{
    return take_bytes(i, take_number(i, LEN_SIZE));
}

static void take_id(struct in *i, uint8_t id[OIDC_ID_SIZE])
{
    struct slice bytes = take_bytes(i, OIDC_ID_SIZE);
    if (bytes.len)
        memcpy(id, bytes.ptr, bytes.len);
}

static bool is_done(const struct in *i)
{
    return !i->is_short && i->rest.len == 0;
}

bool oidc_record_read_session(struct slice bytes, struct oidc_session *out)
{
    struct in i = {.rest = bytes};
    *out = (struct oidc_session){0};
    take_id(&i, out->id);
    out->begun_ms = take_time(&i);
    out->renewed_ms = take_time(&i);
    out->expires_ms = take_time(&i);
    out->id_token = take_text(&i);
    out->access_token = take_text(&i);
    out->refresh_token = take_text(&i);
    return is_done(&i);
}

bool oidc_record_read_login(struct slice bytes, struct oidc_login *out)
{
    struct in i = {.rest = bytes};
    *out = (struct oidc_login){0};
    out->begun_ms = take_time(&i);
    out->state = take_text(&i);
    out->nonce = take_text(&i);
    out->verifier = take_text(&i);
    out->path = take_text(&i);
    return is_done(&i);
}

bool oidc_record_read_seen(struct slice bytes, struct oidc_seen *out)
{
    struct in i = {.rest = bytes};
    *out = (struct oidc_seen){0};
    take_id(&i, out->id);
    out->at_ms = take_time(&i);
    return is_done(&i);
}
