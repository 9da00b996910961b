/* Tests of what cookies of oidc hold: records, by which keys and for what they are sealed, and what
 * a response sets. SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/oidc/oidc_jar.h"

#include <string.h>

#include "tests/unit/lib/base/cmocka_base.h"

struct world {
    struct arena arena;
    uint8_t keys[3][SEAL_KEY_SIZE];
    struct oidc_conf conf;
};

static struct world *begin(struct world *w)
{
    *w = (struct world){0};
    arena_init(&w->arena, 16384);
    for (int i = 0; i < 3; i++)
        memset(w->keys[i], 'a' + i, SEAL_KEY_SIZE);
    w->conf = (struct oidc_conf){.seal_keys = (const uint8_t (*)[SEAL_KEY_SIZE])w->keys,
                                 .seal_key_count = 1,
                                 .contexts = {SLICE("s"), SLICE("l"), SLICE("u")},
                                 .cookie = SLICE("sid"),
                                 .attributes = SLICE("; Path=/"),
                                 .lifetime_ms = 60000,
                                 .login_ms = 10000};
    return w;
}

static void records(void **state)
{
    struct world w;
    struct oidc_session s = {.id = "0123456789abcde", .begun_ms = 1, .renewed_ms = 1ll << 40,
                             .expires_ms = (1ll << 40) + 255, .id_token = SLICE("a.b.c"),
                             .refresh_token = SLICE("r")}, got;
    struct oidc_login l = {.begun_ms = 7, .state = SLICE("s"), .nonce = SLICE("n"),
                           .verifier = SLICE("v"), .path = SLICE("/x?y")}, login;
    struct oidc_seen seen;
    (void)state;
    begin(&w);
    struct slice bytes = oidc_record_session(&w.arena, &s);
    assert_true(oidc_record_read_session(bytes, &got));
    assert_memory_equal(got.id, s.id, OIDC_ID_SIZE);
    assert_true(got.begun_ms == s.begun_ms && got.renewed_ms == s.renewed_ms &&
                got.expires_ms == s.expires_ms);
    assert_true(slice_eq(got.id_token, s.id_token) && !got.access_token.len &&
                slice_eq(got.refresh_token, s.refresh_token));
    for (size_t len = 0; len < bytes.len; len++)
        assert_false(oidc_record_read_session(slice_sub(bytes, 0, len), &got));
    bytes = oidc_record_login(&w.arena, &l);
    assert_true(oidc_record_read_login(bytes, &login));
    assert_true(slice_eq(login.state, l.state) && slice_eq(login.nonce, l.nonce) &&
                slice_eq(login.verifier, l.verifier) && slice_eq(login.path, l.path));
    for (size_t len = 0; len < bytes.len; len++)
        assert_false(oidc_record_read_login(slice_sub(bytes, 0, len), &login));
    char *longer = arena_zalloc(&w.arena, bytes.len + 1);
    memcpy(longer, bytes.ptr, bytes.len);
    assert_false(oidc_record_read_login(slice_of(longer, bytes.len + 1), &login));
    bytes = oidc_record_seen(&w.arena, &(struct oidc_seen){.at_ms = 5});
    assert_true(oidc_record_read_seen(bytes, &seen) && seen.at_ms == 5);
    assert_false(oidc_record_read_seen(slice_sub(bytes, 1, bytes.len), &seen));
    arena_dispose(&w.arena);
}

/* A time that sums of would overflow is none, and neither is a text that is too long. */
static void out_of_bounds(void **state)
{
    struct world w;
    struct oidc_seen seen;
    (void)state;
    begin(&w);
    struct slice bytes = oidc_record_seen(&w.arena, &(struct oidc_seen){.at_ms = INT64_MAX});
    assert_false(oidc_record_read_seen(bytes, &seen));
    struct oidc_login l = {.path = slice_of(arena_zalloc(&w.arena, 65536), 65536)};
    assert_int_equal(oidc_record_login(&w.arena, &l).len, 0);
    arena_dispose(&w.arena);
}

