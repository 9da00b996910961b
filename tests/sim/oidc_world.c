/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/oidc_world.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/percent.h"
#include "lib/io/loop.h"
#include "tests/sim/fake_clock.h"

#define PROVIDER "10.0.0.2:8080"
#define SECRET "a secret of at least thirty-two bytes"

/* ---- life ---- */

static const char *spec_of(struct oidc_world *w, const char *endpoints, const char *more)
{
    return arena_strdup(
        &w->arena,
        arena_printf(&w->arena,
                     "{\"issuer\":\"" OIDC_ISSUER "\",%s,\"clientId\":\"gate way\","
                     "\"clientSecretRef\":{\"name\":\"s\",\"key\":\"k\",\"value\":\"0\"},"
                     "\"sessionKeys\":[{\"name\":\"s\",\"key\":\"k\",\"value\":\"0\"}]"
                     "%s%s}",
                     endpoints,
                     strstr(more, "\"cookie\"") ? "" : ",\"cookie\":{\"name\":\"sid\"}",
                     more));
}

#define DISCOVERY                                                                          \
    "\"discovery\":{\"uri\":\"http://idp.svc/.well-known/openid-configuration\","         \
    "\"value\":\"idp\"}"

/* To the route of everything. */
static void give_filter(struct oidc_world *w, sim_route *route, const char *endpoints,
                        const char *more, const char *secret)
{
    sim_conf_name(&w->r.conf, &route->n_filters, &route->filters,
                  sim_conf_secret_filter(&w->r.conf, "login", "oidc",
                                         spec_of(w, endpoints, more), secret));
}

void oidc_world_open_with(struct oidc_world *w, const char *endpoints, const char *more,
                          const char *secret)
{
    static char service[] = "idp.svc";
    *w = (struct oidc_world){0};
    arena_init(&w->arena, 16384);
    sim_road_prepare(&w->r);
    fake_clock_follow(w->r.sim.loop);
    sim_cluster *idp = sim_conf_cluster(&w->r.conf, "idp");
    idp->service = service;
    sim_conf_endpoint(&w->r.conf, idp, PROVIDER);
    sim_route *route = sim_conf_route(&w->r.conf, w->r.destination, "/", "app");
    give_filter(w, route, endpoints, more, secret);
    sim_road_start(&w->r);
    sim_app_open(&w->provider, PROVIDER);
}

void oidc_world_open(struct oidc_world *w, const char *more)
{
    oidc_world_open_with(w, DISCOVERY, more, SECRET);
}

void oidc_world_adopt(struct oidc_world *w, const char *more, const char *secret)
{
    struct sim_conf conf;
    static char service[] = "idp.svc";
    struct sim_conf old = w->r.conf;
    sim_conf_init(&conf);
    w->r.conf = conf;
    sim_cluster *app = sim_conf_cluster(&w->r.conf, "app");
    sim_conf_endpoint(&w->r.conf, app, ROAD_APP);
    w->r.destination = sim_conf_destination(&w->r.conf, ROAD_VIP, "app", SIM_HTTP, "app");
    sim_cluster *idp = sim_conf_cluster(&w->r.conf, "idp");
    idp->service = service;
    sim_conf_endpoint(&w->r.conf, idp, PROVIDER);
    sim_route *route = sim_conf_route(&w->r.conf, w->r.destination, "/", "app");
    give_filter(w, route, DISCOVERY, more, secret);
    sim_node_adopt(&w->r.node, &w->r.conf);
    sim_turn(&w->r.sim);
    sim_conf_dispose(&old);
}

void oidc_world_close(struct oidc_world *w)
{
    if (w->client)
        sim_peer_destroy(w->client);
    sim_turn(&w->r.sim);
    sim_node_check_idle(&w->r.node);
    fake_clock_follow(NULL);
    sim_node_close(&w->r.node);
    sim_app_close(&w->r.app);
    sim_app_close(&w->provider);
    sim_conf_dispose(&w->r.conf);
    sim_close(&w->r.sim);
    arena_dispose(&w->arena);
}

/* ---- the browser ---- */

static struct slice cookies_of(struct oidc_world *w)
{
    struct slice all = SLICE("");
    for (unsigned i = 0; i < w->cookie_count; i++)
        all = arena_printf(&w->arena, "%.*s%s%.*s=%.*s", SLICE_ARG(all), i ? "; " : "cookie: ",
                           SLICE_ARG(w->cookies[i].name), SLICE_ARG(w->cookies[i].value));
    return all.len ? arena_printf(&w->arena, "%.*s\r\n", SLICE_ARG(all)) : all;
}

void oidc_world_send(struct oidc_world *w, const char *line, const char *fields)
{
    if (w->client)
        sim_peer_destroy(w->client);
    sim_turn(&w->r.sim);
    w->client = sim_road_client(&w->r);
    struct slice head = arena_printf(&w->arena,
                                     "%s HTTP/1.1\r\nhost: shop.example.com\r\n%s%.*s\r\n", line,
                                     fields, SLICE_ARG(cookies_of(w)));
    sim_peer_send_bytes(w->client, head.ptr, head.len);
    sim_turn(&w->r.sim);
}

