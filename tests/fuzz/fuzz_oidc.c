/* Fuzz target: any bytes as the cookies of a browser that oidc reads, and as what such a cookie
 * holds once it was opened. Nothing is ever open that we have not sealed; what we seal is open
 * again; and what is read is written as it was.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "filters/oidc/oidc_jar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void try_records(struct slice bytes, struct arena *arena)
{
    struct oidc_session s;
    struct oidc_login l;
    struct oidc_seen seen;
    if (oidc_record_read_session(bytes, &s))
        demand(slice_eq(oidc_record_session(arena, &s), bytes));
    if (oidc_record_read_login(bytes, &l))
        demand(slice_eq(oidc_record_login(arena, &l), bytes));
    if (oidc_record_read_seen(bytes, &seen))
        demand(slice_eq(oidc_record_seen(arena, &seen), bytes));
}

static void try_seal(const struct oidc_conf *c, struct slice bytes, struct arena *arena)
{
    struct slice got;
    if (bytes.len > 8192)
        return;
    struct slice text = oidc_jar_seal(arena, c, OIDC_SESSION, bytes);
    demand(oidc_jar_open(arena, c, OIDC_SESSION, text, &got) && slice_eq(got, bytes));
    demand(!oidc_jar_open(arena, c, OIDC_LOGIN, text, &got));
}

static void try_jar(const struct oidc_conf *c, struct slice text, struct arena *arena)
{
    struct filter_exchange x = {.arena = arena};
    struct message m;
    struct oidc_jar jar = {0};
    struct oidc_session s;
    struct oidc_seen seen;
    struct oidc_login l;
    message_init(&m, arena);
    x.request = &m;
    headers_add_id(&m.headers, HEADER_COOKIE, text);
    oidc_jar_read(&x, c, &jar);
    demand(jar.login_count <= OIDC_LOGINS_SEEN);
    demand(!oidc_jar_session(arena, c, &jar, &s) && !oidc_jar_seen(arena, c, &jar, &seen));
    demand(!oidc_jar_login(arena, c, &jar, text, &l));
    oidc_jar_drop_session(arena, c, &jar);
    oidc_jar_drop_logins(arena, c, &jar);
    demand(jar.set_count <= OIDC_SETS_MAX);
    jar = (struct oidc_jar){0};
    oidc_jar_read(&x, c, &jar); /* what was taken out is not there any more */
    demand(!jar.chunks[0].ptr && !jar.seen.ptr && !jar.login_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[1][SEAL_KEY_SIZE] = {"a key of thirty-two bytes, or so"};
    static const struct oidc_conf conf = {.seal_keys = key,
                                          .seal_key_count = 1,
                                          .contexts = {{"s", 1}, {"l", 1}, {"u", 1}},
                                          .cookie = {"s", 1},
                                          .attributes = {"; Path=/", 8}};
    struct arena arena;
    struct slice text = slice_of(data, size);
    arena_init(&arena, 16384);
    try_records(text, &arena);
    try_seal(&conf, text, &arena);
    try_jar(&conf, text, &arena);
    arena_dispose(&arena);
    return 0;
}
