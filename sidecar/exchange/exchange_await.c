/* Exchanges whose filters wait for what a filter of another exchange does, on this worker or on
 * another: who announces it wakes those of its own worker at once, and the control thread tells the
 * others. Worker thread. SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/app.h"
#include "sidecar/exchange/exchange_priv.h"
#include "sidecar/exchange/exchange_run.h"

void exchange_await(struct exchange *ex, const void *what)
{
    list_unlink(&ex->awaiting);
    ex->awaited = what;
    if (what)
        list_link_last(&ex->worker->awaiting, &ex->awaiting);
}

void exchange_hear(struct worker *w, const void *what)
{
    LIST_FOREACH_SAFE(node, next, &w->awaiting)
    {
        struct exchange *ex = container_of(node, struct exchange, awaiting);
        if (ex->awaited != what)
            continue;
        exchange_await(ex, NULL);
        filter_road_wake(&ex->road);
        exchange_wake(ex);
    }
}

void exchange_announce(struct exchange *ex, const void *what)
{
    struct worker *w = ex->worker;
    exchange_hear(w, what);
    if (w->settings->workers > 1)
        app_note_news(w->app, w, what);
}
