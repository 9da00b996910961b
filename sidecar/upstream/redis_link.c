/* The states of a connection to Redis and its queue. Dialling and greeting (AUTH, SELECT or PING)
 * come first; only a server that has answered the greeting gets questions. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/redis_link.h"

#include <stdio.h>

#include "lib/base/backoff.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/codec/resp/resp_write.h"
#include "lib/io/loop.h"
#include "lib/tls/digest.h"
#include "sidecar/upstream/dialer.h"
#include "sidecar/worker/worker.h"

enum { BACKOFF_MS = 100, BACKOFF_MAX_MS = 2000, IDLE_MS = 60000, REPLICA_MS = 1000 };

static struct worker *worker_of(const struct redis_link *l)
{
    return l->endpoint->cluster->worker;
}

static uint64_t now_ms(const struct redis_link *l)
{
    return loop_now_ms(worker_of(l)->loop);
}

/* Of the Service, for the log. */
static struct slice name_of(const struct redis_link *l)
{
    const struct cluster_conf *c = l->endpoint->cluster->conf;
    return c->service.len ? c->service : c->name;
}

static bool is_draining(const struct redis_link *l)
{
    return l->endpoint->gone || l->endpoint->redis.is_draining;
}

/* ---- the queue ---- */

static void enqueue(struct redis_link *l, struct redis_wait *w)
{
    w->link = l;
    w->at = (l->first + l->count) % REDIS_PENDING_MAX;
    w->sent_ms = now_ms(l);
    l->queue[w->at] = w;
    l->count++;
    l->live++;
}

/* NULL: it was forgotten. */
static struct redis_wait *dequeue(struct redis_link *l)
{
    struct redis_wait *w = l->queue[l->first];
    l->first = (l->first + 1) % REDIS_PENDING_MAX;
    l->count--;
    if (!w)
        return NULL;
    l->live--;
    w->link = NULL;
    return w;
}

/* ---- the end of a connection ---- */

static void drop_stream(struct redis_link *l)
{
    if (l->stream) {
        stream_close(l->stream);
        cluster_give_back_connection(l->endpoint->cluster);
    }
    l->stream = NULL;
    backend_tls_unref(l->tls);
    l->tls = NULL;
    loop_task_cancel(&l->flush);
    buf_dispose(&l->out);
    resp_reader_dispose(&l->reader);
    timer_stop(&l->timer);
    l->state = REDIS_IDLE;
}

static void fail_all(struct redis_link *l, enum fail why, const char *detail)
{
    while (l->count) {
        struct redis_wait *w = dequeue(l);
        if (w)
            w->on_lost(w, why, detail);
    }
}

static void tell_down(struct redis_link *l)
{
    if (!l->is_told)
        LOG_W("redis", "%.*s of %.*s cannot be used: %.*s%s%s",
              SLICE_ARG(l->endpoint->conf->address_text),
              SLICE_ARG(name_of(l)), SLICE_ARG(fail_info(l->why)->text),
              *l->detail ? ": " : "", l->detail);
    l->is_told = true;
}

/* The connection, if there is one, is of no more use. */
static void go_down(struct redis_link *l, enum fail why, const char *detail)
{
    endpoint_hold(l->endpoint);
    l->why = why;
    snprintf(l->detail, sizeof(l->detail), "%s", detail);
    tell_down(l);
    drop_stream(l);
    l->is_down = true;
    l->is_wanted = false;
    fail_all(l, why, l->detail);
    if (!is_draining(l)) {
        uint64_t wait = backoff_delay(l->failures < 16 ? l->failures++ : 16, BACKOFF_MS,
                                      BACKOFF_MAX_MS, &worker_of(l)->rand);
        l->state = REDIS_DOWN;
        timer_start(&l->timer, wait);
    }
    endpoint_release(l->endpoint);
}

/* It served, and is gone: whoever waits asks again. */
static void lose(struct redis_link *l, const char *detail)
{
    endpoint_hold(l->endpoint);
    drop_stream(l);
    fail_all(l, FAIL_UPSTREAM_CLOSED, detail);
    endpoint_release(l->endpoint);
}

