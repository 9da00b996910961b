/* A whole sidecar between clients and apps that say, do and leave undone whatever the input tells
 * them: bytes from either side, ends of either side, time, changes of the configuration. Whatever
 * happens, nothing crashes or leaks, everything is let go in the end, and each answer that an
 * HTTP/1 client gets is one that a strict parser takes. SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <strings.h>

#include "lib/base/mem.h"
#include "lib/codec/http/h1_body.h"
#include "lib/codec/http/h1_parse.h"
#include "tests/sim/sim_road.h"

enum { CLIENTS = 3, APP_CONNECTIONS = 16, OPS_MAX = 400 };

struct client {
    struct sim_peer *peer;
    struct sim_text sent;
};

struct play {
    struct sim_road r;
    struct client clients[CLIENTS];
    struct sim_peer *apps[APP_CONNECTIONS];
    unsigned app_count;
    bool is_inbound, is_http;
    bool asked_upgrade; /* then a connection may outlive its client's end … */
    bool closed;        /* … and so may a request whose client could still be listening */
    const uint8_t *at;
    size_t left;
};

static unsigned take(struct play *p)
{
    if (p->left == 0)
        return 0;
    p->left--;
    return *p->at++;
}

/* ---- the judge ---- */

static bool contains(const struct sim_text *t, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= t->len; i++)
        if (strncasecmp(t->ptr + i, word, len) == 0)
            return true;
    return false;
}

/* How the body of an answer to anything but HEAD and CONNECT is delimited. */
static enum h1_body_mode mode_of(const struct h1_head *head)
{
    if (head->status == 204 || head->status == 304 || head->content_length == 0)
        return H1_BODY_NONE;
    if (head->chunked)
        return H1_BODY_CHUNKED;
    return head->content_length > 0 ? H1_BODY_LENGTH : H1_BODY_UNTIL_CLOSE;
}

/* Takes one body; false when it is not whole (which an end in the middle may cause). */
static bool take_body(const struct h1_head *head, const uint8_t **at, size_t *left)
{
    struct h1_body body;
    enum h1_body_result result;
    h1_body_init(&body, mode_of(head), (uint64_t)head->content_length, 65536);
    do {
        struct slice piece;
        size_t used;
        result = h1_body_next(&body, *at, *left, &used, &piece);
        *at += used;
        *left -= used;
        if (result == H1_BODY_BAD)
            abort();
    } while (result == H1_BODY_DATA);
    h1_body_dispose(&body);
    return result == H1_BODY_END;
}

static void judge(const struct client *c)
{
    static const char *const beyond[] = {"HEAD", "CONNECT", "upgrade", "PRI * HTTP/2"};
    const struct h1_limits limits = {.header_bytes = 1 << 20, .header_count = 250};
    const uint8_t *at = (const uint8_t *)sim_text_get(&c->peer->in);
    size_t left = c->peer->in.len;
    struct h1_parse parse;
    for (unsigned i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++)
        if (contains(&c->sent, beyond[i]))
            return;
    h1_parse_init(&parse, H1_RESPONSE, &limits, (struct slice){0});
    while (left > 0) {
        struct h1_head head;
        size_t used;
        enum h1_parse_result result = h1_parse_head(&parse, at, left, &used, &head);
        if (result == H1_PARSE_BAD)
            abort();
        at += used;
        left -= used;
        if (result == H1_PARSE_MORE)
            break;
        bool whole = head.status < 200 || take_body(&head, &at, &left);
        h1_parse_next(&parse);
        if (!whole)
            break;
    }
    h1_parse_dispose(&parse);
}

/* ---- what the input can do ---- */

static void open_client(struct play *p, struct client *c)
{
    if (c->peer)
        return;
    c->peer = p->is_inbound ? sim_node_connect_inbound(&p->r.node, "10.0.5.5", 8080)
                            : sim_road_client(&p->r);
}

static void close_client(struct play *p, struct client *c)
{
    if (!c->peer)
        return;
    if (p->is_http)
        judge(c);
    p->asked_upgrade |= contains(&c->sent, "upgrade");
    if (c->peer->s)
        sim_peer_reset(c->peer);
    sim_peer_destroy(c->peer);
    sim_text_dispose(&c->sent);
    c->peer = NULL;
}

static void note_apps(struct play *p)
{
    struct sim_peer *accepted;
    while (p->app_count < APP_CONNECTIONS && (accepted = sim_app_accept(&p->r.app)))
        p->apps[p->app_count++] = accepted;
}

/* Who of the apps is meant: 0 is the newest connection. */
static struct sim_peer *app_of(struct play *p, unsigned which)
{
    note_apps(p);
    return which < p->app_count ? p->apps[p->app_count - 1 - which] : NULL;
}

static void send_bytes(struct play *p, struct sim_peer *peer, struct sim_text *sent)
{
    size_t len = take(p);
    len = len < p->left ? len : p->left;
    if (peer && peer->s)
        sim_peer_send_bytes(peer, p->at, len);
    if (sent)
        sim_text_add(sent, p->at, len);
    p->at += len;
    p->left -= len;
}

