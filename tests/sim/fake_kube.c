/* Requests in, answers out. On one loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/fake_kube.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/codec/doc/doc_make.h"
#include "lib/codec/doc/doc_write.h"
#include "lib/codec/doc/doc_yaml.h"
#include "lib/io/loop_sim.h"
#include "lib/io/timer.h"
#include "tests/sim/fake_kube_priv.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/kube/kube_wire.h"

enum { REQUESTS_MAX = 4000, ANSWERS_MAX = 16, ARENA_BLOCK = 65536, WATCH_MS = 240000 };

struct seen {
    char *method, *path, *body;
};

struct own_answer {
    char *path, *body;
    unsigned status;
};

struct fake_kube {
    struct kube_wire wire;
    struct kube_client *client;
    struct fake_kube_store store;
    struct timer watches_end; /* now and then, as real ones do */
    struct seen seen[REQUESTS_MAX];
    size_t seen_count;
    struct own_answer answers[ANSWERS_MAX];
    char *refused_method, *refused_path;
    unsigned refused_status;
    bool holds_writes, holds_watches;
};

int fake_kube_set_up(void **state)
{
    return kube_wire_set_up(state);
}

int fake_kube_tear_down(void **state)
{
    return kube_wire_tear_down(state);
}

/* ---- texts ---- */

static char *json_of(const struct doc *d)
{
    struct buf out;
    struct json_write w;
    buf_init(&out);
    json_write_init(&w, &out);
    doc_write_json(&w, d);
    return buf_take_text(&out, NULL);
}

static void say(struct kube_wire_call *c, unsigned status, const char *text)
{
    kube_wire_answer(c, status, NULL, slice_from_cstr(text), false);
}

static void say_doc(struct kube_wire_call *c, unsigned status, const struct doc *d)
{
    char *text = json_of(d);
    say(c, status, text);
    mem_free(text);
}

static void say_failure(struct kube_wire_call *c, unsigned status)
{
    char *text = mem_printf("{\"kind\":\"Status\",\"message\":\"the test says %u\"}", status);
    say(c, status, text);
    mem_free(text);
}

/* ---- reading ---- */

static void split(const struct kube_wire_call *c, struct slice *path, struct slice *query)
{
    size_t at = slice_find_byte(c->head->path, '?');
    *path = slice_sub(c->head->path, 0, at);
    *query = slice_sub(c->head->path, at + 1, c->head->path.len);
}

static void say_list(struct fake_kube *k, struct kube_wire_call *c, struct slice path,
                     struct slice query)
{
    struct arena *a = &k->store.arena;
    struct doc *list = doc_make_object(a), *meta = doc_make_put_object(a, list, "metadata");
    struct doc *items = doc_make_put_array(a, list, "items");
    char *version = mem_printf("%zu", k->store.version);
    doc_make_put_string(a, meta, "resourceVersion", slice_from_cstr(version));
    for (size_t i = 0; i < k->store.count; i++) {
        const struct fake_kube_object *o = &k->store.objects[i];
        if (o->root &&
            fake_kube_store_matches(path, query, slice_from_cstr(o->path), o->root))
            doc_make_push(a, items, o->root);
    }
    say_doc(c, 200, list);
    mem_free(version);
}

/* Sends a watch what it has not seen. c->data counts events. */
static void feed_watch(struct fake_kube *k, struct kube_wire_call *c)
{
    struct slice path, query;
    split(c, &path, &query);
    for (uintptr_t at = (uintptr_t)c->data; at < k->store.version; at++) {
        const struct fake_kube_event *e = &k->store.events[at];
        c->data = (void *)(at + 1);
        if (!fake_kube_store_matches(path, query, slice_from_cstr(e->path), e->root))
            continue;
        char *object = json_of(e->root);
        char *line = mem_printf("{\"type\":\"%s\",\"object\":%s}\n", e->type, object);
        kube_wire_push(c, slice_from_cstr(line), false);
        mem_free(line);
        mem_free(object);
    }
}

