/* Who the client is: Istio's numTrustedProxies, Envoy's xff_num_trusted_hops and nginx's real_ip as
 * the right answers, and everything that a list may hold. SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "lib/codec/http/forwarded.h"

#include "tests/unit/lib/codec/cmocka_codec.h"

#include <stdio.h>
#include <string.h>

struct row {
    const char *fields[3]; /* X-Forwarded-For, in their order */
    uint32_t hops;
    const char *trusted[3];
    bool identity; /* the peer is trusted by its identity */
    const char *client;
    bool unknown, believed;
    const char *kept; /* the believed end of the list, of its first field; NULL: none */
};

#define PEER "10.0.0.9"

static const struct row rows[] = {
    /* Nobody is trusted. */
    {{NULL}, 0, {NULL}, false, PEER, false, false, NULL},
    {{"203.0.113.7"}, 0, {NULL}, false, PEER, false, false, NULL},
    {{"203.0.113.7"}, 0, {"10.1.0.0/16"}, false, PEER, false, false, NULL},
    /* By number: the n-th from the right; the peer where there are fewer (Envoy). */
    {{"203.0.113.7"}, 1, {NULL}, false, "203.0.113.7", false, true, "203.0.113.7"},
    {{"1.1.1.1, 203.0.113.7"}, 1, {NULL}, false, "203.0.113.7", false, true, "203.0.113.7"},
    {{"1.1.1.1, 203.0.113.7, 192.0.2.1"}, 2, {NULL}, false, "203.0.113.7", false, true,
     "203.0.113.7, 192.0.2.1"},
    {{"203.0.113.7"}, 2, {NULL}, false, PEER, false, true, NULL},
    {{NULL}, 1, {NULL}, false, PEER, false, true, NULL},
    {{""}, 1, {NULL}, false, PEER, false, true, NULL},
    {{"203.0.113.7"}, UINT32_MAX, {NULL}, false, PEER, false, true, NULL},
    /* By address: the last that is not trusted; the first where all are (nginx, recursive). */
    {{"1.1.1.1, 203.0.113.7"}, 0, {"10.0.0.0/8"}, false, "203.0.113.7", false, true,
     "203.0.113.7"},
    {{"1.1.1.1, 203.0.113.7, 10.0.0.3, 10.0.0.2"}, 0, {"10.0.0.0/8"}, false, "203.0.113.7", false,
     true, "203.0.113.7, 10.0.0.3, 10.0.0.2"},
    {{"10.0.0.3, 10.0.0.2"}, 0, {"10.0.0.0/8"}, false, "10.0.0.3", false, true,
     "10.0.0.3, 10.0.0.2"},
    {{NULL}, 0, {"10.0.0.0/8"}, false, PEER, false, true, NULL},
    {{"203.0.113.7, 192.0.2.1"}, 0, {"10.0.0.9/32", "192.0.2.0/24"}, false, "203.0.113.7", false,
     true, "203.0.113.7, 192.0.2.1"},
    /* Both: the hops first, then the addresses. */
    {{"1.1.1.1, 203.0.113.7, 192.0.2.1"}, 1, {"192.0.2.0/24"}, false, "203.0.113.7", false, true,
     "203.0.113.7, 192.0.2.1"},
    /* By identity: the peer, and nobody behind it. */
    {{"1.1.1.1, 203.0.113.7"}, 0, {NULL}, true, "203.0.113.7", false, true, "203.0.113.7"},
    {{"1.1.1.1, 203.0.113.7, 192.0.2.1"}, 0, {"192.0.2.1"}, true, "203.0.113.7", false, true,
     "203.0.113.7, 192.0.2.1"},
    {{NULL}, 0, {NULL}, true, PEER, false, true, NULL},
    /* Several fields are one list. */
    {{"1.1.1.1", "203.0.113.7"}, 1, {NULL}, false, "203.0.113.7", false, true, "203.0.113.7"},
    {{"1.1.1.1, 203.0.113.7", "192.0.2.1"}, 2, {NULL}, false, "203.0.113.7", false, true,
     "203.0.113.7"},
    {{"203.0.113.7", "", " , "}, 1, {NULL}, false, "203.0.113.7", false, true, "203.0.113.7"},
    /* Forms of an element. */
    {{"203.0.113.7:51312"}, 1, {NULL}, false, "203.0.113.7", false, true, "203.0.113.7:51312"},
    {{"1.1.1.1,203.0.113.7"}, 1, {NULL}, false, "203.0.113.7", false, true, "203.0.113.7"},
    {{"1.1.1.1 ,\t203.0.113.7 \t"}, 1, {NULL}, false, "203.0.113.7", false, true,
     "203.0.113.7 \t"},
    {{"203.0.113.7,"}, 1, {NULL}, false, "203.0.113.7", false, true, "203.0.113.7,"},
    {{"[2001:db8::1]:443"}, 1, {NULL}, false, "2001:db8::1", false, true, "[2001:db8::1]:443"},
    {{"[2001:db8::1]"}, 1, {NULL}, false, "2001:db8::1", false, true, "[2001:db8::1]"},
    {{"2001:db8::1"}, 1, {NULL}, false, "2001:db8::1", false, true, "2001:db8::1"},
    {{"::ffff:203.0.113.7"}, 1, {NULL}, false, "203.0.113.7", false, true, "::ffff:203.0.113.7"},
    {{"203.0.113.7, ::ffff:10.0.0.2"}, 0, {"10.0.0.0/8"}, false, "203.0.113.7", false, true,
     "203.0.113.7, ::ffff:10.0.0.2"},
    /* What is no address, where one is looked for. */
    {{"unknown"}, 1, {NULL}, false, PEER, true, true, NULL},
    {{"203.0.113.7 1.1.1.1"}, 1, {NULL}, false, PEER, true, true, NULL},
    {{"203.0.113.7:99999"}, 1, {NULL}, false, PEER, true, true, NULL},
    {{"fe80::1%eth0"}, 1, {NULL}, false, PEER, true, true, NULL},
    {{"\"203.0.113.7\""}, 1, {NULL}, false, PEER, true, true, NULL},
    {{"300.1.1.1, 10.0.0.2"}, 0, {"10.0.0.0/8"}, false, "10.0.0.2", true, true, "10.0.0.2"},
    /* What nobody looks for may be anything. */
    {{"_hidden, 203.0.113.7"}, 1, {NULL}, false, "203.0.113.7", false, true, "203.0.113.7"},
};

