/* What every object's status should be, in one pass over the set: models of all Gateways first,
 * then the objects, kind by kind. Control thread. Must not know the kinds.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/status/status.h"

#include <stdio.h>
#include <time.h>

#include "policies/status/status_priv.h"

enum { ARENA_BLOCK = 32768, MS = 1000 };

static void write_now(struct status_run *run)
{
    time_t seconds = (time_t)(run->in->now_ms / MS);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(run->now, sizeof run->now, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void index_parents(struct status_run *run, struct gateway_model *m)
{
    for (size_t i = 0; i < m->n_parents; i++) {
        const struct route_parent *p = m->parents[i].parent;
        map_put(&run->parents, slice_of(&p, sizeof p), &m->parents[i]);
    }
}

static void build_models(struct status_run *run)
{
    const struct policy_set *set = run->in->set;
    const struct object_list *all = &set->all[KIND_GATEWAY];
    run->models = arena_alloc(&run->arena, (all->count + 1) * sizeof(struct gateway_model *));
    for (size_t i = 0; i < all->count; i++) {
        const struct gateway *gateway = POLICY_AT(all, struct gateway, i);
        if (!gateway_model_is_ours(set, gateway))
            continue;
        struct gateway_model *m = arena_alloc(&run->arena, sizeof *m);
        gateway_model_build(m, &run->arena, set, gateway);
        index_parents(run, m);
        run->models[run->n_models++] = m;
    }
}

void status_compute(const struct status_inputs *in, status_emit_fn emit, void *owner)
{
    struct status_run run = {.in = in, .emit = emit, .owner = owner};
    arena_init(&run.arena, ARENA_BLOCK);
    arena_init(&run.scratch, ARENA_BLOCK);
    map_init(&run.parents);
    write_now(&run);
    build_models(&run);
    status_refusal_gather(&run);
    status_class_all(&run);
    status_gateway_all(&run);
    status_route_all(&run);
    status_tls_all(&run);
    status_ingress_all(&run);
    status_policy_all(&run);
    status_refused_all(&run);
    map_dispose(&run.parents);
    arena_dispose(&run.scratch);
    arena_dispose(&run.arena);
}
