/* Pages that are longer than a connection takes at once: they are made as they are read, and
 * whoever does not read them holds nothing but a piece. SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sidecar/control/admin.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "tests/sim/sim.h"

#define AT "10.0.9.1:15020"

enum { PIECES = 100, PIECE = 40000 };

struct page {
    struct admin_body body;
    unsigned made, closed;
};

struct world {
    struct sim sim;
    struct addr at, client_at;
    struct admin *admin;
    struct page page;
    unsigned done;
};

static bool more(struct admin_body *b, struct buf *out, size_t enough)
{
    static char text[PIECE];
    struct page *p = container_of(b, struct page, body);
    assert_true(enough > 0 && enough <= PIECE);
    memset(text, 'a' + (int)(p->made % 26), sizeof(text));
    buf_append(out, text, sizeof(text));
    return ++p->made < PIECES;
}

static void close_page(struct admin_body *b)
{
    container_of(b, struct page, body)->closed++;
}

static void get_page(void *owner, struct admin_request *request)
{
    struct world *w = owner;
    w->page.body = (struct admin_body){.more = more, .close = close_page};
    admin_reply_body(request, "text/plain", &w->page.body);
}

static void post_do(void *owner, struct admin_request *request)
{
    struct world *w = owner;
    w->done++;
    admin_reply_text(request, 200, "done");
}

static void get_below(void *owner, struct admin_request *request)
{
    struct slice x = admin_query(request, "x"), path = admin_path(request);
    char text[64];
    (void)owner;
    snprintf(text, sizeof(text), "%.*s x=%.*s", SLICE_ARG(path), SLICE_ARG(x));
    admin_reply_text(request, 200, text);
}

static const struct admin_route routes[] = {
    {"GET", "/page", get_page}, {"POST", "/do", post_do}, {"GET", "/below/*", get_below}};

static void open_world(struct world *w)
{
    *w = (struct world){0};
    sim_open(&w->sim);
    assert_int_equal(addr_parse(SLICE(AT), &w->at), ERR_OK);
    assert_int_equal(addr_parse(SLICE("10.0.5.5:1000"), &w->client_at), ERR_OK);
    assert_int_equal(admin_open(w->sim.loop, &w->at, routes, 3, w, &w->admin), ERR_OK);
}

static void close_world(struct world *w, struct sim_peer *client)
{
    admin_close(w->admin);
    sim_turn(&w->sim);
    sim_peer_destroy(client);
    sim_turn(&w->sim);
    sim_close(&w->sim);
}

static struct sim_peer *call(struct world *w)
{
    struct memstream_options options = {.capacity = 65536};
    struct stream *client, *server;
    sim_net_pair(&options, &w->client_at, &w->at, NULL, &client, &server);
    struct sim_peer *p = sim_peer_create(client);
    sim_net_arrive(&w->at, server);
    return p;
}

/* All of it comes, however slowly it is read, and only as far as it is read is it made. */
static void made_as_it_is_read(void **state)
{
    struct world w;
    open_world(&w);
    struct sim_peer *client = call(&w);
    sim_peer_read(client, false);
    sim_peer_send(client, "GET /page HTTP/1.1\r\nhost: 10.0.9.1\r\n\r\n");
    sim_turn(&w.sim);
    assert_in_range(w.page.made, 1, 10);
    size_t got = 0;
    for (unsigned i = 0; i < 10 * PIECES && !w.page.closed; i++) {
        sim_peer_read(client, true);
        sim_turn(&w.sim);
        got += client->in.len;
        sim_peer_forget(client);
        sim_peer_read(client, false);
        sim_turn(&w.sim);
    }
    sim_peer_read(client, true);
    sim_turn(&w.sim);
    got += client->in.len;
    assert_int_equal(w.page.made, PIECES);
    assert_int_equal(w.page.closed, 1);
    assert_in_range(got, (size_t)PIECES * PIECE, (size_t)PIECES * (PIECE + 64));
    /* And the connection goes on. */
    sim_peer_forget(client);
    sim_peer_send(client, "GET /x HTTP/1.1\r\nhost: 10.0.9.1\r\n\r\n");
    sim_turn(&w.sim);
    assert_non_null(strstr(sim_peer_got(client), "HTTP/1.1 404"));
    close_world(&w, client);
}

static void head_makes_nothing(void **state)
{
    struct world w;
    open_world(&w);
    struct sim_peer *client = call(&w);
    sim_peer_send(client, "HEAD /page HTTP/1.1\r\nhost: 10.0.9.1\r\n\r\n");
    sim_turn(&w.sim);
    assert_non_null(strstr(sim_peer_got(client), "HTTP/1.1 200"));
    assert_int_equal(w.page.made, 0);
    assert_int_equal(w.page.closed, 1);
    close_world(&w, client);
}

