/* The header mutation filter. What frames a message or belongs to the connection was refused when
 * the configuration was built (filter_conf.c), so nothing here can break a message. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/filters/header_mutation.h"

#include "lib/codec/http/header_fold.h"

static void remove_item(struct headers *h, const struct header_mutation_item *item)
{
    if (item->id == HEADER_OTHER)
        headers_remove(h, item->name);
    else
        headers_remove_id(h, item->id);
}

static void set_item(struct headers *h, const struct header_mutation_item *item)
{
    if (item->id == HEADER_OTHER)
        headers_set(h, item->name, item->value);
    else
        headers_set_id(h, item->id, item->value);
}

static void add_item(struct headers *h, const struct header_mutation_item *item)
{
    if (item->id == HEADER_OTHER)
        headers_add(h, item->name, item->value);
    else
        headers_add_id(h, item->id, item->value);
}

/* What is set or removed here must not reach the app in another spelling. */
static void remove_disguises(struct headers *h, const struct header_mutation_item *items,
                             uint32_t count)
{
    for (uint32_t i = h->count; i-- > 0;) {
        struct slice name = h->items[i].name;
        if (!header_fold_is_odd(name))
            continue;
        for (uint32_t j = 0; j < count; j++) {
            if (!header_fold_eq(name, items[j].name) || slice_eq(name, items[j].name))
                continue;
            headers_remove(h, name);
            i = i < h->count ? i : h->count;
            break;
        }
    }
}

static void mutate(const struct header_mutation *m, struct message *message)
{
    for (uint32_t i = 0; i < m->remove_count; i++)
        remove_item(&message->headers, &m->remove[i]);
    for (uint32_t i = 0; i < m->set_count; i++)
        set_item(&message->headers, &m->set[i]);
    for (uint32_t i = 0; i < m->add_count; i++)
        add_item(&message->headers, &m->add[i]);
    if (m->authority.len)
        message->authority = m->authority;
}

void header_mutation_request(const struct header_mutation_conf *c, struct message *request,
                             bool has_odd_names)
{
    if (has_odd_names) {
        remove_disguises(&request->headers, c->request.remove, c->request.remove_count);
        remove_disguises(&request->headers, c->request.set, c->request.set_count);
    }
    mutate(&c->request, request);
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    (void)ctx;
    header_mutation_request(conf, x->request, x->has_odd_names);
    return FILTER_NEXT;
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct header_mutation_conf *c = conf;
    (void)ctx;
    mutate(&c->response, x->response);
    return FILTER_NEXT;
}

const struct filter filter_header_mutation = {
    .name = "header-mutation",
    .phase = FILTER_PHASE_TRANSFORM,
    .on_request = on_request,
    .on_response = on_response,
    .sees_every_answer = true,
};
