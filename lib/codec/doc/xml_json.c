/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc/xml_json.h"

#include <expat.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/codec/doc/json_scan.h"

/* ---- from XML ---- */

struct element {
    struct json_node *node; /* an object */
    struct buf text;
    unsigned names;
};

struct reading {
    struct arena *arena;
    XML_Parser parser;
    struct element open[XML_JSON_DEPTH_MAX + 1]; /* [0]: what the root becomes a member of */
    unsigned depth, count;
    bool is_bad;
};

static void stop(struct reading *r)
{
    r->is_bad = true;
    XML_StopParser(r->parser, XML_FALSE);
}

static struct json_node *text_node(struct arena *a, struct slice text)
{
    return json_tree_scalar(a, json_tree_quote(a, text));
}

/* One of that name more: the second makes a list of them. */
static void put(struct reading *r, struct element *to, struct slice name, struct json_node *value)
{
    struct json_node *there = json_tree_get(to->node, name);
    if (!there) {
        if (to->names++ >= XML_JSON_NAMES_MAX)
            stop(r);
        else
            json_tree_push(r->arena, to->node, name, value);
        return;
    }
    if (there->kind != JSON_TREE_ARRAY) {
        struct json_node *first = json_tree_container(r->arena, there->kind);
        first->raw = there->raw;
        first->first = there->first;
        first->last = there->last;
        there->kind = JSON_TREE_ARRAY;
        there->raw = SLICE("");
        there->first = there->last = NULL;
        json_tree_push(r->arena, there, SLICE(""), first);
    }
    json_tree_push(r->arena, there, SLICE(""), value);
}

static void XMLCALL on_start(void *owner, const XML_Char *name, const XML_Char **attributes)
{
    struct reading *r = owner;
    (void)name;
    if (r->is_bad)
        return;
    if (r->depth == XML_JSON_DEPTH_MAX || r->count++ >= JSON_TREE_NODES_MAX) {
        stop(r);
        return;
    }
    struct element *e = &r->open[++r->depth];
    *e = (struct element){.node = json_tree_container(r->arena, JSON_TREE_OBJECT)};
    buf_init(&e->text);
    for (; *attributes && !r->is_bad; attributes += 2)
        put(r, e, arena_printf(r->arena, "@%s", attributes[0]),
            text_node(r->arena, slice_from_cstr(attributes[1])));
}

static struct slice trim_space(struct slice s)
{
    while (s.len && strchr(" \t\r\n", s.ptr[0]))
        s = slice_sub(s, 1, s.len);
    while (s.len && strchr(" \t\r\n", s.ptr[s.len - 1]))
        s.len--;
    return s;
}

static void XMLCALL on_end(void *owner, const XML_Char *name)
{
    struct reading *r = owner;
    if (r->is_bad)
        return;
    struct element *e = &r->open[r->depth--];
    struct slice text = trim_space(buf_take_into(&e->text, r->arena));
    struct json_node *value = e->node;
    if (!value->first)
        value = text.len ? text_node(r->arena, text) : json_tree_scalar(r->arena, SLICE("null"));
    else if (text.len)
        put(r, e, SLICE("#text"), text_node(r->arena, text));
    put(r, &r->open[r->depth], arena_copy(r->arena, slice_from_cstr(name)), value);
}

static void XMLCALL on_text(void *owner, const XML_Char *text, int len)
{
    struct reading *r = owner;
    if (!r->is_bad)
        buf_append(&r->open[r->depth].text, text, (size_t)len);
}

static void XMLCALL on_doctype(void *owner, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_internal_subset)
{
    (void)name, (void)system_id, (void)public_id, (void)has_internal_subset;
    stop(owner);
}

static void *take_memory(size_t size)
{
    return mem_alloc(size);
}

static void *resize_memory(void *memory, size_t size)
{
    return mem_realloc(memory, size);
}

static void give_memory(void *memory)
{
    mem_free(memory);
}

static const XML_Memory_Handling_Suite memory = {take_memory, resize_memory, give_memory};

struct json_node *xml_json_read(struct arena *a, struct slice xml)
{
    struct reading r = {.arena = a, .parser = XML_ParserCreate_MM(NULL, &memory, NULL)};
    if (!r.parser)
        return NULL;
    r.open[0].node = json_tree_container(a, JSON_TREE_OBJECT);
    buf_init(&r.open[0].text);
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_start, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    bool is_read =
        xml.len <= INT32_MAX &&
        XML_Parse(r.parser, xml.ptr ? xml.ptr : "", (int)xml.len, XML_TRUE) == XML_STATUS_OK;
    XML_ParserFree(r.parser);
    for (unsigned i = 0; i <= r.depth; i++)
        buf_dispose(&r.open[i].text);
    return is_read && !r.is_bad ? r.open[0].node : NULL;
}

