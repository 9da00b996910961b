/* A table of questions from JSON, and the app's answers handed on: its own status and words where
 * it spoke, 503 or 504 with a sentence where it did not. Control thread. Must not know how the app
 * is asked. SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/app_probes.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/codec/http/message.h"
#include "sidecar/control/admin.h"

enum { PROBES_MAX = 256, HEADERS_MAX = 64, BODY_MAX = 10240, TIMEOUT_MAX_S = 86400 };

struct app_probe {
    struct slice name; /* "web/livez" */
    struct app_question question;
};

struct app_probes {
    struct arena arena;
    struct app_call_place place;
    struct app_probe *items;
    size_t count;
    struct list calls;
};

/* ---- from JSON ---- */

static bool take_number(const struct doc *from, int64_t most, int64_t *to)
{
    if (!from || from->type != DOC_INT || from->integer < 1 || from->integer > most)
        return false;
    *to = from->integer;
    return true;
}

/* Host is the authority. What the kubelet would say of itself may be said otherwise here. */
static bool take_headers(struct arena *arena, const struct doc *from, struct app_question *q)
{
    size_t count = from && from->type == DOC_ARRAY ? from->count : 0;
    struct app_call_header *headers = arena_zalloc(arena, (count + 1) * sizeof(*headers));
    q->headers = headers;
    if (count > HEADERS_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct slice name = doc_string(doc_get(from->items[i], SLICE("name")));
        struct slice value = doc_string(doc_get(from->items[i], SLICE("value")));
        name = arena_copy_lower(arena, name);
        if (!message_name_is_valid(name) || !message_value_is_valid(value))
            return false;
        if (slice_eq(name, SLICE("host")))
            q->host = value;
        else
            headers[q->header_count++] = (struct app_call_header){name, value};
    }
    return !q->host.len || message_authority_is_valid(q->host);
}

static bool take_http(struct arena *arena, const struct doc *from, struct app_question *q)
{
    struct slice path = doc_string(doc_get(from, SLICE("path")));
    q->kind = APP_CALL_HTTP;
    q->is_tls = slice_eq(doc_string(doc_get(from, SLICE("scheme"))), SLICE("HTTPS"));
    q->body_max = BODY_MAX;
    q->path = path.len ? path : SLICE("/");
    if (q->path.ptr[0] != '/')
        q->path = arena_printf(arena, "/%.*s", SLICE_ARG(path));
    return message_path_is_valid(q->path) &&
           take_headers(arena, doc_get(from, SLICE("httpHeaders")), q);
}

static bool take_probe(struct arena *arena, const struct doc *from, struct app_question *q)
{
    const struct doc *http = doc_get(from, SLICE("httpGet"));
    const struct doc *tcp = doc_get(from, SLICE("tcpSocket"));
    const struct doc *grpc = doc_get(from, SLICE("grpc")), *how = http ? http : tcp ? tcp : grpc;
    const struct doc *timeout = doc_get(from, SLICE("timeoutSeconds"));
    int64_t port, seconds = 1;
    if (!take_number(doc_get(how, SLICE("port")), 65535, &port) ||
        (timeout && !take_number(timeout, TIMEOUT_MAX_S, &seconds)))
        return false;
    *q = (struct app_question){.kind = grpc ? APP_CALL_GRPC : APP_CALL_TCP,
                               .port = (uint16_t)port,
                               .timeout_ms = (uint32_t)seconds * 1000,
                               .service = doc_string(doc_get(grpc, SLICE("service")))};
    return !http || take_http(arena, http, q);
}

static enum err take_all(struct app_probes *p, const char *json, char why[192])
{
    const struct doc *doc;
    struct doc_error error;
    enum err e = doc_json_parse(slice_from_cstr(json), &p->arena, &doc, &error);
    if (e != ERR_OK || doc->type != DOC_OBJECT || doc->count > PROBES_MAX) {
        snprintf(why, 192, "not a JSON object of probes: %.120s", e ? error.text : "");
        return ERR_SYNTAX;
    }
    p->items = arena_zalloc(&p->arena, (doc->count + 1) * sizeof(*p->items));
    for (size_t i = 0; i < doc->count; i++) {
        const struct doc_member *m = &doc->members[i];
        p->items[p->count].name = m->key;
        if (!take_probe(&p->arena, m->value, &p->items[p->count++].question)) {
            snprintf(why, 192, "%.*s: neither an HTTP, TCP nor gRPC probe with a port",
                     m->key.len < 100 ? (int)m->key.len : 100, m->key.ptr);
            return ERR_INVALID;
        }
    }
    return ERR_OK;
}

enum err app_probes_create(const char *json, const struct app_call_place *place,
                           struct app_probes **out, char why[192])
{
    struct app_probes *p = mem_zalloc(sizeof(*p));
    arena_init(&p->arena, 1024);
    list_init(&p->calls);
    p->place = *place;
    enum err e = json ? take_all(p, json, why) : ERR_OK;
    if (e != ERR_OK) {
        app_probes_destroy(p);
        return e;
    }
    *out = p;
    return ERR_OK;
}

void app_probes_destroy(struct app_probes *p)
{
    app_call_cancel_all(&p->calls);
    arena_dispose(&p->arena);
    mem_free(p);
}

/* ---- answers ---- */

/* A redirect to elsewhere is a success for the kubelet, which must not follow it from here. */
static unsigned status_for_kubelet(unsigned status)
{
    return status >= 300 && status < 400 ? 200 : status;
}

static void on_answer(void *owner, struct app_answer *a)
{
    struct admin_request *request = owner;
    char text[256];
    if (a->status && a->body->len) {
        admin_reply(request, status_for_kubelet(a->status), "text/plain; charset=utf-8", a->body);
        return;
    }
    if (a->status) {
        admin_reply_text(request, status_for_kubelet(a->status),
                         a->detail[0] ? a->detail : "the app says no more");
        return;
    }
    snprintf(text, sizeof(text), "the app does not answer: %s", a->detail);
    admin_reply_text(request, 503, text);
}

static const struct app_question *find(const struct app_probes *p, struct slice path)
{
    for (size_t i = 0; i < p->count; i++)
        if (slice_eq(p->items[i].name, path))
            return &p->items[i].question;
    return NULL;
}

void app_probes_ask(struct app_probes *p, struct slice path, struct admin_request *request)
{
    const struct app_question *question = find(p, path);
    if (question)
        app_call_open(&p->place, question, &p->calls, on_answer, request);
    else
        admin_reply_text(request, 404, "no such probe was led here");
}

/* The kubelet takes every answer for a success and only a broken connection for a failure. */
static void on_hook_answer(void *owner, struct app_answer *a)
{
    if (a->status) {
        on_answer(owner, a);
        return;
    }
    LOG_W("app", "a lifecycle hook failed: the app does not answer: %s", a->detail);
    admin_break(owner);
}

void app_probes_run(struct app_probes *p, struct slice path, struct admin_request *request)
{
    const struct app_question *question = find(p, path);
    if (question)
        app_call_open(&p->place, question, &p->calls, on_hook_answer, request);
    else
        admin_break(request);
}
