/* From the Workload message to struct workload_conf. There may be thousands, so each is one small
 * block. Control thread; the last reference may go on any.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/workload_part.h"

#include <string.h>

#include "lib/base/mem.h"
#include "sidecar/config/part.h"

static struct slice take_text(char **at, const char *text)
{
    size_t len = strlen(text);
    struct slice copy = {*at, len};
    memcpy(*at, text, len);
    *at += len;
    return copy;
}

enum err workload_part_create(const Weft__Config__V1__Resource *resource, char *detail,
                              struct workload_part **out)
{
    const Weft__Config__V1__Workload *w = resource->workload;
    struct part_build b = {NULL, slice_from_cstr(resource->name), detail};
    struct addr ip;
    if (addr_parse(slice_from_cstr(w->ip), &ip) || ip.port)
        return part_refuse(&b, "\"%s\" is not an IP address", w->ip);
    if (w->meshed && w->spiffe_id[0] == '\0')
        return part_refuse(&b, "in the mesh but without identity");
    struct workload_part *p = mem_alloc(sizeof(*p) + strlen(w->name) + strlen(w->namespace_) +
                                        strlen(w->service_account) + strlen(w->spiffe_id));
    char *at = p->texts;
    atomic_init(&p->refs, 1);
    p->conf = (struct workload_conf){.ip = ip, .meshed = w->meshed};
    p->conf.name = take_text(&at, w->name);
    p->conf.namespace_name = take_text(&at, w->namespace_);
    p->conf.service_account = take_text(&at, w->service_account);
    p->conf.spiffe_id = take_text(&at, w->spiffe_id);
    *out = p;
    return ERR_OK;
}

struct workload_part *workload_part_ref(struct workload_part *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void workload_part_unref(struct workload_part *p)
{
    if (p && atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1)
        mem_free(p);
}
