/* One data plane: hello, updates into what it has, and its answers, truthful or not. One
 * thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "lib/base/json_write.h"
#include "lib/base/mem.h"
#include "policies/compile/discovery.h"
#include "policies/proto/discovery.pb-c.h"
#include "tests/helpers/policyd_client.h"

/* ---- words */

static void send_request(struct data_plane *d, const Weft__Discovery__V1__Request *r)
{
    size_t len = weft__discovery__v1__request__get_packed_size(r);
    uint8_t *packed = mem_alloc(len + 1);
    weft__discovery__v1__request__pack(r, packed);
    grpc_stream_send(d->stream, packed, len);
    mem_free(packed);
}

void policyd_client_hello(struct data_plane *d)
{
    Weft__Discovery__V1__Request request = WEFT__DISCOVERY__V1__REQUEST__INIT;
    Weft__Discovery__V1__Hello hello = WEFT__DISCOVERY__V1__HELLO__INIT;
    Weft__Discovery__V1__Known *known = mem_alloc((d->has.count + 1) * sizeof *known);
    Weft__Discovery__V1__Known **list = mem_alloc((d->has.count + 1) * sizeof *list);
    struct slice name;
    void *version;
    for (size_t at = 0; map_next(&d->has, &at, &name, &version);) {
        size_t i = hello.n_known++;
        weft__discovery__v1__known__init(&known[i]);
        known[i].name = mem_strndup(name.ptr, name.len);
        known[i].version = *(uint64_t *)version;
        list[i] = &known[i];
    }
    hello.pod = d->pod;
    hello.pod_ip = d->pod_ip;
    hello.gateway = d->gateway;
    hello.version = (char *)"test";
    hello.known = list;
    hello.addresses = d->addresses;
    hello.n_addresses = d->address_count;
    request.body_case = WEFT__DISCOVERY__V1__REQUEST__BODY_HELLO;
    request.hello = &hello;
    send_request(d, &request);
    for (size_t i = 0; i < hello.n_known; i++)
        mem_free(known[i].name);
    mem_free(known);
    mem_free(list);
}

void policyd_client_ask(struct data_plane *d, char *add, char *drop)
{
    Weft__Discovery__V1__Request request = WEFT__DISCOVERY__V1__REQUEST__INIT;
    Weft__Discovery__V1__Subscription subscription = WEFT__DISCOVERY__V1__SUBSCRIPTION__INIT;
    subscription.subscribe = &add;
    subscription.n_subscribe = add != NULL;
    subscription.unsubscribe = &drop;
    subscription.n_unsubscribe = drop != NULL;
    request.body_case = WEFT__DISCOVERY__V1__REQUEST__BODY_SUBSCRIPTION;
    request.subscription = &subscription;
    send_request(d, &request);
}

static void answer(struct data_plane *d, uint64_t serial, bool is_good)
{
    Weft__Discovery__V1__Request request = WEFT__DISCOVERY__V1__REQUEST__INIT;
    Weft__Discovery__V1__Ack ack = WEFT__DISCOVERY__V1__ACK__INIT;
    Weft__Discovery__V1__Nack nack = WEFT__DISCOVERY__V1__NACK__INIT;
    ack.serial = nack.serial = serial;
    ack.digest = d->digest;
    nack.detail = (char *)"refused by a test";
    request.body_case =
        is_good ? WEFT__DISCOVERY__V1__REQUEST__BODY_ACK : WEFT__DISCOVERY__V1__REQUEST__BODY_NACK;
    if (is_good)
        request.ack = &ack;
    else
        request.nack = &nack;
    send_request(d, &request);
}

/* ---- what it has */

static void set_version(struct data_plane *d, struct slice name, const uint64_t *version)
{
    uint64_t *old = map_get(&d->has, name);
    if (old) {
        d->digest ^= discovery_digest_part(name, *old);
        map_remove(&d->has, name);
        mem_free(old);
    }
    if (!version)
        return;
    uint64_t *copy = mem_alloc(sizeof *copy);
    *copy = *version;
    map_put(&d->has, name, copy);
    d->digest ^= discovery_digest_part(name, *version);
}

void policyd_client_forget(struct data_plane *d)
{
    struct slice name;
    void *version;
    for (size_t at = 0; map_next(&d->has, &at, &name, &version);)
        mem_free(version);
    map_dispose(&d->has);
    map_init(&d->has);
    d->digest = 0;
}

static void lose_one(struct data_plane *d)
{
    struct slice name;
    void *version;
    size_t at = 0;
    if (!map_next(&d->has, &at, &name, &version))
        return;
    char *copy = mem_strndup(name.ptr, name.len);
    set_version(d, slice_from_cstr(copy), NULL);
    mem_free(copy);
}

