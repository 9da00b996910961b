/* The script: requests are noted, and take its answers in order.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/lib/kube/kube_bed.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/memstream.h"

static void answer(struct kube_bed *b, struct kube_wire_call *c)
{
    const struct kube_bed_answer *a = &b->script[b->script_at++];
    kube_wire_answer(c, a->status, a->retry_after, slice_from_cstr(a->body ? a->body : ""),
                     a->open);
}

static void run_script(struct kube_bed *b)
{
    LIST_FOREACH_SAFE(node, next, &b->wire.calls)
    {
        struct kube_wire_call *c = container_of(node, struct kube_wire_call, node);
        if (c->is_whole && !c->is_answered && b->script_at < b->script_len)
            answer(b, c);
    }
}

static void on_request(void *owner, struct kube_wire_call *c)
{
    struct kube_bed *b = owner;
    assert_true(b->request_count < KUBE_BED_REQUESTS);
    b->requests[b->request_count++] =
        mem_printf("%.*s %.*s%s%.*s", SLICE_ARG(c->head->method), SLICE_ARG(c->head->path),
                   c->text.len ? " " : "", SLICE_ARG(c->text));
    struct slice authorization = headers_get_id(&c->head->headers, HEADER_AUTHORIZATION);
    snprintf(b->authorization, sizeof(b->authorization), "%.*s", SLICE_ARG(authorization));
}

/* ---- the bed */

void kube_bed_init(struct kube_bed *b, const char *alpn, const char *token_file)
{
    *b = (struct kube_bed){.loop = loop_sim_create(1000)};
    kube_wire_init(&b->wire, b->loop, alpn);
    b->wire.on_request = on_request;
    b->wire.owner = b;
    b->client = kube_wire_client(&b->wire, token_file);
}

void kube_bed_dispose(struct kube_bed *b)
{
    kube_client_destroy(b->client);
    kube_bed_turn(b);
    kube_wire_dispose(&b->wire);
    kube_bed_turn(b);
    assert_true(list_is_empty(&b->wire.calls));
    loop_destroy(b->loop);
    for (size_t i = 0; i < b->request_count; i++)
        mem_free(b->requests[i]);
}

void kube_bed_answer(struct kube_bed *b, const struct kube_bed_answer *a)
{
    assert_true(b->script_len < KUBE_BED_REQUESTS);
    b->script[b->script_len++] = *a;
}

static struct kube_wire_call *open_call(struct kube_bed *b)
{
    LIST_FOREACH(node, &b->wire.calls)
    {
        struct kube_wire_call *c = container_of(node, struct kube_wire_call, node);
        if (c->is_open)
            return c;
    }
    fail_msg("no answer is open");
    return NULL;
}

void kube_bed_push(struct kube_bed *b, const char *text)
{
    kube_wire_push(open_call(b), slice_from_cstr(text), false);
    kube_bed_turn(b);
}

void kube_bed_finish(struct kube_bed *b)
{
    kube_wire_push(open_call(b), SLICE(""), true);
    kube_bed_turn(b);
}

void kube_bed_break(struct kube_bed *b)
{
    kube_wire_break(open_call(b));
    kube_bed_turn(b);
}

void kube_bed_cut(struct kube_bed *b)
{
    memstream_cut(b->wire.near, ERR_RESET);
    kube_bed_turn(b);
}

void kube_bed_turn(struct kube_bed *b)
{
    size_t before;
    do {
        assert_true(loop_sim_turn(b->loop));
        before = b->script_at;
        run_script(b);
        assert_true(loop_sim_turn(b->loop));
    } while (b->script_at != before);
}

uint64_t kube_bed_await(struct kube_bed *b, size_t requests)
{
    uint64_t began = loop_now_ms(b->loop);
    kube_bed_turn(b);
    while (b->request_count < requests) {
        if (loop_now_ms(b->loop) - began > 3600000)
            fail_msg("%zu requests came, not %zu", b->request_count, requests);
        assert_true(loop_sim_skip(b->loop, 1000000));
        kube_bed_turn(b);
    }
    return loop_now_ms(b->loop) - began;
}

void kube_bed_expect(const struct kube_bed *b, size_t index, const char *request)
{
    assert_true(index < b->request_count);
    assert_string_equal(b->requests[index], request);
}
