/* Whom a request is counted for (filters/rate/rate_key.h).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/rate/rate_key.h"

#include "lib/codec/doc/doc_json.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

static struct arena arena;
static struct filter_exchange x;
static struct message request;
static struct forwarded client;
static struct filter_caller caller;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    message_init(&request, &arena);
    client = (struct forwarded){0};
    caller = (struct filter_caller){0};
    assert_int_equal(addr_parse(SLICE("10.1.2.3"), &client.client), ERR_OK);
    x = (struct filter_exchange){.arena = &arena,
                                 .request = &request,
                                 .client = &client,
                                 .match_path = SLICE("/a/b"),
                                 .route = SLICE("shop/web")};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_dispose(&arena);
    return 0;
}

static void assert_key(const struct rate_part *parts, unsigned count, const char *want)
{
    struct slice key = rate_key_of(&x, parts, count, 64);
    assert_string_equal(arena_strdup(&arena, key), want);
}

static void assert_by(enum rate_by type, const char *name, const char *want)
{
    struct rate_part part = {type, slice_from_cstr(name)};
    assert_key(&part, 1, want);
}

/* requirement: I21 */
static void test_by_everything_there_is(void **state)
{
    (void)state;
    headers_add(&request.headers, SLICE("x-tenant"), SLICE("blue"));
    x.caller = &caller;
    caller.consumer_id = SLICE("shop/ann");
    caller.credential_id = SLICE("ann-key/key");
    assert_by(RATE_BY_IP, "", "ip:10.1.2.3");
    assert_by(RATE_BY_CONSUMER, "", "consumer=8:shop/ann");
    assert_by(RATE_BY_CREDENTIAL, "", "credential=11:ann-key/key");
    assert_by(RATE_BY_HEADER, "x-tenant", "header:x-tenant=4:blue");
    assert_by(RATE_BY_PATH, "", "path=4:/a/b");
    assert_by(RATE_BY_ROUTE, "", "route=8:shop/web");
    assert_by(RATE_BY_GLOBAL, "", "global");
}

static void test_by_a_claim(void **state)
{
    struct doc_error error;
    (void)state;
    x.caller = &caller;
    caller.principal = SLICE("issuer/ann");
    assert_int_equal(doc_json_parse(SLICE("{\"org\":\"acme\",\"level\":7,\"roles\":[\"a\"]}"),
                                    &arena, &caller.claims, &error),
                     ERR_OK);
    assert_by(RATE_BY_CLAIM, "org", "claim:org=4:acme");
    assert_by(RATE_BY_CLAIM, "level", "claim:level=1:7");
    assert_by(RATE_BY_CLAIM, "roles", "ip:10.1.2.3");
    assert_by(RATE_BY_CLAIM, "none", "ip:10.1.2.3");
}

/* requirement: I17 */
static void test_what_is_absent_falls_back_to_the_address(void **state)
{
    (void)state;
    assert_by(RATE_BY_CONSUMER, "", "ip:10.1.2.3");
    assert_by(RATE_BY_CREDENTIAL, "", "ip:10.1.2.3");
    assert_by(RATE_BY_HEADER, "x-api-key", "ip:10.1.2.3");
    headers_add(&request.headers, SLICE("x-api-key"), SLICE(""));
    assert_by(RATE_BY_HEADER, "x-api-key", "ip:10.1.2.3");
    assert_by(RATE_BY_CLAIM, "org", "ip:10.1.2.3");
}

static void test_who_is_no_consumer_is_told_by_credential_or_token(void **state)
{
    (void)state;
    x.caller = &caller;
    caller.principal = SLICE("issuer/ann");
    assert_by(RATE_BY_CONSUMER, "", "principal=10:issuer/ann");
    assert_by(RATE_BY_CREDENTIAL, "", "principal=10:issuer/ann");
    caller.credential_id = SLICE("k");
    assert_by(RATE_BY_CONSUMER, "", "credential=1:k");
}

static void test_the_anonymous_are_not_one(void **state)
{
    (void)state;
    x.caller = &caller;
    caller.consumer_id = SLICE("shop/guest");
    caller.is_anonymous = true;
    assert_by(RATE_BY_CONSUMER, "", "ip:10.1.2.3");
}

static void test_a_subscriber_has_one_counter_for_all_addresses(void **state)
{
    static const struct {
        const char *address;
        unsigned bits;
        const char *want;
    } rows[] = {
        {"2001:db8:1:2:3:4:5:6", 64, "ip:2001:db8:1:2::"},
        {"2001:db8:1:2:ffff::1", 64, "ip:2001:db8:1:2::"},
        {"2001:db8:1:3::1", 64, "ip:2001:db8:1:3::"},
        {"2001:db8:1:ff::1", 56, "ip:2001:db8:1::"},
        {"2001:db8:1:2ff::1", 60, "ip:2001:db8:1:2f0::"},
        {"2001:db8::1", 128, "ip:2001:db8::1"},
        {"::ffff:10.1.2.3", 64, "ip:10.1.2.3"},
        {"10.1.2.3", 1, "ip:10.1.2.3"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct addr a;
        assert_int_equal(addr_parse(slice_from_cstr(rows[i].address), &a), ERR_OK);
        struct slice key = rate_key_ip(&arena, &a, rows[i].bits);
        assert_string_equal(arena_strdup(&arena, key), rows[i].want);
    }
}

static void test_no_two_products_have_one_key(void **state)
{
    const struct rate_part both[] = {{RATE_BY_HEADER, SLICE("a")}, {RATE_BY_HEADER, SLICE("b")}};
    (void)state;
    struct header *a = headers_add(&request.headers, SLICE("a"), SLICE("x,header:b=1:y"));
    struct header *b = headers_add(&request.headers, SLICE("b"), SLICE("z"));
    assert_key(both, 2, "header:a=14:x,header:b=1:y,header:b=1:z");
    a = headers_find(&request.headers, SLICE("a"));
    a->value = SLICE("x");
    b->value = SLICE("y,header:b=1:z");
    assert_key(both, 2, "header:a=1:x,header:b=14:y,header:b=1:z");
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_by_everything_there_is),
        T(test_by_a_claim),
        T(test_what_is_absent_falls_back_to_the_address),
        T(test_who_is_no_consumer_is_told_by_credential_or_token),
        T(test_the_anonymous_are_not_one),
        T(test_a_subscriber_has_one_counter_for_all_addresses),
        T(test_no_two_products_have_one_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
