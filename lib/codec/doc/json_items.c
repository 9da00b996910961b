/* Objects out of a stream of JSON. One that lies whole in what was fed is handed on as a view; only
 * one that was cut is put together in a buffer, which shrinks again after a large one. On the
 * caller's thread. Must not know what the objects are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc/json_items.h"

#include "lib/base/mem.h"
#include "lib/codec/doc/json_scan.h"

enum { MAX_ITEM = 4 << 20, KEPT_MAX = 65536, FIRST_ROOM = 4096 };

struct text {
    char *ptr;
    size_t len, room;
};

struct json_items {
    struct json_scan scan;
    json_items_fn on_item;
    void *owner;
    char *array; /* NULL: a sequence */
    size_t max_item;
    struct text item, rest;
    size_t member;     /* where the current member of the outermost object begins in rest */
    const char *begin; /* in what is being fed: of what goes to `item` or `rest`; or NULL */
    enum err failure;
    bool in_item, in_member, in_array, is_wanted, had_array, over;
};

struct json_items *json_items_create(const struct json_items_config *config, json_items_fn on_item,
                                     void *owner)
{
    struct json_items *j = mem_zalloc(sizeof(*j));
    json_scan_init(&j->scan);
    j->on_item = on_item;
    j->owner = owner;
    j->array = config->array ? mem_strdup(config->array) : NULL;
    j->max_item = config->max_item ? config->max_item : MAX_ITEM;
    return j;
}

void json_items_destroy(struct json_items *j)
{
    if (!j)
        return;
    mem_free(j->array);
    mem_free(j->item.ptr);
    mem_free(j->rest.ptr);
    mem_free(j);
}

static enum err append(struct text *t, const char *bytes, size_t len, size_t max)
{
    if (len > max || t->len > max - len)
        return ERR_LIMIT;
    if (t->room - t->len < len) {
        size_t room = t->room ? t->room : FIRST_ROOM;
        while (room - t->len < len)
            room *= 2;
        t->ptr = mem_realloc(t->ptr, room);
        t->room = room;
    }
    if (len)
        memcpy(t->ptr + t->len, bytes, len);
    t->len += len;
    return ERR_OK;
}

/* What was gathered since `begin` is wanted, up to `end`. */
static enum err keep(struct json_items *j, const char *end)
{
    const char *begin = j->begin;
    j->begin = NULL;
    if (!begin)
        return ERR_OK;
    return append(j->in_item ? &j->item : &j->rest, begin, (size_t)(end - begin), j->max_item);
}

static enum err end_item(struct json_items *j, const char *end)
{
    struct slice whole = slice_of(j->begin, (size_t)(end - j->begin));
    if (j->item.len) {
        enum err e = keep(j, end);
        if (e)
            return e;
        whole = slice_of(j->item.ptr, j->item.len);
    }
    j->begin = NULL;
    j->in_item = false;
    if (whole.len > j->max_item)
        return ERR_LIMIT;
    j->on_item(j->owner, whole);
    j->item.len = 0;
    if (j->item.room > KEPT_MAX) {
        mem_free(j->item.ptr);
        j->item = (struct text){NULL, 0, 0};
    }
    return ERR_OK;
}

/* Events among the objects that are wanted; at is behind the byte. */
static enum err on_item_event(struct json_items *j, enum json_scan_event event, const char *at)
{
    if (event == JSON_SCAN_COMMA)
        return ERR_OK;
    if (event == JSON_SCAN_CLOSE && j->in_item)
        return end_item(j, at);
    if (event == JSON_SCAN_CLOSE) {
        j->in_array = false;
        return ERR_OK;
    }
    if (event != JSON_SCAN_OPEN || !json_scan_in_object(&j->scan))
        return ERR_SYNTAX;
    j->in_item = true;
    j->begin = at - 1;
    return ERR_OK;
}

static enum err begin_member(struct json_items *j, const char *at)
{
    j->member = j->rest.len;
    j->begin = at - 1;
    j->in_member = true;
    return j->rest.len > 1 ? append(&j->rest, ",", 1, j->max_item) : ERR_OK;
}

/* `"key"  :` at the end of rest: is it the array's? */
static enum err end_key(struct json_items *j, const char *at)
{
    enum err e = keep(j, at);
    if (e)
        return e;
    size_t from = j->member > 1 ? j->member + 1 : j->member;
    struct slice key = slice_of(j->rest.ptr + from, j->rest.len - from);
    key = slice_sub(key, 1, key.len);
    struct slice name = slice_from_cstr(j->array);
    j->is_wanted = slice_starts_with(key, name) && key.len > name.len && key.ptr[name.len] == '"';
    j->begin = at;
    return ERR_OK;
}

static enum err begin_array(struct json_items *j)
{
    if (j->had_array)
        return ERR_SYNTAX;
    j->had_array = j->in_array = true;
    j->in_member = false;
    j->begin = NULL;
    j->rest.len = j->member;
    return ERR_OK;
}

/* Events of the outermost object. */
static enum err on_outer_event(struct json_items *j, enum json_scan_event event, const char *at)
{
    enum err e;
    switch (event) {
    case JSON_SCAN_KEY:
        return begin_member(j, at);
    case JSON_SCAN_COLON:
        return end_key(j, at);
    case JSON_SCAN_COMMA:
        j->in_member = false;
        return keep(j, at - 1);
    case JSON_SCAN_OPEN:
        if (j->over || (j->scan.depth == 1 && !json_scan_in_object(&j->scan)))
            return ERR_SYNTAX;
        if (j->scan.depth == 1)
            return append(&j->rest, "{", 1, j->max_item);
        return j->is_wanted && !json_scan_in_object(&j->scan) ? begin_array(j) : ERR_OK;
    case JSON_SCAN_CLOSE:
        if (j->scan.depth)
            return ERR_OK;
        j->over = true;
        j->in_member = false;
        e = keep(j, at - 1);
        return e ? e : append(&j->rest, "}", 1, j->max_item);
    default:
        return j->scan.depth ? ERR_OK : ERR_SYNTAX;
    }
}

static unsigned told_depth(const struct json_items *j)
{
    if (!j->array)
        return 0;
    return j->in_array ? 2 : 1;
}

static enum err feed(struct json_items *j, const char *at, const char *end)
{
    if (j->in_item || j->in_member)
        j->begin = at;
    for (;;) {
        enum json_scan_event event = json_scan_next(&j->scan, told_depth(j), &at, end);
        if (event == JSON_SCAN_MORE)
            break;
        if (event == JSON_SCAN_BAD)
            return ERR_SYNTAX;
        enum err e =
            !j->array || j->in_array ? on_item_event(j, event, at) : on_outer_event(j, event, at);
        if (e)
            return e;
    }
    return keep(j, end);
}

enum err json_items_feed(struct json_items *j, struct slice bytes)
{
    if (!j->failure && bytes.len)
        j->failure = feed(j, bytes.ptr, bytes.ptr + bytes.len);
    return j->failure;
}

enum err json_items_finish(struct json_items *j)
{
    if (!j->failure && (!json_scan_is_idle(&j->scan) || (j->array && !j->over)))
        j->failure = ERR_SYNTAX;
    return j->failure;
}

struct slice json_items_rest(const struct json_items *j)
{
    return j->over ? slice_of(j->rest.ptr, j->rest.len) : (struct slice){NULL, 0};
}