/* Nobody holds a page by not reading it, by going away, or by being there at the end. */
static void let_go(void **state)
{
    for (int how = 0; how < 3; how++) {
        struct world w;
        open_world(&w);
        struct sim_peer *client = call(&w);
        sim_peer_read(client, false);
        sim_peer_send(client, "GET /page HTTP/1.1\r\nhost: 10.0.9.1\r\n\r\n");
        sim_turn(&w.sim);
        assert_int_equal(w.page.closed, 0);
        assert_in_range(w.page.made, 1, 10);
        if (how == 0)
            sim_advance(&w.sim, ADMIN_BODY_MS + 100);
        else if (how == 1)
            sim_peer_reset(client);
        sim_turn(&w.sim);
        assert_int_equal(w.page.closed, how < 2 ? 1 : 0);
        close_world(&w, client);
        assert_int_equal(w.page.closed, 1);
    }
}

/* What a page in somebody's browser could send changes nothing. */
static void who_may_post(void **state)
{
    static const struct {
        const char *head;
        unsigned status;
    } cases[] = {
        {"host: 127.0.0.1:15000", 200},
        {"host: 127.0.0.1", 200},
        {"host: [::1]:15000", 200},
        {"host: localhost", 200},
        {"host: LocalHost:15000", 200},
        {"host: localhost.example.org", 403},
        {"host: example.org:15000", 403},
        {"host: 127.0.0.1\r\norigin: http://127.0.0.1", 403},
        {"host: localhost\r\norigin: null", 403},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world w;
        char text[160];
        open_world(&w);
        struct sim_peer *client = call(&w);
        snprintf(text, sizeof(text), "POST /do HTTP/1.1\r\n%s\r\ncontent-length: 3\r\n\r\nabc",
                 cases[i].head);
        sim_peer_send(client, text);
        snprintf(text, sizeof(text), "HTTP/1.1 %u ", cases[i].status);
        sim_peer_expect_part(client, text,
                             cases[i].status == 200 ? "\r\n\r\ndone"
                                                    : "name this host by its address");
        assert_int_equal(w.done, cases[i].status == 200);
        close_world(&w, client);
    }
}

static void paths_and_methods(void **state)
{
    static const struct {
        const char *line;
        unsigned status;
        const char *end; /* of the answer */
    } cases[] = {
        {"GET /below/a/b?x=1", 200, "/below/a/b x=1\n"},
        {"GET /below/a?y=2&x=3&x=4", 200, "/below/a x=3\n"},
        {"GET /below/a?xx=1", 200, "/below/a x=\n"},
        {"GET /below/a?x", 200, "/below/a x=\n"},
        {"HEAD /below/a", 200, "\r\n\r\n"},
        {"GET /below/", 404, "not found\n"},
        {"GET /below", 404, "not found\n"},
        {"GET /belows/a", 404, "not found\n"},
        {"GET /page/", 404, "not found\n"},
        {"POST /below/a", 405, "another method is wanted here\n"},
        {"GET /do", 405, "another method is wanted here\n"},
        {"PUT /do", 405, "another method is wanted here\n"},
    };
    struct world w;
    open_world(&w);
    struct sim_peer *client = call(&w);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[128];
        snprintf(text, sizeof(text), "%s HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n", cases[i].line);
        sim_peer_send(client, text);
        sim_turn(&w.sim);
        const char *got = sim_peer_got(client);
        size_t len = strlen(got), end = strlen(cases[i].end);
        snprintf(text, sizeof(text), "HTTP/1.1 %u ", cases[i].status);
        if (strncmp(got, text, strlen(text)) != 0 || len < end ||
            strcmp(got + len - end, cases[i].end) != 0)
            fail_msg("%s:\n%s", cases[i].line, got);
        sim_peer_forget(client);
    }
    close_world(&w, client);
}

/* Only so many connections at a time; when one ends there is room again. */
static void connections_are_bounded(void **state)
{
    enum { MOST = 64 };
    struct world w;
    struct sim_peer *clients[MOST], *last;
    open_world(&w);
    for (unsigned i = 0; i < MOST; i++)
        clients[i] = call(&w);
    sim_turn(&w.sim);
    assert_false(sim_peer_is_over(clients[MOST - 1]));
    last = call(&w);
    sim_turn(&w.sim);
    assert_true(sim_peer_is_over(last));
    sim_peer_destroy(last);
    sim_peer_destroy(clients[0]);
    sim_turn(&w.sim);
    last = call(&w);
    sim_peer_send(last, "GET /below/a HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
    sim_turn(&w.sim);
    sim_peer_expect_part(last, "HTTP/1.1 200 ", NULL);
    for (unsigned i = 1; i < MOST; i++)
        sim_peer_destroy(clients[i]);
    close_world(&w, last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_as_it_is_read),
        cmocka_unit_test(head_makes_nothing),
        cmocka_unit_test(let_go),
        cmocka_unit_test(who_may_post),
        cmocka_unit_test(paths_and_methods),
        cmocka_unit_test(connections_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
