/* The filter that asks, and the room around it. One thread, that of the test.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_redis.h"

/* ---- the filter ---- */

struct spec {
    struct slice cluster, username, password;
    int64_t database, timeout_ms;
    bool posts;
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct spec, cluster, "cluster", STRING, "Whom.", .flags = SCHEMA_REQUIRED),
    SCHEMA_FIELD(struct spec, username, "username", STRING, "As whom."),
    SCHEMA_FIELD(struct spec, password, "password", STRING, "With what."),
    SCHEMA_FIELD(struct spec, database, "database", INT, "Where.", .max = 100),
    SCHEMA_FIELD(struct spec, timeout_ms, "timeout", DURATION, "How long.", .fallback = 2000),
    SCHEMA_FIELD(struct spec, posts, "posts", BOOL, "Without an answer."),
    {0},
};

static const struct schema spec_schema = {
    .name = "Ask", .doc = "Asks.", .size = sizeof(struct spec), .fields = fields};

struct conf {
    struct filter_redis_server server;
    bool posts;
};

struct ctx {
    struct filter_redis ask;
    bool has_asked;
};

static struct filter_redis_script script = {.source = SOURCE};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct spec *s = spec;
    struct conf *c = conf;
    (void)b;
    filter_redis_script_init(&script);
    c->posts = s->posts;
    c->server = (struct filter_redis_server){s->cluster, s->username, s->password,
                                             (uint32_t)s->database, (uint32_t)s->timeout_ms};
    return ERR_OK;
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    struct filter_redis *ask = &own->ask;
    if (!own->has_asked) {
        own->has_asked = true;
        *ask = (struct filter_redis){.server = &c->server, .script = &script,
                                     .words = &x->match_path, .word_count = 1, .key_count = 1};
        if (c->posts)
            x->host->redis_post(x, ask);
        else
            x->host->redis(x, ask);
    }
    if (c->posts)
        return FILTER_NEXT;
    if (!ask->is_done)
        return FILTER_WAIT;
    if (ask->failed) {
        (x->host->fail)(x, ask->failed, ask->detail);
        return FILTER_REPLY;
    }
    headers_add(&x->request->headers, SLICE("x-said"),
                arena_printf(x->arena, "%d/%.*s", (int)ask->reply->integer,
                             SLICE_ARG(ask->reply->text)));
    return FILTER_NEXT;
}

const struct filter filter_direct_response = {
    .name = "directResponse",
    .doc = "Asks Redis.",
    .phase = FILTER_PHASE_LIMIT,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .prepare = prepare,
    .on_request = on_request,
};

/* ---- the room ---- */

void sim_redis_prepare(struct sim_redis *w, const char *more)
{
    static char service[] = "redis.svc";
    char spec[256];
    *w = (struct sim_redis){0};
    sim_report = (struct sim_report){0};
    sim_road_prepare(&w->r);
    w->redis = sim_conf_cluster(&w->r.conf, "redis");
    w->redis->service = service;
    sim_conf_endpoint(&w->r.conf, w->redis, REDIS_FIRST);
    sim_route *route = sim_conf_route(&w->r.conf, w->r.destination, "/", "app");
    snprintf(spec, sizeof(spec), "{\"cluster\":\"redis\"%s}", more);
    sim_conf_name(&w->r.conf, &route->n_filters, &route->filters,
                  sim_conf_filter(&w->r.conf, "ask", "directResponse", spec));
}

struct sim_peer *sim_redis_start(struct sim_redis *w)
{
    sim_road_start(&w->r);
    sim_app_open(&w->first, REDIS_FIRST);
    sim_app_open(&w->second, REDIS_SECOND);
    return sim_road_client(&w->r);
}

struct sim_peer *sim_redis_open(struct sim_redis *w)
{
    sim_redis_prepare(w, "");
    return sim_redis_start(w);
}

void sim_redis_get(struct sim_redis *w, struct sim_peer *client)
{
    sim_peer_send(client, ROAD_GET);
    sim_turn(&w->r.sim);
}

struct sim_peer *sim_redis_connection(struct sim_redis *w, struct sim_app *app)
{
    sim_turn(&w->r.sim);
    struct sim_peer *p = sim_app_accept(app);
    sim_turn(&w->r.sim);
    return p;
}

struct sim_peer *sim_redis_greeted(struct sim_redis *w, struct sim_app *app)
{
    struct sim_peer *p = sim_redis_connection(w, app);
    assert_non_null(p);
    sim_peer_expect(p, PING);
    sim_peer_send(p, PONG);
    sim_turn(&w->r.sim);
    return p;
}

void sim_redis_say(struct sim_redis *w, struct sim_peer *server, const char *text)
{
    sim_peer_send(server, text);
    sim_turn(&w->r.sim);
}

void sim_redis_expect_said(struct sim_redis *w, struct sim_peer *client, struct sim_peer **app,
                        const char *said)
{
    if (!*app)
        *app = sim_road_app(&w->r);
    assert_non_null(strstr(sim_peer_got(*app), said));
    sim_peer_forget(*app);
    sim_peer_send(*app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
}

void sim_redis_expect_refused(struct sim_peer *client, const char *why)
{
    sim_peer_expect_part(client, "HTTP/1.1 50", why);
}

void sim_redis_finish(struct sim_redis *w, struct sim_peer *client)
{
    sim_road_done(&w->r, client);
    sim_node_close(&w->r.node);
    sim_app_close(&w->r.app);
    sim_app_close(&w->first);
    sim_app_close(&w->second);
    sim_conf_dispose(&w->r.conf);
    sim_close(&w->r.sim);
}
