/* Filters as resources: shared while they stay the same, changed without the routes that name them,
 * and refused alone. SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "filters/chain.h"
#include "sidecar/config/snapshot.h"
#include "sidecar/config/snapshot_priv.h"
#include "sidecar/config/route/route_table.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"
#include "tests/unit/sidecar/config_make.h"

#define LIMIT "filter/shop/limits/requestSize"

struct world {
    struct config_make make;
    struct snapshot_builder *builder;
    struct snapshot *snapshot, *before;
    unsigned refused;
    char why[256];
};

static int setup(void **state)
{
    static struct world w;
    w = (struct world){.builder = snapshot_builder_create()};
    config_make_init(&w.make);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    snapshot_unref(w->snapshot);
    snapshot_unref(w->before);
    snapshot_builder_destroy(w->builder);
    config_make_dispose(&w->make);
    return 0;
}

static void on_refused(void *owner, const char *resource, const char *why)
{
    struct world *w = owner;
    (void)resource;
    w->refused++;
    snprintf(w->why, sizeof(w->why), "%s", why);
}

static void build(struct world *w, unsigned refused)
{
    snapshot_unref(w->before);
    w->before = w->snapshot;
    w->refused = 0;
    w->snapshot = snapshot_build_what_can_be(w->builder, &w->make.message, on_refused, w);
    if (w->refused != refused)
        fail_msg("%u are refused, not %u: %s", w->refused, refused, w->why);
    config_make_clear(&w->make);
}

static void add_filter(struct world *w, const char *name, uint64_t version, const char *type,
                       const char *spec)
{
    Weft__Config__V1__Resource *r = config_make_resource(&w->make, "filter", name, version);
    Weft__Config__V1__Filter *f = arena_alloc(&w->make.arena, sizeof(*f));
    weft__config__v1__filter__init(f);
    f->type = config_make_text(&w->make, type);
    f->spec = config_make_text(&w->make, spec);
    r->body_case = WEFT__CONFIG__V1__RESOURCE__BODY_FILTER;
    r->filter = f;
}

static Weft__Config__V1__Route *add_route(struct world *w, const char *filter)
{
    Weft__Config__V1__Destination *d = config_make_destination(&w->make, "web", 1, 80);
    Weft__Config__V1__VirtualHost *host = config_make_host(&w->make, "*");
    Weft__Config__V1__Route *r = config_make_route(&w->make, host, "r", "/", "web");
    CONFIG_PUSH(&w->make, d, virtual_hosts, host);
    CONFIG_PUSH(&w->make, d, hosts, config_make_text(&w->make, "web"));
    CONFIG_PUSH(&w->make, r, filters, config_make_text(&w->make, filter));
    return r;
}

static const struct filter_chain *chain_of(const struct snapshot *s)
{
    const struct destination_conf *d = snapshot_destination_by_host(s, SLICE("web"), 80);
    assert_non_null(d);
    return d->routes->routes[0].chain;
}

static void shared_while_the_same(void **state)
{
    struct world *w = *state;
    add_filter(w, "shop/limits/requestSize", 7, "requestSize", "{\"max\":5}");
    add_route(w, LIMIT);
    build(w, 0);
    const struct filter_chain *chain = chain_of(w->snapshot);
    assert_int_equal(chain->count, 1);
    assert_string_equal(chain->entries[0].filter->name, "requestSize");
    assert_true(slice_eq_cstr(chain->entries[0].id, "shop/limits/requestSize"));
    add_filter(w, "shop/limits/requestSize", 7, "requestSize", "{\"max\":5}");
    add_filter(w, "shop/other/requestSize", 1, "requestSize", "{\"max\":6}");
    add_route(w, LIMIT);
    build(w, 0);
    assert_ptr_equal(chain_of(w->snapshot), chain);
}

/* The route's own message is not looked at again: only where its names lead is. */
static void changed_without_its_routes(void **state)
{
    struct world *w = *state;
    add_filter(w, "shop/limits/requestSize", 7, "requestSize", "{\"max\":5}");
    add_route(w, LIMIT);
    build(w, 0);
    const struct routed_core *core = w->snapshot->routed[0]->core;
    const void *conf = chain_of(w->snapshot)->entries[0].conf;
    add_filter(w, "shop/limits/requestSize", 8, "requestSize", "{\"max\":6}");
    add_route(w, LIMIT);
    build(w, 0);
    assert_ptr_equal(w->snapshot->routed[0]->core, core);
    assert_ptr_not_equal(chain_of(w->snapshot)->entries[0].conf, conf);
    assert_ptr_equal(chain_of(w->before)->entries[0].conf, conf);
}

