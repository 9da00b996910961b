/* Two nets: what is named like a secret goes, and what equals a secret of the cluster goes wherever
 * it stands. Pure. Must not know where the text comes from.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/install/scrub.h"

#include <ctype.h>
#include <stdlib.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/codec/text/base64.h"
#include "lib/codec/doc/doc_make.h"

#define REMOVED "(removed)"

enum { SHORTEST = 6, SHORTEST_LINE = 12 };

struct scrub {
    char **values;
    size_t *lens;
    size_t count, room;
    uint8_t begins[1 << 13]; /* a bit for each pair of bytes that a value begins with */
};

static unsigned pair_of(const char *at)
{
    return (unsigned)(uint8_t)at[0] << 8 | (uint8_t)at[1];
}

struct scrub *scrub_create(void)
{
    return mem_zalloc(sizeof(struct scrub));
}

void scrub_destroy(struct scrub *s)
{
    for (size_t i = 0; i < s->count; i++) {
        explicit_bzero(s->values[i], s->lens[i]);
        mem_free(s->values[i]);
    }
    mem_free(s->values);
    mem_free(s->lens);
    mem_free(s);
}

/* ---- what the cluster's secrets are ---- */

static void learn(struct scrub *s, struct slice value)
{
    if (s->count == s->room) {
        s->room = s->room ? 2 * s->room : 64;
        s->values = mem_realloc(s->values, s->room * sizeof(*s->values));
        s->lens = mem_realloc(s->lens, s->room * sizeof(*s->lens));
    }
    s->begins[pair_of(value.ptr) / 8] |= (uint8_t)(1 << pair_of(value.ptr) % 8);
    s->values[s->count] = mem_strndup(value.ptr, value.len);
    s->lens[s->count++] = value.len;
}

/* Text of several lines is cut elsewhere, or its ends of lines are written in another way. */
static void learn_lines(struct scrub *s, struct slice value)
{
    struct slice line;
    while (value.len && slice_split(&value, '\n', &line)) {
        while (line.len && (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == ' '))
            line.len--;
        if (line.len >= SHORTEST_LINE && !slice_starts_with(line, SLICE("-----")))
            learn(s, line);
    }
}

static bool is_public(struct slice value)
{
    return slice_find(value, SLICE("-----BEGIN CERTIFICATE-----")) < value.len &&
           slice_find(value, SLICE("PRIVATE KEY-----")) == value.len;
}

static void learn_value(struct scrub *s, struct slice base64)
{
    size_t len;
    char *plain = mem_alloc(BASE64_DECODED_MAX(base64.len) + 1);
    if (base64_decode(base64, plain, &len) == ERR_OK && len >= SHORTEST &&
        !is_public(slice_of(plain, len))) {
        struct slice value = slice_of(plain, len);
        bool has_lines = slice_find_byte(value, '\n') + 1 < len;
        while (value.len && value.ptr[value.len - 1] == '\n')
            value.len--;
        learn(s, base64);
        if (has_lines)
            learn_lines(s, value);
        else if (value.len >= SHORTEST)
            learn(s, value);
    }
    explicit_bzero(plain, BASE64_DECODED_MAX(base64.len) + 1);
    mem_free(plain);
}

void scrub_learn(struct scrub *s, const struct doc *secrets)
{
    for (size_t i = 0; secrets && secrets->type == DOC_ARRAY && i < secrets->count; i++) {
        const struct doc *data = doc_get(secrets->items[i], SLICE("data"));
        for (size_t j = 0; data && data->type == DOC_OBJECT && j < data->count; j++)
            learn_value(s, doc_string(data->members[j].value));
    }
}

/* ---- objects ---- */

static bool is_one_of(struct slice key, const char *const *names)
{
    for (; *names; names++)
        if (slice_eq_nocase(key, slice_from_cstr(*names)))
            return true;
    return false;
}

static bool is_bookkeeping(struct slice key)
{
    static const char *const names[] = {
        "managedFields", "kubectl.kubernetes.io/last-applied-configuration", NULL};
    return is_one_of(key, names);
}

static bool is_secret_name(struct slice key)
{
    static const char *const names[] = {"password", "passwd",      "token",         "apiKey",
                                        "api_key",  "secret",      "client_secret", "clientSecret",
                                        "key_pem",  "private_key", "privateKey",    "authorization",
                                        "cookie",   "stringData",  NULL};
    return is_one_of(key, names) || slice_ends_with(key, SLICE("_key_pem"));
}

static const struct doc *removed(struct arena *a)
{
    return doc_make_string(a, SLICE(REMOVED));
}

/* {name, value}: whose values may be anything; what our own programs are told is no secret. */
static const struct doc *scrub_env(struct arena *a, const struct doc *env)
{
    struct doc *out = doc_make_array(a);
    for (size_t i = 0; i < env->count; i++) {
        struct slice name = doc_string(doc_get(env->items[i], SLICE("name")));
        struct doc *item = doc_make_object(a);
        doc_make_put_string(a, item, "name", name);
        if (slice_starts_with(name, SLICE("WEFT_")))
            doc_make_put_string(a, item, "value",
                                doc_string(doc_get(env->items[i], SLICE("value"))));
        else
            doc_make_put(a, item, SLICE("value"), removed(a));
        doc_make_push(a, out, item);
    }
    return out;
}

