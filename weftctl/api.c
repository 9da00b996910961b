/* Waiting on a loop of its own for one answer after the other. Main thread; blocking.
 * Must not know what is asked.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/api.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "weftctl/say.h"

struct api {
    struct loop *loop;
    struct kube_client *client;
    struct kube_client *http1; /* NULL: not needed so far */
    char *kubeconfig;
    char *body;
    struct api_answer *waiting;
};

struct api *api_open(const char *kubeconfig)
{
    struct kube_config config;
    char detail[KUBE_DETAIL_MAX] = "";
    if (kube_config_load(kubeconfig, &config, detail)) {
        say_error("no way to the cluster: %s", detail);
        return NULL;
    }
    struct api *a = mem_zalloc(sizeof(*a));
    a->kubeconfig = kubeconfig ? mem_strdup(kubeconfig) : NULL;
    a->loop = loop_create();
    a->client = kube_client_create(a->loop, &config);
    return a;
}

/* A loop may be destroyed once everything on it is closed; closing takes a turn. */
static void settle(struct loop_task *task)
{
    mem_free(task);
}

void api_close(struct api *a)
{
    struct loop_task *last = mem_alloc(sizeof(*last));
    kube_client_destroy(a->client);
    kube_client_destroy(a->http1);
    loop_task_init(last, settle);
    loop_bury(a->loop, last);
    loop_stop(a->loop);
    loop_run(a->loop);
    loop_destroy(a->loop);
    mem_free(a->body);
    mem_free(a->kubeconfig);
    mem_free(a);
}

struct kube_client *api_http1_client(struct api *a)
{
    struct kube_config config;
    char detail[KUBE_DETAIL_MAX];
    if (a->http1 || kube_config_load(a->kubeconfig, &config, detail))
        return a->http1;
    config.http1 = true;
    a->http1 = kube_client_create(a->loop, &config);
    return a->http1;
}

struct kube_client *api_client(struct api *a)
{
    return a->client;
}

struct loop *api_loop(struct api *a)
{
    return a->loop;
}

struct slice api_namespace(const struct api *a)
{
    return kube_client_namespace(a->client);
}

static void on_done(void *owner, const struct kube_result *result)
{
    struct api *a = owner;
    struct api_answer *out = a->waiting;
    mem_free(a->body);
    a->body = mem_strndup(result->body.ptr ? result->body.ptr : "", result->body.len);
    out->status = result->status;
    out->ok = result->status >= 200 && result->status < 300;
    out->body = slice_of(a->body, result->body.len);
    snprintf(out->detail, sizeof(out->detail), "%.*s", SLICE_ARG(result->detail));
    loop_stop(a->loop);
}

bool api_call(struct api *a, const struct kube_call *call, struct api_answer *out)
{
    *out = (struct api_answer){0};
    a->waiting = out;
    kube_client_send(a->client, call, on_done, a);
    loop_run(a->loop);
    return out->ok;
}

bool api_get(struct api *a, struct slice path, struct api_answer *out)
{
    struct kube_call call = {.method = "GET", .path = path};
    return api_call(a, &call, out);
}
