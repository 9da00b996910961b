/* The request for one part, and what came of it. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/shape/parts.h"

#include "filters/shape/good_path.h"

const char *part_outcome_name(enum part_outcome outcome)
{
    static const char *const names[] = {
        [PART_PENDING] = "pending",       [PART_CAME] = "ok",
        [PART_TIMEOUT] = "timeout",       [PART_UNAVAILABLE] = "unavailable",
        [PART_STATUS] = "status",         [PART_TOO_LARGE] = "too_large",
        [PART_INVALID] = "invalid",       [PART_ABSENT] = "absent",
        [PART_NO_VALUE] = "missing_value", [PART_BAD_PATH] = "bad_path",
    };
    return names[outcome];
}

/* ---- asking ---- */

static void forward(const struct part *p, const struct headers *from, struct headers *to)
{
    for (uint32_t i = 0; i < from->count; i++) {
        const struct header *h = &from->items[i];
        for (uint32_t k = 0; k < p->forward_count; k++) {
            const struct header *name = &p->forward[k];
            bool is_it = name->id == HEADER_OTHER
                             ? h->id == HEADER_OTHER && slice_eq(h->name, name->name)
                             : h->id == name->id;
            if (!is_it)
                continue;
            struct header *copy = headers_add(to, h->name, h->value);
            copy->id = h->id;
            copy->never_index = h->never_index;
        }
    }
}

/* False: the outcome is there. */
static bool make_path(const struct part *p, struct filter_exchange *x, struct part_run *run,
                      struct slice *path)
{
    if (!template_is_complete(&p->path, x) || !template_is_complete(&p->body, x)) {
        run->outcome = PART_NO_VALUE;
        return false;
    }
    template_render(&p->path, x, TEMPLATE_PATH, path);
    struct slice query = slice_sub(*path, slice_find_byte(*path, '?') + 1, path->len);
    if (!good_path(x->arena, slice_sub(*path, 0, slice_find_byte(*path, '?'))) ||
        !message_query_is_valid(query))
        run->outcome = PART_BAD_PATH;
    return run->outcome == PART_PENDING;
}

void part_ask(const struct part *p, struct filter_exchange *x, struct part_run *run)
{
    struct slice path;
    if (!make_path(p, x, run, &path))
        return;
    struct message *m = filter_call_request(&run->call, x->arena, p->method, path);
    forward(p, &x->request->headers, &m->headers);
    if (!headers_find_id(&m->headers, HEADER_ACCEPT))
        headers_add_id(&m->headers, HEADER_ACCEPT, SLICE("application/json"));
    if (p->has_body) {
        template_render(&p->body, x, TEMPLATE_JSON, &run->call.body);
        headers_set_id(&m->headers, HEADER_CONTENT_TYPE, SLICE("application/json"));
    }
    run->call.cluster = p->cluster;
    run->call.timeout_ms = p->timeout_ms;
    run->call.body_max = p->body_max;
    x->host->call(x, &run->call);
}

/* ---- what came ---- */

static enum part_outcome outcome_of(const struct fail_info *failed)
{
    if (failed == fail_info(FAIL_ATTEMPT_TIMEOUT))
        return PART_TIMEOUT;
    return failed == fail_info(FAIL_UPSTREAM_TOO_LARGE) ? PART_TOO_LARGE : PART_UNAVAILABLE;
}

static void look_at_head(const struct part *p, struct part_run *run)
{
    const struct filter_call *call = &run->call;
    if (call->failed) {
        run->outcome = outcome_of(call->failed);
        return;
    }
    run->status = call->response->status;
    if (run->status / 100 != 2) {
        run->outcome = PART_STATUS;
    } else if (run->status == 204 || run->status == 205) {
        run->outcome = PART_CAME;
        run->json = SLICE("null");
    } else if (!call->response_body.len) {
        run->outcome = PART_INVALID;
    }
    json_find_init(&run->find, call->response_body, &p->pick);
    run->is_read = true;
}

void part_look(const struct part *p, struct part_run *run, size_t *budget)
{
    static const enum part_outcome outcomes[] = {
        [JSON_FIND_MORE] = PART_PENDING,
        [JSON_FIND_FOUND] = PART_CAME,
        [JSON_FIND_NOTHING] = PART_ABSENT,
        [JSON_FIND_INVALID] = PART_INVALID,
    };
    if (run->outcome != PART_PENDING || !run->call.is_done)
        return;
    if (!run->is_read)
        look_at_head(p, run);
    if (run->outcome != PART_PENDING || !*budget)
        return;
    const char *before = run->find.at;
    run->outcome = outcomes[json_find_run(&run->find, *budget, &run->json)];
    size_t used = (size_t)(run->find.at - before);
    *budget -= used < *budget ? used : *budget;
}