static void feed_watches(struct fake_kube *k)
{
    if (k->holds_watches)
        return;
    LIST_FOREACH(node, &k->wire.calls)
    {
        struct kube_wire_call *c = container_of(node, struct kube_wire_call, node);
        if (c->is_open)
            feed_watch(k, c);
    }
}

static void begin_watch(struct fake_kube *k, struct kube_wire_call *c, struct slice query)
{
    static const struct slice key = {"resourceVersion=", 16};
    uint64_t version;
    struct slice rest = slice_sub(query, slice_find(query, key) + key.len, query.len);
    assert_int_equal(slice_to_u64(slice_sub(rest, 0, slice_find_byte(rest, '&')), &version),
                     ERR_OK);
    c->data = (void *)(uintptr_t)version;
    kube_wire_answer(c, 200, NULL, SLICE(""), true);
    feed_watch(k, c);
}

static void answer_get(struct fake_kube *k, struct kube_wire_call *c, struct slice path,
                       struct slice query)
{
    const struct doc *root = fake_kube_store_get(&k->store, path);
    if (root)
        say_doc(c, 200, root);
    else if (slice_find(query, SLICE("watch=")) < query.len)
        begin_watch(k, c, query);
    else if (slice_find(query, SLICE("limit=")) < query.len)
        say_list(k, c, path, query);
    else
        say_failure(c, 404);
}

/* ---- writing ---- */

static const struct doc *parse(struct fake_kube *k, struct slice text)
{
    const struct doc *root;
    struct doc_error why;
    if (doc_json_parse(text, &k->store.arena, &root, &why))
        fail_msg("a body that is no JSON: %s", why.text);
    return root;
}

static void finish_write(struct fake_kube *k, struct kube_wire_call *c, unsigned status,
                         struct slice path, const struct doc *root)
{
    say_doc(c, status, fake_kube_store_put(&k->store, path, root));
    feed_watches(k);
}

static void answer_post(struct fake_kube *k, struct kube_wire_call *c, struct slice path)
{
    const struct doc *root = parse(k, c->text);
    struct slice name = doc_string(doc_find(root, "metadata.name"));
    char *whole = mem_printf("%.*s/%.*s", SLICE_ARG(path), SLICE_ARG(name));
    if (fake_kube_store_get(&k->store, slice_from_cstr(whole)))
        say_failure(c, 409);
    else
        finish_write(k, c, 201, slice_from_cstr(whole), root);
    mem_free(whole);
}

static bool is_outdated(const struct doc *before, const struct doc *after)
{
    struct slice wanted = doc_string(doc_find(after, "metadata.resourceVersion"));
    struct slice version = doc_string(doc_find(before, "metadata.resourceVersion"));
    return wanted.len && !slice_eq(wanted, version);
}

static void answer_patch(struct fake_kube *k, struct kube_wire_call *c, struct slice path)
{
    static const struct slice status = {"/status", 7};
    struct arena *a = &k->store.arena;
    struct slice type = headers_get_id(&c->head->headers, HEADER_CONTENT_TYPE);
    bool is_apply = slice_eq(type, SLICE("application/apply-patch+yaml"));
    if (slice_ends_with(path, status))
        path = slice_sub(path, 0, path.len - status.len);
    const struct doc *patch = parse(k, c->text), *before = fake_kube_store_get(&k->store, path);
    if (!before && !is_apply) {
        say_failure(c, 404);
        return;
    }
    bool is_steps = slice_eq(type, SLICE("application/json-patch+json"));
    const struct doc *after = is_steps ? fake_kube_store_patch(a, before, patch)
                                       : fake_kube_store_merge(a, before, patch);
    if (!after || (before && is_outdated(before, after)))
        say_failure(c, after ? 409 : 422);
    else
        finish_write(k, c, before ? 200 : 201, path, after);
}

/* Replaces, where nothing changed since the version that the new object names. */
static void answer_put(struct fake_kube *k, struct kube_wire_call *c, struct slice path)
{
    const struct doc *after = parse(k, c->text), *before = fake_kube_store_get(&k->store, path);
    if (!before || is_outdated(before, after))
        say_failure(c, before ? 409 : 404);
    else
        finish_write(k, c, 200, path, after);
}

