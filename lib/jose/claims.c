/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/jose/claims.h"

#include <math.h>

#include "lib/base/buf.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/codec/doc/doc_write.h"
#include "lib/codec/text/base64url.h"

/* ---- reading ---- */

#define SECONDS_MAX 253402300799.0 /* the end of the year 9999 */

/* NumericDate (RFC 7519 §2): seconds, perhaps with a fraction. Absent: as *out is. */
static bool take_date(const struct doc *claims, struct slice name, int64_t *out)
{
    const struct doc *d = doc_get(claims, name);
    if (!d)
        return true;
    if (d->type != DOC_INT && d->type != DOC_FLOAT)
        return false;
    double seconds = d->type == DOC_INT ? (double)d->integer : d->number;
    if (!(seconds >= 0 && seconds <= SECONDS_MAX))
        return false;
    *out = (int64_t)(seconds * 1000);
    return true;
}

static bool take_text(const struct doc *claims, struct slice name, struct slice *out)
{
    const struct doc *d = doc_get(claims, name);
    *out = doc_string(d);
    return !d || d->type == DOC_STRING;
}

enum err claims_parse(struct slice payload, struct arena *arena, struct claims *out)
{
    struct doc_error error;
    *out = (struct claims){.expires_ms = CLAIMS_NEVER, .not_before_ms = INT64_MIN,
                            .issued_ms = INT64_MIN};
    if (doc_json_parse(payload, arena, &out->all, &error) ||
        out->all->type != DOC_OBJECT)
        return ERR_SYNTAX;
    bool is_good = take_text(out->all, SLICE("iss"), &out->issuer) &&
                   take_text(out->all, SLICE("sub"), &out->subject) &&
                   take_date(out->all, SLICE("exp"), &out->expires_ms) &&
                   take_date(out->all, SLICE("nbf"), &out->not_before_ms) &&
                   take_date(out->all, SLICE("iat"), &out->issued_ms);
    return is_good ? ERR_OK : ERR_SYNTAX;
}

/* ---- looking for claims ---- */

const struct doc *claims_find(const struct doc *claims, struct slice path)
{
    for (size_t len = path.len; claims && len > 0; len--) {
        if (len < path.len && path.ptr[len] != '.')
            continue;
        const struct doc *d = doc_get(claims, slice_sub(path, 0, len));
        if (d && len < path.len)
            d = claims_find(d, slice_sub(path, len + 1, path.len));
        if (d)
            return d;
    }
    return NULL;
}

static struct slice scalar_text(const struct doc *d, struct arena *arena)
{
    switch (d->type) {
    case DOC_STRING:
        return d->string;
    case DOC_BOOL:
        return d->boolean ? SLICE("true") : SLICE("false");
    case DOC_INT:
        return arena_printf(arena, "%lld", (long long)d->integer);
    case DOC_FLOAT:
        return arena_printf(arena, "%.17g", d->number);
    case DOC_NULL:
    case DOC_ARRAY:
    case DOC_OBJECT:
        break;
    }
    return (struct slice){0};
}

static bool scalar_is(const struct doc *d, struct slice text)
{
    _Alignas(8) char room[256];
    struct arena arena;
    arena_init(&arena, sizeof(room));
    arena_lend(&arena, room, sizeof(room));
    struct slice own = scalar_text(d, &arena);
    bool is_equal = own.ptr && slice_eq(own, text);
    arena_dispose(&arena);
    return is_equal;
}

static bool has_word(struct slice words, struct slice text)
{
    struct slice word;
    while (slice_split(&words, ' ', &word))
        if (word.len && slice_eq(word, text))
            return true;
    return false;
}

bool claims_value_has(const struct doc *claim, struct slice text, bool words)
{
    if (!claim)
        return false;
    if (claim->type == DOC_STRING && words)
        return has_word(claim->string, text);
    if (claim->type != DOC_ARRAY)
        return scalar_is(claim, text);
    for (size_t i = 0; i < claim->count; i++)
        if (scalar_is(claim->items[i], text))
            return true;
    return false;
}

bool claims_have_audience(const struct doc *claims, const struct slice *audiences, size_t count)
{
    const struct doc *aud = doc_get(claims, SLICE("aud"));
    for (size_t i = 0; i < count; i++)
        if (claims_value_has(aud, audiences[i], false))
            return true;
    return false;
}

/* ---- claims as headers ---- */

static bool is_field_value(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return true;
}

static struct slice json_base64url(const struct doc *d, struct arena *arena)
{
    struct json_write w;
    struct buf text;
    buf_init(&text);
    json_write_init(&w, &text);
    doc_write_json(&w, d);
    struct slice json = buf_take_into(&text, arena);
    buf_dispose(&text);
    return base64url_encode(arena, json);
}

/* A comma inside an item would make two of it: whoever reads the list is not deceived. */
static struct slice join(const struct doc *list, struct arena *arena)
{
    struct slice all = {0};
    for (size_t i = 0; i < list->count; i++) {
        struct slice item = scalar_text(list->items[i], arena);
        if (!item.ptr || slice_find_byte(item, ',') < item.len)
            return json_base64url(list, arena);
        all = i ? arena_printf(arena, "%.*s,%.*s", SLICE_ARG(all), SLICE_ARG(item)) : item;
    }
    return all;
}

struct slice claims_value_text(const struct doc *claim, struct arena *arena)
{
    if (!claim || claim->type == DOC_NULL)
        return (struct slice){0};
    struct slice text = claim->type == DOC_OBJECT  ? json_base64url(claim, arena)
                        : claim->type == DOC_ARRAY ? join(claim, arena)
                                                   : scalar_text(claim, arena);
    text = slice_trim(text);
    return is_field_value(text) ? text : (struct slice){0};
}