static void rest_if_done(struct redis_link *l)
{
    if (is_draining(l) && l->live == 0 && l->stream)
        lose(l, "");
}

/* ---- greeting ---- */

static void write_now(struct redis_link *l, const struct slice *words, size_t count)
{
    struct buf out;
    buf_init(&out);
    resp_write_head(&out, count);
    resp_write_words(&out, words, count);
    stream_write(l->stream, &out);
    l->greetings++;
}

static void greet(struct redis_link *l)
{
    char number[16];
    struct slice auth[] = {SLICE("AUTH"), l->username, l->password};
    struct slice select[] = {SLICE("SELECT"), slice_of(number, 0)};
    struct slice ping[] = {SLICE("PING")};
    select[1].len = (size_t)snprintf(number, sizeof(number), "%u", l->database);
    if (l->username.len)
        write_now(l, auth, 3);
    else if (l->password.len)
        write_now(l, (struct slice[]){auth[0], auth[2]}, 2);
    if (l->database)
        write_now(l, select, 2);
    if (!l->greetings)
        write_now(l, ping, 1);
}

static void send_waiting(struct redis_link *l)
{
    if (l->state == REDIS_READY && !buf_is_empty(&l->out))
        stream_write(l->stream, &l->out);
}

static void become_ready(struct redis_link *l)
{
    if (l->is_told)
        LOG_I("redis", "%.*s of %.*s answers again", SLICE_ARG(l->endpoint->conf->address_text),
              SLICE_ARG(name_of(l)));
    l->state = REDIS_READY;
    l->is_down = l->is_told = false;
    l->used_ms = now_ms(l);
    timer_start(&l->timer, IDLE_MS);
    send_waiting(l);
}

/* An answer to our greeting. A user who may do nothing but what the scripts need may not PING. Only
 * the code of an error is shown: some servers repeat in it what they did not understand. */
static void take_greeting(struct redis_link *l, const struct resp_value *v)
{
    bool is_ping = !l->password.len && !l->database;
    char detail[REDIS_DETAIL_MAX];
    if (v->type == RESP_ERROR && !(is_ping && resp_value_is_error(v, "NOPERM"))) {
        snprintf(detail, sizeof(detail), "the server refuses %s: %.*s",
                 l->password.len ? "the login" : "to serve",
                 SLICE_ARG(slice_sub(resp_value_error_code(v), 0, 32)));
        go_down(l, FAIL_REDIS_REFUSED, detail);
        return;
    }
    if (--l->greetings == 0)
        become_ready(l);
}

/* ---- what the stream says ---- */

static void take_value(struct redis_link *l)
{
    const struct resp_value *v = &l->reader.root;
    if (v->type == RESP_PUSH)
        return;
    if (l->greetings) {
        take_greeting(l, v);
        return;
    }
    if (!l->count) {
        go_down(l, FAIL_REDIS_REFUSED, "the server says what nobody has asked for");
        return;
    }
    l->failures = 0;
    struct redis_wait *w = dequeue(l);
    if (w)
        w->on_reply(w, v);
}

static void on_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct redis_link *l = s->owner;
    struct slice bytes = slice_of(data, len);
    enum err e = ERR_OK;
    (void)owner;
    l->heard_ms = now_ms(l);
    endpoint_hold(l->endpoint);
    while (l->stream == s && bytes.len && (e = resp_reader_feed(&l->reader, &bytes)) == ERR_OK)
        take_value(l);
    if (l->stream == s && e != ERR_OK && e != ERR_AGAIN)
        go_down(l, FAIL_REDIS_REFUSED,
                e == ERR_LIMIT ? "its answer is over a limit" : "it does not speak RESP");
    rest_if_done(l);
    endpoint_release(l->endpoint);
}