static void answer_delete(struct fake_kube *k, struct kube_wire_call *c, struct slice path)
{
    if (!fake_kube_store_get(&k->store, path)) {
        say_failure(c, 404);
        return;
    }
    fake_kube_store_remove(&k->store, path);
    say(c, 200, "{\"kind\":\"Status\"}");
    feed_watches(k);
}

/* ---- requests ---- */

static const struct own_answer *find_answer(const struct fake_kube *k, struct slice path)
{
    for (size_t i = 0; i < ANSWERS_MAX && k->answers[i].path; i++)
        if (slice_eq_cstr(path, k->answers[i].path))
            return &k->answers[i];
    return NULL;
}

static bool is_refused(const struct fake_kube *k, struct slice method, struct slice path)
{
    return k->refused_status && slice_eq_cstr(method, k->refused_method) &&
           slice_starts_with(path, slice_from_cstr(k->refused_path));
}

static void answer(struct fake_kube *k, struct kube_wire_call *c)
{
    struct slice method = c->head->method, path, query;
    split(c, &path, &query);
    const struct own_answer *own = find_answer(k, path);
    if (k->holds_writes && !slice_eq(method, SLICE("GET")))
        return;
    if (is_refused(k, method, path))
        say_failure(c, k->refused_status);
    else if (own)
        say(c, own->status, own->body);
    else if (slice_eq(method, SLICE("GET")))
        answer_get(k, c, path, query);
    else if (slice_eq(method, SLICE("POST")))
        answer_post(k, c, path);
    else if (slice_eq(method, SLICE("PUT")))
        answer_put(k, c, path);
    else if (slice_eq(method, SLICE("PATCH")))
        answer_patch(k, c, path);
    else if (slice_eq(method, SLICE("DELETE")))
        answer_delete(k, c, path);
    else
        say_failure(c, 405);
}

static void on_request(void *owner, struct kube_wire_call *c)
{
    struct fake_kube *k = owner;
    struct slice method = c->head->method, path, query;
    split(c, &path, &query);
    assert_true(k->seen_count < REQUESTS_MAX);
    k->seen[k->seen_count++] = (struct seen){mem_strndup(method.ptr, method.len),
                                             mem_strndup(path.ptr, path.len),
                                             mem_strndup(c->text.ptr, c->text.len)};
    answer(k, c);
}

/* ---- life ---- */

static void end_watches(struct fake_kube *k)
{
    LIST_FOREACH_SAFE(node, next, &k->wire.calls)
    {
        struct kube_wire_call *c = container_of(node, struct kube_wire_call, node);
        if (c->is_open)
            kube_wire_push(c, SLICE(""), true);
    }
}

static void on_watches_end(struct timer *t)
{
    end_watches(container_of(t, struct fake_kube, watches_end));
    timer_start(t, WATCH_MS);
}

struct fake_kube *fake_kube_open(struct loop *l)
{
    struct fake_kube *k = mem_zalloc(sizeof *k);
    arena_init(&k->store.arena, ARENA_BLOCK);
    kube_wire_init(&k->wire, l, "h2");
    k->wire.on_request = on_request;
    k->wire.owner = k;
    k->client = kube_wire_client(&k->wire, NULL);
    timer_init(&k->watches_end, l, on_watches_end);
    timer_start(&k->watches_end, WATCH_MS);
    return k;
}

void fake_kube_close(struct fake_kube *k)
{
    struct loop *l = k->wire.loop;
    timer_stop(&k->watches_end);
    kube_client_destroy(k->client);
    assert_true(loop_sim_turn(l));
    kube_wire_dispose(&k->wire);
    assert_true(loop_sim_turn(l));
    for (size_t i = 0; i < k->store.count; i++)
        mem_free(k->store.objects[i].path);
    for (size_t i = 0; i < k->seen_count; i++) {
        mem_free(k->seen[i].method);
        mem_free(k->seen[i].path);
        mem_free(k->seen[i].body);
    }
    for (size_t i = 0; i < ANSWERS_MAX; i++) {
        mem_free(k->answers[i].path);
        mem_free(k->answers[i].body);
    }
    mem_free(k->refused_method);
    mem_free(k->refused_path);
    arena_dispose(&k->store.arena);
    mem_free(k);
}

