/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/oidc/oidc_jar.h"

#include "lib/base/rand.h"
#include "lib/codec/http/cookie.h"
#include "lib/codec/text/base64url.h"

enum { VERSION = 1 };

#define SEEN "-seen"
#define LOGIN "-login-"

/* ---- sealing ---- */

struct slice oidc_jar_seal(struct arena *arena, const struct oidc_conf *c,
                           enum oidc_purpose purpose, struct slice bytes)
{
    uint8_t salt[SEAL_SALT_SIZE];
    size_t len = 1 + SEAL_OVERHEAD + bytes.len;
    uint8_t *sealed = arena_alloc(arena, len);
    rand_secure(salt, sizeof(salt));
    sealed[0] = VERSION;
    seal_close(c->seal_keys[0], salt, c->contexts[purpose], bytes, sealed + 1);
    return base64url_encode(arena, slice_of(sealed, len));
}

bool oidc_jar_open(struct arena *arena, const struct oidc_conf *c, enum oidc_purpose purpose,
                   struct slice text, struct slice *bytes)
{
    struct slice whole;
    if (text.len > OIDC_CHUNKS_MAX * OIDC_CHUNK_SIZE || base64url_decode(arena, text, &whole) ||
        whole.len < 1 + SEAL_OVERHEAD || whole.ptr[0] != VERSION)
        return false;
    struct slice sealed = slice_sub(whole, 1, whole.len);
    size_t len = sealed.len - SEAL_OVERHEAD;
    uint8_t *to = arena_alloc(arena, len + 1);
    *bytes = slice_of(to, len);
    for (size_t i = 0; i < c->seal_key_count; i++)
        if (seal_open(c->seal_keys[i], c->contexts[purpose], sealed, to))
            return true;
    return false;
}

/* ---- reading ---- */

/* Empty: the cookie is none of ours. "-" and so on is what its name has behind the session's. */
static bool is_ours(const struct cookie *cookie, const void *conf)
{
    const struct oidc_conf *c = conf;
    return slice_starts_with(cookie->name, c->cookie) &&
           (cookie->name.len == c->cookie.len || cookie->name.ptr[c->cookie.len] == '-');
}

static void take(struct oidc_jar *jar, struct slice *at, struct slice value)
{
    jar->is_doubled |= at->ptr != NULL;
    *at = value.ptr ? value : SLICE("");
}

static void take_cookie(struct oidc_jar *jar, const struct oidc_conf *c,
                        const struct cookie *cookie)
{
    struct slice rest = slice_sub(cookie->name, c->cookie.len, cookie->name.len);
    bool is_number = rest.len == 2 && rest.ptr[1] >= '1' &&
                     (unsigned)(rest.ptr[1] - '0') < OIDC_CHUNKS_MAX;
    if (!rest.len)
        take(jar, &jar->chunks[0], cookie->value);
    else if (is_number)
        take(jar, &jar->chunks[rest.ptr[1] - '0'], cookie->value);
    else if (slice_eq(rest, SLICE(SEEN)))
        take(jar, &jar->seen, cookie->value);
    else if (slice_starts_with(rest, SLICE(LOGIN)) && jar->login_count < OIDC_LOGINS_SEEN)
        jar->logins[jar->login_count++] = (struct oidc_jar_login){cookie->name, cookie->value};
}

void oidc_jar_read(struct filter_exchange *x, const struct oidc_conf *c, struct oidc_jar *jar)
{
    struct cookie_walk walk = cookie_walk_of(&x->request->headers);
    struct cookie cookie;
    while (cookie_walk_next(&walk, &cookie))
        if (is_ours(&cookie, c))
            take_cookie(jar, c, &cookie);
    cookie_remove_if(&x->request->headers, is_ours, c);
}

/* "3.…" and what the others have: the first says how many there are. Others may be left over from
 * a longer session. */
