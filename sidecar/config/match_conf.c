/* Compiling string matches.
 * Control thread. Must not know where they are used.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/match_conf.h"

#include "lib/codec/http/message.h"

static enum err take_text(const struct part_build *b, enum match_kind kind, const char *text,
                          struct string_match *to)
{
    to->kind = kind;
    to->text = part_text(b->part, text);
    return ERR_OK;
}

static enum err take_regex(const struct part_build *b, const Weft__Config__V1__StringMatch *from,
                           struct string_match *to)
{
    to->kind = MATCH_REGEX;
    to->text = part_text(b->part, from->regex);
    return part_regex(b, to->text, from->ignore_case, &to->regex);
}

enum err match_conf_string(const struct part_build *b, const Weft__Config__V1__StringMatch *from,
                           struct string_match *to)
{
    *to = (struct string_match){.kind = MATCH_ANY};
    if (!from)
        return ERR_OK;
    to->ignore_case = from->ignore_case;
    to->invert = from->invert;
    switch (from->kind_case) {
    case WEFT__CONFIG__V1__STRING_MATCH__KIND_EXACT:
        return take_text(b, MATCH_EXACT, from->exact, to);
    case WEFT__CONFIG__V1__STRING_MATCH__KIND_PREFIX:
        return take_text(b, MATCH_PREFIX, from->prefix, to);
    case WEFT__CONFIG__V1__STRING_MATCH__KIND_SUFFIX:
        return take_text(b, MATCH_SUFFIX, from->suffix, to);
    case WEFT__CONFIG__V1__STRING_MATCH__KIND_PATH_PREFIX:
        return take_text(b, MATCH_PATH_PREFIX, from->path_prefix, to);
    case WEFT__CONFIG__V1__STRING_MATCH__KIND_REGEX:
        return take_regex(b, from, to);
    case WEFT__CONFIG__V1__STRING_MATCH__KIND_PRESENT:
        to->kind = MATCH_PRESENT;
        to->invert ^= !from->present;
        return ERR_OK;
    default:
        return part_refuse(b, "a string match of an unknown kind");
    }
}

enum err match_conf_strings(const struct part_build *b, Weft__Config__V1__StringMatch *const *from,
                            size_t count, const struct string_match **to)
{
    struct string_match *items = part_array(b->part, count, sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        enum err e = match_conf_string(b, from[i], &items[i]);
        if (e)
            return e;
    }
    *to = items;
    return ERR_OK;
}

static enum err take_named(const struct part_build *b, enum match_subject subject,
                           const Weft__Config__V1__NamedMatch *from, struct named_match *to)
{
    if (subject == MATCH_CONF_QUERY) {
        to->name = part_text(b->part, from->name);
        if (to->name.len == 0)
            return part_refuse(b, "a query match without a parameter name");
    } else {
        to->name = part_text_lower(b->part, from->name);
        if (!message_name_is_valid(to->name))
            return part_refuse(b, "\"%s\" is not a header name", from->name);
        to->header_id = (uint16_t)header_id_of(to->name);
    }
    return match_conf_string(b, from->value, &to->value);
}

enum err match_conf_named(const struct part_build *b, enum match_subject subject,
                          Weft__Config__V1__NamedMatch *const *from, size_t count,
                          const struct named_match **to)
{
    struct named_match *items = part_array(b->part, count, sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        enum err e = take_named(b, subject, from[i], &items[i]);
        if (e)
            return e;
    }
    *to = items;
    return ERR_OK;
}

static enum err take_claim(const struct part_build *b, const Weft__Config__V1__ClaimMatch *from,
                           struct claim_match *to)
{
    struct slice *names = part_array(b->part, from->n_path, sizeof(*names));
    if (!from->n_path || from->n_path > UINT16_MAX)
        return part_refuse(b, "a claim match without a name");
    for (size_t i = 0; i < from->n_path; i++) {
        names[i] = part_text(b->part, from->path[i]);
        to->text = i ? arena_printf(&b->part->arena, "%.*s.%s", SLICE_ARG(to->text), from->path[i])
                     : names[i];
    }
    to->path = (struct claim_path){names, (uint32_t)from->n_path};
    return match_conf_string(b, from->value, &to->value);
}

enum err match_conf_claims(const struct part_build *b, Weft__Config__V1__ClaimMatch *const *from,
                           size_t count, const struct claim_match **to)
{
    struct claim_match *items = part_array(b->part, count, sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        enum err e = take_claim(b, from[i], &items[i]);
        if (e)
            return e;
    }
    *to = items;
    return ERR_OK;
}
