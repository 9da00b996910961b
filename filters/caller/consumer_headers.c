/* What a backend is told of who the request is from, under Kong's names. Only we say these, so
 * whatever the client has sent under them is removed. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"
#include "lib/codec/http/header_fold.h"

static const struct slice ours[] = {
    {"x-consumer-id", 13},
    {"x-consumer-username", 19},
    {"x-consumer-custom-id", 20},
    {"x-consumer-groups", 17},
    {"x-credential-identifier", 23},
    {"x-anonymous-consumer", 20},
};

static bool is_ours(const struct header *h)
{
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (h->name.len == ours[i].len && header_fold_eq(h->name, ours[i]))
            return true;
    return false;
}

void consumer_headers_drop(struct filter_exchange *x)
{
    headers_remove_if(&x->request->headers, is_ours);
}

static void say(struct filter_exchange *x, const char *name, struct slice value)
{
    if (value.len)
        headers_add(&x->request->headers, slice_from_cstr(name), value);
}

static struct slice join(struct arena *arena, const struct slice *items, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += items[i].len + 1;
    char *text = arena_alloc(arena, len + 1);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (i)
            text[at++] = ',';
        memcpy(text + at, items[i].ptr, items[i].len);
        at += items[i].len;
    }
    return slice_of(text, at);
}

void consumer_headers_say(struct filter_exchange *x)
{
    const struct filter_caller *c = x->caller;
    consumer_headers_drop(x);
    say(x, "x-consumer-id", c->consumer_id);
    say(x, "x-consumer-username", c->username);
    say(x, "x-consumer-custom-id", c->custom_id);
    if (c->group_count)
        say(x, "x-consumer-groups", join(x->arena, c->groups, c->group_count));
    say(x, "x-credential-identifier", c->credential_id);
    if (c->is_anonymous)
        say(x, "x-anonymous-consumer", SLICE("true"));
}

static struct filter_caller *set_caller(struct filter_exchange *x, const char *method,
                                        const struct consumer *c)
{
    struct filter_caller *caller = filter_caller_set(x, method);
    caller->consumer = c;
    caller->consumer_id = c->id;
    caller->username = c->username;
    caller->custom_id = c->custom_id;
    caller->groups = c->groups;
    caller->group_count = c->group_count;
    return caller;
}

void consumer_accept(struct filter_exchange *x, const char *method,
                     const struct consumer_credential *credential)
{
    set_caller(x, method, credential->consumer)->credential_id = credential->id;
    consumer_headers_say(x);
}

void consumer_accept_named(struct filter_exchange *x, const char *method,
                           const struct consumer *consumer)
{
    set_caller(x, method, consumer);
    consumer_headers_say(x);
}

void consumer_accept_anonymous(struct filter_exchange *x, const char *method,
                               const struct consumer *consumer)
{
    set_caller(x, method, consumer)->is_anonymous = true;
    consumer_headers_say(x);
}