static void on_fail(struct stream *s, enum err why)
{
    struct redis_link *l = s->owner;
    struct stream_info info = {0};
    char detail[REDIS_DETAIL_MAX];
    stream_info(s, &info);
    snprintf(detail, sizeof(detail), "%s", info.fail_detail ? info.fail_detail : err_text(why));
    if (l->state == REDIS_READY)
        lose(l, detail);
    else
        go_down(l, l->state == REDIS_DIALLING ? dialer_fail(why) : FAIL_REDIS_DOWN, detail);
}

static void on_eof(struct stream *s)
{
    on_fail(s, ERR_EOF);
}

static void on_open(struct stream *s)
{
    struct redis_link *l = s->owner;
    char why[TLS_DETAIL_MAX] = "";
    if (!dialer_trusts(l->endpoint, BACKEND_BYTES, s, why)) {
        go_down(l, FAIL_TLS_FAILED, why);
        return;
    }
    l->state = REDIS_GREETING;
    timer_start(&l->timer, l->endpoint->owner->connect_timeout_ms);
    stream_read_start(s);
    greet(l);
}

static const struct stream_events events = {
    .on_open = on_open,
    .on_data = on_data,
    .on_eof = on_eof,
    .on_bare_eof = on_eof,
    .on_fail = on_fail,
};

/* ---- dialling ---- */

static void dial(struct redis_link *l)
{
    struct endpoint *e = l->endpoint;
    const struct mesh_identity *identity = worker_of(l)->identity;
    enum fail why = FAIL_OVERFLOW;
    if (!cluster_take_connection(e->cluster, e->owner->max_connections)) {
        go_down(l, why, "");
        return;
    }
    l->stream = dialer_open(e, BACKEND_BYTES, &events, l, &why);
    if (!l->stream) {
        cluster_give_back_connection(e->cluster);
        go_down(l, why, "");
        return;
    }
    l->tls = e->owner->tls ? backend_tls_ref(e->owner->tls) : NULL;
    l->identity_generation = identity ? identity->generation : 0;
    l->greetings = 0;
    l->state = REDIS_DIALLING;
    resp_reader_init(&l->reader, REDIS_REPLY_MAX);
}

static void on_timer(struct timer *t)
{
    struct redis_link *l = container_of(t, struct redis_link, timer);
    uint64_t idle = now_ms(l) - l->used_ms;
    switch (l->state) {
    case REDIS_GREETING:
        go_down(l, FAIL_REDIS_DOWN, "it does not answer the greeting");
        break;
    case REDIS_DOWN:
        l->state = REDIS_IDLE;
        l->is_down = l->is_wanted; /* nobody has asked: the next one waits for a new try */
        if (l->is_wanted)
            dial(l);
        break;
    case REDIS_READY:
        if (l->live == 0 && idle >= IDLE_MS)
            lose(l, "");
        else
            timer_start(t, idle < IDLE_MS ? IDLE_MS - idle : IDLE_MS);
        break;
    default:
        break;
    }
}

static void on_flush(struct loop_task *task)
{
    send_waiting(container_of(task, struct redis_link, flush));
}

/* ---- for those who ask ---- */

static void write_command(struct buf *out, const struct filter_redis *ask, bool has_source)
{
    char number[16];
    resp_write_head(out, ask->word_count + (ask->script ? 3u : 0u));
    if (ask->script) {
        int len = snprintf(number, sizeof(number), "%u", ask->key_count);
        resp_write_word(out, has_source ? SLICE("EVAL") : SLICE("EVALSHA"));
        resp_write_word(
            out, slice_from_cstr(has_source ? ask->script->source : ask->script->sha1));
        resp_write_word(out, slice_of(number, (size_t)len));
    }
    resp_write_words(out, ask->words, ask->word_count);
}

/* Connections with a certificate that was replaced, or a manner that was changed, are not used
 * again once they are free. */
static bool is_outdated(const struct redis_link *l)
{
    const struct endpoint *e = l->endpoint;
    const struct mesh_identity *identity = worker_of(l)->identity;
    bool is_old = e->conf->meshed && identity && l->identity_generation != identity->generation;
    return is_old || (l->tls && !backend_tls_is_alike(l->tls, e->owner->tls));
}

