/* Helpers of the injection's tests.
 * One test program's single thread; must not know what is right.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/lib/inject/pod_text.h"

#include "lib/codec/doc/doc_write.h"
#include "lib/codec/doc/doc_yaml.h"
#include "tests/unit/lib/base/cmocka_base.h"

const struct inject_config pod_text_config = INJECT_CONFIG_DEFAULT;

const struct doc *pod_text_parse(struct arena *a, const char *yaml)
{
    struct doc_list list;
    struct doc_error error;
    if (doc_yaml_parse(slice_from_cstr(yaml), a, &list, &error))
        fail_msg("line %u: %s", error.line, error.text);
    assert_int_equal(list.count, 1);
    return list.items[0];
}

void pod_text_inject(struct pod_text *p, const struct inject_config *config, const char *yaml)
{
    arena_init(&p->arena, 65536);
    p->before = p->after = pod_text_parse(&p->arena, yaml);
    inject_pod(config, p->before, SLICE("shop"), "", &p->arena, &p->result);
    if (p->result.verdict == INJECT_PATCHED)
        assert_int_equal(json_patch_apply(&p->result.patch, p->before, &p->after), ERR_OK);
}

void pod_text_dispose(struct pod_text *p)
{
    arena_dispose(&p->arena);
}

const char *pod_text_json(struct arena *a, const struct doc *d)
{
    struct buf text;
    struct json_write w;
    buf_init(&text);
    json_write_init(&w, &text);
    doc_write_json(&w, d);
    char *out = arena_alloc(a, text.len + 1);
    buf_copy_out(&text, out, text.len);
    out[text.len] = 0;
    buf_dispose(&text);
    return out;
}

const char *pod_text_at(struct pod_text *p, const char *path)
{
    const struct doc *d = doc_find(p->after, path);
    return d ? pod_text_json(&p->arena, d) : "";
}
