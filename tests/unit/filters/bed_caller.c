/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/filters/bed_caller.h"

#include "filters/caller/consumer.h"
#include "lib/codec/doc/doc_json.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

/* False: there is no such Consumer. */
static bool accept_consumer(struct filter_exchange *x, struct slice id)
{
    size_t slash = slice_find_byte(id, '/');
    struct slice ns = slice_sub(id, 0, slash), name = slice_sub(id, slash + 1, id.len);
    struct consumer_scope scope = {.namespaces = &ns, .count = 1};
    const struct consumer *c = id.len ? consumer_find_named(x->consumers, &scope, name) : NULL;
    if (c && c->credential_count)
        consumer_accept(x, "before", &c->credentials[0]);
    else if (c)
        consumer_accept_anonymous(x, "before", c);
    return c != NULL;
}

static void take_groups(struct arena *arena, struct slice rest, struct filter_caller *caller)
{
    struct slice group, *groups = arena_alloc(arena, (rest.len + 1) * sizeof(*groups));
    caller->groups = groups;
    while (rest.len && slice_split(&rest, ',', &group))
        groups[caller->group_count++] = group;
}

void bed_caller_set(struct filter_exchange *x, const struct filter_bed_case *c)
{
    struct doc_error error;
    if (accept_consumer(x, c->consumer) ||
        (!c->consumer.len && !c->credential.len && !c->claims.len))
        return;
    struct filter_caller *caller = filter_caller_set(x, "keyAuth");
    caller->consumer_id = c->consumer;
    caller->credential_id = c->credential;
    take_groups(x->arena, c->groups, caller);
    if (c->claims.len)
        assert_int_equal(doc_json_parse(c->claims, x->arena, &caller->claims, &error), ERR_OK);
}
