/* References to values of Secrets and ConfigMaps that work in a folder and would not in a cluster,
 * where policyd reads only those with its label. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/schema/schema_ref.h"
#include "policies/analyze/analyze_priv.h"
#include "policies/kinds/config_map.h"
#include "policies/kinds/consumer_object.h"
#include "policies/kinds/http_filter.h"
#include "policies/kinds/secret.h"

struct looking {
    struct analyze *analyze;
    const struct object *from;
};

static bool is_read_anyway(const struct object *o)
{
    const struct kind *k = o->kind;
    if (k->id == KIND_SECRET)
        return slice_eq_cstr(((const struct secret *)(const void *)o)->type, k->plain_type);
    return ((const struct config_map *)(const void *)o)->ca_pem.ptr != NULL;
}

static void look(void *owner, enum schema_ref_kind kind, struct schema_ref *ref, const char *path)
{
    struct looking *l = owner;
    struct slice ns = ref->namespace_name.ptr ? ref->namespace_name : l->from->meta.namespace_name;
    enum kind_id id = kind == SCHEMA_REF_SECRET ? KIND_SECRET : KIND_CONFIG_MAP;
    bool is_value = kind == SCHEMA_REF_SECRET || kind == SCHEMA_REF_CONFIG_MAP;
    const struct object *o =
        is_value ? policy_index_find(l->analyze->set, id, ns, ref->name) : NULL;
    if (o && !kind_is_labelled(&o->meta.labels) && !is_read_anyway(o))
        analyze_say(l->analyze, FINDING_UNLABELLED, l->from, ref->line, path,
                    "%.*s lacks the label " KIND_CREDENTIAL_LABEL
                    ": in a cluster, policyd does not read it",
                    SLICE_ARG(o->text));
}

static void look_at(struct analyze *a, const struct object *o, const struct schema *schema,
                    const void *spec)
{
    struct looking l = {a, o};
    if (!o->is_closed)
        schema_ref_walk(schema, (void *)(uintptr_t)spec, look, &l); /* which changes nothing */
}

void analyze_unlabelled(struct analyze *a)
{
    const struct object_list *filters = &a->set->all[KIND_HTTP_FILTER];
    const struct object_list *consumers = &a->set->all[KIND_CONSUMER];
    for (size_t i = 0; i < filters->count; i++) {
        const void *spec;
        const struct filter *f =
            http_filter_chosen(POLICY_AT(filters, struct http_filter, i), &spec);
        look_at(a, filters->items[i], f->spec, spec);
    }
    for (size_t i = 0; i < consumers->count; i++)
        look_at(a, consumers->items[i], &consumer_spec_schema,
                &POLICY_AT(consumers, struct consumer_object, i)->spec);
}
