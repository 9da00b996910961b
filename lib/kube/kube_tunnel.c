/* Port-forward over a WebSocket (RFC 6455): frames of the subprotocol v4.channel.k8s.io, whose
 * first byte is a channel, 0 for bytes and 1 for what went wrong at the other end. A pair of
 * streams in memory joins it to whoever uses it. Owned by its client's loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/kube/kube_tunnel.h"

#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/io/loop.h"
#include "lib/io/memstream.h"
#include "lib/kube/kube_client_priv.h"
#include "lib/kube/kube_path.h"

enum { CHANNEL_DATA = 0, CHANNEL_ERROR = 1, CHANNELS = 2 };
enum { OP_MORE = 0, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };
enum { FRAME_MAX = 1 << 22, PIECE_MAX = 32768, HEAD_MAX = 14, OPEN_MS = 10000, IDLE_MS = 60000 };

struct kube_tunnel {
    struct kube_request *request;
    struct stream *near; /* our end of the pair */
    kube_tunnel_trouble_fn on_trouble;
    void *owner;
    struct buf in;      /* bytes of frames that are not complete */
    struct buf waiting; /* frames for a WebSocket that is not open yet */
    bool is_open;
    bool has_greeted[CHANNELS]; /* the port's number came, which is each channel's first message */
    struct loop_task grave;
};

/* ---- frames out ---- */

static size_t write_head(uint8_t *head, unsigned op, size_t len, const uint8_t mask[4])
{
    size_t n = 0;
    head[n++] = (uint8_t)(0x80 | op);
    if (len < 126) {
        head[n++] = (uint8_t)(0x80 | len);
    } else {
        head[n++] = 0x80 | 126;
        head[n++] = (uint8_t)(len >> 8);
        head[n++] = (uint8_t)len;
    }
    memcpy(head + n, mask, 4);
    return n + 4;
}

/* One frame; first < 0: no byte before the data. At most 64 KiB. */
static void send_frame(struct kube_tunnel *t, unsigned op, int first, const uint8_t *data,
                       size_t len)
{
    uint8_t head[HEAD_MAX], mask[4], piece[512];
    size_t whole = len + (first >= 0), at = 0;
    rand_secure(mask, sizeof(mask));
    buf_append(&t->waiting, head, write_head(head, op, whole, mask));
    for (size_t done = 0; done < whole; done += at) {
        for (at = 0; at < sizeof(piece) && done + at < whole; at++) {
            size_t i = done + at;
            uint8_t byte = first < 0 ? data[i] : i == 0 ? (uint8_t)first : data[i - 1];
            piece[at] = byte ^ mask[i % 4];
        }
        buf_append(&t->waiting, piece, at);
    }
    if (t->is_open)
        kube_request_write(t->request, &t->waiting);
}

static void send_data(struct kube_tunnel *t, const uint8_t *data, size_t len)
{
    while (len) {
        size_t n = len < PIECE_MAX ? len : PIECE_MAX;
        send_frame(t, OP_BINARY, CHANNEL_DATA, data, n);
        data += n;
        len -= n;
    }
}

/* ---- frames in ---- */

static void say_trouble(struct kube_tunnel *t, unsigned status, struct slice detail)
{
    if (t->on_trouble)
        t->on_trouble(t->owner, status, detail);
    t->on_trouble = NULL;
}

static void take_channel(struct kube_tunnel *t, struct buf *payload)
{
    uint8_t channel;
    if (payload->len == 0)
        return;
    buf_copy_out(payload, &channel, 1);
    buf_drain(payload, 1);
    if (channel >= CHANNELS)
        return;
    if (!t->has_greeted[channel]) {
        t->has_greeted[channel] = true;
    } else if (channel == CHANNEL_DATA) {
        stream_write(t->near, payload);
    } else {
        char text[256];
        size_t n = payload->len < sizeof(text) ? payload->len : sizeof(text);
        buf_copy_out(payload, text, n);
        say_trouble(t, 0, slice_of(text, n));
        stream_shutdown(t->near);
    }
}

static void take_frame(struct kube_tunnel *t, unsigned op, struct buf *payload)
{
    uint8_t echo[125];
    if (op == OP_BINARY || op == OP_MORE)
        take_channel(t, payload);
    else if (op == OP_CLOSE)
        stream_shutdown(t->near);
    if (op != OP_PING || payload->len > sizeof(echo))
        return;
    size_t n = payload->len;
    buf_copy_out(payload, echo, n);
    send_frame(t, OP_PONG, -1, echo, n);
}

