/* Pages of policyd's health port, by the API server's way to pods. Main thread; blocking.
 * Must not know what is done with them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/show/subscribers.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "weftctl/say.h"

#define PODS "/api/v1/namespaces/weft-system/pods"
#define PODS_OF_POLICYD PODS "?labelSelector=app.kubernetes.io/name%3Dweft-policyd"

static const struct doc *get(struct api *a, struct arena *arena, const char *path, const char *what)
{
    struct api_answer answer;
    struct doc_error error;
    const struct doc *d = NULL;
    if (!api_get(a, slice_from_cstr(path), &answer))
        say_error("%s: %s", what, answer.detail);
    else if (doc_json_parse(answer.body, arena, &d, &error))
        say_error("%s: its answer is no JSON: %s", what, error.text);
    return d;
}

static bool is_running(const struct doc *pod)
{
    return slice_eq(doc_string(doc_find(pod, "status.phase")), SLICE("Running")) &&
           !doc_find(pod, "metadata.deletionTimestamp");
}

size_t subscribers_each(struct api *a, struct arena *arena,
                        void (*each)(void *owner, struct slice policyd, const struct doc *one),
                        void *owner)
{
    const struct doc *pods = doc_get(get(a, arena, PODS_OF_POLICYD, "pods"), SLICE("items"));
    size_t answered = 0;
    for (size_t i = 0; pods && pods->type == DOC_ARRAY && i < pods->count; i++) {
        struct slice name = doc_string(doc_find(pods->items[i], "metadata.name"));
        if (!is_running(pods->items[i]))
            continue;
        char *path = mem_printf(PODS "/%.*s:15021/proxy/debug/subscribers", SLICE_ARG(name));
        char *what = mem_strndup(name.ptr, name.len);
        const struct doc *all = get(a, arena, path, what);
        mem_free(path);
        mem_free(what);
        answered += all != NULL;
        for (size_t j = 0; all && all->type == DOC_ARRAY && j < all->count; j++)
            each(owner, name, all->items[j]);
    }
    return answered;
}
