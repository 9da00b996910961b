/* RouteMatch messages: which requests a route is for. Control thread. Must not know where they
 * go.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/compile_priv.h"

static struct slice without_slash(struct slice prefix)
{
    bool slash = prefix.len > 1 && prefix.ptr[prefix.len - 1] == '/';
    return slice_sub(prefix, 0, prefix.len - slash);
}

static PB(StringMatch) * path_of(struct compile *c, const struct http_route_path_match *from)
{
    PB(StringMatch) *m = PB_NEW(c, StringMatch, string_match);
    if (from->type == HTTP_ROUTE_EXACT) {
        m->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_EXACT;
        m->exact = compile_build_text(c, from->value);
    } else if (from->type == HTTP_ROUTE_REGEX) {
        m->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_REGEX;
        m->regex = compile_build_text(c, from->value);
    } else if (slice_eq_cstr(from->value, "/")) {
        return NULL;
    } else {
        m->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_PATH_PREFIX;
        m->path_prefix = compile_build_text(c, without_slash(from->value));
    }
    return m;
}

static PB(StringMatch) * text_of(struct compile *c, const struct http_route_value_match *from)
{
    PB(StringMatch) *value = PB_NEW(c, StringMatch, string_match);
    if (from->type == HTTP_ROUTE_VALUE_REGEX) {
        value->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_REGEX;
        value->regex = compile_build_text(c, from->value);
    } else {
        value->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_EXACT;
        value->exact = compile_build_text(c, from->value);
    }
    return value;
}

static PB(NamedMatch) *
    value_of(struct compile *c, const struct http_route_value_match *from, bool is_header)
{
    PB(NamedMatch) *m = PB_NEW(c, NamedMatch, named_match);
    m->name = is_header ? compile_build_lower(c, from->name) : compile_build_text(c, from->name);
    m->value = text_of(c, from);
    return m;
}

static PB(ClaimMatch) * claim_of(struct compile *c, const struct http_route_value_match *from)
{
    PB(ClaimMatch) *m = PB_NEW(c, ClaimMatch, claim_match);
    struct slice *names;
    size_t count = http_route_match_claim(from->name, c->arena, &names);
    for (size_t i = 0; i < count; i++)
        PB_PUSH(c, m, path, compile_build_text(c, names[i]));
    m->value = text_of(c, from);
    return m;
}

/* Of several entries for one header only the first counts, whatever the case of its name. */
static bool is_repeated(const struct schema_list *headers, const struct http_route_value_match *h)
{
    for (SCHEMA_EACH(*headers, struct http_route_value_match, before)) {
        if (before == h)
            return false;
        if (http_route_match_same_header(before->name, h->name))
            return true;
    }
    return false;
}

/* Every gRPC call says so; what is none is for whoever else is there. A media type knows no case
 * and may have parameters (RFC 9110 §8.3.1); gRPC's may have a suffix, and application/grpc-web is
 * another one. */
static PB(NamedMatch) * grpc_only(struct compile *c)
{
    PB(NamedMatch) *m = PB_NEW(c, NamedMatch, named_match);
    m->name = compile_build_text(c, SLICE("content-type"));
    m->value = PB_NEW(c, StringMatch, string_match);
    m->value->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_REGEX;
    m->value->regex = compile_build_text(
        c, SLICE("application/grpc(?:\\+[^;[:blank:]]*)?(?:[[:blank:]]*;.*)?"));
    m->value->ignore_case = true;
    return m;
}

PB(RouteMatch) * compile_match(struct compile *c, const struct http_route_match *from, bool is_grpc)
{
    if (!from && !is_grpc)
        return NULL;
    PB(RouteMatch) *m = PB_NEW(c, RouteMatch, route_match);
    if (is_grpc)
        PB_PUSH(c, m, headers, grpc_only(c));
    if (!from)
        return m;
    m->path = path_of(c, &from->path);
    for (SCHEMA_EACH(from->headers, struct http_route_value_match, h)) {
        if (is_repeated(&from->headers, h))
            continue;
        if (http_route_match_is_claim(h->name))
            PB_PUSH(c, m, claims, claim_of(c, h));
        else
            PB_PUSH(c, m, headers, value_of(c, h, true));
    }
    for (SCHEMA_EACH(from->query, struct http_route_value_match, q))
        PB_PUSH(c, m, query, value_of(c, q, false));
    if (from->method != SCHEMA_UNSET)
        m->method = compile_build_text(c, slice_from_cstr(http_route_match_methods[from->method]));
    return m;
}

char *compile_match_prefix(struct compile *c, const struct http_route_match *from)
{
    if (!from)
        return compile_build_text(c, SLICE("/"));
    bool is_prefix = from->path.type == HTTP_ROUTE_PREFIX;
    return is_prefix ? compile_build_text(c, without_slash(from->path.value)) : NULL;
}
