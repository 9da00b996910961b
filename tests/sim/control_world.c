/* See control_world.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/control_world.h"

#include <stdio.h>

#include "lib/identity/identity.h"
#include "sidecar/control/app_drain.h"
#include "sidecar/control/app_sockets.h"
#include "sidecar/source/source_folder.h"
#include "sidecar/worker/worker.h"

#define ADMIN "127.0.0.1:15000"
#define METRICS "0.0.0.0:15020"
#define HEALTH "0.0.0.0:15021"

/* ---- in the places of the folder, the stream, the identity and the kernel ---- */

struct control_fakes fakes;

unsigned source_folder_purge(struct source_folder *f, const struct filter_purge *what)
{
    fakes.purged = *what;
    snprintf(fakes.purged_url, sizeof fakes.purged_url, "%.*s", SLICE_ARG(what->url));
    return f != NULL;
}

unsigned source_stream_purge(struct source_stream *s, const struct filter_purge *what)
{
    (void)s, (void)what;
    return 2;
}

uint64_t source_folder_rejected(const struct source_folder *f)
{
    (void)f;
    return fakes.rejected;
}

void source_folder_reload(struct source_folder *f)
{
    (void)f;
    fakes.reloads++;
    fakes.rejected += fakes.is_folder_bad;
}

void source_stream_read(const struct source_stream *s, struct source_stream_status *out)
{
    (void)s;
    *out = fakes.stream;
}

void identity_read(const struct identity *id, struct identity_state *out)
{
    (void)id;
    *out = (struct identity_state){
        .renewals = fakes.renewals, .is_trusted = fakes.is_trusted, .failures = fakes.failures};
}

bool app_sockets_exist(void)
{
    return fakes.has_sockets;
}

/* ---- a process with one worker ---- */

static void *a_pointer(struct world *w)
{
    return w; /* is only handed to the fakes */
}

struct world *control_world_prepare(void)
{
    struct world *w = mem_zalloc(sizeof(*w));
    fakes = (struct control_fakes){.stream.problem = ""};
    control_bed_open(&w->bed);
    struct settings *s = w->bed.settings;
    assert_int_equal(addr_parse(SLICE(ADMIN), &w->admin), ERR_OK);
    assert_int_equal(addr_parse(SLICE(METRICS), &w->metrics), ERR_OK);
    assert_int_equal(addr_parse(SLICE(HEALTH), &w->health), ERR_OK);
    s->admin = w->admin;
    s->metrics = w->metrics;
    s->health = w->health;
    s->drain_ms = 5000;
    w->adopted = 7;
    w->app = (struct app){
        .settings = s,
        .loop = w->bed.loop,
        .mailbox = w->bed.mailbox,
        .snapshot = (struct snapshot *)(uintptr_t)worker_snapshot(w->bed.worker),
        .source = a_pointer(w),
        .workers = w->bed.worker,
        .worker_count = 1,
        .listening = 1,
        .adopted = &w->adopted,
        .sessions_left = &w->sessions_left,
    };
    app_drain_init(&w->app);
    return w;
}

struct world *control_world_open(void)
{
    struct world *w = control_world_prepare();
    assert_int_equal(app_admin_open(&w->app), ERR_OK);
    return w;
}

void control_world_close(struct world *w)
{
    app_drain_close(&w->app);
    app_admin_close(&w->app);
    control_bed_close(&w->bed);
    mem_free(w);
}

const char *control_world_ask(struct world *w, const struct addr *at, const char *method,
                              const char *path)
{
    char request[256];
    struct sim_peer *p = control_bed_call(&w->bed, at);
    snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n", method, path);
    sim_peer_send(p, request);
    control_bed_turn(&w->bed);
    snprintf(w->answer, sizeof(w->answer), "%s", sim_peer_got(p));
    sim_peer_destroy(p);
    control_bed_turn(&w->bed);
    return w->answer;
}

void control_world_expect(struct world *w, const struct addr *at, const char *method,
                          const char *path, unsigned status, const char *part)
{
    char line[32];
    snprintf(line, sizeof(line), "HTTP/1.1 %u ", status);
    const char *got = control_world_ask(w, at, method, path);
    if (strncmp(got, line, strlen(line)) != 0 || !strstr(got, part))
        fail_msg("%s %s: want %u and \"%s\", got:\n%s", method, path, status, part, got);
}

void control_world_use_stream(struct world *w)
{
    static char address[] = "weft-policyd:15012";
    w->bed.settings->discovery = address;
    w->app.source = NULL;
    w->app.stream = a_pointer(w);
    fakes.stream = (struct source_stream_status){.is_connected = true,
                                                 .serial = 11,
                                                 .updates = 12,
                                                 .rejected = 13,
                                                 .resyncs = 14,
                                                 .resources = 15,
                                                 .addresses = 16,
                                                 .problem = "refused"};
}
