/* Asking everything at once and only once, by the text of the question. Main thread; blocking only
 * in asks_wait. Must not know what the answers mean.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/check/ask.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/codec/doc/doc_make.h"
#include "lib/io/loop.h"
#include "weftctl/check/ask_port.h"

enum { ARENA_BLOCK = 1 << 18, PAGE_MS = 5000, LIST_PAGE = 500 };

struct question {
    struct ask answer;
    struct asks *asks;
    struct question *next;
    char *path;
    struct doc *items; /* of a list, as far as it was read */
    struct ask_port_call *port_call;
    bool is_list, is_json;
};

struct asks {
    struct api *api;
    struct arena arena;
    struct map by_text;
    struct question *all;
    size_t under_way;
    bool is_waiting;
};

struct asks *asks_create(struct api *a)
{
    struct asks *s = mem_zalloc(sizeof(*s));
    s->api = a;
    arena_init(&s->arena, ARENA_BLOCK);
    map_init(&s->by_text);
    return s;
}

void asks_destroy(struct asks *s)
{
    while (s->under_way)
        asks_wait(s);
    for (struct question *q = s->all, *next; q; q = next) {
        next = q->next;
        ask_port_end(q->port_call);
        mem_free(q->path);
        mem_free(q);
    }
    map_dispose(&s->by_text);
    arena_dispose(&s->arena);
    mem_free(s);
}

struct arena *asks_arena(struct asks *s)
{
    return &s->arena;
}

void asks_begin(struct asks *s)
{
    s->is_waiting = false;
}

bool asks_is_waiting(const struct asks *s)
{
    return s->is_waiting;
}

void asks_wait(struct asks *s)
{
    if (s->under_way)
        loop_run(api_loop(s->api));
}

static void settle(struct question *q)
{
    q->answer.is_done = true;
    q->asks->under_way--;
    loop_stop(api_loop(q->asks->api));
}

static const struct ask *answer_of(struct question *q)
{
    if (q->answer.is_done)
        return &q->answer;
    q->asks->is_waiting = true;
    return NULL;
}

/* *is_new: it is to be sent. */
static struct question *question_of(struct asks *s, struct slice text, bool *is_new)
{
    struct question *q = map_get(&s->by_text, text);
    *is_new = !q;
    if (q)
        return q;
    q = mem_zalloc(sizeof(*q));
    q->asks = s;
    q->next = s->all;
    s->all = q;
    map_put(&s->by_text, text, q);
    s->under_way++;
    return q;
}

/* ---- HTTP ---- */

/* What makes objects large and says nothing about their state. */
static bool is_dropped(struct slice key)
{
    static const char *const names[] = {"volumes", "volumeMounts", "env", "tolerations", "affinity",
                                        "kubectl.kubernetes.io/last-applied-configuration"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_eq_cstr(key, names[i]))
            return true;
    return false;
}

static const struct doc *keep(struct arena *a, const struct doc *d)
{
    if (d->type == DOC_STRING)
        return doc_make_string(a, d->string);
    if (d->type == DOC_ARRAY) {
        struct doc *copy = doc_make_array(a);
        for (size_t i = 0; i < d->count; i++)
            doc_make_push(a, copy, keep(a, d->items[i]));
        return copy;
    }
    if (d->type == DOC_OBJECT) {
        struct doc *copy = doc_make_object(a);
        for (size_t i = 0; i < d->count; i++)
            if (!is_dropped(d->members[i].key))
                doc_make_put(a, copy, d->members[i].key, keep(a, d->members[i].value));
        return copy;
    }
    struct doc *copy = doc_alloc(a, d->type, 0);
    *copy = *d;
    return copy;
}

static void send(struct question *q, const struct kube_call *call);

static void ask_for_page(struct question *q, struct slice go_on)
{
    bool has_query = strchr(q->path, '?') != NULL;
    char *path = mem_printf("%s%climit=%d%s%.*s", q->path, has_query ? '&' : '?', LIST_PAGE,
                            go_on.len ? "&continue=" : "", SLICE_ARG(go_on));
    send(q, &(struct kube_call){.method = "GET", .path = slice_from_cstr(path)});
    mem_free(path);
}

/* True: there is another page, and it was asked for. */
static bool take_page(struct question *q, struct slice body)
{
    struct arena page;
    struct doc_error error;
    const struct doc *d = NULL;
    arena_init(&page, ARENA_BLOCK);
    if (doc_json_parse(body, &page, &d, &error)) {
        q->answer.ok = false;
        q->answer.detail = arena_printf(&q->asks->arena, "its answer is no JSON: %s", error.text);
    }
    const struct doc *items = doc_get(d, SLICE("items"));
    if (!q->items)
        q->items = doc_make_array(&q->asks->arena);
    for (size_t i = 0; items && items->type == DOC_ARRAY && i < items->count; i++)
        doc_make_push(&q->asks->arena, q->items, keep(&q->asks->arena, items->items[i]));
    q->answer.doc = q->items;
    struct slice go_on = doc_string(doc_find(d, "metadata.continue"));
    if (go_on.len)
        ask_for_page(q, go_on);
    arena_dispose(&page);
    return go_on.len > 0;
}