/* The next whole frame, off t->in. A server does not mask (§5.1). */
static bool next_frame(struct kube_tunnel *t, unsigned *op, struct buf *payload)
{
    uint8_t head[10];
    size_t there = t->in.len < sizeof(head) ? t->in.len : sizeof(head), size = 2;
    buf_copy_out(&t->in, head, there);
    if (there < size)
        return false;
    uint64_t len = head[1] & 0x7f;
    unsigned more = len == 126 ? 2 : len == 127 ? 8 : 0;
    size += more;
    if (there < size)
        return false;
    if (more)
        len = 0;
    for (unsigned i = 0; i < more; i++)
        len = len << 8 | head[2 + i];
    if (len > FRAME_MAX) {
        say_trouble(t, 0, SLICE("a frame of the WebSocket is too large"));
        stream_shutdown(t->near);
        buf_dispose(&t->in);
        return false;
    }
    if (t->in.len < size + len)
        return false;
    buf_drain(&t->in, size);
    buf_move(payload, &t->in, (size_t)len);
    *op = head[0] & 0x0f;
    return true;
}

static void on_head(void *owner, unsigned status)
{
    struct kube_tunnel *t = owner;
    if (status != 101) {
        say_trouble(t, status, SLICE("the API server opens no WebSocket"));
        stream_shutdown(t->near);
        return;
    }
    t->is_open = true;
    kube_request_write(t->request, &t->waiting);
}

static void on_bytes(void *owner, struct slice bytes)
{
    struct kube_tunnel *t = owner;
    struct buf payload;
    unsigned op;
    buf_append_slice(&t->in, bytes);
    buf_init(&payload);
    while (next_frame(t, &op, &payload)) {
        take_frame(t, op, &payload);
        buf_dispose(&payload);
    }
}

static void on_end(void *owner, const struct kube_result *result)
{
    struct kube_tunnel *t = owner;
    t->request = NULL;
    t->is_open = false;
    if (result->detail.len)
        say_trouble(t, result->status, result->detail);
    stream_shutdown(t->near);
}

/* ---- the near end ---- */

static void end_request(struct kube_tunnel *t)
{
    if (t->request)
        kube_request_cancel(t->request);
    t->request = NULL;
    t->is_open = false;
}

static void on_near_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    (void)owner;
    send_data(s->owner, data, len);
}

static void on_near_eof(struct stream *s)
{
    (void)s; /* there is no half-closing a port-forward */
}

static void on_near_fail(struct stream *s, enum err why)
{
    (void)why;
    end_request(s->owner);
}

struct kube_tunnel *kube_tunnel_open(struct kube_client *c, struct slice namespace_name,
                                     struct slice pod, uint16_t port, struct stream **out,
                                     kube_tunnel_trouble_fn on_trouble, void *owner)
{
    static const struct stream_events near = {
        .on_data = on_near_data, .on_eof = on_near_eof, .on_fail = on_near_fail};
    static const struct kube_stream_events events = {on_head, on_bytes, on_end};
    struct kube_tunnel *t = mem_zalloc(sizeof(*t));
    char *space = kube_path_escape(namespace_name), *name = kube_path_escape(pod);
    char *path =
        mem_printf("/api/v1/namespaces/%s/pods/%s/portforward?ports=%u", space, name, port);
    struct kube_call call = {.method = "GET",
                             .path = slice_from_cstr(path),
                             .websocket = "v4.channel.k8s.io",
                             .timeout_ms = OPEN_MS};
    t->on_trouble = on_trouble;
    t->owner = owner;
    buf_init(&t->in);
    buf_init(&t->waiting);
    memstream_pair(c->loop, NULL, &t->near, out);
    stream_use(t->near, &near, t);
    stream_read_start(t->near);
    t->request = kube_client_stream(c, &call, IDLE_MS, &events, t);
    mem_free(path);
    mem_free(space);
    mem_free(name);
    return t;
}

static void free_tunnel(struct loop_task *task)
{
    mem_free(container_of(task, struct kube_tunnel, grave));
}

void kube_tunnel_close(struct kube_tunnel *t)
{
    if (!t)
        return;
    struct loop *l = t->near->loop;
    t->on_trouble = NULL;
    end_request(t);
    stream_close(t->near);
    buf_dispose(&t->in);
    buf_dispose(&t->waiting);
    loop_task_init(&t->grave, free_tunnel);
    loop_bury(l, &t->grave);
}