static void read_row(const struct row *r, struct arena *arena, struct headers *h,
                     struct forwarded *f)
{
    struct cidr cidrs[3];
    struct addr peer;
    struct forwarded_trust trust = {.hops = r->hops, .addresses = cidrs};
    headers_init(h, arena);
    headers_add(h, SLICE("accept"), SLICE("8.8.8.8"));
    for (unsigned i = 0; i < 3 && r->fields[i]; i++)
        headers_add(h, SLICE("x-forwarded-for"), slice_from_cstr(r->fields[i]));
    headers_add(h, SLICE("x-real-ip"), SLICE("8.8.4.4"));
    for (unsigned i = 0; i < 3 && r->trusted[i]; i++)
        assert_int_equal(cidr_parse(slice_from_cstr(r->trusted[i]), &cidrs[trust.address_count++]),
                         ERR_OK);
    assert_int_equal(addr_parse(SLICE(PEER), &peer), ERR_OK);
    forwarded_read(f, h, &peer, &trust, r->identity);
}

static void lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];
        struct arena arena;
        struct headers h;
        struct forwarded f;
        char text[ADDR_TEXT_MAX];
        arena_init(&arena, 1024);
        read_row(r, &arena, &h, &f);
        print_message("row %zu\n", i);
        assert_string_equal(addr_format_ip(&f.client, text), r->client);
        assert_int_equal(f.is_unknown, r->unknown);
        assert_int_equal(f.is_believed, r->believed);
        assert_int_equal(f.first_field == FORWARDED_NONE, r->kept == NULL);
        if (r->kept) {
            struct slice value = h.items[f.first_field].value;
            assert_int_equal(h.items[f.first_field].id, HEADER_X_FORWARDED_FOR);
            assert_true(slice_eq_cstr(slice_sub(value, f.first_byte, value.len), r->kept));
        }
        arena_dispose(&arena);
    }
}

/* However long the list, the walk ends; and then nobody knows. */
static void long_lists_end(void **state)
{
    (void)state;
    char list[FORWARDED_ELEMENTS_MAX * 2 * 10 + 1] = "";
    for (unsigned i = 0; i < FORWARDED_ELEMENTS_MAX * 2; i++)
        memcpy(list + i * 10, "10.0.0.1, ", 11);
    struct row r = {.fields = {list}, .trusted = {"10.0.0.0/8"}};
    struct arena arena;
    struct headers h;
    struct forwarded f;
    arena_init(&arena, 1024);
    read_row(&r, &arena, &h, &f);
    assert_true(f.is_unknown);
    arena_dispose(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),
        cmocka_unit_test(long_lists_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