static bool join(struct arena *arena, const struct oidc_jar *jar, struct slice *out)
{
    struct slice first = jar->chunks[0];
    if (first.len < 2 || first.ptr[0] < '1' || first.ptr[1] != '.' || jar->is_doubled)
        return false;
    size_t count = (size_t)(first.ptr[0] - '0'), len = 0;
    if (count > OIDC_CHUNKS_MAX)
        return false;
    char *text = arena_alloc(arena, OIDC_CHUNKS_MAX * (OIDC_CHUNK_SIZE + 2));
    for (size_t i = 0; i < count; i++) {
        struct slice part = i ? jar->chunks[i] : slice_sub(first, 2, first.len);
        if (!part.len || part.len > OIDC_CHUNK_SIZE)
            return false;
        memcpy(text + len, part.ptr, part.len);
        len += part.len;
    }
    *out = slice_of(text, len);
    return true;
}

bool oidc_jar_session(struct arena *arena, const struct oidc_conf *c, const struct oidc_jar *jar,
                      struct oidc_session *out)
{
    struct slice text, bytes;
    return join(arena, jar, &text) && oidc_jar_open(arena, c, OIDC_SESSION, text, &bytes) &&
           oidc_record_read_session(bytes, out);
}

bool oidc_jar_seen(struct arena *arena, const struct oidc_conf *c, const struct oidc_jar *jar,
                   struct oidc_seen *out)
{
    struct slice bytes;
    return oidc_jar_open(arena, c, OIDC_SEEN, jar->seen, &bytes) &&
           oidc_record_read_seen(bytes, out);
}

static bool open_login(struct arena *arena, const struct oidc_conf *c,
                       const struct oidc_jar_login *from, struct oidc_login *out)
{
    struct slice bytes;
    return oidc_jar_open(arena, c, OIDC_LOGIN, from->text, &bytes) &&
           oidc_record_read_login(bytes, out);
}

static struct slice login_name(struct arena *arena, const struct oidc_conf *c, struct slice state)
{
    return arena_printf(arena, "%.*s" LOGIN "%.*s", SLICE_ARG(c->cookie),
                        SLICE_ARG(slice_sub(state, 0, OIDC_STATE_NAMED)));
}

bool oidc_jar_login(struct arena *arena, const struct oidc_conf *c, const struct oidc_jar *jar,
                    struct slice state, struct oidc_login *out)
{
    struct slice name = login_name(arena, c, state);
    for (unsigned i = 0; i < jar->login_count; i++)
        if (slice_eq(jar->logins[i].name, name) && open_login(arena, c, &jar->logins[i], out) &&
            digest_is_same(out->state, state))
            return true;
    return false;
}

/* ---- setting ---- */

static void add(struct arena *arena, const struct oidc_conf *c, struct oidc_jar *jar,
                struct slice name, struct slice value, int64_t age_ms, int same_site)
{
    if (jar->set_count == OIDC_SETS_MAX)
        return;
    jar->sets[jar->set_count++] = arena_printf(
        arena, "%.*s=%.*s; Max-Age=%lld%.*s; SameSite=%s", SLICE_ARG(name), SLICE_ARG(value),
        (long long)(age_ms / 1000), SLICE_ARG(c->attributes), oidc_same_site_names[same_site]);
}

/* The browser comes back from another site. */
static int login_site(const struct oidc_conf *c)
{
    return c->same_site == OIDC_SAME_SITE_NONE ? OIDC_SAME_SITE_NONE : OIDC_SAME_SITE_LAX;
}

static struct slice chunk_name(struct arena *arena, const struct oidc_conf *c, unsigned i)
{
    return i ? arena_printf(arena, "%.*s-%u", SLICE_ARG(c->cookie), i) : c->cookie;
}

/* Those from that number on. */
static void drop_chunks(struct arena *arena, const struct oidc_conf *c, struct oidc_jar *jar,
                        unsigned from)
{
    for (unsigned i = from; i < OIDC_CHUNKS_MAX; i++)
        if (jar->chunks[i].ptr)
            add(arena, c, jar, chunk_name(arena, c, i), SLICE(""), 0, c->same_site);
}