/* ---- to XML ---- */

struct writing {
    struct arena *arena;
    struct buf out;
    bool is_bad;
};

/* Names of ASCII letters alone: what else XML allows few readers agree on. */
static bool is_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool may_begin = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool may_follow = (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':';
        if (!may_begin && !(i && may_follow))
            return false;
    }
    return name.len > 0;
}

static const char *escape_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\r':
        return "&#13;";
    default:
        return NULL;
    }
}

/* U+FFFE and U+FFFF no XML has, nor controls (XML 1.0 §2.2). */
static bool may_stand(struct slice text, size_t at)
{
    unsigned char c = (unsigned char)text.ptr[at];
    bool is_end = c == 0xef && at + 2 < text.len && (unsigned char)text.ptr[at + 1] == 0xbf &&
                  (unsigned char)text.ptr[at + 2] >= 0xbe;
    return !is_end && (c >= 0x20 || c == '\t' || c == '\n' || c == '\r');
}

static void write_text(struct writing *w, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        const char *escape = escape_of(text.ptr[i]);
        w->is_bad |= !may_stand(text, i);
        if (escape)
            buf_append_slice(&w->out, slice_from_cstr(escape));
        else
            buf_append(&w->out, text.ptr + i, 1);
    }
}

static struct slice scalar_text(struct writing *w, const struct json_node *n)
{
    struct slice text;
    if (json_tree_unquote(w->arena, n->raw, &text))
        return text;
    return slice_eq_cstr(n->raw, "null") ? SLICE("") : n->raw;
}

static bool is_attribute(const struct json_node *n)
{
    return n->key.len > 1 && n->key.ptr[0] == '@' && n->kind == JSON_TREE_SCALAR;
}

static void write_attributes(struct writing *w, const struct json_node *object)
{
    for (const struct json_node *n = object->first; n; n = n->next) {
        if (object->kind != JSON_TREE_OBJECT || !is_attribute(n))
            continue;
        struct slice name = slice_sub(n->key, 1, n->key.len);
        w->is_bad |= !is_name(name);
        buf_append(&w->out, " ", 1);
        buf_append_slice(&w->out, name);
        buf_append(&w->out, "=\"", 2);
        write_text(w, scalar_text(w, n));
        buf_append(&w->out, "\"", 1);
    }
}

static void write_element(struct writing *w, struct slice name, const struct json_node *n);

static void write_content(struct writing *w, const struct json_node *n)
{
    if (n->kind == JSON_TREE_SCALAR) {
        write_text(w, scalar_text(w, n));
        return;
    }
    for (const struct json_node *child = n->first; child && !w->is_bad; child = child->next) {
        bool is_member = n->kind == JSON_TREE_OBJECT;
        if (is_member && is_attribute(child))
            continue;
        if (is_member && slice_eq_cstr(child->key, "#text") && child->kind == JSON_TREE_SCALAR)
            write_text(w, scalar_text(w, child));
        else
            write_element(w, is_member ? child->key : SLICE("item"), child);
    }
}

/* A list is its items, one element each. */
static void write_element(struct writing *w, struct slice name, const struct json_node *n)
{
    if (n->kind == JSON_TREE_ARRAY && n->name.len) {
        for (const struct json_node *item = n->first; item && !w->is_bad; item = item->next)
            write_element(w, name, item);
        return;
    }
    w->is_bad |= !is_name(name);
    buf_append(&w->out, "<", 1);
    buf_append_slice(&w->out, name);
    write_attributes(w, n);
    if (n->first || (n->kind == JSON_TREE_SCALAR && scalar_text(w, n).len)) {
        buf_append(&w->out, ">", 1);
        write_content(w, n);
        buf_append(&w->out, "</", 2);
        buf_append_slice(&w->out, name);
        buf_append(&w->out, ">", 1);
    } else {
        buf_append(&w->out, "/>", 2);
    }
}

bool xml_json_write(struct arena *a, const struct json_node *n, struct slice *out)
{
    struct writing w = {.arena = a};
    bool has_root = n->kind == JSON_TREE_OBJECT && n->first && n->first == n->last &&
                    n->first->kind != JSON_TREE_ARRAY && !is_attribute(n->first) &&
                    is_name(n->first->key);
    buf_init(&w.out);
    buf_append_slice(&w.out, SLICE("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
    if (has_root)
        write_element(&w, n->first->key, n->first);
    else
        write_element(&w, SLICE("root"), n);
    *out = buf_take_into(&w.out, a);
    return !w.is_bad;
}
