/* Pages that are longer than a connection takes at once: they are made as they are read, and
 * whoever does not read them holds nothing but a piece. SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sidecar/admin.h"

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

static const struct admin_route routes[] = {{"GET", "/page", get_page}};

static void open_world(struct world *w)
{
    *w = (struct world){0};
    sim_open(&w->sim);
    assert_int_equal(addr_parse(SLICE(AT), &w->at), ERR_OK);
    assert_int_equal(addr_parse(SLICE("10.0.5.5:1000"), &w->client_at), ERR_OK);
    assert_int_equal(admin_open(w->sim.loop, &w->at, routes, 1, w, &w->admin), ERR_OK);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_as_it_is_read),
        cmocka_unit_test(head_makes_nothing),
        cmocka_unit_test(let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