bool oidc_jar_set_session(struct arena *arena, const struct oidc_conf *c, struct oidc_jar *jar,
                          const struct oidc_session *s, int64_t now_ms)
{
    struct slice bytes = oidc_record_session(arena, s);
    struct slice text = bytes.len ? oidc_jar_seal(arena, c, OIDC_SESSION, bytes) : bytes;
    unsigned count = (unsigned)((text.len + OIDC_CHUNK_SIZE - 1) / OIDC_CHUNK_SIZE);
    int64_t age_ms = s->begun_ms + c->lifetime_ms - now_ms;
    if (!count || count > OIDC_CHUNKS_MAX)
        return false;
    for (unsigned i = 0; i < count; i++) {
        struct slice part = slice_sub(text, (size_t)i * OIDC_CHUNK_SIZE, OIDC_CHUNK_SIZE);
        if (!i)
            part = arena_printf(arena, "%u.%.*s", count, SLICE_ARG(part));
        add(arena, c, jar, chunk_name(arena, c, i), part, age_ms, c->same_site);
    }
    drop_chunks(arena, c, jar, count);
    return true;
}

void oidc_jar_set_seen(struct arena *arena, const struct oidc_conf *c, struct oidc_jar *jar,
                       const struct oidc_session *s, int64_t now_ms)
{
    struct oidc_seen seen = {.at_ms = now_ms};
    memcpy(seen.id, s->id, OIDC_ID_SIZE);
    struct slice text = oidc_jar_seal(arena, c, OIDC_SEEN, oidc_record_seen(arena, &seen));
    add(arena, c, jar, arena_printf(arena, "%.*s" SEEN, SLICE_ARG(c->cookie)), text, c->idle_ms,
        c->same_site);
}

/* One that cannot be read is the oldest of all. */
static void drop_oldest_login(struct arena *arena, const struct oidc_conf *c, struct oidc_jar *jar)
{
    unsigned oldest = 0;
    int64_t when = INT64_MAX;
    for (unsigned i = 0; i < jar->login_count; i++) {
        struct oidc_login l;
        int64_t begun = open_login(arena, c, &jar->logins[i], &l) ? l.begun_ms : -1;
        if (begun < when) {
            when = begun;
            oldest = i;
        }
    }
    add(arena, c, jar, jar->logins[oldest].name, SLICE(""), 0, login_site(c));
    jar->logins[oldest] = jar->logins[--jar->login_count];
}

void oidc_jar_set_login(struct arena *arena, const struct oidc_conf *c, struct oidc_jar *jar,
                        const struct oidc_login *l)
{
    while (jar->login_count >= OIDC_LOGINS_MAX)
        drop_oldest_login(arena, c, jar);
    add(arena, c, jar, login_name(arena, c, l->state),
        oidc_jar_seal(arena, c, OIDC_LOGIN, oidc_record_login(arena, l)), c->login_ms,
        login_site(c));
}

void oidc_jar_drop_session(struct arena *arena, const struct oidc_conf *c, struct oidc_jar *jar)
{
    drop_chunks(arena, c, jar, 0);
    if (jar->seen.ptr)
        add(arena, c, jar, arena_printf(arena, "%.*s" SEEN, SLICE_ARG(c->cookie)), SLICE(""), 0,
            c->same_site);
}

void oidc_jar_drop_login(struct arena *arena, const struct oidc_conf *c, struct oidc_jar *jar,
                         struct slice state)
{
    add(arena, c, jar, login_name(arena, c, state), SLICE(""), 0, login_site(c));
}

void oidc_jar_drop_logins(struct arena *arena, const struct oidc_conf *c, struct oidc_jar *jar)
{
    while (jar->login_count)
        drop_oldest_login(arena, c, jar);
}

void oidc_jar_hand_out(struct oidc_jar *jar, struct message *response)
{
    for (unsigned i = 0; i < jar->set_count; i++)
        headers_add_id(&response->headers, HEADER_SET_COOKIE, jar->sets[i])->never_index = true;
    jar->set_count = 0;
}
