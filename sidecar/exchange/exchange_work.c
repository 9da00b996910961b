/* What filters have computed elsewhere while their exchange waits (lib/io/work.h). An exchange may
 * end first: the computation is then nobody's, and is freed when it comes back. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"
#include "lib/io/work.h"
#include "sidecar/control/app.h"
#include "sidecar/exchange/exchange_priv.h"

struct exchange_work {
    struct work_job job;
    struct list node;    /* in exchange->works */
    struct exchange *ex; /* NULL: it has ended */
    struct filter_work *asked;
    struct filter_job *computes;
    bool is_back;
};

static void run(struct work_job *job)
{
    struct filter_job *computes = container_of(job, struct exchange_work, job)->computes;
    computes->run(computes);
}

static void destroy(struct exchange_work *w)
{
    filter_job_free(w->computes);
    mem_free(w);
}

static void on_done(struct work_job *job)
{
    struct exchange_work *w = container_of(job, struct exchange_work, job);
    struct exchange *ex = w->ex;
    if (!ex) {
        destroy(w);
        return;
    }
    w->is_back = true;
    w->asked->is_done = true;
    w->asked->is_refused = !job->was_run;
    filter_road_wake(&ex->road);
    exchange_wake(ex);
}

void exchange_work(struct filter_exchange *x, struct filter_work *asked)
{
    struct exchange *ex = container_of(x, struct exchange, view);
    struct exchange_work *w = mem_zalloc(sizeof(*w));
    *w = (struct exchange_work){
        .job = {.run = run, .done = on_done}, .ex = ex, .asked = asked, .computes = asked->job};
    list_init(&w->node);
    list_link_last(&ex->works, &w->node);
    if (work_pool_post(app_work(ex->worker->app), ex->worker->mailbox, &w->job) == ERR_OK)
        return;
    w->is_back = true;
    asked->is_done = asked->is_refused = true;
}

void exchange_let_work_go(struct exchange *ex)
{
    LIST_FOREACH_SAFE(node, next, &ex->works)
    {
        struct exchange_work *w = container_of(node, struct exchange_work, node);
        list_unlink(&w->node);
        w->ex = NULL;
        if (w->is_back)
            destroy(w);
    }
}
