/* The parts, put together as control_plane.c and controller.c do it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/policyd_bed.h"

#include <stdio.h>
#include <string.h>

#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "policies/policyd/object_store.h"
#include "tests/sim/fake_clock.h"
#include "tests/unit/lib/base/cmocka_base.h"

static void touched(struct policyd_bed *b)
{
    gateway_controller_set_active(b->controller, b->is_leader);
    status_writer_set_active(b->writer, b->is_leader);
}

static void on_touched(void *owner)
{
    struct policyd_bed *b = owner;
    if (b->writer)
        touched(b);
}

static void on_changed(void *owner, const struct invalidation *reach, uint64_t changed_ns)
{
    struct policyd_bed *b = owner;
    compile_cache_mark(b->cache, reach);
    subscriber_list_changed(b->subscribers, changed_ns);
}

static const struct policy_set *set_of(void *owner)
{
    return object_store_set(((struct policyd_bed *)owner)->world);
}

static bool is_ready(void *owner)
{
    return object_store_is_ready(((struct policyd_bed *)owner)->world);
}

static bool is_busy(void *owner)
{
    return ((struct policyd_bed *)owner)->is_busy;
}

static void describe(void *owner, const struct object *gateway, struct status_gateway *out)
{
    gateway_controller_describe(((struct policyd_bed *)owner)->controller, gateway, out);
}

void policyd_bed_open(struct policyd_bed *b)
{
    *b = (struct policyd_bed){.loop = loop_sim_create(1000), .is_leader = true};
    fake_clock_follow(b->loop);
    b->kube = fake_kube_open(b->loop);
    b->options = (struct policyd_options){.trust_domain = (char *)"cluster.local",
                                          .namespace_name = (char *)"weft-system",
                                          .image = (char *)"weft:test",
                                          .discovery_address = (char *)"policyd:15010",
                                          .certd_address = (char *)"certd:15012",
                                          .keeps_gateways = true};
    fake_kube_put(b->kube, POLICYD_GATEWAY_API "gatewayclasses/weft",
                  "{metadata: {name: weft}, spec: {controllerName: weft.dev/gateway-controller}}");
    struct object_store_config world = {b->loop, on_changed, on_touched, b};
    b->world = object_store_create(&world);
    b->cache = compile_cache_create(set_of, b, SLICE("cluster.local"), SLICE(""));
    struct subscriber_list_config subscribers = {.loop = b->loop,
                                                 .cache = b->cache,
                                                 .set = set_of,
                                                 .is_ready = is_ready,
                                                 .gateway_moved = on_touched,
                                                 .owner = b,
                                                 .trust_domain = SLICE("cluster.local"),
                                                 .needs_pod = true};
    b->subscribers = subscriber_list_create(&subscribers);
    struct kube_client *client = fake_kube_client(b->kube);
    struct gateway_controller_config controller = {
        b->loop, client, &b->options, b->world, b->subscribers, on_touched, b};
    struct status_writer_config writer = {b->loop, client, b->world, describe, is_busy, b,
                                          b->cache};
    b->controller = gateway_controller_open(&controller);
    b->writer = status_writer_open(&writer);
    b->feed = kube_source_open(b->loop, client, b->world);
    policyd_bed_advance(b, 1000);
    assert_true(is_ready(b));
}

void policyd_bed_close(struct policyd_bed *b)
{
    kube_source_close(b->feed);
    status_writer_close(b->writer);
    gateway_controller_close(b->controller);
    subscriber_list_destroy(b->subscribers);
    fake_kube_close(b->kube);
    compile_cache_destroy(b->cache);
    object_store_destroy(b->world);
    fake_clock_follow(NULL);
    loop_destroy(b->loop);
}

void policyd_bed_lead(struct policyd_bed *b, bool is_leader)
{
    b->is_leader = is_leader;
    touched(b);
    policyd_bed_advance(b, 1000);
}

void policyd_bed_advance(struct policyd_bed *b, uint64_t ms)
{
    loop_sim_advance(b->loop, ms);
    assert_true(loop_sim_turn(b->loop));
}

void policyd_bed_gateway(struct policyd_bed *b, const char *name, const char *metadata)
{
    char path[200], text[600];
    snprintf(path, sizeof path, POLICYD_GATEWAYS "%s", name);
    snprintf(text, sizeof text,
             "{metadata: {name: %s, namespace: shop%s}, spec: {gatewayClassName: weft, listeners: "
             "[{name: http, port: 80, protocol: HTTP}]}}",
             name, metadata);
    fake_kube_put(b->kube, path, text);
    policyd_bed_advance(b, 1000);
}

void policyd_bed_route(struct policyd_bed *b, const char *name, const char *gateway)
{
    char path[200], text[400];
    snprintf(path, sizeof path, POLICYD_ROUTES "%s", name);
    snprintf(text, sizeof text,
             "{metadata: {name: %s, namespace: shop}, spec: {parentRefs: [{name: %s}], rules: "
             "[{}]}}",
             name, gateway);
    fake_kube_put(b->kube, path, text);
}

const char *policyd_bed_condition(struct policyd_bed *b, const char *path, const char *type,
                                  const char *field)
{
    static char text[300];
    const struct doc *root = fake_kube_get(b->kube, path);
    const struct doc *list = doc_find(root, "status.parents[0].conditions");
    text[0] = 0;
    if (!list)
        list = doc_find(root, "status.conditions");
    for (size_t i = 0; list && i < list->count; i++)
        if (slice_eq_cstr(doc_string(doc_get(list->items[i], SLICE("type"))), type))
            snprintf(text, sizeof text, "%.*s",
                     SLICE_ARG(doc_string(doc_get(list->items[i], slice_from_cstr(field)))));
    return text;
}
