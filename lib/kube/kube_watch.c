/* List, watch from there, and what to do when that ends: go on from the last version seen, list
 * again when the server has forgotten it, wait when something is wrong. On the client's loop. Must
 * not know what the objects are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/kube/kube_watch.h"

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/codec/doc/json_items.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/kube/kube_client_priv.h"
#include "lib/kube/kube_path.h"

#define KUBE_VERSION_MAX 64

enum kube_watch_phase { KUBE_WATCH_LISTING, KUBE_WATCH_WATCHING, KUBE_WATCH_WAITING };

struct kube_watch {
    struct kube_client *client;
    struct loop *loop;
    char *path, *selectors;
    struct kube_watch_events events;
    void *owner;
    struct timer timer;
    struct loop_task grave;
    struct kube_request *request;
    struct json_items *items;
    struct arena arena; /* of one object */
    struct rand_state rand;
    enum kube_watch_phase phase;
    uint32_t page, delay_ms;
    uint64_t began_ms;
    char *next_page;                    /* the list goes on there; escaped */
    char version[KUBE_VERSION_MAX + 1]; /* what was seen last; empty: a list is needed */
    unsigned failure;                   /* the code of an ERROR event of this answer */
    char *failure_text;
    enum err broken; /* of the text of this answer */
    bool synced, was_synced, heard, whole_list, closed;
};

/* ---- what an answer says ---- */

/* Parsed into w->arena; NULL (and told in the log) when it cannot be. */
static const struct doc *kube_watch_parse(struct kube_watch *w, struct slice text)
{
    const struct doc *d;
    struct doc_error error;
    arena_reset(&w->arena);
    if (doc_json_parse(text, &w->arena, &d, &error) == ERR_OK)
        return d;
    /* One object that nobody can read must not keep everyone else's from being seen. */
    LOG_W("kube", "%s: an object cannot be read and is left out: %s", w->path, error.text);
    return NULL;
}

/* It is opaque, but it goes into a URL. */
static bool is_version(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            c != '-' && c != '_' && c != '.')
            return false;
    }
    return s.len > 0 && s.len <= KUBE_VERSION_MAX;
}

/* metadata.resourceVersion, when it is one. */
static void kube_watch_note_version(struct kube_watch *w, const struct doc *object)
{
    struct slice version = doc_string(doc_find(object, "metadata.resourceVersion"));
    if (!is_version(version))
        return;
    memcpy(w->version, version.ptr, version.len);
    w->version[version.len] = '\0';
}

static void take_error(struct kube_watch *w, const struct doc *status)
{
    const struct doc *code = doc_get(status, SLICE("code"));
    struct slice message = doc_string(doc_get(status, SLICE("message")));
    w->failure = code && code->type == DOC_INT && code->integer >= 400 && code->integer < 600
                     ? (unsigned)code->integer
                     : 500;
    mem_free(w->failure_text);
    w->failure_text = mem_printf("the watch was ended: %.*s", SLICE_ARG(message));
}

/* One event of a watch answer; json_items' function. */
static void kube_watch_take_event(void *owner, struct slice text)
{
    struct kube_watch *w = owner;
    if (w->closed || w->failure)
        return;
    const struct doc *event = kube_watch_parse(w, text);
    struct slice type = doc_string(doc_get(event, SLICE("type")));
    const struct doc *object = doc_get(event, SLICE("object"));
    if (!object || object->type != DOC_OBJECT)
        return;
    if (slice_eq(type, SLICE("ERROR"))) {
        take_error(w, object);
        return;
    }
    /* Noted first: the owner may close the watch. */
    w->heard = true;
    kube_watch_note_version(w, object);
    if (slice_eq(type, SLICE("ADDED")) || slice_eq(type, SLICE("MODIFIED")))
        w->events.on_put(w->owner, object);
    else if (slice_eq(type, SLICE("DELETED")))
        w->events.on_delete(w->owner, object);
}

enum {
    PAGE = 500,
    DELAY_MS = 200,
    DELAY_MAX_MS = 30000,
    SLOW_MS = 10000, /* a kind that is not there, or not for us */
    LIST_IDLE_MS = 60000,
    WATCH_S = 300, /* and up to twice that, so that not all end together */
    /* Longer than any watch lasts: a quiet kind may say nothing at all, and a connection that is
     * dead is found by its pings. */
    WATCH_IDLE_MS = 660000,
    SHORT_MS = 1000, /* a watch that ended sooner, with nothing said, was no success */
    OBJECT_MAX = 16 << 20,
};

