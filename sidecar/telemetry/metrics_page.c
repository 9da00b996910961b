/* A metrics_page is an admin_body over a shard: the answer goes out as fast as it is read, and no
 * more than one piece of it is ever text. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/telemetry/metrics_page.h"

#include "lib/base/list.h"
#include "lib/base/mem.h"
#include "sidecar/control/admin.h"
#include "sidecar/telemetry/metrics.h"

struct metrics_page {
    struct admin_body body;
    struct admin_request *request;
    unsigned *open;
    struct metrics_shard *sum;
    struct metrics_cursor cursor;
    struct buf text; /* behind it */
};

static bool more(struct admin_body *b, struct buf *out, size_t enough)
{
    struct metrics_page *p = container_of(b, struct metrics_page, body);
    if (p->sum && metrics_shard_render_some(p->sum, &p->cursor, out, enough))
        return true;
    metrics_shard_destroy(p->sum);
    p->sum = NULL;
    if (out->len < enough)
        buf_move(out, &p->text, p->text.len < enough ? p->text.len : enough);
    return p->text.len > 0;
}

static void close_page(struct admin_body *b)
{
    struct metrics_page *p = container_of(b, struct metrics_page, body);
    --*p->open;
    metrics_shard_destroy(p->sum);
    buf_dispose(&p->text);
    mem_free(p);
}

struct metrics_page *metrics_page_open(unsigned *open, struct admin_request *request)
{
    if (*open >= METRICS_PAGES_MAX)
        return NULL;
    struct metrics_page *p = mem_zalloc(sizeof(*p));
    p->body = (struct admin_body){.more = more, .close = close_page};
    p->request = request;
    p->open = open;
    buf_init(&p->text);
    ++*open;
    return p;
}

void metrics_page_take(struct metrics_page *p, struct metrics_shard *sum)
{
    p->sum = sum;
}

void metrics_page_reply(struct metrics_page *p, struct buf *text)
{
    if (text)
        buf_move_all(&p->text, text);
    admin_reply_body(p->request, "text/plain; version=0.0.4; charset=utf-8", &p->body);
}
