/* policyd_pages.c: which page says what. Whom it asks is the test's own: what it defines takes the
 * place of the subscribers, the objects and the listeners.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/policyd_pages.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/identity/identity.h"
#include "lib/net/grpc_listener.h"
#include "policies/store/policy_set.h"
#include "policies/policyd/compile_cache.h"
#include "policies/policyd/discovery_listener.h"
#include "policies/policyd/subscriber_list.h"
#include "policies/policyd/object_store.h"
#include "tests/unit/lib/base/cmocka_base.h"

static struct {
    const struct grpc_service *service;
    enum err why;
    unsigned listeners;
    bool has_objects, is_open, is_leader, has_identity;
    struct histogram propagation;
    struct slice body;
} it;
static int a_store, a_cache, a_list, a_discovery, an_identity, a_listener, an_owner;

/* ---- whom it asks */

enum err grpc_listener_open(struct loop *l, const struct grpc_listener_config *config,
                        struct grpc_listener **out)
{
    assert_int_equal(config->protocol, HTTP_PROTOCOL_1);
    assert_null(config->tls);
    assert_int_equal(config->at.port, 15014);
    it.service = config->service;
    *out = (struct grpc_listener *)(void *)&a_listener;
    it.listeners += !it.why;
    return it.why;
}

void grpc_listener_addr(const struct grpc_listener *d, struct addr *out)
{
    assert_int_equal(addr_parse(SLICE("127.0.0.1"), out), ERR_OK);
}

void grpc_listener_close(struct grpc_listener *d)
{
    assert_ptr_equal(d, &a_listener);
    it.listeners--;
}

void subscriber_list_measure(const struct subscriber_list *r, struct subscriber_list_count *out)
{
    assert_ptr_equal(r, &a_list);
    *out = (struct subscriber_list_count){.subscribers = 101,
                                 .waiting = 102,
                                 .behind = 103,
                                 .gateways = 104,
                                 .addresses = 105,
                                 .updates = 106,
                                 .update_bytes = 107,
                                 .acks = 108,
                                 .nacks = 109,
                                 .refused = 110,
                                 .crowded = 111,
                                 .desynced = 112,
                                 .slow = 113};
}

const struct histogram *subscriber_list_propagation(const struct subscriber_list *r)
{
    return &it.propagation;
}

void subscriber_list_write(const struct subscriber_list *r, struct json_write *to)
{
    json_write_array(to);
    json_write_array_end(to);
}

void compile_cache_measure(const struct compile_cache *a, struct answers_count *out)
{
    assert_ptr_equal(a, &a_cache);
    *out = (struct answers_count){
        .answers = 114, .packed_resource_bytes = 115, .refused = 116, .compiled = 117};
}

const struct policy_set *object_store_set(void *w)
{
    assert_ptr_equal(w, &a_store);
    return NULL;
}

size_t policy_set_count(const struct policy_set *set)
{
    return 118;
}

bool object_store_is_ready(void *w)
{
    return it.has_objects;
}

bool discovery_listener_is_open(const struct discovery_listener *d)
{
    assert_ptr_equal(d, &a_discovery);
    return it.is_open;
}

const struct identity *discovery_listener_identity(const struct discovery_listener *d)
{
    return it.has_identity ? (const struct identity *)(const void *)&an_identity : NULL;
}

void identity_read(const struct identity *id, struct identity_state *out)
{
    assert_ptr_equal(id, &an_identity);
    *out = (struct identity_state){.not_after_ms = 119999};
}

void identity_write_metrics(const struct identity *id, struct buf *out)
{
    buf_append(out, "identity 1\n", 11);
}

static uint64_t writes(void *owner)
{
    assert_ptr_equal(owner, &an_owner);
    return 120;
}

static bool is_leader(void *owner)
{
    assert_ptr_equal(owner, &an_owner);
    return it.is_leader;
}

static unsigned troubles(void *owner)
{
    assert_ptr_equal(owner, &an_owner);
    return 121;
}

/* ---- the pages */

