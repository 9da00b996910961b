/* A route under construction, its chain, and an exchange to run it on: for the tests of route
 * filters.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/config/filter_conf.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"
#include "tests/unit/sidecar/config_make.h"
#include "tests/unit/sidecar/fake_exchange.h"

struct route_filters {
    struct config_make make;
    struct part part;
    Weft__Config__V1__Route *route;
    uint16_t listener_port;
    char detail[PART_DETAIL_MAX];
};

static inline int route_filters_setup(void **state)
{
    static struct route_filters w;
    config_make_init(&w.make);
    part_init(&w.part);
    w.route = config_make_route(&w.make, config_make_host(&w.make, "*"), "r", "/foo", "c");
    w.listener_port = 80;
    *state = &w;
    return 0;
}

static inline int route_filters_teardown(void **state)
{
    struct route_filters *w = *state;
    part_dispose(&w->part);
    config_make_dispose(&w->make);
    return 0;
}

static inline enum err route_filters_try(struct route_filters *w, const struct filter_chain **out)
{
    struct part_build b = {&w->part, SLICE("route r"), w->detail};
    return filter_conf_route(&b, w->route, w->listener_port, out);
}

static inline const struct filter_chain *route_filters_build(struct route_filters *w)
{
    const struct filter_chain *chain;
    if (route_filters_try(w, &chain))
        fail_msg("%s", w->detail);
    return chain;
}

static inline void route_filters_refused(struct route_filters *w, const char *want)
{
    const struct filter_chain *chain;
    assert_int_equal(route_filters_try(w, &chain), ERR_INVALID);
    assert_null(chain);
    if (!strstr(w->detail, want))
        fail_msg("\"%s\" does not say \"%s\"", w->detail, want);
}
