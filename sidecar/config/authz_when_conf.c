/* Compiling the conditions of authorization rules: which key, and values of the kind that it has.
 * Control thread. Must not know how they are evaluated.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/authz_when_conf.h"

#include "lib/codec/http/message.h"
#include "sidecar/config/authz_conf.h"
#include "sidecar/config/match_conf.h"

typedef Weft__Config__V1__StringMatch *const *pb_matches;

struct key_name {
    struct slice name;
    enum authz_key key;
};

static const struct key_name key_names[] = {
    {{"source.ip", 9}, AUTHZ_KEY_SOURCE_IP},
    {{"remote.ip", 9}, AUTHZ_KEY_REMOTE_IP},
    {{"source.namespace", 16}, AUTHZ_KEY_SOURCE_NAMESPACE},
    {{"source.principal", 16}, AUTHZ_KEY_SOURCE_PRINCIPAL},
    {{"destination.ip", 14}, AUTHZ_KEY_DESTINATION_IP},
    {{"destination.port", 16}, AUTHZ_KEY_DESTINATION_PORT},
    {{"connection.sni", 14}, AUTHZ_KEY_SNI},
};

static enum err take_header_key(const struct part_build *b, struct slice name,
                                struct authz_condition *to)
{
    char *copy = arena_strdup(&b->part->arena, name);
    to->key = AUTHZ_KEY_HEADER;
    to->header = part_text_lower(b->part, copy);
    if (slice_eq(to->header, SLICE("host")) || slice_starts_with(to->header, SLICE(":")))
        return part_refuse(b, "condition on header %s: use hosts, methods or paths", copy);
    if (!message_name_is_valid(to->header))
        return part_refuse(b, "condition on \"%s\", which is not a header name", copy);
    return ERR_OK;
}

static enum err take_key(const struct part_build *b, const char *text, struct authz_condition *to)
{
    static const struct slice open = {"request.headers[", 16};
    struct slice key = slice_from_cstr(text);
    for (size_t i = 0; i < sizeof(key_names) / sizeof(key_names[0]); i++) {
        if (slice_eq(key, key_names[i].name)) {
            to->key = key_names[i].key;
            return ERR_OK;
        }
    }
    if (slice_starts_with(key, open) && slice_ends_with(key, SLICE("]")))
        return take_header_key(b, slice_sub(key, open.len, key.len - open.len - 1), to);
    return part_refuse(b, "unknown condition key \"%s\"", text);
}

static enum err plain_text(const struct part_build *b, const Weft__Config__V1__StringMatch *m,
                           const char **text)
{
    if (m->kind_case != WEFT__CONFIG__V1__STRING_MATCH__KIND_EXACT || m->invert)
        return part_refuse(b, "conditions on addresses and ports take plain values only");
    *text = m->exact;
    return ERR_OK;
}

static enum err take_ips(const struct part_build *b, pb_matches from, size_t count,
                         struct authz_cidrs *to)
{
    struct cidr *items = part_array(b->part, count, sizeof(*items));
    *to = (struct authz_cidrs){items, (uint32_t)count};
    for (size_t i = 0; i < count; i++) {
        const char *text = "";
        enum err e = plain_text(b, from[i], &text);
        if (!e)
            e = authz_conf_cidr(b, text, &items[i]);
        if (e)
            return e;
    }
    return ERR_OK;
}

static enum err take_port_values(const struct part_build *b, pb_matches from, size_t count,
                                 struct authz_ports *to)
{
    uint16_t *items = part_array(b->part, count, sizeof(*items));
    *to = (struct authz_ports){items, (uint32_t)count};
    for (size_t i = 0; i < count; i++) {
        const char *text = "";
        uint64_t port;
        enum err e = plain_text(b, from[i], &text);
        if (e)
            return e;
        if (slice_to_u64(slice_from_cstr(text), &port) || port == 0 || port > UINT16_MAX)
            return part_refuse(b, "\"%s\" is not a port", text);
        items[i] = (uint16_t)port;
    }
    return ERR_OK;
}

enum err authz_when_conf_take(const struct part_build *b,
                              const Weft__Config__V1__AuthzCondition *from,
                              struct authz_condition *to)
{
    enum err e = take_key(b, from->key, to);
    if (!e && from->n_values + from->n_not_values == 0)
        e = part_refuse(b, "condition %s without values", from->key);
    if (e)
        return e;
    switch (to->key) {
    case AUTHZ_KEY_SOURCE_IP:
    case AUTHZ_KEY_REMOTE_IP:
    case AUTHZ_KEY_DESTINATION_IP:
        e = take_ips(b, from->values, from->n_values, &to->ips);
        return e ? e : take_ips(b, from->not_values, from->n_not_values, &to->not_ips);
    case AUTHZ_KEY_DESTINATION_PORT:
        e = take_port_values(b, from->values, from->n_values, &to->ports);
        return e ? e : take_port_values(b, from->not_values, from->n_not_values, &to->not_ports);
    default:
        to->values.count = (uint32_t)from->n_values;
        to->not_values.count = (uint32_t)from->n_not_values;
        e = match_conf_strings(b, from->values, from->n_values, &to->values.items);
        return e ? e
                 : match_conf_strings(b, from->not_values, from->n_not_values,
                                      &to->not_values.items);
    }
}