static void begin_list(struct kube_watch *w);
static void begin_watch(struct kube_watch *w);

static void begin(struct kube_watch *w)
{
    if (w->version[0])
        begin_watch(w);
    else
        begin_list(w);
}

static void on_timer(struct timer *timer)
{
    begin(container_of(timer, struct kube_watch, timer));
}

/* Decorrelated jitter: up to three times the last delay. */
static uint32_t next_delay(struct kube_watch *w)
{
    uint32_t high = w->delay_ms ? w->delay_ms * 3 : DELAY_MS * 2;
    uint32_t delay = DELAY_MS + rand_below(&w->rand, high - DELAY_MS + 1);
    w->delay_ms = delay < DELAY_MAX_MS ? delay : DELAY_MAX_MS;
    return w->delay_ms;
}

static void wait_for(struct kube_watch *w, uint32_t ms)
{
    w->phase = KUBE_WATCH_WAITING;
    timer_start(&w->timer, ms);
}

/* A server that has just started says 403 and 404 of what it will know in a moment; so these mean
 * "not there" only where nothing ever was, and never that objects are gone. */
static void fail(struct kube_watch *w, unsigned status, struct slice detail, uint32_t at_least_ms)
{
    bool absent = (status == 403 || status == 404) && !w->was_synced;
    uint32_t delay = absent ? SLOW_MS + rand_below(&w->rand, SLOW_MS / 4) : next_delay(w);
    wait_for(w, delay > at_least_ms ? delay : at_least_ms);
    if (w->events.on_trouble)
        w->events.on_trouble(w->owner, status, detail);
}

static void forget(struct kube_watch *w)
{
    w->version[0] = '\0';
    mem_free(w->next_page);
    w->next_page = NULL;
}

static void drop_answer(struct kube_watch *w)
{
    json_items_destroy(w->items);
    mem_free(w->failure_text);
    w->items = NULL;
    w->failure_text = NULL;
    w->failure = 0;
    w->broken = ERR_OK;
}

/* ---- asking */

static void on_bytes(void *owner, struct slice bytes)
{
    struct kube_watch *w = owner;
    if (w->broken || w->failure)
        return;
    w->broken = json_items_feed(w->items, bytes);
}

static void ask(struct kube_watch *w, char *path, const char *array, json_items_fn on_item,
                const struct kube_stream_events *events, uint32_t idle_ms)
{
    struct json_items_config items = {.array = array, .max_item = OBJECT_MAX};
    struct kube_call call = {.method = "GET", .path = slice_from_cstr(path)};
    drop_answer(w);
    w->items = json_items_create(&items, on_item, w);
    w->began_ms = loop_now_ms(w->loop);
    w->heard = false;
    w->request = kube_client_stream(w->client, &call, idle_ms, events, w);
    mem_free(path);
}

static const char *joint(const struct kube_watch *w)
{
    return *w->selectors ? "&" : "";
}

/* ---- the list */

static void on_list_head(void *owner, unsigned status)
{
    struct kube_watch *w = owner;
    (void)status;
    if (w->next_page)
        return;
    w->synced = false;
    if (w->events.on_begin)
        w->events.on_begin(w->owner);
}

static void take_item(void *owner, struct slice text)
{
    struct kube_watch *w = owner;
    if (w->closed)
        return;
    const struct doc *object = kube_watch_parse(w, text);
    if (object)
        w->events.on_put(w->owner, object);
}

/* The rest of a list answer: where it goes on, or as of when it is. */
static bool take_list(struct kube_watch *w)
{
    if (w->broken || json_items_finish(w->items))
        return false;
    const struct doc *list = kube_watch_parse(w, json_items_rest(w->items));
    struct slice next = doc_string(doc_find(list, "metadata.continue"));
    mem_free(w->next_page);
    w->next_page = next.len ? kube_path_escape(next) : NULL;
    if (!w->next_page)
        kube_watch_note_version(w, list);
    return w->next_page || w->version[0];
}

static void list_failed(struct kube_watch *w, const struct kube_result *result)
{
    bool expired = result->status == 410;
    bool paged = w->next_page != NULL;
    forget(w);
    /* Too slow for the server's memory of old lists: one answer cannot expire half-way. */
    if (expired && paged && !w->whole_list) {
        w->whole_list = true;
        begin_list(w);
        return;
    }
    fail(w, result->status, result->detail, result->retry_after_ms);
}