void oidc_world_visit(struct oidc_world *w, const char *path)
{
    struct slice line = arena_printf(&w->arena, "GET %s", path);
    oidc_world_send(w, arena_strdup(&w->arena, line),
                    "accept: text/html,application/xhtml+xml;q=0.9\r\n"
                    "sec-fetch-mode: navigate\r\n");
}

static struct oidc_cookie *find(struct oidc_world *w, struct slice name)
{
    for (unsigned i = 0; i < w->cookie_count; i++)
        if (slice_eq(w->cookies[i].name, name))
            return &w->cookies[i];
    return NULL;
}

void oidc_world_forget(struct oidc_world *w, const char *name)
{
    struct oidc_cookie *c = find(w, slice_from_cstr(name));
    assert_non_null(c);
    *c = w->cookies[--w->cookie_count];
}

struct slice oidc_world_cookie(const struct oidc_world *w, const char *name)
{
    for (unsigned i = 0; i < w->cookie_count; i++)
        if (slice_eq_cstr(w->cookies[i].name, name))
            return w->cookies[i].value;
    return (struct slice){0};
}

/* "name=value; attributes". Max-Age=0 takes it away. */
static void keep_cookie(struct oidc_world *w, struct slice text)
{
    size_t equals = slice_find_byte(text, '='), end = slice_find_byte(text, ';');
    struct oidc_cookie c = {slice_sub(text, 0, equals),
                            slice_sub(text, equals + 1, end - equals - 1),
                            slice_sub(text, end, text.len)};
    struct oidc_cookie *at = find(w, c.name);
    if (slice_find(c.attributes, SLICE("; Max-Age=0;")) < c.attributes.len) {
        if (at)
            *at = w->cookies[--w->cookie_count];
        return;
    }
    if (!at) {
        assert_true(w->cookie_count < OIDC_COOKIES_MAX);
        at = &w->cookies[w->cookie_count++];
    }
    *at = c;
}

static void read_head(struct oidc_world *w)
{
    struct slice rest = slice_sub(w->answer, 0, slice_find(w->answer, SLICE("\r\n\r\n"))), line;
    w->location = (struct slice){0};
    while (slice_split(&rest, '\n', &line)) {
        line = slice_sub(line, 0, slice_find_byte(line, '\r'));
        if (slice_starts_with(line, SLICE("set-cookie: ")))
            keep_cookie(w, slice_sub(line, 12, line.len));
        if (slice_starts_with(line, SLICE("location: ")))
            w->location = slice_sub(line, 10, line.len);
    }
}

void oidc_world_expect(struct oidc_world *w, const char *start, const char *part)
{
    sim_advance(&w->r.sim, 60);
    w->answer = arena_copy(&w->arena, slice_from_cstr(sim_peer_got(w->client)));
    sim_peer_expect_part(w->client, start, part);
    read_head(w);
}