static void end_peer(struct play *p, struct sim_peer *peer, bool is_client)
{
    unsigned how = take(p) % 3;
    if (!peer || !peer->s)
        return;
    p->closed |= is_client && how == 1;
    if (how == 0)
        sim_peer_shut(peer);
    else if (how == 1)
        sim_peer_close(peer);
    else
        sim_peer_reset(peer);
}

static void change(struct play *p)
{
    unsigned what = take(p);
    p->r.cluster->n_endpoints = what & 1;
    p->r.cluster->connect_timeout_ms = 1000 + (what & 2);
    p->r.cluster->max_requests_per_connection = what & 4;
    sim_node_adopt(&p->r.node, what & 8 ? NULL : &p->r.conf);
}

static void pass_time(struct play *p)
{
    unsigned ms = take(p);
    sim_advance(&p->r.sim, ms < 200 ? ms : (ms - 199) * 3000);
}

static void set_answer(struct play *p)
{
    unsigned how = take(p);
    p->r.app.host.answer = how % 8 == 7 ? SIM_SILENT : how % 8 == 6 ? SIM_REFUSE : SIM_ACCEPT;
    p->r.app.host.connect_ms = how / 8 * 4;
}

static void step(struct play *p)
{
    unsigned op = take(p), which = op >> 3 & 3;
    struct client *c = &p->clients[which % CLIENTS];
    switch (op & 7) {
    case 0:
        open_client(p, c);
        send_bytes(p, c->peer, &c->sent);
        break;
    case 1:
        send_bytes(p, app_of(p, which), NULL);
        break;
    case 2:
        pass_time(p);
        break;
    case 3:
        end_peer(p, op & 128 ? app_of(p, which) : c->peer, !(op & 128));
        break;
    case 4:
        close_client(p, c);
        break;
    case 5:
        change(p);
        break;
    case 6:
        set_answer(p);
        break;
    default:
        break;
    }
    if (!(op & 64)) /* else together with what comes next */
        sim_turn(&p->r.sim);
}

/* ---- the stage ---- */

static void prepare(struct play *p, unsigned how, unsigned more)
{
    static const Weft__Config__V1__Protocol protocols[] = {SIM_HTTP, SIM_AUTO, SIM_TCP, SIM_HTTP1};
    static const Weft__Config__V1__Protocol backends[] = {SIM_AUTO, SIM_HTTP1, SIM_HTTP2,
                                                          SIM_HTTP1};
    static const size_t pieces[] = {0, 1, 7, 100};
    sim_road_prepare(&p->r);
    p->r.destination->protocol = protocols[how & 3];
    p->r.cluster->protocol = backends[how >> 2 & 3];
    p->is_inbound = how & 16;
    p->is_http = (how & 3) % 3 == 0 && !p->is_inbound;
    sim_timeouts *timeouts = p->r.cluster->timeouts = sim_conf_timeouts(&p->r.conf);
    timeouts->request_ms = more & 1 ? 500 : 0;
    timeouts->idle_ms = more & 2 ? 1000 : 0;
    sim_retry *retry = p->r.cluster->retry = sim_conf_retry(&p->r.conf);
    retry->attempts = more >> 2 & 3;
    retry->on_connect_failure = retry->on_reset = retry->on_gateway_error = true;
    retry->only_idempotent = more & 16;
    retry->per_try_timeout_ms = more & 32 ? 200 : 0;
    sim_road_start(&p->r);
    if (p->is_inbound) {
        p->r.app.host.at = p->r.node.settings.pod_ip;
        p->r.app.host.at.port = 8080;
        p->r.app.host.behind_proxy = true;
    }
    p->r.node.pieces.piece = p->r.app.host.options.piece = pieces[how >> 5 & 3];
    p->r.node.pieces.capacity = p->r.app.host.options.capacity = how & 128 ? 50 : 0;
}

/* When the clients are gone by a reset every request is over at once. One that has closed is gone
 * when something is written to it; an opaque connection lives until both sides have ended. */
static void finish(struct play *p)
{
    sim_turn(&p->r.sim);
    for (int i = 0; i < CLIENTS; i++)
        close_client(p, &p->clients[i]);
    sim_turn(&p->r.sim);
    if (p->is_http && !p->asked_upgrade && !p->closed)
        sim_node_check_idle(&p->r.node);
    else
        sim_advance(&p->r.sim, 10000); /* dials that are under way, and tried again */
    while (sim_app_accept(&p->r.app))
        ;
    LIST_FOREACH(node, &p->r.app.all)
    {
        struct sim_peer *app = container_of(node, struct sim_peer, node);
        if (app->s)
            sim_peer_reset(app);
    }
    sim_turn(&p->r.sim);
    sim_road_close(&p->r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play p = {.at = data, .left = size};
    unsigned how = take(&p), more = take(&p);
    prepare(&p, how, more);
    for (int i = 0; i < OPS_MAX && p.left > 0; i++)
        step(&p);
    finish(&p);
    return 0;
}
