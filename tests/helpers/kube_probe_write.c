/* The verbs of weft-kube-probe that write: objects, status, Events, a lease. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"
#include "lib/kube/kube_write.h"
#include "tests/helpers/kube_probe.h"

static struct kube_ref ref_of(const struct probe *p)
{
    return (struct kube_ref){
        .api_version = probe_option(p, "api").ptr,
        .plural = probe_option(p, "plural").ptr,
        .namespace_name = probe_option(p, "namespace"),
        .name = probe_option(p, "name"),
    };
}

static void drop(struct slice body)
{
    if (body.len)
        mem_free((char *)body.ptr);
}

void probe_begin_apply(struct probe *p)
{
    struct kube_ref ref = ref_of(p);
    struct slice body = probe_body(p);
    kube_write_apply(p->client, &ref, body, probe_on_result, p);
    drop(body);
}

void probe_begin_status(struct probe *p)
{
    struct kube_ref ref = ref_of(p);
    struct slice body = probe_body(p);
    kube_write_status(p->client, &ref, probe_option(p, "version"), body, probe_on_result, p);
    drop(body);
}

void probe_begin_delete(struct probe *p)
{
    struct kube_ref ref = ref_of(p);
    kube_write_delete(p->client, &ref, probe_on_result, p);
}

/* Nobody hears of the end: until SIGTERM. */
void probe_begin_event(struct probe *p)
{
    struct kube_event event = {
        .kind = probe_option(p, "kind").ptr,
        .about = ref_of(p),
        .uid = probe_option(p, "uid"),
        .is_warning = true,
        .reason = probe_option(p, "reason").ptr,
        .note = probe_option(p, "note"),
    };
    for (uint32_t i = 0; i < probe_number(p, "times"); i++)
        kube_write_event(p->client, &event);
}

static void on_changed(void *owner, bool is_leader)
{
    struct probe *p = owner;
    struct probe_line l;
    probe_begin(&l, "leads");
    json_write_field_bool(&l.w, "leads", is_leader);
    json_write_field_bool(&l.w, "is_held", p->lease && kube_lease_is_held(p->lease));
    probe_end(&l);
}

void probe_begin_lease(struct probe *p)
{
    struct kube_lease_config config = {
        .namespace_name = probe_option(p, "namespace"),
        .name = probe_option(p, "name"),
        .holder = probe_option(p, "holder"),
        .duration_ms = probe_number(p, "duration-ms"),
        .renew_ms = probe_number(p, "renew-ms"),
    };
    p->lease = kube_lease_open(p->client, &config, on_changed, p);
}

static void on_released(void *owner)
{
    struct probe *p = owner;
    struct probe_line l;
    probe_begin(&l, "released");
    probe_end(&l);
    loop_stop(p->loop);
}

void probe_end_lease(struct probe *p)
{
    kube_lease_close(p->lease, on_released, p);
    p->lease = NULL;
}
