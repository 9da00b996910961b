/* Where what is asked for is not there, the client's address stands for it: no request is counted
 * for nobody. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/rate/rate_key.h"

#include <inttypes.h>

#include "lib/base/decimal.h"
#include "lib/codec/doc/doc.h"

const struct rate_part *rate_key_parts(struct arena *arena, const struct schema_list *by,
                                       enum rate_by otherwise, unsigned *count)
{
    struct rate_part *parts = arena_zalloc(arena, (by->count + 1) * sizeof(*parts));
    *count = 0;
    for (SCHEMA_EACH(*by, struct rate_by_spec, part))
        parts[(*count)++] = (struct rate_part){
            .type = (enum rate_by)part->type,
            .name = part->type == RATE_BY_HEADER ? arena_copy_lower(arena, part->name)
                                                 : part->name};
    if (!*count)
        parts[(*count)++] = (struct rate_part){.type = otherwise};
    return parts;
}

struct slice rate_key_describe(struct arena *arena, const struct rate_part *parts, unsigned count)
{
    static const char *const names[] = {"address", "consumer", "credential", "header", "claim",
                                        "path",    "route",    "all"};
    struct slice text = SLICE("");
    for (unsigned i = 0; i < count; i++)
        text = arena_printf(arena, "%.*s%s %s", SLICE_ARG(text), i ? " and" : "",
                            names[parts[i].type]);
    return text;
}

struct slice rate_key_ip(struct arena *arena, const struct addr *client, unsigned ipv6_prefix)
{
    char text[ADDR_TEXT_MAX];
    struct addr a = *client;
    for (unsigned i = 0; a.family == 6 && i < 16; i++) {
        unsigned bits = ipv6_prefix > i * 8 ? ipv6_prefix - i * 8 : 0;
        if (bits < 8)
            a.ip[i] &= (uint8_t)(0xff00u >> bits);
    }
    struct slice parts[] = {SLICE("ip:"), slice_from_cstr(addr_format_ip(&a, text))};
    return arena_concat(arena, parts, 2);
}

static struct slice named(struct arena *arena, const char *type, struct slice name,
                          struct slice value)
{
    char digits[DECIMAL_MAX];
    struct slice parts[] = {slice_from_cstr(type),
                            SLICE(":"),
                            name,
                            SLICE("="),
                            slice_of(digits, decimal_write(digits, value.len)),
                            SLICE(":"),
                            value};
    return arena_concat(arena, parts, sizeof parts / sizeof *parts);
}

static struct slice plain(struct arena *arena, const char *type, struct slice value)
{
    char digits[DECIMAL_MAX];
    struct slice parts[] = {slice_from_cstr(type), SLICE("="),
                            slice_of(digits, decimal_write(digits, value.len)), SLICE(":"), value};
    return arena_concat(arena, parts, sizeof parts / sizeof *parts);
}

/* As Kong: who authenticated, by name or by credential. An anonymous one is nobody in particular.
 * Empty: nobody did. */
static struct slice caller_key(struct arena *arena, const struct filter_caller *c, bool by_consumer)
{
    if (!c)
        return SLICE("");
    if (by_consumer && c->consumer_id.len && !c->is_anonymous)
        return plain(arena, "consumer", c->consumer_id);
    if (c->credential_id.len && !c->is_anonymous)
        return plain(arena, "credential", c->credential_id);
    return c->principal.len ? plain(arena, "principal", c->principal) : SLICE("");
}

static struct slice header_key(struct filter_exchange *x, struct slice name)
{
    const struct header *h = headers_find(&x->request->headers, name);
    return h && h->value.len ? named(x->arena, "header", name, h->value) : SLICE("");
}

static struct slice claim_key(struct filter_exchange *x, struct slice name)
{
    const struct doc *d = x->caller ? doc_get(x->caller->claims, name) : NULL;
    if (d && d->type == DOC_STRING && d->string.len)
        return named(x->arena, "claim", name, d->string);
    if (d && d->type == DOC_INT)
        return named(x->arena, "claim", name, arena_printf(x->arena, "%" PRId64, d->integer));
    return SLICE("");
}

static struct slice part_key(struct filter_exchange *x, const struct rate_part *p)
{
    switch (p->type) {
    case RATE_BY_CONSUMER:
    case RATE_BY_CREDENTIAL:
        return caller_key(x->arena, x->caller, p->type == RATE_BY_CONSUMER);
    case RATE_BY_HEADER:
        return header_key(x, p->name);
    case RATE_BY_CLAIM:
        return claim_key(x, p->name);
    case RATE_BY_PATH:
        return plain(x->arena, "path", x->match_path);
    case RATE_BY_ROUTE:
        return plain(x->arena, "route", x->route);
    case RATE_BY_GLOBAL:
        return SLICE("global");
    default:
        return SLICE("");
    }
}

struct slice rate_key_of(struct filter_exchange *x, const struct rate_part *parts, unsigned count,
                         unsigned ipv6_prefix)
{
    struct slice all = SLICE("");
    for (unsigned i = 0; i < count; i++) {
        struct slice part = part_key(x, &parts[i]);
        if (!part.len)
            part = rate_key_ip(x->arena, &x->client->client, ipv6_prefix);
        struct slice joined[] = {all, SLICE(","), part};
        all = i ? arena_concat(x->arena, joined, 3) : part;
    }
    return all;
}
