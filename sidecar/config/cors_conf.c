/* Compiling CORS: origins taken apart, lists joined as they will be sent.
 * Control thread. Must not know requests.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/cors_conf.h"

#include <string.h>

#include "lib/codec/http/message.h"
#include "sidecar/filters/cors.h"

enum { MAX_AGE_S = 5 };

static bool is_star(char *const *items, size_t count)
{
    return count == 1 && strcmp(items[0], "*") == 0;
}

/* "a, b" */
static enum err join(const struct part_build *b, char *const *items, size_t count,
                     struct slice *out)
{
    size_t len = 0, at = 0;
    for (size_t i = 0; i < count; i++) {
        struct slice item = slice_from_cstr(items[i]);
        if (!message_name_is_valid(item))
            return part_refuse(b, "CORS: \"%s\" is neither a method nor a header name", items[i]);
        len += item.len + 2;
    }
    char *text = arena_alloc(&b->part->arena, len + 1);
    for (size_t i = 0; i < count; i++) {
        size_t item_len = strlen(items[i]);
        if (i > 0) {
            memcpy(text + at, ", ", 2);
            at += 2;
        }
        memcpy(text + at, items[i], item_len);
        at += item_len;
    }
    *out = slice_of(text, at);
    return ERR_OK;
}

/* A wildcard for what is only ever listed stays one; with credentials it would mean itself. */
static enum err take_lists(const struct part_build *b, const Weft__Config__V1__Cors *from,
                           struct cors_conf *to)
{
    enum err e = ERR_OK;
    to->any_method = is_star(from->allow_methods, from->n_allow_methods);
    to->any_header = is_star(from->allow_headers, from->n_allow_headers);
    if (!to->any_method)
        e = join(b, from->allow_methods, from->n_allow_methods, &to->methods);
    if (!e && !to->any_header)
        e = join(b, from->allow_headers, from->n_allow_headers, &to->headers);
    if (is_star(from->expose_headers, from->n_expose_headers))
        to->expose = from->allow_credentials ? SLICE("") : SLICE("*");
    else if (!e)
        e = join(b, from->expose_headers, from->n_expose_headers, &to->expose);
    return e;
}

static struct slice without_port(struct slice origin)
{
    if (slice_starts_with(origin, SLICE("https://")) && slice_ends_with(origin, SLICE(":443")))
        origin.len -= 4;
    else if (slice_starts_with(origin, SLICE("http://")) && slice_ends_with(origin, SLICE(":80")))
        origin.len -= 3;
    return origin;
}

static enum err take_origin(const struct part_build *b, const char *from, struct cors_origin *to)
{
    struct slice text = without_port(part_text_lower(b->part, from));
    size_t scheme = slice_find(text, SLICE("://")), star = slice_find_byte(text, '*');
    struct slice rest = slice_sub(text, star + 1, text.len);
    if (scheme == 0 || scheme == text.len || scheme + 3 == text.len || star < scheme ||
        slice_find_byte(rest, '*') < rest.len || !message_value_is_valid(text))
        return part_refuse(b, "CORS: \"%s\" is not an origin", from);
    *to = (struct cors_origin){
        .before = slice_sub(text, 0, star), .after = rest, .is_wildcard = star < text.len};
    return ERR_OK;
}

static enum err take_origins(const struct part_build *b, const Weft__Config__V1__Cors *from,
                             struct cors_conf *to)
{
    struct cors_origin *origins = part_array(b->part, from->n_allow_origins, sizeof(*origins));
    to->origins = origins;
    for (size_t i = 0; i < from->n_allow_origins; i++) {
        if (strcmp(from->allow_origins[i], "*") == 0) {
            to->any_origin = true;
            continue;
        }
        enum err e = take_origin(b, from->allow_origins[i], &origins[to->origin_count]);
        if (e)
            return e;
        to->origin_count++;
    }
    return ERR_OK;
}

enum err cors_conf_create(const struct part_build *b, const Weft__Config__V1__Cors *from,
                          const struct cors_conf **out)
{
    struct cors_conf *to = part_array(b->part, 1, sizeof(*to));
    enum err e = take_origins(b, from, to);
    if (!e)
        e = take_lists(b, from, to);
    to->credentials = from->allow_credentials;
    to->max_age =
        arena_printf(&b->part->arena, "%u", from->max_age_s ? from->max_age_s : MAX_AGE_S);
    *out = to;
    return e;
}