/* requirement: H20 */
/* The first key seals, all open. */
static void keys(void **state)
{
    struct world w;
    struct slice got;
    (void)state;
    begin(&w);
    struct slice old = oidc_jar_seal(&w.arena, &w.conf, OIDC_SESSION, SLICE("a text"));
    assert_true(oidc_jar_open(&w.arena, &w.conf, OIDC_SESSION, old, &got));
    assert_true(slice_eq_cstr(got, "a text"));
    w.conf.seal_keys = (const uint8_t (*)[SEAL_KEY_SIZE])&w.keys[1];
    assert_false(oidc_jar_open(&w.arena, &w.conf, OIDC_SESSION, old, &got));
    uint8_t both[2][SEAL_KEY_SIZE];
    memcpy(both[0], w.keys[1], SEAL_KEY_SIZE);
    memcpy(both[1], w.keys[0], SEAL_KEY_SIZE);
    w.conf.seal_keys = (const uint8_t (*)[SEAL_KEY_SIZE])both;
    w.conf.seal_key_count = 2;
    assert_true(oidc_jar_open(&w.arena, &w.conf, OIDC_SESSION, old, &got));
    struct slice fresh = oidc_jar_seal(&w.arena, &w.conf, OIDC_SESSION, SLICE("a text"));
    w.conf.seal_key_count = 1;
    assert_true(oidc_jar_open(&w.arena, &w.conf, OIDC_SESSION, fresh, &got));
    assert_false(oidc_jar_open(&w.arena, &w.conf, OIDC_SESSION, old, &got));
    arena_dispose(&w.arena);
}

/* Neither for another purpose, nor of another filter, nor in another version. */
static void contexts(void **state)
{
    struct world w;
    struct slice got;
    (void)state;
    begin(&w);
    struct slice text = oidc_jar_seal(&w.arena, &w.conf, OIDC_LOGIN, SLICE("a text"));
    assert_false(slice_eq(text, oidc_jar_seal(&w.arena, &w.conf, OIDC_LOGIN, SLICE("a text"))));
    assert_true(oidc_jar_open(&w.arena, &w.conf, OIDC_LOGIN, text, &got));
    assert_false(oidc_jar_open(&w.arena, &w.conf, OIDC_SESSION, text, &got));
    w.conf.contexts[OIDC_LOGIN] = SLICE("of another filter");
    assert_false(oidc_jar_open(&w.arena, &w.conf, OIDC_LOGIN, text, &got));
    w.conf.contexts[OIDC_LOGIN] = SLICE("l");
    char *other = arena_strdup(&w.arena, text);
    assert_int_equal(other[0], 'A'); /* the upper bits of the version */
    other[0] = 'B';
    assert_false(oidc_jar_open(&w.arena, &w.conf, OIDC_LOGIN, slice_from_cstr(other), &got));
    arena_dispose(&w.arena);
}

/* A session that has become shorter takes what is left of the longer one away. */
static void shorter(void **state)
{
    struct world w;
    struct oidc_jar jar = {.chunks = {SLICE("3.x"), SLICE("y"), SLICE("z")}};
    struct oidc_session s = {.id_token = SLICE("a.b.c")};
    (void)state;
    begin(&w);
    assert_true(oidc_jar_set_session(&w.arena, &w.conf, &jar, &s, 0));
    assert_int_equal(jar.set_count, 3);
    assert_true(slice_starts_with(jar.sets[0], SLICE("sid=1.A")));
    assert_true(slice_eq_cstr(jar.sets[1], "sid-1=; Max-Age=0; Path=/; SameSite=Lax"));
    assert_true(slice_eq_cstr(jar.sets[2], "sid-2=; Max-Age=0; Path=/; SameSite=Lax"));
    arena_dispose(&w.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records),  cmocka_unit_test(out_of_bounds), cmocka_unit_test(keys),
        cmocka_unit_test(contexts), cmocka_unit_test(shorter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
