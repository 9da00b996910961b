/* Parts of rules in words, for whoever asks why a rule does not hold.
 * Not on the request path. Must not decide whether anything holds.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/authz/authz_trace.h"

static const char *const part_names[] = {
    [AUTHZ_PART_PRINCIPAL] = "the caller",
    [AUTHZ_PART_NAMESPACE] = "the caller's namespace",
    [AUTHZ_PART_SOURCE_IP] = "the caller's address",
    [AUTHZ_PART_REMOTE_IP] = "the client's address",
    [AUTHZ_PART_DESTINATION_IP] = "the address that is called",
    [AUTHZ_PART_METHOD] = "the method",
    [AUTHZ_PART_PATH] = "the path",
    [AUTHZ_PART_PATH_READING] = "the path, as the app may read it,",
    [AUTHZ_PART_HOST] = "the host",
    [AUTHZ_PART_SNI] = "the name in the TLS hello",
    [AUTHZ_PART_TOKEN_PRINCIPAL] = "the token's principal",
    [AUTHZ_PART_TOKEN_CLAIM] = "the token's claim",
};

/* "a, b", "a; none of c". */
static struct slice wanted(struct arena *arena, struct slice in, struct slice not_in)
{
    if (!not_in.len)
        return in;
    return arena_printf(arena, "%.*s%snone of %.*s", SLICE_ARG(in), in.len ? "; " : "",
                        SLICE_ARG(not_in));
}

static void miss(struct authz_trace *t, const char *what, struct slice value, struct slice in,
                 struct slice not_in)
{
    if (!t->miss.len)
        t->miss = arena_printf(t->arena, "%s is \"%.*s\" (wanted: %.*s)", what, SLICE_ARG(value),
                               SLICE_ARG(wanted(t->arena, in, not_in)));
}

static struct slice describe(struct authz_trace *t, const struct authz_strings *list)
{
    return match_describe_list(t->arena, list->items, list->count);
}

void authz_trace_strings(struct authz_trace *t, enum authz_part part,
                         const struct authz_strings *in, const struct authz_strings *not_in,
                         struct slice value)
{
    bool is_identity = part == AUTHZ_PART_PRINCIPAL || part == AUTHZ_PART_NAMESPACE;
    if (is_identity && !value.len && !t->miss.len)
        t->miss = arena_printf(t->arena, "%s shows no certificate (wanted: %.*s)",
                               part_names[AUTHZ_PART_PRINCIPAL],
                               SLICE_ARG(wanted(t->arena, describe(t, in), describe(t, not_in))));
    miss(t, part_names[part], value, describe(t, in), describe(t, not_in));
}

/* ---- addresses ---- */

static struct slice join_cidrs(struct authz_trace *t, const struct authz_cidrs *list)
{
    struct slice all = SLICE("");
    char text[ADDR_TEXT_MAX];
    for (uint32_t i = 0; i < list->count; i++) {
        const struct cidr *c = &list->items[i];
        const char *ip = addr_format_ip(&c->base, text), *comma = i ? ", " : "";
        bool is_whole = c->bits == (c->base.family == 4 ? 32 : 128);
        all = is_whole
                  ? arena_printf(t->arena, "%.*s%s%s", SLICE_ARG(all), comma, ip)
                  : arena_printf(t->arena, "%.*s%s%s/%u", SLICE_ARG(all), comma, ip, c->bits);
    }
    return all;
}

void authz_trace_cidrs(struct authz_trace *t, enum authz_part part, const struct authz_cidrs *in,
                       const struct authz_cidrs *not_in, const struct addr *a, enum truth truth)
{
    char text[ADDR_TEXT_MAX];
    bool is_open = a && addr_is_any(a);
    t->asked_unknown_address |= is_open;
    if (truth == TRUTH_YES || t->miss.len)
        return;
    struct slice list = wanted(t->arena, join_cidrs(t, in), join_cidrs(t, not_in));
    if (!a || is_open)
        t->miss = arena_printf(t->arena, "%s is not known (wanted: %.*s)", part_names[part],
                               SLICE_ARG(list));
    else
        miss(t, part_names[part], slice_from_cstr(addr_format_ip(a, text)), join_cidrs(t, in),
             join_cidrs(t, not_in));
}

/* ---- ports and headers ---- */

static struct slice join_ports(struct authz_trace *t, const struct authz_ports *list)
{
    struct slice all = SLICE("");
    for (uint32_t i = 0; i < list->count; i++)
        all = arena_printf(t->arena, "%.*s%s%u", SLICE_ARG(all), i ? ", " : "", list->items[i]);
    return all;
}

void authz_trace_ports(struct authz_trace *t, const struct authz_ports *in,
                       const struct authz_ports *not_in, uint16_t port)
{
    miss(t, "the port", arena_decimal(t->arena, port), join_ports(t, in),
         join_ports(t, not_in));
}

void authz_trace_header(struct authz_trace *t, const struct authz_condition *c,
                        const struct headers *headers)
{
    struct slice name = arena_printf(t->arena, "header %.*s", SLICE_ARG(c->header));
    const struct header *first = headers_find(headers, c->header);
    struct slice in = describe(t, &c->values), not_in = describe(t, &c->not_values);
    if (first)
        miss(t, arena_strdup(t->arena, name), first->value, in, not_in);
    else if (!t->miss.len)
        t->miss = arena_printf(t->arena, "there is no %.*s (wanted: %.*s)", SLICE_ARG(name),
                               SLICE_ARG(wanted(t->arena, in, not_in)));
}

void authz_trace_no_token(struct authz_trace *t, bool is_awaited)
{
    if (!t->miss.len)
        t->miss = is_awaited ? SLICE("the token is read later, by filters of the route")
                             : SLICE("no filter reads tokens here");
}

void authz_trace_rule(struct authz_trace *t, const struct authz_policy *p, uint32_t rule,
                      bool holds)
{
    t->on_rule(t->owner, p, rule, holds ? (struct slice){0} : t->miss);
    t->miss = (struct slice){0};
}