static void take(struct data_plane *d, const Weft__Discovery__V1__Update *u)
{
    for (size_t i = 0; i < u->n_resources; i++)
        set_version(d, slice_from_cstr(u->resources[i]->name), &u->resources[i]->version);
    for (size_t i = 0; i < u->n_removed; i++)
        set_version(d, slice_from_cstr(u->removed[i]), NULL);
}

/* ---- what it tells */

static void write_texts(struct json_write *w, const char *key, char *const *texts, size_t count)
{
    json_write_key(w, key);
    json_write_array(w);
    for (size_t i = 0; i < count; i++)
        json_write_string(w, slice_from_cstr(texts[i]));
    json_write_array_end(w);
}

static void write_update(struct json_write *w, const Weft__Discovery__V1__Update *u)
{
    json_write_key(w, "resources");
    json_write_array(w);
    for (size_t i = 0; i < u->n_resources; i++)
        json_write_string(w, slice_from_cstr(u->resources[i]->name));
    json_write_array_end(w);
    write_texts(w, "removed", u->removed, u->n_removed);
    json_write_key(w, "answers");
    json_write_object(w);
    for (size_t i = 0; i < u->n_answers; i++)
        write_texts(w, u->answers[i]->address, u->answers[i]->resources,
                    u->answers[i]->n_resources);
    json_write_object_end(w);
}

static void tell(const struct data_plane *d, const char *event,
                 const Weft__Discovery__V1__Update *u, struct slice text)
{
    struct buf line;
    struct json_write w;
    buf_init(&line);
    json_write_init(&w, &line);
    json_write_object(&w);
    json_write_field(&w, "event", slice_from_cstr(event));
    json_write_field(&w, "pod", slice_from_cstr(d->pod));
    json_write_field(&w, "text", text);
    json_write_field_u64(&w, "has", d->has.count);
    if (u) {
        json_write_field_u64(&w, "serial", u->serial);
        json_write_field_bool(&w, "agrees", u->digest == d->digest);
        write_update(&w, u);
    }
    json_write_object_end(&w);
    char *flat = buf_take_text(&line, NULL);
    puts(flat);
    fflush(stdout);
    mem_free(flat);
}

/* ---- the stream */

static void on_message(void *owner, struct slice bytes)
{
    struct data_plane *d = owner;
    enum mood mood = d->mood;
    Weft__Discovery__V1__Update *u =
        weft__discovery__v1__update__unpack(NULL, bytes.len, (const uint8_t *)bytes.ptr);
    if (!u) {
        tell(d, "unreadable", NULL, SLICE(""));
        return;
    }
    if (mood != MOOD_SILENT)
        d->mood = MOOD_GOOD;
    if (mood == MOOD_GOOD || mood == MOOD_FORGETFUL)
        take(d, u);
    if (mood == MOOD_FORGETFUL)
        lose_one(d);
    bool is_odd = mood == MOOD_GOOD && u->digest != d->digest;
    if (!d->fleet->is_quiet || is_odd)
        tell(d, "update", u, SLICE(""));
    if (mood != MOOD_SILENT)
        answer(d, u->serial, mood != MOOD_REFUSING);
    weft__discovery__v1__update__free_unpacked(u, NULL);
    policyd_client_note(d->fleet, d);
}

static void on_closed(void *owner, enum grpc_status status, struct slice text)
{
    struct data_plane *d = owner;
    char why[400];
    d->stream = NULL;
    int len = snprintf(why, sizeof why, "%s: %.*s", grpc_status_name(status), SLICE_ARG(text));
    tell(d, "closed", NULL, slice_of(why, len < (int)sizeof why ? (size_t)len : sizeof why - 1));
}

void policyd_client_connect(struct data_plane *d)
{
    static const struct grpc_stream_events events = {.on_message = on_message,
                                                     .on_closed = on_closed};
    struct grpc_client_config config = {.to = d->fleet->to,
                                        .tls = d->fleet->tls,
                                        .expect_spiffe_id = slice_from_cstr(d->fleet->expect),
                                        .max_response = DISCOVERY_MESSAGE_MAX,
                                        .connect_timeout_ms = 20000};
    if (d->stream)
        grpc_stream_close(d->stream, GRPC_CANCELLED, "again");
    if (d->client)
        grpc_client_destroy(d->client);
    d->client = grpc_client_create(d->fleet->loop, &config);
    d->stream = grpc_client_open_stream(d->client, DISCOVERY_PATH, NULL, 0, &events, d);
    d->mood = MOOD_GOOD;
    policyd_client_hello(d);
}
