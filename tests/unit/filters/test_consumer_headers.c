/* What a backend is told of the consumer, and that no client can say it instead.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"
#include "tests/unit/lib/base/cmocka_base.h"

struct bed {
    struct filter_exchange x;
    struct arena arena;
    struct message request;
};

static void begin(struct bed *b)
{
    *b = (struct bed){0};
    arena_init(&b->arena, 1024);
    message_init(&b->request, &b->arena);
    b->x.arena = &b->arena;
    b->x.request = &b->request;
}

static void add(struct bed *b, const char *name, const char *value)
{
    headers_add(&b->request.headers, slice_from_cstr(name), slice_from_cstr(value));
}

/* The header's one value; NULL: it is not there. */
static const char *said(struct bed *b, const char *name)
{
    const struct header *h = headers_find(&b->request.headers, slice_from_cstr(name));
    unsigned count = 0;
    for (uint32_t i = 0; i < b->request.headers.count; i++)
        count += slice_eq_cstr(b->request.headers.items[i].name, name);
    assert_true(count <= 1);
    return h ? arena_strdup(&b->arena, h->value) : NULL;
}

static const struct slice groups[] = {{"gold", 4}, {"partners", 8}};
static const struct consumer ann = {.id = {"shop/ann", 8},
                                    .username = {"ann", 3},
                                    .custom_id = {"4711", 4},
                                    .groups = groups,
                                    .group_count = 2};
static const struct consumer_credential key = {.consumer = &ann,
                                               .lookup = {"hush", 4},
                                               .secret = {"hush", 4},
                                               .id = {"ann-key/key", 11}};

/* requirement: H4 */
static void the_backend_is_told(void **state)
{
    struct bed b;
    begin(&b);
    consumer_accept(&b.x, "keyAuth", &key);
    assert_string_equal(said(&b, "x-consumer-id"), "shop/ann");
    assert_string_equal(said(&b, "x-consumer-username"), "ann");
    assert_string_equal(said(&b, "x-consumer-custom-id"), "4711");
    assert_string_equal(said(&b, "x-consumer-groups"), "gold,partners");
    assert_string_equal(said(&b, "x-credential-identifier"), "ann-key/key");
    assert_null(said(&b, "x-anonymous-consumer"));
    assert_string_equal(b.x.caller->method, "keyAuth");
    assert_ptr_equal(b.x.caller->consumer, &ann);
    assert_true(filter_caller_has_group(b.x.caller, SLICE("partners")));
    assert_false(b.x.caller->is_anonymous);
    arena_dispose(&b.arena);
}

static void no_client_can_say_it(void **state)
{
    struct bed b;
    begin(&b);
    add(&b, "x-consumer-id", "bank/boss");
    add(&b, "x_consumer_username", "boss");
    add(&b, "x.consumer-custom_id", "1");
    add(&b, "x-consumer-groups", "admin");
    add(&b, "x-consumer-groups", "root");
    add(&b, "x-credential-identifier", "c");
    add(&b, "x-anonymous-consumer", "true");
    add(&b, "x-consumer", "kept");
    consumer_headers_drop(&b.x);
    assert_int_equal(b.request.headers.count, 1);
    assert_string_equal(said(&b, "x-consumer"), "kept");
    /* Nor what this consumer does not have. */
    const struct consumer plain = {.id = SLICE("shop/bob"), .username = SLICE("bob")};
    add(&b, "x-consumer-custom-id", "1");
    add(&b, "x-consumer-groups", "admin");
    consumer_accept(&b.x, "basicAuth", &(struct consumer_credential){.consumer = &plain});
    assert_string_equal(said(&b, "x-consumer-username"), "bob");
    assert_null(said(&b, "x-consumer-custom-id"));
    assert_null(said(&b, "x-consumer-groups"));
    assert_null(said(&b, "x-credential-identifier"));
    arena_dispose(&b.arena);
}

static void an_anonymous_one(void **state)
{
    struct bed b;
    begin(&b);
    consumer_accept_anonymous(&b.x, "anyOf", &ann);
    assert_string_equal(said(&b, "x-anonymous-consumer"), "true");
    assert_string_equal(said(&b, "x-consumer-username"), "ann");
    assert_null(said(&b, "x-credential-identifier"));
    assert_true(b.x.caller->is_anonymous);
    arena_dispose(&b.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_backend_is_told),
        cmocka_unit_test(no_client_can_say_it),
        cmocka_unit_test(an_anonymous_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
