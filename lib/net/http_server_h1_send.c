/* The server end of an HTTP/1 connection: answers. A head is written at once but for its last
 * lines: they wait for the end of the turn, when it is known whether the connection goes on. On
 * the connection's worker.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/http_server_h1_priv.h"

static void send_interim(struct http_server_h1 *c, const struct message *head)
{
    if (c->is_1_0 || c->answered)
        return;
    c->awaits_100 &= head->status != 100;
    h1_write_response(&c->h.out, head, H1_FRAMING_NONE, 0);
    h1_write_head_end(&c->h.out, H1_CONNECTION_DEFAULT);
    http_h1_wake(&c->h);
}

static bool switches_protocols(const struct http_server_h1 *c, const struct message *head)
{
    if (c->h.in_state != HTTP_H1_IN_HELD)
        return false;
    return c->is_connect ? head->status / 100 == 2 : head->status == 101 && head->upgrade.len;
}

static void begin_tunnel(struct http_server_h1 *c, const struct message *head)
{
    c->tunnel = true;
    c->h.out_framing = H1_FRAMING_RAW;
    c->h.in_state = HTTP_H1_IN_TUNNEL;
    h1_write_response(&c->h.out, head, H1_FRAMING_NONE, 0);
}

/* RFC 9112 §6.3, seen from the sender. Returns what the head says of the body. */
static enum h1_framing choose_framing(struct http_server_h1 *c, const struct message *head,
                                      bool end)
{
    bool known = head->content_length >= 0;
    struct http_h1 *h = &c->h;
    h->out_left = known ? (uint64_t)head->content_length : 0;
    if (head->status == 204 || head->status == 304 || c->is_head) {
        h->out_framing = H1_FRAMING_NONE;
        return known && head->status != 204 ? H1_FRAMING_LENGTH : H1_FRAMING_NONE;
    }
    if (known || end)
        h->out_framing = H1_FRAMING_LENGTH;
    else
        h->out_framing = c->is_1_0 ? H1_FRAMING_RAW : H1_FRAMING_CHUNKED;
    c->close_after |= h->out_framing == H1_FRAMING_RAW;
    return (enum h1_framing)h->out_framing;
}

/* Nothing was switched: the request had no body. What the client sent in the hope of a switch must
 * not be taken for a request. */
static void decline_switch(struct http_server_h1 *c)
{
    c->close_after |= c->h.in.len > 0;
    http_h1_end_input(&c->h, NULL);
}

static void send_final(struct http_server_h1 *c, const struct message *head, bool end)
{
    struct http_h1 *h = &c->h;
    c->answered = c->head_open = h->out_open = true;
    h->out_ended = end;
    http_h1_wake(h);
    if (switches_protocols(c, head)) {
        begin_tunnel(c, head);
        return;
    }
    if (head->status < 200) {
        http_server_h1_die(c, ERR_INVALID,
                           "A switch of protocols was answered that was not asked for.");
        return;
    }
    h->holds = false;
    enum h1_framing said = choose_framing(c, head, end);
    h1_write_response(&h->out, head, said, h->out_left);
    if (h->in_state == HTTP_H1_IN_HELD)
        decline_switch(c);
}

static void send_head(struct http_stream *st, const struct message *head, bool end)
{
    struct http_server_h1 *c = st->conn;
    if (!c || c->answered || c->h.dying)
        return;
    if (head->status < 200 && head->status != 101)
        send_interim(c, head);
    else
        send_final(c, head, end);
}

static void send_body(struct http_stream *st, struct buf *data, bool end)
{
    struct http_server_h1 *c = st->conn;
    if (c)
        http_h1_send_body(&c->h, data, end);
    else
        buf_dispose(data);
}

static void send_trailers(struct http_stream *st, const struct headers *trailers)
{
    struct http_server_h1 *c = st->conn;
    if (c)
        http_h1_send_trailers(&c->h, trailers);
}

static void consume(struct http_stream *st, size_t n)
{
    struct http_server_h1 *c = st->conn;
    if (c)
        http_h1_consume(&c->h, n);
}

/* The head's last lines. */
static void end_head(struct http_server_h1 *c)
{
    bool done = c->h.in_state == HTTP_H1_IN_DONE;
    enum h1_connection connection = H1_CONNECTION_DEFAULT;
    c->head_open = false;
    if (!c->tunnel) {
        c->close_after |= c->base.draining || c->awaits_100 || (c->h.out_ended && !done);
        if (c->close_after)
            connection = H1_CONNECTION_CLOSE;
        else if (c->is_1_0)
            connection = H1_CONNECTION_KEEP_ALIVE;
    }
    h1_write_head_end(&c->h.out, connection);
}

static enum err pack(struct http_server_h1 *c)
{
    if (c->head_open)
        end_head(c);
    return http_h1_pack(&c->h);
}

static void reset(struct http_stream *st, enum err why)
{
    struct http_server_h1 *c = st->conn;
    if (!c)
        return;
    bool complete = c->h.out_ended && c->answered && !c->tunnel && !c->h.dying && pack(c) == ERR_OK;
    c->h.st = NULL;
    c->base.active--;
    http_stream_detach(st);
    c->settled = complete;
    if (complete)
        http_h1_wake(&c->h);
    else if (!c->h.dying)
        http_server_h1_die(c, why ? why : ERR_CANCELED, "The request was given up.");
}

const struct http_stream_ops http_server_h1_stream_ops = {
    .send_head = send_head,
    .send_body = send_body,
    .send_trailers = send_trailers,
    .consume = consume,
    .reset = reset,
};

/* The exchange is over: everything is with the transport. A request that was not read to its end
 * takes the connection with it. */
static void complete(struct http_server_h1 *c)
{
    struct http_stream *st = c->h.st;
    bool again =
        !c->close_after && !c->base.draining && c->h.in_state == HTTP_H1_IN_DONE && !c->tunnel;
    c->h.st = NULL;
    c->settled = false;
    if (st) {
        c->base.active--;
        http_stream_detach(st);
        st->events->on_done(st);
    }
    if (c->base.over)
        return;
    if (!again) {
        http_server_h1_finish(c, ERR_CLOSED, HTTP_CLOSE_FLUSHED, ERR_OK, NULL);
        return;
    }
    http_h1_rewind(&c->h);
    c->h.in_state = HTTP_H1_IN_HEAD;
    c->idle_since_ms = loop_now_ms(c->base.loop);
}

static bool tunnel_is_over(struct http_server_h1 *c)
{
    if (!c->shut)
        stream_shutdown(c->base.transport);
    c->shut = true;
    return c->h.in_state == HTTP_H1_IN_DONE;
}

bool http_server_h1_push(struct http_server_h1 *c)
{
    struct http_h1 *h = &c->h;
    if (!http_h1_may_pack(h))
        return false;
    if (pack(c)) {
        http_server_h1_die(c, ERR_INVALID, "The answer's body contradicts its length.");
        return true;
    }
    http_h1_flush(h);
    if (h->st)
        http_stream_check_writable(h->st);
    if (!h->out_packed || h->dying || c->base.over)
        return h->dying;
    if (c->tunnel && !tunnel_is_over(c))
        return false;
    complete(c);
    return true;
}