const struct doc *scrub_doc(struct arena *a, const struct doc *d)
{
    if (d->type == DOC_ARRAY) {
        struct doc *out = doc_make_array(a);
        for (size_t i = 0; i < d->count; i++)
            doc_make_push(a, out, scrub_doc(a, d->items[i]));
        return out;
    }
    if (d->type != DOC_OBJECT)
        return d;
    struct doc *out = doc_make_object(a);
    for (size_t i = 0; i < d->count; i++) {
        struct slice key = d->members[i].key;
        const struct doc *value = d->members[i].value;
        if (is_bookkeeping(key))
            continue;
        if (slice_eq(key, SLICE("env")) && value->type == DOC_ARRAY)
            value = scrub_env(a, value);
        else if (is_secret_name(key) && value->type == DOC_STRING)
            value = removed(a);
        else
            value = scrub_doc(a, value);
        doc_make_put(a, out, key, value);
    }
    return out;
}

/* ---- text ---- */

static bool is_token_char(char c)
{
    return isalnum((unsigned char)c) || strchr("-_.~+/=", c) != NULL;
}

/* How many bytes from `at` on are a secret; 0: none. *keep of them stay. */
static size_t private_key(struct slice rest, size_t *keep)
{
    struct slice end = SLICE("PRIVATE KEY-----");
    if (!slice_starts_with(rest, SLICE("-----BEGIN ")))
        return 0;
    size_t first = slice_find(rest, end) + end.len;
    size_t line = slice_find(slice_sub(rest, strlen("-----"), rest.len), SLICE("-----"));
    if (first > rest.len || first > line + 2 * strlen("-----"))
        return 0; /* another kind of block */
    *keep = first;
    struct slice behind = slice_sub(rest, first, rest.len);
    size_t last = slice_find(behind, end);
    return last < behind.len ? first + last + end.len : rest.len;
}

/* "eyJ….eyJ….…", as JSON Web Tokens begin. */
static size_t web_token(struct slice rest)
{
    size_t len = 0, dots = 0;
    if (!slice_starts_with(rest, SLICE("eyJ")))
        return 0;
    while (len < rest.len && is_token_char(rest.ptr[len]))
        dots += rest.ptr[len++] == '.';
    return dots >= 2 && len > 40 ? len : 0;
}

static size_t behind_quotes(struct slice text, size_t at, bool *has_quote)
{
    *has_quote = false;
    while (at < text.len && strchr("\"\\ ", text.ptr[at]))
        *has_quote |= text.ptr[at++] == '"';
    return at;
}

/* `Authorization: Basic abc`, `"authorization":"Bearer x"`, `cookie=…`: to the end of the value. */
static size_t credentials(struct slice rest, size_t *keep)
{
    static const char *const names[] = {"authorization", "cookie", "x-api-key", "apikey"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t at = strlen(names[i]), end;
        bool is_key, is_text;
        if (!slice_eq_nocase(slice_sub(rest, 0, at), slice_from_cstr(names[i])))
            continue;
        at = behind_quotes(rest, at, &is_key);
        if (at >= rest.len || !strchr(":=", rest.ptr[at]))
            continue;
        at = behind_quotes(rest, at + 1, &is_text);
        if (is_key && !is_text)
            continue; /* JSON, and no text */
        for (end = at; end < rest.len && !strchr("\"\\\n\r,", rest.ptr[end]); end++)
            ;
        *keep = at;
        return end > at ? end : 0;
    }
    return 0;
}

static size_t learned(const struct scrub *s, struct slice rest)
{
    size_t longest = 0;
    if (rest.len < SHORTEST || !(s->begins[pair_of(rest.ptr) / 8] >> pair_of(rest.ptr) % 8 & 1))
        return 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->lens[i] > longest && s->lens[i] <= rest.len &&
            memcmp(rest.ptr, s->values[i], s->lens[i]) == 0)
            longest = s->lens[i];
    return longest;
}

char *scrub_text(const struct scrub *s, struct slice text, size_t *len)
{
    struct buf out;
    size_t at = 0, written = 0;
    buf_init(&out);
    while (at < text.len) {
        struct slice rest = slice_sub(text, at, text.len);
        size_t keep = 0, n = learned(s, rest);
        char c = rest.ptr[0];
        if (!n && c == '-')
            n = private_key(rest, &keep);
        if (!n && c == 'e')
            n = web_token(rest);
        if (!n && strchr("aAcCxX", c))
            n = credentials(rest, &keep);
        if (!n) {
            at++;
            continue;
        }
        buf_append(&out, text.ptr + written, at + keep - written);
        buf_append_slice(&out, SLICE(REMOVED));
        written = at += n;
    }
    buf_append(&out, text.ptr + written, text.len - written);
    return buf_take_text(&out, len);
}
