/* From the MeshSettings message to struct mesh_conf. Control thread; the last reference may go on
 * any.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/mesh_part.h"

#include <stdatomic.h>

#include "lib/base/mem.h"
#include "sidecar/config/client_conf.h"

static enum err take_mesh(const struct part_build *b, const Weft__Config__V1__MeshSettings *from,
                          struct mesh_conf *to)
{
    if (from->trust_domain[0])
        to->trust_domain = part_text(b->part, from->trust_domain);
    to->access_log = from->access_log;
    to->access_log_json = from->access_log_json;
    to->metrics_body_sizes = from->metrics_body_sizes;
    if (!from->client_traffic)
        return client_conf_create_fallback(b, &to->clients);
    return client_conf_create(b, from->client_traffic, &to->clients);
}

static struct mesh_part *create_part(void)
{
    struct mesh_part *p = mem_zalloc(sizeof(*p));
    atomic_init(&p->refs, 1);
    part_init(&p->part);
    p->conf.trust_domain = SLICE("cluster.local");
    p->conf.access_log_json = true;
    return p;
}

enum err mesh_part_create(const Weft__Config__V1__Resource *resource, char *detail,
                          struct mesh_part **out)
{
    struct mesh_part *p = create_part();
    struct part_build b = {&p->part, slice_from_cstr(resource->name), detail};
    enum err e = take_mesh(&b, resource->mesh, &p->conf);
    if (e)
        mesh_part_unref(p);
    else
        *out = p;
    return e;
}

struct mesh_part *mesh_part_create_default(void)
{
    struct mesh_part *p = create_part();
    char detail[PART_DETAIL_MAX];
    struct part_build b = {&p->part, SLICE("mesh"), detail};
    /* Our own fallbacks are complete. */
    enum err e = client_conf_create_fallback(&b, &p->conf.clients);
    (void)e;
    return p;
}

struct mesh_part *mesh_part_ref(struct mesh_part *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void mesh_part_unref(struct mesh_part *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    part_dispose(&p->part);
    mem_free(p);
}
