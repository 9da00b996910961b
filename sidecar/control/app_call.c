/* Addresses in turn, time, and the one answer. What an attempt consists of is for the others to
 * know (app_call_http.c, app_call_grpc.c). Control thread. Must not know why somebody asks.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/app_call.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "sidecar/control/app_call_priv.h"

#define ARENA_BLOCK 1024

static const struct addr loopback = {.family = 4, .ip = {127, 0, 0, 1}};
/* What the redirect rules let pass to the pod's own address (see dialer.c). */
static const struct addr passthrough_v4 = {.family = 4, .ip = {127, 0, 0, 6}};
static const struct addr passthrough_v6 = {.family = 6, .ip = {[15] = 6}};

static void destroy_buried(struct loop_task *task)
{
    struct app_call *c = container_of(task, struct app_call, grave);
    buf_dispose(&c->body);
    buf_dispose(&c->http.out);
    arena_dispose(&c->arena);
    mem_free(c);
}

/* ---- TCP, and what all begin with ---- */

struct stream *app_call_dial(struct app_call *c, const struct stream_events *events, void *owner)
{
    const struct addr *to = &c->addresses[c->at];
    struct tcp_dial_options options = {.timeout_ms = c->question->timeout_ms};
    if (c->place.is_redirected && !addr_is_loopback(to))
        options.bind = to->family == 4 ? passthrough_v4 : passthrough_v6;
    return tcp_dial(c->place.loop, to, &options, events, owner);
}

static void on_connected(struct stream *s)
{
    struct app_call *c = s->owner;
    c->status = 200;
    app_call_note(c, APP_CALL_ANSWERED, "");
}

static void on_refused(struct stream *s, enum err why)
{
    app_call_note(s->owner, APP_CALL_UNREACHABLE, err_text(why));
}

static void on_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    (void)s, (void)owner, (void)data, (void)len;
}

static void on_eof(struct stream *s)
{
    (void)s;
}

static const struct stream_events tcp_events = {
    .on_open = on_connected, .on_data = on_data, .on_eof = on_eof, .on_fail = on_refused};

static void end_tcp(struct app_call *c)
{
    if (c->stream)
        stream_close(c->stream);
    c->stream = NULL;
}

/* ---- the turn ---- */

static void begin(struct app_call *c)
{
    c->state = APP_CALL_ASKING;
    switch (c->question->kind) {
    case APP_CALL_HTTP:
        app_call_http_begin(c);
        break;
    case APP_CALL_TCP:
        c->stream = app_call_dial(c, &tcp_events, c);
        break;
    case APP_CALL_GRPC:
        app_call_grpc_begin(c);
        break;
    }
}

static void end_attempt(struct app_call *c)
{
    switch (c->question->kind) {
    case APP_CALL_HTTP:
        app_call_http_end(c);
        break;
    case APP_CALL_TCP:
        end_tcp(c);
        break;
    case APP_CALL_GRPC:
        app_call_grpc_end(c);
        break;
    }
}

static void bury(struct app_call *c)
{
    timer_stop(&c->timer);
    loop_task_cancel(&c->turn);
    list_unlink(&c->node);
    loop_bury(c->place.loop, &c->grave);
}

static void answer(struct app_call *c)
{
    struct app_answer a = {.status = c->status,
                           .content_type = c->content_type,
                           .body = &c->body,
                           .is_cut = c->is_cut,
                           .detail = c->detail};
    list_unlink(&c->node); /* nobody cancels it now */
    c->done(c->owner, &a);
    bury(c);
}

static void on_turn(struct loop_task *task)
{
    struct app_call *c = container_of(task, struct app_call, turn);
    end_attempt(c);
    if (c->state == APP_CALL_UNREACHABLE && c->at + 1 < c->address_count) {
        c->at++;
        begin(c);
    } else if (c->state == APP_CALL_ELSEWHERE && c->redirects++ < APP_CALL_REDIRECTS_MAX) {
        begin(c);
    } else {
        answer(c);
    }
}

void app_call_note(struct app_call *c, enum app_call_state state, const char *detail)
{
    if (c->state != APP_CALL_ASKING)
        return;
    c->state = state;
    if (state != APP_CALL_ANSWERED)
        c->status = 0;
    snprintf(c->detail, sizeof(c->detail), "%s", detail);
    loop_run_soon(c->place.loop, &c->turn);
}

static void on_time(struct timer *t)
{
    struct app_call *c = container_of(t, struct app_call, timer);
    c->state = APP_CALL_ANSWERED; /* whatever it was about to be */
    c->status = 0;
    snprintf(c->detail, sizeof(c->detail), "no answer within %u ms", c->question->timeout_ms);
    loop_run_soon(c->place.loop, &c->turn);
}

/* ---- life ---- */

static void begin_soon(struct loop_task *task)
{
    struct app_call *c = container_of(task, struct app_call, turn);
    loop_task_init(&c->turn, on_turn);
    begin(c);
}

struct app_call *app_call_open(const struct app_call_place *place, const struct app_question *q,
                               struct list *calls, app_call_done_fn done, void *owner)
{
    struct app_call *c = mem_zalloc(sizeof(*c));
    c->place = *place;
    c->question = q;
    c->done = done;
    c->owner = owner;
    c->path = q->path;
    arena_init(&c->arena, ARENA_BLOCK);
    c->addresses[c->address_count++] = loopback;
    if (place->pod_ip.family)
        c->addresses[c->address_count++] = place->pod_ip;
    for (unsigned i = 0; i < c->address_count; i++)
        c->addresses[i].port = q->port;
    list_link_last(calls, &c->node);
    loop_task_init(&c->turn, begin_soon);
    loop_task_init(&c->grave, destroy_buried);
    timer_init(&c->timer, place->loop, on_time);
    timer_start(&c->timer, q->timeout_ms);
    loop_run_soon(place->loop, &c->turn);
    return c;
}

void app_call_cancel_all(struct list *calls)
{
    LIST_FOREACH_SAFE(node, next, calls)
    {
        struct app_call *c = container_of(node, struct app_call, node);
        end_attempt(c);
        bury(c);
    }
}
