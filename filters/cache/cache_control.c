/* A list of names, each with a value or without, in quotes or without; a comma within quotes ends
 * nothing. SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/cache/cache_control.h"

bool cache_control_seconds(struct slice text, int64_t *out)
{
    int64_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        n = n * 10 + (text.ptr[i] - '0');
        n = n < CACHE_CONTROL_MAX ? n : CACHE_CONTROL_MAX;
    }
    *out = n;
    return text.len > 0;
}

static size_t end_of_item(struct slice s)
{
    bool is_quoted = false;
    for (size_t i = 0; i < s.len; i++) {
        if (is_quoted && s.ptr[i] == '\\')
            i++;
        else if (s.ptr[i] == '"')
            is_quoted = !is_quoted;
        else if (s.ptr[i] == ',' && !is_quoted)
            return i;
    }
    return s.len;
}

static struct slice unquote(struct slice s)
{
    bool is_quoted = s.len >= 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"';
    return is_quoted ? slice_sub(s, 1, s.len - 2) : s;
}

static void take_number(int64_t *to, struct slice value)
{
    int64_t n = 0;
    if (!cache_control_seconds(unquote(value), &n))
        n = 0;
    *to = *to == CACHE_CONTROL_NONE || n < *to ? n : *to;
}

static bool take_flag(struct cache_control *c, struct slice name)
{
    const struct {
        struct slice name;
        bool *flag;
    } all[] = {
        {SLICE("no-cache"), &c->no_cache},
        {SLICE("no-store"), &c->no_store},
        {SLICE("no-transform"), &c->no_transform},
        {SLICE("public"), &c->is_public},
        {SLICE("private"), &c->is_private},
        {SLICE("must-revalidate"), &c->must_revalidate},
        {SLICE("proxy-revalidate"), &c->proxy_revalidate},
        {SLICE("must-understand"), &c->must_understand},
        {SLICE("only-if-cached"), &c->only_if_cached},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (slice_eq_nocase(name, all[i].name))
            return *all[i].flag = true;
    return false;
}

static void take_item(struct cache_control *c, struct slice item)
{
    size_t at = slice_find_byte(item, '=');
    struct slice name = slice_sub(item, 0, at), value = slice_sub(item, at + 1, item.len);
    const struct {
        struct slice name;
        int64_t *number;
    } all[] = {
        {SLICE("max-age"), &c->max_age},
        {SLICE("s-maxage"), &c->s_maxage},
        {SLICE("min-fresh"), &c->min_fresh},
        {SLICE("max-stale"), &c->max_stale},
        {SLICE("stale-while-revalidate"), &c->stale_while_revalidate},
        {SLICE("stale-if-error"), &c->stale_if_error},
    };
    if (take_flag(c, name))
        return;
    if (at == item.len && slice_eq_nocase(name, SLICE("max-stale"))) {
        c->any_stale = true;
        return;
    }
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (slice_eq_nocase(name, all[i].name))
            take_number(all[i].number, value);
}

struct cache_control cache_control_read(const struct headers *h)
{
    struct cache_control c = {.max_age = CACHE_CONTROL_NONE,
                              .s_maxage = CACHE_CONTROL_NONE,
                              .min_fresh = CACHE_CONTROL_NONE,
                              .max_stale = CACHE_CONTROL_NONE,
                              .stale_while_revalidate = CACHE_CONTROL_NONE,
                              .stale_if_error = CACHE_CONTROL_NONE};
    for (uint32_t i = 0; i < h->count; i++) {
        struct slice rest = h->items[i].value;
        if (h->items[i].id != HEADER_CACHE_CONTROL)
            continue;
        c.is_there = true;
        while (rest.len) {
            size_t end = end_of_item(rest);
            take_item(&c, slice_trim(slice_sub(rest, 0, end)));
            rest = slice_sub(rest, end + 1, rest.len);
        }
    }
    return c;
}
