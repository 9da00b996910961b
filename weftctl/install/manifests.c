/* The built-in YAML as documents, sorted by what needs what. Main thread.
 * Must not know how they get into a cluster.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/install/manifests.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_write.h"
#include "lib/codec/doc/doc_yaml.h"
#include "lib/kube/kube_path.h"
#include "weftctl/plural.h"
#include "weftctl/say.h"

extern const char manifests_data_base[], manifests_data_base_end[];
extern const char manifests_data_ingress[], manifests_data_ingress_end[];

#define IMAGE "weft.local/weft:" WEFT_VERSION
#define DOMAIN_OPTION "--cluster-domain="

struct slice manifests_kind(const struct doc *o)
{
    return doc_string(doc_get(o, SLICE("kind")));
}

struct slice manifests_namespace(const struct doc *o)
{
    return doc_string(doc_find(o, "metadata.namespace"));
}

struct slice manifests_name(const struct doc *o)
{
    return doc_string(doc_find(o, "metadata.name"));
}

char *manifests_path(const struct doc *o)
{
    struct slice version = doc_string(doc_get(o, SLICE("apiVersion")));
    struct slice space = manifests_namespace(o);
    char *plural = plural_of(manifests_kind(o)), *name = kube_path_escape(manifests_name(o));
    bool is_core = slice_find_byte(version, '/') == version.len;
    char *path = mem_printf("/%s/%.*s%s%.*s/%s/%s", is_core ? "api" : "apis", SLICE_ARG(version),
                            space.len ? "/namespaces/" : "", SLICE_ARG(space), plural, name);
    mem_free(plural);
    mem_free(name);
    return path;
}

/* ---- order ---- */

/* What is not listed comes between Services and Deployments. */
static unsigned rank_of(const struct doc *o)
{
    static const char *const first[] = {"Namespace",
                                        "CustomResourceDefinition",
                                        "ServiceAccount",
                                        "ClusterRole",
                                        "ClusterRoleBinding",
                                        "Role",
                                        "RoleBinding",
                                        "ConfigMap",
                                        "Service"};
    static const char *const last[] = {"Deployment", "MutatingWebhookConfiguration",
                                       "ValidatingWebhookConfiguration", "Gateway"};
    enum { FIRST = sizeof(first) / sizeof(first[0]), LAST = sizeof(last) / sizeof(last[0]) };
    for (unsigned i = 0; i < FIRST; i++)
        if (slice_eq_cstr(manifests_kind(o), first[i]))
            return i;
    for (unsigned i = 0; i < LAST; i++)
        if (slice_eq_cstr(manifests_kind(o), last[i]))
            return FIRST + 1 + i;
    return FIRST;
}

static int by_rank(const void *a, const void *b)
{
    const struct doc *x = *(const struct doc *const *)a, *y = *(const struct doc *const *)b;
    unsigned rx = rank_of(x), ry = rank_of(y);
    if (rx != ry)
        return rx < ry ? -1 : 1;
    struct slice nx = manifests_name(x), ny = manifests_name(y);
    int c = memcmp(nx.ptr, ny.ptr, nx.len < ny.len ? nx.len : ny.len);
    return c ? c : (nx.len > ny.len) - (nx.len < ny.len);
}

static bool parse(struct arena *arena, struct slice text, struct doc_list *out)
{
    struct doc_error error;
    if (doc_yaml_parse(text, arena, out, &error) == ERR_OK)
        return true;
    say_error("the built-in manifests: line %u: %s", error.line, error.text);
    return false;
}

bool manifests_load(struct arena *arena, const struct manifests_config *config,
                    struct doc_list *out)
{
    struct slice base =
        slice_of(manifests_data_base, (size_t)(manifests_data_base_end - manifests_data_base));
    struct slice ingress = slice_of(manifests_data_ingress,
                                    (size_t)(manifests_data_ingress_end - manifests_data_ingress));
    struct doc_list a, b = {0};
    if (!parse(arena, base, &a) || (config->with_ingress && !parse(arena, ingress, &b)))
        return false;
    const struct doc **items = arena_alloc(arena, (a.count + b.count) * sizeof(*items));
    memcpy(items, a.items, a.count * sizeof(*items));
    if (b.count)
        memcpy(items + a.count, b.items, b.count * sizeof(*items));
    qsort(items, a.count + b.count, sizeof(*items), by_rank);
    *out = (struct doc_list){items, a.count + b.count};
    return true;
}

/* ---- what the configuration changes ---- */

struct change {
    const struct manifests_config *config;
    struct json_write *to;
};

static void write_changed(const struct change *c, const struct doc *d);

static void write_members(const struct change *c, const struct doc *d)
{
    json_write_object(c->to);
    for (size_t i = 0; i < d->count; i++) {
        const struct doc_member *m = &d->members[i];
        bool is_count =
            c->config->replicas && slice_eq(m->key, SLICE("replicas")) && m->value->type == DOC_INT;
        char *key = mem_strndup(m->key.ptr, m->key.len);
        json_write_key(c->to, key);
        mem_free(key);
        if (is_count)
            json_write_i64(c->to, c->config->replicas);
        else
            write_changed(c, m->value);
    }
    json_write_object_end(c->to);
}

static void write_changed(const struct change *c, const struct doc *d)
{
    if (d->type == DOC_OBJECT) {
        write_members(c, d);
    } else if (d->type == DOC_ARRAY) {
        json_write_array(c->to);
        for (size_t i = 0; i < d->count; i++)
            write_changed(c, d->items[i]);
        json_write_array_end(c->to);
    } else if (c->config->image && d->type == DOC_STRING && slice_eq_cstr(d->string, IMAGE)) {
        json_write_string(c->to, slice_from_cstr(c->config->image));
    } else if (c->config->cluster_domain && d->type == DOC_STRING &&
               slice_eq_cstr(d->string, DOMAIN_OPTION "auto")) {
        char *option = mem_printf(DOMAIN_OPTION "%s", c->config->cluster_domain);
        json_write_string(c->to, slice_from_cstr(option));
        mem_free(option);
    } else {
        doc_write_json(c->to, d);
    }
}

void manifests_write(const struct manifests_config *config, const struct doc *o, struct buf *json)
{
    struct json_write w;
    struct change c = {config, &w};
    bool is_ours = slice_eq(manifests_kind(o), SLICE("Deployment"));
    json_write_init(&w, json);
    if (is_ours)
        write_changed(&c, o);
    else
        doc_write_json(&w, o);
}
