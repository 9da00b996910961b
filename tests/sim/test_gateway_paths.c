/* Paths at a gateway: what a backend may read is what was routed, and what says one thing only goes
 * on untouched.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_door.h"

#include <stdio.h>
#include <string.h>

/* "/public" leads to app 0, everything else to `rest` (an app, or nowhere when negative). Returns
 * what the first app to be asked gets, or the answer where none is. */
static const char *ask(const char *target, int rest, int *asked)
{
    static char seen[1024], prefix[] = "/public";
    struct sim_door d;
    sim_door_prepare(&d);
    sim_gateway *g = sim_conf_gateway(&d.conf, 8000, "one");
    g->virtual_hosts[0]->routes[0]->match->path->path_prefix = prefix;
    if (rest >= 0)
        sim_conf_gateway_route(&d.conf, g, "/", rest ? "two" : "one");
    sim_door_start(&d);
    struct sim_peer *client = sim_node_connect_gateway(&d.node, 8000), *app = NULL;
    char request[512];
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nhost: shop\r\n\r\n", target);
    sim_peer_send(client, request);
    *asked = -1;
    for (int i = 0; i < 2 && !app; i++) {
        app = sim_door_app(&d, (unsigned)i);
        if (app)
            *asked = i;
    }
    sim_turn(&d.sim);
    snprintf(seen, sizeof(seen), "%s", sim_peer_got(app ? app : client));
    sim_door_done(&d, client);
    sim_door_close(&d);
    return seen;
}

static void what_was_routed_is_what_is_read(void **state)
{
    static const struct {
        const char *target;
        int rest, app; /* -1: nobody may be asked */
        const char *seen;
    } cases[] = {
        {"/public/a", 1, 0, "GET /public/a HTTP/1.1\r\n"},
        {"/other", 1, 1, "GET /other HTTP/1.1\r\n"},
        /* Leading slashes are merged: no URL parser behind us sees a host. */
        {"//public/a", 1, 0, "GET /public/a HTTP/1.1\r\n"},
        {"///public/a", -1, 0, "GET /public/a HTTP/1.1\r\n"},
        {"//x/public", 1, 1, "GET /x/public HTTP/1.1\r\n"},
        /* Odd, but the same to all who read it. */
        {"/public/a.", 1, 0, "GET /public/a. HTTP/1.1\r\n"},
        {"/public/%2561//b%20", 1, 0, "GET /public/%2561//b%20 HTTP/1.1\r\n"},
        {"/public/x%2fy", 1, 0, "GET /public/x%2fy HTTP/1.1\r\n"},
        {"/public/\xc3\xa9\"<>", 1, 0, "GET /public/\xc3\xa9\"<> HTTP/1.1\r\n"},
        /* What leads to one backend in one reading and to another one in another. */
        {"/public.", 1, -1, "HTTP/1.1 400 "},
        {"/public%20/a", 1, -1, "HTTP/1.1 400 "},
        {"/%2570ublic", 1, -1, "HTTP/1.1 400 "},
        {"/public%2fa", 1, -1, "HTTP/1.1 400 "},
        {"/\\x/public", 1, -1, "HTTP/1.1 400 "},
        {"/%2fx/public", 1, -1, "HTTP/1.1 400 "},
        {"/public.", -1, -1, "HTTP/1.1 400 "},
        {"/other.", 1, 1, "GET /other. HTTP/1.1\r\n"},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int asked;
        const char *seen = ask(cases[i].target, cases[i].rest, &asked);
        if (asked != cases[i].app || strncmp(seen, cases[i].seen, strlen(cases[i].seen)) != 0)
            fail_msg("%s: app %d, %s", cases[i].target, asked, seen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_routed_is_what_is_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
