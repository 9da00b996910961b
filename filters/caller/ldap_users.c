/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/caller/ldap_users.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/rand.h"

/* ---- life ---- */

static void begin(struct filter_keep *keep)
{
    struct ldap_users *u = (struct ldap_users *)(void *)keep;
    rand_secure(u->key, sizeof(u->key));
    arena_init(&u->arena, 512);
    pthread_mutex_init(&u->lock, NULL);
}

static void end(struct filter_keep *keep)
{
    struct ldap_users *u = (struct ldap_users *)(void *)keep;
    while (u->idle_count > 0)
        directory_close(u->idle[--u->idle_count]);
    digest_cache_dispose(&u->good);
    pthread_mutex_destroy(&u->lock);
    arena_dispose(&u->arena);
    digest_wipe(u->key, sizeof(u->key));
}

struct ldap_users *ldap_users_create(const struct filter_build *b)
{
    struct filter_build alone = *b;
    alone.id = (struct slice){0};
    return filter_keep(&alone, sizeof(struct ldap_users), begin, end);
}

/* ---- who was good ---- */

/* Of the digests of both, so that where one ends and the other begins is no question. */
void ldap_users_digest(const struct ldap_users *u, struct slice name, struct slice password,
                       uint8_t digest[DIGEST_SIZE])
{
    struct slice key = slice_of((const char *)u->key, sizeof(u->key));
    uint8_t parts[2][DIGEST_SIZE];
    digest_hmac_sha256(key, name, parts[0]);
    digest_hmac_sha256(key, password, parts[1]);
    digest_hmac_sha256(key, slice_of((const char *)parts, sizeof(parts)), digest);
    digest_wipe(parts, sizeof(parts));
}

struct ldap_user *ldap_users_find(struct ldap_users *u, const uint8_t digest[DIGEST_SIZE],
                                  uint64_t now_ms)
{
    struct ldap_user *found =
        (struct ldap_user *)(void *)digest_cache_find(&u->good, digest);
    if (!found || found->until_ms > now_ms)
        return found;
    digest_entry_unref(&found->entry);
    return NULL;
}

/* ---- asking ---- */

struct question {
    struct filter_job job; /* first */
    struct ldap_users *users;
    char name[LDAP_USER_MAX], password[LDAP_PASSWORD_MAX];
    size_t name_len, password_len;
    /* What came of it. */
    enum directory_verdict verdict;
    char detail[DIRECTORY_DETAIL_MAX];
    size_t group_count;
    char groups[LDAP_GROUPS_MAX]; /* each with a NUL behind it */
    size_t groups_len;
};

static struct directory *take_idle(struct ldap_users *u)
{
    pthread_mutex_lock(&u->lock);
    struct directory *d = u->idle_count > 0 ? u->idle[--u->idle_count] : NULL;
    pthread_mutex_unlock(&u->lock);
    return d;
}

static void put_idle(struct ldap_users *u, struct directory *d)
{
    pthread_mutex_lock(&u->lock);
    bool has_room = u->idle_count < LDAP_IDLE_MAX;
    if (has_room)
        u->idle[u->idle_count++] = d;
    pthread_mutex_unlock(&u->lock);
    if (!has_room)
        directory_close(d);
}

/* Those that there is no room for the user does not have. */
static void keep_groups(struct question *q, const struct slice *groups, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct slice g = groups[i];
        if (!g.len || memchr(g.ptr, 0, g.len) || g.len + 1 > sizeof(q->groups) - q->groups_len)
            continue;
        memcpy(q->groups + q->groups_len, g.ptr, g.len);
        q->groups[q->groups_len + g.len] = '\0';
        q->groups_len += g.len + 1;
        q->group_count++;
    }
}

static void ask_over(struct question *q, struct directory *d)
{
    struct arena arena;
    const struct slice *groups;
    size_t count;
    arena_init(&arena, 1024);
    q->verdict = directory_check(d, slice_of(q->name, q->name_len),
                                 slice_of(q->password, q->password_len), &arena, &groups, &count,
                                 q->detail);
    if (q->verdict == DIRECTORY_YES)
        keep_groups(q, groups, count);
    arena_dispose(&arena);
    if (q->verdict == DIRECTORY_UNKNOWN)
        directory_close(d);
    else
        put_idle(q->users, d);
}

/* A connection that was kept may be gone; then a new one says whether anybody is there. */
static void run(struct filter_job *job)
{
    struct question *q = (struct question *)(void *)job;
    struct directory *d = take_idle(q->users);
    q->verdict = DIRECTORY_UNKNOWN;
    if (d)
        ask_over(q, d);
    if (q->verdict == DIRECTORY_UNKNOWN && !directory_open(&q->users->config, &d, q->detail))
        ask_over(q, d);
}

static void dispose(struct filter_job *job)
{
    filter_keep_unref(&((struct question *)(void *)job)->users->keep);
}

struct filter_job *ldap_users_ask(struct ldap_users *u, struct slice name, struct slice password)
{
    struct question *q = filter_job_create(sizeof(*q), run);
    q->job.dispose = dispose;
    q->users = u;
    filter_keep_ref(&u->keep);
    memcpy(q->name, name.ptr, name.len);
    memcpy(q->password, password.ptr, password.len);
    q->name_len = name.len;
    q->password_len = password.len;
    return &q->job;
}

enum directory_verdict ldap_users_verdict(const struct filter_job *answer, struct slice *detail)
{
    const struct question *q = (const struct question *)(const void *)answer;
    *detail = slice_from_cstr(q->detail);
    return q->verdict;
}

/* ---- who is good ---- */

static void destroy(struct digest_entry *e)
{
    mem_free(e);
}

struct ldap_user *ldap_users_take(struct ldap_users *u, const uint8_t digest[DIGEST_SIZE],
                                  const struct filter_job *answer, uint64_t until_ms, bool keep)
{
    const struct question *q = (const struct question *)(const void *)answer;
    struct ldap_user *user =
        mem_alloc(sizeof(*user) + q->group_count * sizeof(struct slice) + q->groups_len);
    struct slice *groups = (struct slice *)(void *)(user + 1);
    char *text = (char *)(groups + q->group_count);
    digest_entry_init(&user->entry, digest, destroy);
    user->until_ms = until_ms;
    user->group_count = q->group_count;
    user->groups = groups;
    memcpy(text, q->groups, q->groups_len);
    for (size_t i = 0; i < q->group_count; i++) {
        groups[i] = slice_from_cstr(text);
        text += groups[i].len + 1;
    }
    if (keep)
        digest_cache_put(&u->good, &user->entry);
    return user;
}
