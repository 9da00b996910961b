/* The serving end of the discovery stream for tests. One thread.
 * Must not know how the client works.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/sidecar/config/discovery_bed.h"

#include "lib/io/memstream.h"
#include "lib/net/tls_stream.h"
#include "policies/compile/discovery.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/pki.h"

static const char *const alpn[] = {"h2", NULL};

static struct tls_ctx *make_ctx(const struct pki *pki, bool is_server, const char *id)
{
    char why[TLS_DETAIL_MAX];
    struct tls_ctx *c;
    struct pki_leaf leaf = pki_svid(pki, id);
    struct tls_mesh_config config = {
        .is_server = is_server,
        .cert_chain_pem = slice_from_cstr(leaf.chain),
        .key_pem = slice_from_cstr(leaf.key),
        .roots_pem = slice_from_cstr(pki->root),
        .trust_domain = SLICE(PKI_DOMAIN),
        .alpn = alpn,
    };
    assert_int_equal(tls_ctx_create_mesh(&config, &c, why), ERR_OK);
    pki_leaf_dispose(&leaf);
    return c;
}

/* ---- hearing */

static void remember(Weft__Discovery__V1__Request **at, struct slice message)
{
    if (*at)
        weft__discovery__v1__request__free_unpacked(*at, NULL);
    *at = weft__discovery__v1__request__unpack(NULL, message.len, (const uint8_t *)message.ptr);
    assert_non_null(*at);
}

static void on_message(void *owner, struct slice message)
{
    struct discovery_bed *b = owner;
    remember(&b->last, message);
    switch (b->last->body_case) {
    case WEFT__DISCOVERY__V1__REQUEST__BODY_HELLO:
        remember(&b->hello, message);
        b->hellos++;
        b->serial = 0;
        break;
    case WEFT__DISCOVERY__V1__REQUEST__BODY_SUBSCRIPTION:
        remember(&b->subscription, message);
        b->subscriptions++;
        break;
    case WEFT__DISCOVERY__V1__REQUEST__BODY_ACK:
        b->acks++;
        break;
    case WEFT__DISCOVERY__V1__REQUEST__BODY_NACK:
        b->nacks++;
        break;
    default:
        fail_msg("an empty request");
    }
}

static void on_closed(void *owner, enum grpc_status status, struct slice text)
{
    struct discovery_bed *b = owner;
    b->stream = NULL;
}

static const struct grpc_stream_events events = {.on_message = on_message, .on_closed = on_closed};

static void open_stream(struct grpc_call *call, struct grpc_stream *stream)
{
    struct discovery_bed *b = grpc_call_owner(call);
    b->stream = stream;
    grpc_stream_use(stream, &events, b);
}

static const struct grpc_method methods[] = {{.path = DISCOVERY_PATH, .open = open_stream}};

/* ---- connections */

static void on_server_closed(void *owner, enum err why, const char *detail)
{
    struct discovery_bed *b = owner;
    b->connection = NULL;
}

static void on_accepted(struct stream *s)
{
    struct discovery_bed *b = s->owner;
    b->accepting = NULL;
    b->connection = grpc_server_create(s, HTTP_PROTOCOL_2, &b->service, on_server_closed, b);
}

static void on_accept_fail(struct stream *s, enum err why)
{
    struct discovery_bed *b = s->owner;
    b->accepting = NULL;
    stream_close(s);
}

static void on_accept_eof(struct stream *s)
{
    on_accept_fail(s, ERR_EOF);
}

static const struct stream_events accept_events = {
    .on_open = on_accepted, .on_eof = on_accept_eof, .on_fail = on_accept_fail};

struct stream *discovery_bed_dial(struct loop *l, void *owner, const struct stream_events *events_,
                                  void *stream_owner)
{
    struct discovery_bed *b = owner;
    struct stream *near, *far;
    memstream_pair(l, NULL, &near, &far);
    stream_use(near, events_, stream_owner);
    b->dials++;
    if (b->is_away) {
        memstream_cut(near, ERR_REFUSED);
        stream_use(far, &accept_events, b);
        stream_close(far);
    } else {
        b->accepting = tls_stream_create(far, b->is_impostor ? b->impostor : b->server, NULL, NULL,
                                         &accept_events, b);
    }
    return near;
}

void discovery_bed_open(struct discovery_bed *b, struct loop *loop)
{
    *b = (struct discovery_bed){
        .loop = loop,
        .service = {.methods = methods, .method_count = 1, .max_request = 1 << 20},
    };
    b->service.owner = b;
    b->pki = mem_zalloc(sizeof(*b->pki));
    pki_init(b->pki);
    b->server = make_ctx(b->pki, true, "spiffe://" PKI_DOMAIN "/ns/weft-system/sa/weft-policyd");
    b->impostor = make_ctx(b->pki, true, PKI_SERVER_ID);
}

struct tls_ctx *discovery_bed_client(struct discovery_bed *b)
{
    return make_ctx(b->pki, false, PKI_CLIENT_ID);
}

static void forget(Weft__Discovery__V1__Request *r)
{
    if (r)
        weft__discovery__v1__request__free_unpacked(r, NULL);
}

void discovery_bed_close(struct discovery_bed *b)
{
    assert_null(b->stream);
    forget(b->hello);
    forget(b->subscription);
    forget(b->last);
    tls_ctx_unref(b->server);
    tls_ctx_unref(b->impostor);
    pki_dispose(b->pki);
    mem_free(b->pki);
}

/* ---- saying */

static size_t count_of(const char *const *texts)
{
    size_t n = 0;
    while (texts && texts[n])
        n++;
    return n;
}

void discovery_bed_digest(struct discovery_bed *b, const char *name, uint64_t version)
{
    b->digest ^= discovery_digest_part(slice_from_cstr(name), version);
}

void discovery_bed_send(struct discovery_bed *b, const struct config_make *resources,
                        const char *const *removed, const char *const *answers)
{
    Weft__Discovery__V1__Update u = WEFT__DISCOVERY__V1__UPDATE__INIT;
    size_t count = count_of(answers) / 2;
    Weft__Discovery__V1__Answer *items = mem_zalloc((count + 1) * sizeof(*items));
    u.serial = ++b->serial;
    u.digest = b->digest;
    if (resources) {
        u.resources = resources->message.resources;
        u.n_resources = resources->message.n_resources;
    }
    u.removed = (char **)(uintptr_t)removed;
    u.n_removed = count_of(removed);
    u.answers = mem_zalloc((count + 1) * sizeof(*u.answers));
    u.n_answers = count;
    for (size_t i = 0; i < count; i++) {
        weft__discovery__v1__answer__init(&items[i]);
        items[i].address = (char *)(uintptr_t)answers[2 * i];
        items[i].resources = (char **)(uintptr_t)&answers[2 * i + 1];
        items[i].n_resources = answers[2 * i + 1][0] != 0;
        u.answers[i] = &items[i];
    }
    size_t len = weft__discovery__v1__update__get_packed_size(&u);
    uint8_t *packed = mem_alloc(len + 1);
    weft__discovery__v1__update__pack(&u, packed);
    grpc_stream_send(b->stream, packed, len);
    mem_free(packed);
    mem_free(u.answers);
    mem_free(items);
}
