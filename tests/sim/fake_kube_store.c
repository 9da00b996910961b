/* Objects by path, their versions, and the patches. Pure, but for the test that it fails.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/text/base64.h"
#include "lib/codec/doc/doc_make.h"
#include "lib/codec/doc/doc_write.h"
#include "tests/sim/fake_kube_priv.h"
#include "tests/unit/lib/base/cmocka_base.h"

static struct fake_kube_object *find(const struct fake_kube_store *s, struct slice path)
{
    for (size_t i = 0; i < s->count; i++)
        if (slice_eq_cstr(path, s->objects[i].path))
            return (struct fake_kube_object *)(uintptr_t)&s->objects[i];
    return NULL;
}

const struct doc *fake_kube_store_get(const struct fake_kube_store *s, struct slice path)
{
    const struct fake_kube_object *one = find(s, path);
    return one ? one->root : NULL;
}

static void note(struct fake_kube_store *s, const char *type, const struct fake_kube_object *one)
{
    assert_true(s->version < FAKE_KUBE_EVENTS);
    s->events[s->version++] = (struct fake_kube_event){type, one->path, one->root};
}

/* ---- what the server adds ---- */

static struct slice number(struct arena *a, const char *before, size_t value)
{
    char *text = arena_alloc(a, 32);
    return slice_of(text, (size_t)snprintf(text, 32, "%s%zu", before, value));
}

/* The object's fields but for metadata and status, as one text. */
static char *spec_text(const struct doc *root)
{
    struct buf out;
    struct json_write w;
    buf_init(&out);
    json_write_init(&w, &out);
    for (size_t i = 0; root && i < root->count; i++)
        if (!slice_eq(root->members[i].key, SLICE("metadata")) &&
            !slice_eq(root->members[i].key, SLICE("status")))
            doc_write_json(&w, root->members[i].value);
    return buf_take_text(&out, NULL);
}

static int64_t next_generation(const struct doc *before, const struct doc *after)
{
    const struct doc *now = doc_find(before, "metadata.generation");
    char *one = spec_text(before), *other = spec_text(after);
    int64_t next = now ? now->integer + (strcmp(one, other) != 0) : 1;
    mem_free(one);
    mem_free(other);
    return next;
}

/* A Secret's stringData goes into its data. */
static void encode_strings(struct arena *a, struct doc *root)
{
    const struct doc *strings = doc_get(root, SLICE("stringData"));
    const struct doc *had = doc_get(root, SLICE("data"));
    if (!strings)
        return;
    struct doc *data = had ? doc_make_copy(a, had) : doc_make_object(a);
    for (size_t i = 0; i < strings->count; i++) {
        struct slice text = doc_string(strings->members[i].value);
        char *coded = arena_alloc(a, BASE64_ENCODED_LEN(text.len) + 1);
        base64_encode(text, coded);
        doc_make_put(a, data, strings->members[i].key,
                     doc_make_string(a, slice_of(coded, BASE64_ENCODED_LEN(text.len))));
    }
    doc_make_remove(root, SLICE("stringData"));
    doc_make_put(a, root, SLICE("data"), data);
}

const struct doc *fake_kube_store_put(struct fake_kube_store *s, struct slice path,
                                      const struct doc *root)
{
    struct arena *a = &s->arena;
    struct fake_kube_object *one = find(s, path);
    if (!one) {
        assert_true(s->count < FAKE_KUBE_OBJECTS);
        one = &s->objects[s->count++];
        one->path = mem_strndup(path.ptr, path.len);
    }
    struct doc *copy = doc_make_copy(a, root);
    const struct doc *given = doc_get(root, SLICE("metadata"));
    struct doc *meta = given ? doc_make_copy(a, given) : doc_make_object(a);
    bool was_there = one->root != NULL;
    encode_strings(a, copy);
    doc_make_put_string(a, meta, "resourceVersion", number(a, "", s->version + 1));
    doc_make_put_string(a, meta, "uid",
                        was_there ? doc_string(doc_find(one->root, "metadata.uid"))
                                  : number(a, "uid-", s->version + 1));
    doc_make_put_int(a, meta, "generation", next_generation(one->root, copy));
    doc_make_put(a, copy, SLICE("metadata"), meta);
    one->root = copy;
    note(s, was_there ? "MODIFIED" : "ADDED", one);
    return copy;
}

void fake_kube_store_remove(struct fake_kube_store *s, struct slice path)
{
    struct fake_kube_object *one = find(s, path);
    assert_true(one && one->root);
    note(s, "DELETED", one);
    one->root = NULL;
}

/* ---- collections ---- */

/* "metadata.name%3Dx" of "…&fieldSelector=metadata.name%3Dx&…", decoded. */
static void find_selector(struct slice query, const char *key, char out[200])
{
    size_t at = slice_find(query, slice_from_cstr(key));
    struct slice rest = slice_sub(query, at + strlen(key), query.len);
    struct slice text = slice_sub(rest, 0, at < query.len ? slice_find_byte(rest, '&') : 0);
    size_t len = 0;
    for (size_t i = 0; i < text.len && len < 199; i++) {
        char hex[3] = "";
        bool coded = text.ptr[i] == '%' && i + 2 < text.len;
        if (coded)
            memcpy(hex, text.ptr + i + 1, 2);
        out[len++] = coded ? (char)strtol(hex, NULL, 16) : text.ptr[i];
        i += coded ? 2 : 0;
    }
    out[len] = 0;
}

