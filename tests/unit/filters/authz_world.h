/* Policies under construction and a request to try them on, for the tests of authorization. What is
 * tried is the filter itself.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/authz.h"
#include "filters/prepare.h"
#include "lib/codec/http/normalize.h"
#include "lib/io/stream.h"
#include "lib/schema/schema_write.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

#define FRONTEND "spiffe://cluster.local/ns/shop/sa/frontend"

struct world {
    struct filter_exchange x; /* first */
    struct arena arena;
    struct authz_spec spec;
    struct message request, response;
    struct downstream_info down;
    struct tls_peer peer;
    struct forwarded client;
    /* what the filter answered */
    enum fail fail;
    struct slice why;
    char detail[FILTER_DETAIL_MAX];
};

/* ---- policies ---- */

static inline void *push(struct world *w, struct schema_list *list, const void *item, size_t size)
{
    char *grown = arena_alloc(&w->arena, (list->count + 1) * size);
    if (list->count)
        memcpy(grown, list->items, list->count * size);
    memcpy(grown + list->count * size, item, size);
    *list = (struct schema_list){grown, list->count + 1, true};
    return grown + (list->count - 1) * size;
}

#define PUSH(w, list, ...) push((w), (list), &(__VA_ARGS__), sizeof(__VA_ARGS__))

static inline struct authz_policy_spec *policy_at(struct world *w, size_t at)
{
    return &((struct authz_policy_spec *)w->spec.policies.items)[at];
}

static inline struct authz_policy_spec *add_policy(struct world *w, enum authz_action action,
                                                   const char *name)
{
    return PUSH(w, &w->spec.policies,
                (struct authz_policy_spec){.name = slice_from_cstr(name), .action = (int)action});
}

static inline struct authz_rule_spec *add_rule(struct world *w, struct authz_policy_spec *p)
{
    return PUSH(w, &p->rules, (struct authz_rule_spec){0});
}

/* A policy with one empty rule, which matches everything until it is told otherwise. */
static inline struct authz_rule_spec *add(struct world *w, enum authz_action action,
                                          const char *name)
{
    return add_rule(w, add_policy(w, action, name));
}

static inline struct authz_source_spec *from(struct world *w, struct authz_rule_spec *r)
{
    struct authz_from_spec *f = PUSH(w, &r->from, (struct authz_from_spec){0});
    return &f->source;
}

static inline struct authz_operation_spec *to(struct world *w, struct authz_rule_spec *r)
{
    struct authz_to_spec *t = PUSH(w, &r->to, (struct authz_to_spec){0});
    return &t->operation;
}

static inline struct authz_when_spec *when(struct world *w, struct authz_rule_spec *r,
                                           const char *key)
{
    return PUSH(w, &r->when, (struct authz_when_spec){.key = slice_from_cstr(key)});
}

static inline void say(struct world *w, struct schema_list *list, const char *text)
{
    PUSH(w, list, (struct slice){text, strlen(text)});
}

static inline void say_port(struct world *w, struct schema_list *list, int64_t port)
{
    PUSH(w, list, (int64_t){port});
}

/* A path and all below it. */
static inline void say_tree(struct world *w, struct schema_list *list, const char *path)
{
    say(w, list, path);
    PUSH(w, list, (struct slice){arena_printf(&w->arena, "%s/*", path).ptr, strlen(path) + 2});
}

static inline const struct authz *compile(struct world *w)
{
    struct filter_build b = {.arena = &w->arena, .detail = w->detail};
    struct authz *a = arena_zalloc(&w->arena, sizeof(*a));
    if (authz_prepare(&b, &w->spec, a))
        fail_msg("%s", w->detail);
    return a;
}

/* As it comes over the wire. */
static inline void expect_refused(struct world *w, const char *want)
{
    struct filter_build b = {.arena = &w->arena, .detail = w->detail};
    struct buf text;
    const void *conf;
    buf_init(&text);
    schema_write(filter_authz.spec, &w->spec, &text);
    assert_int_equal(filter_prepare(&filter_authz, buf_take_into(&text, &w->arena), &b, &conf),
                     ERR_INVALID);
    if (!strstr(w->detail, want))
        fail_msg("\"%s\" does not say \"%s\"", w->detail, want);
}

/* ---- the request ---- */

static inline struct message *note_failure(struct filter_exchange *x, const struct fail_info *why,
                                           struct slice detail)
{
    struct world *w = (struct world *)(void *)x;
    w->fail = fail_of(why);
    w->why = detail;
    return &w->response;
}

static inline void retarget(struct world *w, const char *method, const char *authority,
                            const char *target)
{
    static const struct filter_host host = {.fail = note_failure};
    message_init(&w->request, &w->arena);
    w->request.method = slice_from_cstr(method);
    w->request.authority = slice_from_cstr(authority);
    w->request.path = slice_from_cstr(target);
    w->down = (struct downstream_info){0};
    w->x = (struct filter_exchange){.host = &host,
                                    .arena = &w->arena,
                                    .request = &w->request,
                                    .original_path = w->request.path,
                                    .downstream = &w->down,
                                    .client = &w->client};
    w->x.match_path =
        normalize_path_readings(&w->arena, message_path_only(&w->request), &w->x.other_paths);
    assert_int_equal(addr_parse(SLICE("10.1.2.3:40000"), &w->down.peer), ERR_OK);
    assert_int_equal(addr_parse(SLICE("10.9.9.9:9080"), &w->down.local), ERR_OK);
    w->down.original_dst = w->down.local;
    forwarded_from_peer(&w->client, &w->down.peer);
}

static inline void send_header(struct world *w, const char *name, const char *value)
{
    headers_add(&w->request.headers, slice_from_cstr(name), slice_from_cstr(value));
}

/* The peer showed a certificate with this SPIFFE id. */
static inline void identify(struct world *w, const char *spiffe_id)
{
    w->peer.spiffe_id = slice_from_cstr(spiffe_id);
    w->down.tls_peer = &w->peer;
    w->down.is_tls = true;
}

static inline bool passes(struct world *w)
{
    w->fail = FAIL_NONE;
    w->why = SLICE("");
    return filter_authz.on_request(&w->x, compile(w), NULL) == FILTER_NEXT;
}

/* "" when the request may go on, else the reason. */
static inline void expect(struct world *w, const char *want)
{
    bool allowed = passes(w);
    assert_slice(w->why, want);
    assert_int_equal(allowed, want[0] == '\0');
    assert_int_equal(w->fail, allowed ? FAIL_NONE : FAIL_AUTHZ_DENIED);
}

static inline void expect_tcp(struct world *w, const char *want)
{
    char reason[AUTHZ_REASON_MAX] = "";
    bool allowed = authz_decide_tcp(compile(w), &w->down, reason);
    assert_string_equal(reason, want);
    assert_int_equal(allowed, want[0] == '\0');
}

/* ---- the world ---- */

static inline int authz_world_setup(void **state)
{
    static struct world w;
    memset(&w, 0, sizeof(w));
    arena_init(&w.arena, 4096);
    w.spec.trust_domain = SLICE("cluster.local");
    retarget(&w, "GET", "reviews:9080", "/reviews/1");
    *state = &w;
    return 0;
}

static inline int authz_world_teardown(void **state)
{
    struct world *w = *state;
    arena_dispose(&w->arena);
    return 0;
}

/* For tests that go through a table. */
static inline struct world *authz_world_renew(void **state)
{
    authz_world_teardown(state);
    authz_world_setup(state);
    return *state;
}

static const char no_allow[] = "no ALLOW policy matches";