enum fail redis_link_send(struct redis_link *l, struct redis_wait *w,
                          const struct filter_redis *ask, bool has_source)
{
    if (l->is_replica && now_ms(l) < l->replica_until_ms)
        return FAIL_REDIS_REFUSED;
    l->is_replica = false;
    l->is_wanted = true;
    if (l->is_down)
        return l->why;
    if (l->count == REDIS_PENDING_MAX)
        return FAIL_OVERFLOW;
    if (l->state == REDIS_READY && l->count == 0 && is_outdated(l))
        drop_stream(l);
    if (l->state == REDIS_IDLE)
        dial(l);
    if (l->is_down)
        return l->why;
    enqueue(l, w);
    l->used_ms = w->sent_ms;
    write_command(&l->out, ask, has_source);
    loop_flush_later(worker_of(l)->loop, &l->flush);
    return FAIL_NONE;
}

void redis_link_forget(struct redis_wait *w)
{
    struct redis_link *l = w->link;
    if (!l)
        return;
    w->link = NULL;
    l->queue[w->at] = NULL;
    l->live--;
    rest_if_done(l);
}

void redis_link_suspect(struct redis_link *l, uint64_t sent_ms)
{
    if (l->stream && l->heard_ms <= sent_ms)
        go_down(l, FAIL_REDIS_DOWN, "it does not answer");
}

void redis_link_note(struct redis_link *l, struct slice said)
{
    if (said.len && !l->is_error_told)
        LOG_W("redis", "%.*s of %.*s answers with an error: %.*s",
              SLICE_ARG(l->endpoint->conf->address_text),
              SLICE_ARG(name_of(l)),
              SLICE_ARG(slice_sub(said, 0, REDIS_DETAIL_MAX)));
    l->is_error_told = said.len > 0;
}

void redis_link_is_replica(struct redis_link *l, struct slice said)
{
    l->is_replica = true;
    l->replica_until_ms = now_ms(l) + REPLICA_MS;
    snprintf(l->detail, sizeof(l->detail), "%.*s", SLICE_ARG(said));
}

void redis_link_rest(struct redis_link *l)
{
    if (l->state == REDIS_DOWN)
        timer_stop(&l->timer);
    rest_if_done(l);
}

void redis_link_review(struct redis_link *l)
{
    char why[TLS_DETAIL_MAX];
    if (!l->stream || l->state == REDIS_DIALLING ||
        dialer_trusts(l->endpoint, BACKEND_BYTES, l->stream, why))
        return;
    go_down(l, FAIL_TLS_FAILED, why);
}

/* ---- its life ---- */

static struct slice keep_text(struct slice s)
{
    return (struct slice){s.len ? mem_strndup(s.ptr, s.len) : NULL, s.len};
}

struct redis_link *redis_link_create(struct endpoint *e, const struct filter_redis_server *login)
{
    struct redis_link *l = mem_zalloc(sizeof(*l));
    l->endpoint = e;
    l->username = keep_text(login->username);
    l->password = keep_text(login->password);
    l->database = login->database;
    list_init(&l->node);
    buf_init(&l->out);
    loop_task_init(&l->flush, on_flush);
    timer_init(&l->timer, worker_of(l)->loop, on_timer);
    return l;
}

static void wipe(struct slice s)
{
    if (s.len)
        digest_wipe((char *)(uintptr_t)s.ptr, s.len);
    mem_free((char *)(uintptr_t)s.ptr);
}

void redis_link_destroy(struct redis_link *l)
{
    timer_stop(&l->timer);
    list_unlink(&l->node);
    wipe(l->username);
    wipe(l->password);
    mem_free(l);
}

bool redis_link_has(const struct redis_link *l, const struct filter_redis_server *login)
{
    return l->database == login->database && slice_eq(l->username, login->username) &&
           slice_eq(l->password, login->password);
}