static void refused_it_stays_as_it_was(void **state)
{
    struct world *w = *state;
    add_filter(w, "shop/limits/requestSize", 7, "requestSize", "{\"max\":5}");
    add_route(w, LIMIT);
    build(w, 0);
    const void *conf = chain_of(w->snapshot)->entries[0].conf;
    add_filter(w, "shop/limits/requestSize", 8, "requestSize", "{}");
    add_route(w, LIMIT);
    build(w, 1);
    assert_non_null(strstr(w->why, LIMIT ": requestSize.max: is required"));
    assert_ptr_equal(chain_of(w->snapshot)->entries[0].conf, conf);
}

static void refused_at_once_it_is_closed(void **state)
{
    struct world *w = *state;
    add_filter(w, "shop/limits/teapot", 7, "teapot", "{}");
    add_route(w, "filter/shop/limits/teapot");
    build(w, 1);
    const struct filter_entry *closed = &chain_of(w->snapshot)->entries[0];
    assert_string_equal(closed->filter->name, "broken");
    assert_true(slice_ends_with(*(const struct slice *)closed->conf,
                                SLICE("there is no filter \"teapot\" in this version")));
    add_filter(w, "shop/limits/teapot", 8, "requestSize", "{\"max\":5}");
    add_route(w, "filter/shop/limits/teapot");
    build(w, 0);
    assert_string_equal(chain_of(w->snapshot)->entries[0].filter->name, "requestSize");
}

static void gone_it_is_closed(void **state)
{
    struct world *w = *state;
    add_filter(w, "shop/limits/requestSize", 7, "requestSize", "{\"max\":5}");
    add_route(w, LIMIT);
    build(w, 0);
    add_route(w, LIMIT);
    build(w, 0);
    assert_string_equal(chain_of(w->snapshot)->entries[0].filter->name, "broken");
}

static void more_than_a_chain_takes(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__Route *r = add_route(w, LIMIT);
    for (int i = 0; i < FILTER_CHAIN_MAX; i++)
        CONFIG_PUSH(&w->make, r, filters, config_make_text(&w->make, LIMIT));
    build(w, 1);
    assert_non_null(strstr(w->why, "more than 64 filters"));
}

/* ---- inbound ports ---- */

static void add_inbound(struct world *w)
{
    Weft__Config__V1__Inbound *in = config_make_inbound(&w->make, 1);
    for (uint32_t port = 80; port < 82; port++) {
        Weft__Config__V1__InboundPort *p = arena_alloc(&w->make.arena, sizeof(*p));
        weft__config__v1__inbound_port__init(p);
        p->port = port;
        CONFIG_PUSH(&w->make, in, ports, p);
    }
    CONFIG_PUSH(&w->make, in->ports[0], filters, config_make_text(&w->make, LIMIT));
    in->authorization = config_make_authorization(&w->make, "shop/all", "ALLOW");
}

static void for_one_port(void **state)
{
    struct world *w = *state;
    add_filter(w, "shop/limits/requestSize", 7, "requestSize", "{\"max\":5}");
    add_inbound(w);
    build(w, 0);
    const struct filter_chain *chain = snapshot_inbound_port(w->snapshot, 80)->chain;
    assert_int_equal(chain->count, 2); /* authorization goes first */
    assert_string_equal(chain->entries[0].filter->name, "authorization");
    assert_string_equal(chain->entries[1].filter->name, "requestSize");
    assert_int_equal(snapshot_inbound_port(w->snapshot, 81)->chain->count, 1);
    const struct inbound_conf *inbound = snapshot_inbound(w->snapshot);
    add_filter(w, "shop/limits/requestSize", 7, "requestSize", "{\"max\":5}");
    add_inbound(w);
    build(w, 0);
    assert_ptr_equal(snapshot_inbound(w->snapshot), inbound);
    add_filter(w, "shop/limits/requestSize", 8, "requestSize", "{\"max\":6}");
    add_inbound(w);
    build(w, 0);
    assert_ptr_not_equal(snapshot_inbound(w->snapshot), inbound);
    assert_ptr_not_equal(snapshot_inbound_port(w->snapshot, 80)->chain->entries[1].conf,
                         chain->entries[1].conf);
    assert_int_equal(snapshot_inbound(w->snapshot)->authz_version, inbound->authz_version);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shared_while_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(changed_without_its_routes, setup, teardown),
        cmocka_unit_test_setup_teardown(refused_it_stays_as_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(refused_at_once_it_is_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(gone_it_is_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(more_than_a_chain_takes, setup, teardown),
        cmocka_unit_test_setup_teardown(for_one_port, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