static struct policyd_pages *open_pages(void)
{
    struct policyd_pages_config config = {
        .at = {.family = 4, .port = 15014},
        .world = (struct object_store *)(void *)&a_store,
        .cache = (struct compile_cache *)(void *)&a_cache,
        .subscribers = (struct subscriber_list *)(void *)&a_list,
        .listener = (struct discovery_listener *)(void *)&a_discovery,
        .writes = writes,
        .is_leader = is_leader,
        .troubles = troubles,
        .owner = &an_owner,
    };
    struct policyd_pages *p = NULL;
    assert_int_equal(policyd_pages_open(&config, &p), it.why);
    return p;
}

static unsigned ask(const char *method, const char *path)
{
    it.body = SLICE("");
    return it.service->plain(it.service->owner, slice_from_cstr(method), slice_from_cstr(path),
                             &it.body);
}

static void expect(const char *method, const char *path, unsigned status, const char *body)
{
    assert_int_equal(ask(method, path), status);
    char *text = mem_strndup(it.body.ptr, it.body.len);
    assert_string_equal(text, body);
    mem_free(text);
}

static void expect_line(const char *line)
{
    char *text = mem_strndup(it.body.ptr, it.body.len), whole[200];
    snprintf(whole, sizeof whole, "\n%s\n", line);
    if (!strstr(text, whole))
        fail_msg("no line %s in\n%s", line, text);
    mem_free(text);
}

static void test_metrics(void **state)
{
    static const char *const lines[] = {
        "weft_policyd_subscribers 101",
        "weft_policyd_subscribers_waiting 102",
        "weft_policyd_subscribers_behind 103",
        "weft_policyd_subscribers_gateways 104",
        "weft_policyd_addresses 105",
        "weft_policyd_updates_total 106",
        "weft_policyd_update_bytes_total 107",
        "weft_policyd_acks_total 108",
        "weft_policyd_nacks_total 109",
        "weft_policyd_refused_total 110",
        "weft_policyd_streams_refused_total 111",
        "weft_policyd_desynced_total 112",
        "weft_policyd_slow_total 113",
        "# TYPE weft_policyd_propagation_milliseconds histogram",
        "weft_policyd_propagation_milliseconds_count 0",
        "weft_policyd_answers 114",
        "weft_policyd_resource_bytes 115",
        "weft_policyd_resources_refused 116",
        "weft_policyd_compiled_total 117",
        "weft_policyd_objects 118",
        "weft_policyd_certificate_not_after_seconds 119",
        "weft_policyd_status_writes_total 120",
        "weft_policyd_watches_in_trouble 121",
        "weft_policyd_leader 1",
        "identity 1",
    };
    memset(&it, 0, sizeof it);
    it.is_leader = it.has_identity = true;
    struct policyd_pages *p = open_pages();
    assert_int_equal(ask("GET", "/metrics"), 200);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        expect_line(lines[i]);
    it.is_leader = it.has_identity = false;
    assert_int_equal(ask("GET", "/metrics"), 200);
    expect_line("weft_policyd_leader 0");
    expect_line("weft_policyd_certificate_not_after_seconds 0");
    policyd_pages_close(p);
    assert_int_equal(it.listeners, 0);
}

static void test_others(void **state)
{
    memset(&it, 0, sizeof it);
    struct policyd_pages *p = open_pages();
    assert_int_equal(it.listeners, 1);
    expect("GET", "/healthz", 200, "ok\n");
    expect("HEAD", "/healthz", 200, "ok\n");
    expect("POST", "/healthz", 405, "only GET\n");
    expect("GET", "/readyz", 503, "the objects are not all read yet\n");
    it.has_objects = true;
    expect("GET", "/readyz", 503, "there is no certificate yet\n");
    it.is_open = true;
    expect("GET", "/readyz", 200, "ok\n");
    it.has_objects = false;
    expect("GET", "/readyz", 503, "the objects are not all read yet\n");
    expect("GET", "/debug/subscribers", 200, "[]\n");
    expect("GET", "/other", 404,
           "not found: /healthz, /readyz, /metrics and /debug/subscribers are here\n");
    policyd_pages_close(p);
    policyd_pages_close(NULL);
    assert_int_equal(it.listeners, 0);
}

static void test_no_port(void **state)
{
    memset(&it, 0, sizeof it);
    it.why = ERR_IO;
    assert_null(open_pages());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_no_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
