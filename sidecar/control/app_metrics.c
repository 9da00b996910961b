/* Asking the app for its metrics while somebody waits for ours: bounded in time and size, and an
 * app that does not answer costs it nothing but its own numbers. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/app_metrics.h"

#include "lib/base/mem.h"
#include "lib/base/metric.h"
#include "lib/codec/http/message.h"

enum { TIMEOUT_MS = 3000, BODY_MAX = 16 * 1024 * 1024 };

struct app_metrics {
    struct app_call_place place;
    struct app_question question;
    char *path;
    struct list calls, scrapes;
};

/* One scrape. */
struct scrape {
    struct list node;
    app_metrics_done_fn done;
    void *owner;
};

#define TEXT(literal) {literal, sizeof(literal) - 1}

static const struct app_call_header wish = {TEXT("accept"),
                                            TEXT("text/plain;version=0.0.4;q=1,*/*;q=0.1")};

enum err app_metrics_create(const char *where, const struct app_call_place *place,
                            struct app_metrics **out)
{
    struct slice text = slice_from_cstr(where);
    size_t slash = slice_find_byte(text, '/');
    struct slice path = slice_sub(text, slash, text.len);
    uint64_t port;
    if (slice_to_u64(slice_sub(text, 0, slash), &port) != ERR_OK || port < 1 || port > 65535 ||
        !path.len || !message_path_is_valid(path))
        return ERR_INVALID;
    struct app_metrics *m = mem_zalloc(sizeof(*m));
    m->place = *place;
    m->path = mem_strndup(path.ptr, path.len);
    m->question = (struct app_question){.kind = APP_CALL_HTTP,
                                        .port = (uint16_t)port,
                                        .timeout_ms = TIMEOUT_MS,
                                        .path = slice_from_cstr(m->path),
                                        .headers = &wish,
                                        .header_count = 1,
                                        .body_max = BODY_MAX};
    list_init(&m->calls);
    list_init(&m->scrapes);
    *out = m;
    return ERR_OK;
}

static void end_scrape(struct scrape *s, struct buf *text)
{
    list_unlink(&s->node);
    s->done(s->owner, text);
    buf_dispose(text);
    mem_free(s);
}

void app_metrics_destroy(struct app_metrics *m)
{
    struct buf nothing;
    buf_init(&nothing);
    app_call_cancel_all(&m->calls);
    LIST_FOREACH_SAFE(node, next, &m->scrapes)
    end_scrape(container_of(node, struct scrape, node), &nothing);
    mem_free(m->path);
    mem_free(m);
}

static void on_answer(void *owner, struct app_answer *a)
{
    bool good = a->status == 200 && !a->is_cut;
    struct buf text;
    buf_init(&text);
    metric_write_type(&text, "weft_app_metrics_up", METRIC_GAUGE,
                      "Whether the app's own metrics could be had.");
    metric_write_u64(&text, "weft_app_metrics_up", NULL, 0, good);
    if (good) {
        buf_move_all(&text, a->body);
        buf_append_slice(&text, SLICE("\n")); /* in case that the last line had no end */
    }
    end_scrape(owner, &text);
}

void app_metrics_ask(struct app_metrics *m, app_metrics_done_fn done, void *owner)
{
    struct scrape *s = mem_zalloc(sizeof(*s));
    s->done = done;
    s->owner = owner;
    list_link_last(&m->scrapes, &s->node);
    app_call_open(&m->place, &m->question, &m->calls, on_answer, s);
}