struct slice oidc_world_expect_app(struct oidc_world *w, const char *part)
{
    sim_advance(&w->r.sim, 60);
    struct sim_peer *app = sim_road_app(&w->r);
    struct slice got = arena_copy(&w->arena, slice_from_cstr(sim_peer_got(app)));
    if (part && !strstr(sim_peer_got(app), part))
        fail_msg("no %s in %s", part, sim_peer_got(app));
    sim_peer_send(app, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello");
    sim_turn(&w->r.sim);
    sim_peer_close(app);
    oidc_world_expect(w, "HTTP/1.1 200 OK\r\n", "hello");
    return got;
}

struct slice oidc_world_param(struct oidc_world *w, const char *name)
{
    struct slice rest = slice_sub(w->location, slice_find_byte(w->location, '?') + 1,
                                  w->location.len);
    struct slice pair;
    while (slice_split(&rest, '&', &pair)) {
        size_t equals = slice_find_byte(pair, '=');
        if (slice_eq_cstr(slice_sub(pair, 0, equals), name))
            return percent_decode(slice_sub(pair, equals + 1, pair.len),
                                  arena_alloc(&w->arena, pair.len));
    }
    return (struct slice){0};
}

/* ---- the provider ---- */

static struct sim_peer *line_that_was_asked(struct oidc_world *w)
{
    struct sim_peer *p;
    sim_advance(&w->r.sim, 30);
    while ((p = sim_app_accept(&w->provider)) != NULL) {
        assert_true(w->line_count < OIDC_LINES_MAX);
        w->lines[w->line_count++] = p;
        sim_turn(&w->r.sim);
    }
    for (unsigned i = 0; i < w->line_count; i++)
        if (*sim_peer_got(w->lines[i]))
            return w->lines[i];
    return NULL;
}

void oidc_world_expect_asked(struct oidc_world *w, const char *part)
{
    w->line = line_that_was_asked(w);
    if (!w->line)
        fail_msg("the provider was not asked for %s; the client got %s", part,
                 sim_peer_got(w->client));
    w->question = arena_copy(&w->arena, slice_from_cstr(sim_peer_got(w->line)));
    if (!strstr(sim_peer_got(w->line), part))
        fail_msg("no %s in %s", part, sim_peer_got(w->line));
    sim_peer_forget(w->line);
}

void oidc_world_expect_silence(struct oidc_world *w)
{
    struct sim_peer *p = line_that_was_asked(w);
    if (p)
        fail_msg("the provider was asked %s", sim_peer_got(p));
}

void oidc_world_answer(struct oidc_world *w, const char *status, struct slice body)
{
    struct slice whole = arena_printf(&w->arena,
                                      "HTTP/1.1 %s\r\ncontent-type: application/json\r\n"
                                      "content-length: %zu\r\n\r\n%.*s",
                                      status, body.len, SLICE_ARG(body));
    sim_peer_send_bytes(w->line, whole.ptr, whole.len);
    sim_advance(&w->r.sim, 30);
}

void oidc_world_discovery(struct oidc_world *w, const char *more)
{
    oidc_world_expect_asked(w, "GET /.well-known/openid-configuration HTTP/1.1\r\nhost: idp.svc");
    oidc_world_answer(
        w, "200 OK",
        arena_printf(&w->arena,
                     "{\"issuer\":\"" OIDC_ISSUER "\",\"authorization_endpoint\":\"" OIDC_ISSUER
                     "/auth?a=b\",\"token_endpoint\":\"http://idp.svc/token\",\"jwks_uri\":\"" OIDC_ISSUER
                     "/keys\",\"end_session_endpoint\":\"" OIDC_ISSUER "/end\"%s}",
                     more));
}

void oidc_world_keys(struct oidc_world *w)
{
    oidc_world_expect_asked(w, "GET /keys HTTP/1.1\r\nhost: login.example.com\r\n");
    struct slice key = token_jwk(&w->arena, SIGNATURE_RSA_SHA256, SLICE("\"kid\":\"r\""));
    oidc_world_answer(w, "200 OK",
                      arena_printf(&w->arena, "{\"keys\":[%.*s]}", SLICE_ARG(key)));
}

int64_t oidc_world_now_s(const struct oidc_world *w)
{
    (void)w;
    return clock_wall_ms() / 1000;
}

struct slice oidc_world_id_token(struct oidc_world *w, struct slice nonce, const char *claims)
{
    long long now = (long long)oidc_world_now_s(w);
    struct slice text = arena_printf(
        &w->arena,
        "{%s\"iss\":\"" OIDC_ISSUER "\",\"sub\":\"ann\",\"aud\":\"gate way\",\"nonce\":\"%.*s\","
        "\"iat\":%lld,\"exp\":%lld,\"groups\":[\"dev\",\"ops\"]}",
        claims, SLICE_ARG(nonce), now, now + 300);
    return token_make(&w->arena, SIGNATURE_RSA_SHA256, SLICE("{\"alg\":\"RS256\",\"kid\":\"r\"}"),
                      text);
}

struct slice oidc_world_tokens(struct oidc_world *w, struct slice id_token, const char *more)
{
    const char *quote = id_token.len ? "\"" : "";
    return arena_printf(&w->arena,
                        "{\"access_token\":\"AT\",\"token_type\":\"bearer\",\"id_token\":%s%.*s%s"
                        "%s}",
                        quote, SLICE_ARG(id_token.len ? id_token : SLICE("null")), quote, more);
}

/* ---- all together ---- */

void oidc_world_begin_login(struct oidc_world *w, const char *path)
{
    oidc_world_visit(w, path);
    struct sim_peer *asked = line_that_was_asked(w);
    if (asked)
        oidc_world_discovery(w, "");
    oidc_world_expect(w, "HTTP/1.1 302 ", "location: " OIDC_ISSUER "/auth?a=b&response_type=code&");
}

void oidc_world_come_back(struct oidc_world *w)
{
    struct slice path = arena_printf(&w->arena, OIDC_CALLBACK "?code=c%%2F1&state=%.*s",
                                     SLICE_ARG(oidc_world_param(w, "state")));
    oidc_world_visit(w, arena_strdup(&w->arena, path));
    oidc_world_expect_asked(w, "POST /token HTTP/1.1\r\nhost: idp.svc\r\n");
}

void oidc_world_login(struct oidc_world *w, const char *path, const char *more)
{
    oidc_world_begin_login(w, path);
    struct slice nonce = oidc_world_param(w, "nonce");
    oidc_world_come_back(w);
    oidc_world_answer(w, "200 OK",
                      oidc_world_tokens(w, oidc_world_id_token(w, nonce, ""), more));
    if (line_that_was_asked(w))
        oidc_world_keys(w);
    oidc_world_expect(w, "HTTP/1.1 302 ", NULL);
}