struct kube_client *fake_kube_client(const struct fake_kube *k)
{
    return k->client;
}

struct kube_client *fake_kube_another_client(struct fake_kube *k)
{
    return kube_wire_client(&k->wire, NULL);
}

/* ---- the test's hand ---- */

void fake_kube_put(struct fake_kube *k, const char *path, const char *object)
{
    struct doc_list list;
    struct doc_error why;
    if (doc_yaml_parse(slice_from_cstr(object), &k->store.arena, &list, &why))
        fail_msg("%s: %s", path, why.text);
    assert_int_equal(list.count, 1);
    fake_kube_store_put(&k->store, slice_from_cstr(path), list.items[0]);
    feed_watches(k);
    assert_true(loop_sim_turn(k->wire.loop));
}

void fake_kube_remove(struct fake_kube *k, const char *path)
{
    fake_kube_store_remove(&k->store, slice_from_cstr(path));
    feed_watches(k);
    assert_true(loop_sim_turn(k->wire.loop));
}

const struct doc *fake_kube_get(const struct fake_kube *k, const char *path)
{
    return fake_kube_store_get(&k->store, slice_from_cstr(path));
}

const char *fake_kube_text(const struct fake_kube *k, const char *path, const char *inside)
{
    struct arena *a = (struct arena *)(uintptr_t)&k->store.arena;
    struct slice text = doc_string(doc_find(fake_kube_get(k, path), inside));
    char *out = arena_alloc(a, text.len + 1);
    if (text.len)
        memcpy(out, text.ptr, text.len);
    out[text.len] = 0;
    return out;
}

void fake_kube_refuse(struct fake_kube *k, const char *method, const char *path, unsigned status)
{
    mem_free(k->refused_method);
    mem_free(k->refused_path);
    k->refused_method = mem_strdup(method);
    k->refused_path = mem_strdup(path);
    k->refused_status = status;
}

void fake_kube_answer(struct fake_kube *k, const char *path, unsigned status, const char *body)
{
    size_t i = 0;
    while (i < ANSWERS_MAX - 1 && k->answers[i].path && strcmp(k->answers[i].path, path) != 0)
        i++;
    mem_free(k->answers[i].path);
    mem_free(k->answers[i].body);
    k->answers[i] = (struct own_answer){mem_strdup(path), mem_strdup(body), status};
}

void fake_kube_hold(struct fake_kube *k, bool writes, bool watches)
{
    k->holds_writes = writes;
    k->holds_watches = watches;
    LIST_FOREACH_SAFE(node, next, &k->wire.calls)
    {
        struct kube_wire_call *c = container_of(node, struct kube_wire_call, node);
        if (c->is_whole && !c->is_answered)
            answer(k, c);
    }
    feed_watches(k);
    assert_true(loop_sim_turn(k->wire.loop));
}

static bool is_one_of(const struct seen *s, const char *method, const char *path)
{
    return strcmp(s->method, method) == 0 && strncmp(s->path, path, strlen(path)) == 0;
}

unsigned fake_kube_count(const struct fake_kube *k, const char *method, const char *path)
{
    unsigned n = 0;
    for (size_t i = 0; i < k->seen_count; i++)
        n += is_one_of(&k->seen[i], method, path);
    return n;
}

const char *fake_kube_body(const struct fake_kube *k, const char *method, const char *path)
{
    const char *last = "";
    for (size_t i = 0; i < k->seen_count; i++)
        if (is_one_of(&k->seen[i], method, path))
            last = k->seen[i].body;
    return last;
}

void fake_kube_restart(struct fake_kube *k)
{
    end_watches(k);
    assert_true(loop_sim_turn(k->wire.loop));
}