static void on_done(void *owner, const struct kube_result *result)
{
    struct question *q = owner;
    struct arena *a = &q->asks->arena;
    struct doc_error error;
    q->answer.status = result->status;
    q->answer.ok = result->status / 100 == 2;
    q->answer.detail = arena_copy(a, result->detail);
    if (q->is_list && q->answer.ok && take_page(q, result->body))
        return;
    if (!q->is_list)
        q->answer.text = arena_copy(a, result->body);
    if (q->is_json && doc_json_parse(q->answer.text, a, &q->answer.doc, &error) && q->answer.ok) {
        q->answer.ok = false;
        q->answer.detail = arena_printf(a, "its answer is no JSON: %s", error.text);
    }
    settle(q);
}

static void send(struct question *q, const struct kube_call *call)
{
    kube_client_send(api_client(q->asks->api), call, on_done, q);
}

enum form { JSON, TEXT, LIST };

static const struct ask *ask_at(struct asks *s, enum form form, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static const struct ask *ask_at(struct asks *s, enum form form, const char *format, va_list args)
{
    char path[768], text[800];
    bool is_new;
    vsnprintf(path, sizeof(path), format, args);
    snprintf(text, sizeof(text), "%d %s", form, path);
    struct question *q = question_of(s, slice_from_cstr(text), &is_new);
    if (!is_new)
        return answer_of(q);
    q->path = mem_strdup(path);
    q->is_list = form == LIST;
    q->is_json = form == JSON;
    if (q->is_list)
        ask_for_page(q, SLICE(""));
    else
        send(q, &(struct kube_call){.method = "GET",
                                    .path = slice_from_cstr(path),
                                    .timeout_ms = form == TEXT ? PAGE_MS : 0});
    return answer_of(q);
}

#define ASK_AT(form)                                     \
    va_list args;                                        \
    va_start(args, format);                              \
    const struct ask *a = ask_at(s, form, format, args); \
    va_end(args);                                        \
    return a

const struct ask *ask_json(struct asks *s, const char *format, ...)
{
    ASK_AT(JSON);
}

const struct ask *ask_text(struct asks *s, const char *format, ...)
{
    ASK_AT(TEXT);
}

const struct ask *ask_list(struct asks *s, const char *format, ...)
{
    ASK_AT(LIST);
}

const struct ask *ask_post(struct asks *s, struct slice path, struct slice json)
{
    bool is_new;
    char *text = mem_printf("POST %.*s %.*s", SLICE_ARG(path), SLICE_ARG(json));
    struct question *q = question_of(s, slice_from_cstr(text), &is_new);
    mem_free(text);
    if (is_new) {
        q->is_json = true;
        send(q, &(struct kube_call){.method = "POST", .path = path, .body = json});
    }
    return answer_of(q);
}

/* ---- ports of pods ---- */

static void on_port_done(void *owner, const struct ask_port_result *result)
{
    struct question *q = owner;
    struct arena *a = &q->asks->arena;
    q->answer.ok = result->ok;
    q->answer.no_way = result->no_way;
    q->answer.status = result->status;
    q->answer.not_after_ms = result->not_after_ms;
    q->answer.detail = arena_copy(a, result->detail);
    q->answer.text = arena_copy(a, result->body);
    settle(q);
}

const struct ask *ask_handshake(struct asks *s, const struct ask_port *at, struct slice roots_pem,
                                struct slice spiffe_id, struct slice dns_name)
{
    bool is_new;
    char *text = mem_printf("TLS %.*s/%.*s:%u %.*s %.*s %.*s", SLICE_ARG(at->namespace_name),
                            SLICE_ARG(at->pod), at->port, SLICE_ARG(spiffe_id),
                            SLICE_ARG(dns_name), SLICE_ARG(roots_pem));
    struct question *q = question_of(s, slice_from_cstr(text), &is_new);
    mem_free(text);
    if (is_new)
        q->port_call =
            ask_port_handshake(s->api, at, roots_pem, spiffe_id, dns_name, on_port_done, q);
    return answer_of(q);
}

const struct ask *ask_inside(struct asks *s, const struct ask_port *at, const char *path)
{
    bool is_new;
    char *text = mem_printf("INSIDE %.*s/%.*s:%u%s", SLICE_ARG(at->namespace_name),
                            SLICE_ARG(at->pod), at->port, path);
    struct question *q = question_of(s, slice_from_cstr(text), &is_new);
    mem_free(text);
    if (is_new)
        q->port_call = ask_port_get(s->api, at, path, on_port_done, q);
    return answer_of(q);
}