static void on_list_end(void *owner, const struct kube_result *result)
{
    struct kube_watch *w = owner;
    w->request = NULL;
    if (result->status != 200) {
        list_failed(w, result);
        return;
    }
    if (!take_list(w)) {
        forget(w);
        fail(w, 0, SLICE("the list cannot be read"), 0);
        return;
    }
    if (w->next_page) {
        begin_list(w);
        return;
    }
    w->synced = w->was_synced = true;
    w->whole_list = false;
    w->delay_ms = 0;
    begin_watch(w);
    if (w->events.on_synced)
        w->events.on_synced(w->owner);
}

/* Without a resourceVersion: the newest state. What a cache may hold instead can be older than what
 * we have seen, of another server that we were connected to before. */
static void begin_list(struct kube_watch *w)
{
    static const struct kube_stream_events events = {on_list_head, on_bytes, on_list_end};
    char *path = mem_printf("%s?%s%slimit=%u%s%s", w->path, w->selectors, joint(w),
                            w->whole_list ? 0 : w->page, w->next_page ? "&continue=" : "",
                            w->next_page ? w->next_page : "");
    w->phase = KUBE_WATCH_LISTING;
    ask(w, path, "items", take_item, &events, LIST_IDLE_MS);
}

/* ---- the watch */

static void on_watch_end(void *owner, const struct kube_result *result)
{
    struct kube_watch *w = owner;
    w->request = NULL;
    bool regular = result->status == 200 && !w->broken && !w->failure;
    unsigned status = w->failure ? w->failure : result->status == 200 ? 0 : result->status;
    if (regular && (w->heard || loop_now_ms(w->loop) - w->began_ms >= SHORT_MS)) {
        w->delay_ms = 0;
        begin_watch(w);
        return;
    }
    if (w->heard)
        w->delay_ms = 0;
    if (status == 410) {
        /* Forgotten by the server. The delay keeps a server that forgets at once from being asked
         * for everything again and again. */
        forget(w);
        wait_for(w, w->heard ? 1 : next_delay(w));
        return;
    }
    if (w->broken || w->failure)
        forget(w);
    struct slice detail = result->detail;
    if (w->failure)
        detail = slice_from_cstr(w->failure_text);
    else if (w->broken)
        detail = SLICE("the watch's events cannot be read");
    else if (regular)
        detail = SLICE("the server ends watches at once");
    fail(w, status, detail, result->retry_after_ms);
}

static void begin_watch(struct kube_watch *w)
{
    static const struct kube_stream_events events = {NULL, on_bytes, on_watch_end};
    char *path = mem_printf(
        "%s?%s%swatch=1&allowWatchBookmarks=true&resourceVersion=%s&timeoutSeconds=%u", w->path,
        w->selectors, joint(w), w->version, WATCH_S + rand_below(&w->rand, WATCH_S));
    w->phase = KUBE_WATCH_WATCHING;
    ask(w, path, NULL, kube_watch_take_event, &events, WATCH_IDLE_MS);
}

/* ---- life */

struct kube_watch *kube_watch_open(struct kube_client *c, const struct kube_watch_config *config,
                                   const struct kube_watch_events *events, void *owner)
{
    struct kube_watch *w = mem_zalloc(sizeof(*w));
    uint64_t seed;
    rand_secure(&seed, sizeof(seed));
    rand_seed(&w->rand, seed);
    w->client = c;
    w->loop = c->loop;
    w->path = mem_strdup(config->path);
    w->selectors =
        mem_strndup(config->selectors.ptr ? config->selectors.ptr : "", config->selectors.len);
    w->page = config->page ? config->page : PAGE;
    w->events = *events;
    w->owner = owner;
    arena_init(&w->arena, 16384);
    timer_init(&w->timer, w->loop, on_timer);
    begin_list(w);
    return w;
}

static void free_watch(struct loop_task *task)
{
    struct kube_watch *w = container_of(task, struct kube_watch, grave);
    drop_answer(w);
    forget(w);
    arena_dispose(&w->arena);
    mem_free(w->path);
    mem_free(w->selectors);
    mem_free(w);
}

void kube_watch_close(struct kube_watch *w)
{
    if (!w)
        return;
    w->closed = true;
    if (w->request)
        kube_request_cancel(w->request);
    timer_stop(&w->timer);
    loop_task_init(&w->grave, free_watch);
    loop_bury(w->loop, &w->grave);
}

bool kube_watch_is_synced(const struct kube_watch *w)
{
    return w->synced;
}