/* One term: "key=value" or "key!=value". */
static bool fits(struct slice term, const struct doc *from, bool is_path)
{
    size_t equals = slice_find_byte(term, '=');
    bool is_not = equals > 0 && equals < term.len && term.ptr[equals - 1] == '!';
    char key[200];
    if (equals == term.len)
        return true;
    snprintf(key, sizeof key, "%.*s", (int)(equals - is_not), term.ptr);
    const struct doc *value = is_path ? doc_find(from, key) : doc_get(from, slice_from_cstr(key));
    return slice_eq(doc_string(value), slice_sub(term, equals + 1, term.len)) != is_not;
}

static bool selects(const char *selector, const struct doc *from, bool is_path)
{
    struct slice rest = slice_from_cstr(selector), term;
    while (slice_split(&rest, ',', &term))
        if (!fits(term, from, is_path))
            return false;
    return true;
}

bool fake_kube_store_matches(struct slice collection, struct slice query, struct slice path,
                             const struct doc *root)
{
    static const struct slice space = {"namespaces/", 11};
    char selector[200];
    size_t name = path.len;
    while (name > 0 && path.ptr[name - 1] != '/')
        name--;
    struct slice all = slice_sub(path, 0, name - 1);
    size_t at = slice_find(all, space);
    bool same = slice_eq(all, collection);
    if (!same && at < all.len) {
        struct slice rest = slice_sub(all, at + space.len, all.len);
        struct slice plural = slice_sub(rest, slice_find_byte(rest, '/') + 1, rest.len);
        same = plural.len && collection.len == at + plural.len &&
               slice_starts_with(collection, slice_sub(all, 0, at)) &&
               slice_ends_with(collection, plural);
    }
    find_selector(query, "fieldSelector=", selector);
    same = same && selects(selector, root, true);
    find_selector(query, "labelSelector=", selector);
    return same && selects(selector, doc_find(root, "metadata.labels"), false);
}

/* ---- patches ---- */

const struct doc *fake_kube_store_merge(struct arena *a, const struct doc *to,
                                        const struct doc *patch)
{
    if (patch->type != DOC_OBJECT)
        return patch;
    bool fits = to && to->type == DOC_OBJECT;
    struct doc *out = fits ? doc_make_copy(a, to) : doc_make_object(a);
    for (size_t i = 0; i < patch->count; i++) {
        const struct doc_member *m = &patch->members[i];
        if (m->value->type == DOC_NULL)
            doc_make_remove(out, m->key);
        else
            doc_make_put(a, out, m->key, fake_kube_store_merge(a, doc_get(out, m->key), m->value));
    }
    return out;
}

static bool take_part(struct slice *rest, struct slice *part)
{
    if (!rest->len)
        return false;
    assert_true(rest->ptr[0] == '/');
    *rest = slice_sub(*rest, 1, rest->len);
    size_t end = slice_find_byte(*rest, '/');
    *part = slice_sub(*rest, 0, end);
    *rest = slice_sub(*rest, end, rest->len);
    return true;
}

static const struct doc *child(const struct doc *of, struct slice part)
{
    uint64_t index;
    if (of && of->type == DOC_ARRAY)
        return slice_to_u64(part, &index) || index >= of->count ? NULL : of->items[index];
    return doc_get(of, part);
}

static const struct doc *set_at(struct arena *a, const struct doc *in, struct slice pointer,
                                const struct doc *value)
{
    struct slice part;
    if (!take_part(&pointer, &part))
        return value;
    const struct doc *inner = set_at(a, child(in, part), pointer, value);
    if (!in || in->type == DOC_OBJECT) {
        struct doc *out = in ? doc_make_copy(a, in) : doc_make_object(a);
        doc_make_put(a, out, part, inner);
        return out;
    }
    struct doc *out = doc_make_array(a);
    const struct doc *old = child(in, part);
    for (size_t i = 0; i < in->count; i++)
        doc_make_push(a, out, in->items[i] == old ? inner : in->items[i]);
    return out;
}

static bool is_at(const struct doc *in, struct slice pointer, struct slice text)
{
    struct slice part;
    while (take_part(&pointer, &part))
        in = child(in, part);
    return slice_eq(doc_string(in), text);
}

const struct doc *fake_kube_store_patch(struct arena *a, const struct doc *to,
                                        const struct doc *steps)
{
    for (size_t i = 0; i < steps->count; i++) {
        const struct doc *value = doc_get(steps->items[i], SLICE("value"));
        struct slice op = doc_string(doc_get(steps->items[i], SLICE("op")));
        struct slice pointer = doc_string(doc_get(steps->items[i], SLICE("path")));
        bool is_test = slice_eq(op, SLICE("test"));
        if (is_test && !is_at(to, pointer, doc_string(value)))
            return NULL;
        if (!is_test)
            to = set_at(a, to, pointer, value);
    }
    return to;
}
