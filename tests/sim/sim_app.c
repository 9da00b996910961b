/* The functions by which a worker reports, without a control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_app.h"

#include <stddef.h>

const struct settings *app_settings(const struct app *app)
{
    return app->settings;
}

struct mailbox *app_mailbox(const struct app *app)
{
    return app->mailbox;
}

struct work_pool *app_work(const struct app *app)
{
    return app->work;
}

void app_note_listening(struct app *app, struct worker *w, bool ok)
{
    (void)w;
    app->listening = ok;
}

void app_note_adopted(struct app *app, struct worker *w, uint64_t snapshot_version)
{
    (void)w;
    app->adopted = snapshot_version;
}

void app_note_interest(struct app *app, struct worker *w, const struct addr *to, bool wanted)
{
    (void)w;
    app->asked += wanted;
    app->dropped += !wanted;
    app->last_asked = *to;
}

/* There is one worker. */
void app_note_news(struct app *app, struct worker *w, const void *what)
{
    (void)app, (void)w, (void)what;
}

void app_note_sessions(struct app *app, struct worker *w, uint32_t left)
{
    (void)w;
    app->sessions_left = left;
}
