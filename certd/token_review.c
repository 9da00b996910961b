/* Reviews under way: two calls of the API server one after the other, each with its own time.
 * On certd's only thread. Must not know what an answer has to look like, nor what it buys.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/token_review.h"

#include <stdio.h>
#include <string.h>

#include "certd/review_answer.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/kube/kube_client.h"

#define AUDIENCE "weft-certd"

enum { UNDER_WAY_MAX = 128, CALL_MS = 5000 };

struct token_review {
    struct loop *loop;
    struct kube_client *client;
    struct token_review_config config;
    struct list under_way;
    unsigned count;
};

/* One caller's. */
struct question {
    struct token_review *reviews;
    struct list node;
    struct kube_request *request; /* NULL: between two calls, or none was sent */
    struct addr peer;
    struct review_caller caller;
    token_review_fn done;
    void *owner;
    /* For answers that need no call, which must come later all the same. */
    struct loop_task soon;
    enum err early;
    const char *early_detail;
};

static void end(struct question *q, enum err e, const char *spiffe_id, const char *detail)
{
    list_unlink(&q->node);
    q->reviews->count--;
    if (q->request)
        kube_request_cancel(q->request);
    loop_task_cancel(&q->soon);
    q->done(q->owner, e, spiffe_id, detail);
    review_answer_dispose(&q->caller);
    mem_free(q);
}

static void end_early(struct loop_task *task)
{
    struct question *q = container_of(task, struct question, soon);
    end(q, q->early, NULL, q->early_detail);
}

/* No usable answer came. */
static void end_unanswered(struct question *q, const char *what, const struct kube_result *result)
{
    char detail[REVIEW_DETAIL_MAX];
    snprintf(detail, sizeof(detail), "%s: %u %.*s", what, result->status,
             (int)(result->detail.len < 120 ? result->detail.len : 120), result->detail.ptr);
    end(q, ERR_IO, NULL, detail);
}

static void on_pod(void *owner, const struct kube_result *result)
{
    struct question *q = owner;
    char detail[REVIEW_DETAIL_MAX] = "";
    const struct token_review_config *config = &q->reviews->config;
    q->request = NULL;
    if (result->status == 404) {
        end(q, ERR_DENIED, NULL, "the token's pod does not exist any more");
        return;
    }
    if (result->status != 200) {
        end_unanswered(q, "the token's pod cannot be read", result);
        return;
    }
    enum err e = review_answer_check_pod(result->body, &q->caller,
                                         config->match_pod_address ? &q->peer : NULL, detail);
    char *id = mem_printf("spiffe://%s/ns/%s/sa/%s", config->trust_domain, q->caller.namespace_name,
                          q->caller.service_account);
    end(q, e, e ? NULL : id, detail);
    mem_free(id);
}

/* The names were checked: nothing in them needs escaping. */
static void ask_for_pod(struct question *q)
{
    char *path =
        mem_printf("/api/v1/namespaces/%s/pods/%s", q->caller.namespace_name, q->caller.pod_name);
    struct kube_call call = {.method = "GET", .path = slice_from_cstr(path), .timeout_ms = CALL_MS};
    q->request = kube_client_send(q->reviews->client, &call, on_pod, q);
    mem_free(path);
}

static void on_review(void *owner, const struct kube_result *result)
{
    struct question *q = owner;
    char detail[REVIEW_DETAIL_MAX] = "";
    q->request = NULL;
    if (result->status != 200 && result->status != 201) {
        end_unanswered(q, "the API server did not review the token", result);
        return;
    }
    enum err e = review_answer_read(result->body, AUDIENCE, &q->caller, detail);
    if (e)
        end(q, e, NULL, detail);
    else
        ask_for_pod(q);
}

static void ask_for_review(struct question *q, struct slice token)
{
    struct buf body;
    buf_init(&body);
    review_answer_ask(token, AUDIENCE, &body);
    size_t len;
    char *text = buf_take_text(&body, &len);
    struct kube_call call = {
        .method = "POST",
        .path = SLICE("/apis/authentication.k8s.io/v1/tokenreviews"),
        .body = slice_of(text, len),
        .timeout_ms = CALL_MS,
    };
    q->request = kube_client_send(q->reviews->client, &call, on_review, q);
    mem_free(text);
}

static void end_soon(struct question *q, enum err e, const char *detail)
{
    q->early = e;
    q->early_detail = detail;
    loop_run_soon(q->reviews->loop, &q->soon);
}

void token_review_start(struct token_review *r, struct slice token, const struct addr *peer,
                        token_review_fn done, void *owner)
{
    struct question *q = mem_zalloc(sizeof(*q));
    q->reviews = r;
    q->peer = *peer;
    q->done = done;
    q->owner = owner;
    loop_task_init(&q->soon, end_early);
    list_init(&q->node);
    list_link_last(&r->under_way, &q->node);
    r->count++;
    if (!review_answer_is_token(token))
        end_soon(q, ERR_DENIED, "the authorization header holds no service-account token");
    else if (r->count > UNDER_WAY_MAX)
        end_soon(q, ERR_BUSY, "too many tokens are being reviewed");
    else
        ask_for_review(q, token);
}

struct token_review *token_review_create(struct loop *l, struct kube_client *client,
                                         const struct token_review_config *config)
{
    struct token_review *r = mem_zalloc(sizeof(*r));
    r->loop = l;
    r->client = client;
    r->config = *config;
    list_init(&r->under_way);
    return r;
}

void token_review_destroy(struct token_review *r)
{
    if (!r)
        return;
    while (!list_is_empty(&r->under_way))
        end(container_of(r->under_way.next, struct question, node), ERR_CANCELED, NULL,
            "certd is stopping");
    mem_free(r);
}
