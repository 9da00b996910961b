/* A user of lib/kube for tests: does one thing with the API server and prints a JSON line for
 * whatever it is told. Watches and leases go on until a SIGTERM. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/helpers/kube_probe.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/file.h"
#include "lib/io/signals.h"
#include "lib/tls/tls_ctx.h"

enum { BODY_MAX = 1 << 20 };

void probe_die(const char *what, const char *why)
{
    fprintf(stderr, "weft-kube-probe: %s: %s\n", what, why);
    exit(2);
}

void probe_begin(struct probe_line *l, const char *event)
{
    buf_init(&l->text);
    json_write_init(&l->w, &l->text);
    json_write_object(&l->w);
    json_write_field(&l->w, "event", slice_from_cstr(event));
}

void probe_end(struct probe_line *l)
{
    json_write_object_end(&l->w);
    buf_append(&l->text, "\n", 1);
    while (!buf_is_empty(&l->text)) {
        struct slice front = buf_front(&l->text);
        fwrite(front.ptr, 1, front.len, stdout);
        buf_drain(&l->text, front.len);
    }
    fflush(stdout);
}

struct slice probe_option(const struct probe *p, const char *name)
{
    for (int i = 0; i + 1 < p->argc; i++) {
        if (strncmp(p->argv[i], "--", 2) == 0 && strcmp(p->argv[i] + 2, name) == 0)
            return slice_from_cstr(p->argv[i + 1]);
    }
    return SLICE("");
}

uint32_t probe_number(const struct probe *p, const char *name)
{
    uint64_t n = 0;
    struct slice text = probe_option(p, name);
    if (text.len && (slice_to_u64(text, &n) || n > UINT32_MAX))
        probe_die(name, "is not a number");
    return (uint32_t)n;
}

struct slice probe_body(const struct probe *p)
{
    struct slice path = probe_option(p, "body");
    char *text;
    size_t len;
    if (!path.len)
        return path;
    enum err e = file_read(path.ptr, BODY_MAX, &text, &len);
    if (e)
        probe_die(path.ptr, err_text(e));
    return slice_of(text, len);
}

/* ---- watch */

static void tell_object(const char *event, const struct doc *object)
{
    struct probe_line l;
    probe_begin(&l, event);
    json_write_field(&l.w, "namespace", doc_string(doc_find(object, "metadata.namespace")));
    json_write_field(&l.w, "name", doc_string(doc_find(object, "metadata.name")));
    json_write_field(&l.w, "version", doc_string(doc_find(object, "metadata.resourceVersion")));
    probe_end(&l);
}

static void on_put(void *owner, const struct doc *object)
{
    ((struct probe *)owner)->count++;
    if (!((struct probe *)owner)->quiet)
        tell_object("put", object);
}

static void on_delete(void *owner, const struct doc *object)
{
    (void)owner;
    tell_object("delete", object);
}

static void on_begin(void *owner)
{
    struct probe_line l;
    ((struct probe *)owner)->count = 0;
    probe_begin(&l, "begin");
    probe_end(&l);
}

static void on_synced(void *owner)
{
    struct probe *p = owner;
    struct probe_line l;
    probe_begin(&l, "synced");
    json_write_field_u64(&l.w, "count", p->count);
    json_write_field_bool(&l.w, "is_synced", kube_watch_is_synced(p->watch));
    probe_end(&l);
    p->quiet = false;
}

static void on_trouble(void *owner, unsigned status, struct slice detail)
{
    struct probe_line l;
    (void)owner;
    probe_begin(&l, "trouble");
    json_write_field_u64(&l.w, "status", status);
    json_write_field(&l.w, "detail", detail);
    probe_end(&l);
}

static void begin_watch(struct probe *p)
{
    static const struct kube_watch_events events = {
        .on_begin = on_begin,
        .on_put = on_put,
        .on_delete = on_delete,
        .on_synced = on_synced,
        .on_trouble = on_trouble,
    };
    struct kube_watch_config config = {
        .path = probe_option(p, "path").ptr,
        .selectors = probe_option(p, "selectors"),
        .page = probe_number(p, "page"),
    };
    p->quiet = probe_number(p, "quiet") != 0;
    p->watch = kube_watch_open(p->client, &config, &events, p);
}

static void end_watch(struct probe *p)
{
    kube_watch_close(p->watch);
    loop_stop(p->loop);
}

/* ---- one request */

void probe_on_result(void *owner, const struct kube_result *result)
{
    struct probe *p = owner;
    struct probe_line l;
    probe_begin(&l, "result");
    json_write_field_u64(&l.w, "status", result->status);
    json_write_field(&l.w, "detail", result->detail);
    json_write_field_u64(&l.w, "retry_after_ms", result->retry_after_ms);
    json_write_field(&l.w, "body", result->body);
    probe_end(&l);
    loop_stop(p->loop);
}

static void begin_send(struct probe *p)
{
    struct slice body = probe_body(p);
    struct kube_call call = {
        .method = probe_option(p, "method").ptr,
        .path = probe_option(p, "path"),
        .body = body,
        .content_type = probe_option(p, "type").len ? probe_option(p, "type").ptr : NULL,
        .timeout_ms = probe_number(p, "timeout-ms"),
    };
    kube_client_send(p->client, &call, probe_on_result, p);
    if (body.len)
        mem_free((char *)body.ptr);
}

/* ---- the program */

static const struct verb {
    const char *name;
    void (*begin)(struct probe *p);
    void (*end)(struct probe *p); /* NULL: at once */
} verbs[] = {
    {"watch", begin_watch, end_watch},
    {"send", begin_send, NULL},
    {"apply", probe_begin_apply, NULL},
    {"status", probe_begin_status, NULL},
    {"delete", probe_begin_delete, NULL},
    {"event", probe_begin_event, NULL},
    {"lease", probe_begin_lease, probe_end_lease},
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    probe_die(name, "unknown verb");
    return NULL;
}

static void on_signal(void *owner, int number)
{
    struct probe *p = owner;
    const struct verb *verb = find_verb(p->argv[1]);
    (void)number;
    if (verb->end)
        verb->end(p);
    else
        loop_stop(p->loop);
}

int main(int argc, char **argv)
{
    struct probe p = {.argc = argc, .argv = argv};
    struct kube_config config;
    char detail[KUBE_DETAIL_MAX];
    if (argc < 2)
        probe_die("usage", "VERB --option VALUE ...");
    if (tls_lib_init())
        probe_die("TLS", "cannot be started");
    struct slice file = probe_option(&p, "kubeconfig");
    if (kube_config_load(file.len ? file.ptr : NULL, &config, detail))
        probe_die("configuration", detail);
    p.loop = loop_create();
    p.client = kube_client_create(p.loop, &config);
    struct signals *signals = signals_open(p.loop, on_signal, &p);
    find_verb(argv[1])->begin(&p);
    loop_run(p.loop);
    signals_close(signals);
    kube_client_destroy(p.client);
    loop_destroy(p.loop);
    return 0;
}
