/* What the two containers ask for and may use. The API server refuses a pod for any container in
 * it, and its class (QoS) is what its weakest container makes it; so where nobody has said values,
 * they follow the pod and the LimitRanges of its namespace. The redirection has the same values as
 * the sidecar: it ends before the others begin, and of such containers only the largest counts, so
 * it makes no pod larger. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/quantity.h"
#include "lib/codec/doc/doc_make.h"
#include "lib/inject/inject_priv.h"

#define MI (INT64_C(1000) << 20)

enum { UNSET = -1 };

struct row {
    const char *name;
    int request_option, limit_option; /* enum inject_option_id; UNSET: there is none */
    int64_t request, limit;           /* request: for what has no option, where it is needed */
    int64_t guaranteed; /* both, where neither can be more; UNSET: the class does not ask for it */
    int64_t unit;       /* requests that are computed are rounded up to */
};

static const struct row rows[] = {
    {"cpu", INJECT_CPU_REQUEST, INJECT_CPU_LIMIT, UNSET, 1000, 200, 1},
    {"memory", INJECT_MEMORY_REQUEST, INJECT_MEMORY_LIMIT, UNSET, 256 * MI, 128 * MI, MI},
    /* What is written to the log; the volumes are memory. */
    {"ephemeral-storage", UNSET, UNSET, 64 * MI, 256 * MI, UNSET, MI},
};
enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

/* What is decided of one resource. */
struct values {
    int64_t request, limit; /* UNSET: none */
    bool is_request_said, is_limit_said;
};

/* What the LimitRanges of the namespace say of one resource, of all of them the narrowest. */
struct range {
    int64_t min, max, fallback, ratio, pod_max; /* UNSET: nothing */
    bool is_there;                              /* for containers */
};

/* ---- reading ---- */

static int64_t quantity_of(const struct doc *d)
{
    int64_t value;
    if (d && d->type == DOC_INT && d->integer >= 0 && d->integer < INT64_MAX / 1000)
        return d->integer * 1000;
    if (d && d->type == DOC_FLOAT && d->number >= 0 && d->number < 1e12)
        return (int64_t)(d->number * 1000);
    return quantity_parse(doc_string(d), &value) ? (int64_t)UNSET : value;
}

static int64_t value_at(const struct doc *resources, const char *list, const char *name)
{
    return quantity_of(
        doc_get(doc_get(resources, slice_from_cstr(list)), slice_from_cstr(name)));
}

/* As the API server fills it in: a request that is not said is the limit. */
static int64_t request_of(const struct doc *container, const char *name)
{
    const struct doc *resources = doc_get(container, SLICE("resources"));
    int64_t request = value_at(resources, "requests", name);
    return request == UNSET ? value_at(resources, "limits", name) : request;
}

static int64_t limit_of(const struct doc *container, const char *name)
{
    return value_at(doc_get(container, SLICE("resources")), "limits", name);
}

/* Every container of the pod, of both lists; NULL: there are no more. */
static const struct doc *container_at(const struct doc *spec, size_t i)
{
    static const char *const lists[] = {"containers", "initContainers"};
    for (size_t k = 0; k < 2; k++) {
        const struct doc *list = doc_get(spec, slice_from_cstr(lists[k]));
        size_t count = list && list->type == DOC_ARRAY ? list->count : 0;
        if (i < count)
            return list->items[i];
        i -= count;
    }
    return NULL;
}

static bool have_all(const struct doc *spec, const char *name,
                     int64_t (*of)(const struct doc *container, const char *name))
{
    const struct doc *c;
    for (size_t i = 0; (c = container_at(spec, i)); i++)
        if (of(c, name) == UNSET)
            return false;
    return true;
}

/* The pod's class is Guaranteed, and its containers make it so. */
static bool is_guaranteed(const struct doc *spec)
{
    const struct doc *c;
    for (size_t i = 0; (c = container_at(spec, i)); i++)
        for (size_t k = 0; k < ROW_COUNT; k++)
            if (rows[k].guaranteed != UNSET &&
                (limit_of(c, rows[k].name) <= 0 ||
                 request_of(c, rows[k].name) != limit_of(c, rows[k].name)))
                return false;
    return true;
}

static bool goes_on(const struct doc *container)
{
    return slice_eq(doc_string(doc_get(container, SLICE("restartPolicy"))), SLICE("Always"));
}

/* What the containers ask for together; those that end before the others begin count by the
 * largest of them. Never less than the API server counts. */
static int64_t asked_for(const struct doc *spec, const char *name)
{
    const struct doc *inits = doc_get(spec, SLICE("initContainers"));
    size_t init_count = inits && inits->type == DOC_ARRAY ? inits->count : 0;
    int64_t apps = 0, sidecars = 0, largest = 0;
    const struct doc *c;
    for (size_t i = 0; (c = container_at(spec, i)); i++) {
        int64_t request = request_of(c, name);
        bool is_init = false;
        for (size_t k = 0; k < init_count; k++)
            is_init |= inits->items[k] == c;
        if (request == UNSET)
            continue;
        if (!is_init)
            apps += request;
        else if (goes_on(c))
            sidecars += request;
        else if (request > largest)
            largest = request;
    }
    return sidecars + (apps > largest ? apps : largest);
}

static int64_t limits_together(const struct doc *spec, const char *name)
{
    int64_t sum = 0;
    const struct doc *c;
    for (size_t i = 0; (c = container_at(spec, i)); i++)
        sum += limit_of(c, name) == UNSET ? 0 : limit_of(c, name);
    return sum;
}

static void keep_least(int64_t *to, int64_t value)
{
    if (value != UNSET && (*to == UNSET || value < *to))
        *to = value;
}

static void read_item(struct range *r, const struct doc *item, const char *name)
{
    struct slice type = doc_string(doc_get(item, SLICE("type")));
    if (slice_eq(type, SLICE("Pod")))
        keep_least(&r->pod_max, value_at(item, "max", name));
    if (!slice_eq(type, SLICE("Container")))
        return;
    int64_t min = value_at(item, "min", name);
    if (min > r->min)
        r->min = min;
    keep_least(&r->max, value_at(item, "max", name));
    keep_least(&r->fallback, value_at(item, "default", name));
    keep_least(&r->ratio, value_at(item, "maxLimitRequestRatio", name));
    r->is_there |= min != UNSET || value_at(item, "max", name) != UNSET ||
                   value_at(item, "default", name) != UNSET ||
                   value_at(item, "defaultRequest", name) != UNSET ||
                   value_at(item, "maxLimitRequestRatio", name) != UNSET;
}

static struct range read_range(const struct inject_run *r, const char *name)
{
    struct range range = {UNSET, UNSET, UNSET, UNSET, UNSET, false};
    const struct inject_namespace *ns = r->config->space;
    for (size_t i = 0; ns && i < ns->limit_range_count; i++) {
        const struct doc *items = doc_get(ns->limit_ranges[i], SLICE("limits"));
        for (size_t k = 0; items && items->type == DOC_ARRAY && k < items->count; k++)
            read_item(&range, items->items[k], name);
    }
    return range;
}

/* ---- deciding ---- */

/* The least that must be asked for where so much may be used. */
static int64_t over_ratio(const struct row *row, int64_t limit, int64_t ratio)
{
    __int128 divisor = (__int128)ratio * row->unit;
    return ratio > 0 ? (int64_t)(((__int128)limit * 1000 + divisor - 1) / divisor) * row->unit : 0;
}

static void keep_range(struct values *v, const struct row *row, const struct range *range,
                       bool is_equal)
{
    /* A maximum and a ratio need a limit, and a default is given to whoever has none. */
    if (v->limit == UNSET &&
        (range->fallback != UNSET || range->max != UNSET || range->ratio != UNSET)) {
        v->limit = row->limit;
        keep_least(&v->limit, range->fallback);
    }
    /* Where much to use means much to ask for, less of both. */
    if (!v->is_limit_said && range->ratio != UNSET && range->fallback == UNSET)
        keep_least(&v->limit, row->guaranteed);
    if (!v->is_limit_said && v->limit != UNSET) {
        if (range->max != UNSET && v->limit > range->max)
            v->limit = range->max;
        if (v->limit < range->min)
            v->limit = range->min;
    }
    if (!v->is_request_said) {
        if (v->request < range->min)
            v->request = range->min;
        if (range->ratio != UNSET && v->limit != UNSET && v->request != UNSET &&
            v->request < over_ratio(row, v->limit, range->ratio))
            v->request = over_ratio(row, v->limit, range->ratio);
        if (v->limit != UNSET && (is_equal || v->request > v->limit))
            v->request = v->limit;
    }
    if (!v->is_limit_said && v->limit != UNSET && v->limit < v->request)
        v->limit = v->request;
}

/* What the pod as a whole asks for, and no container does. */
static int64_t left_over(const struct inject_run *r, const char *name)
{
    const struct doc *whole = doc_get(r->spec, SLICE("resources"));
    int64_t request = value_at(whole, "requests", name);
    if (request == UNSET)
        request = value_at(whole, "limits", name);
    int64_t left = request - asked_for(r->spec, name);
    return left > 0 ? left : 0;
}

/* Resources of the whole pod: what no container asks for is for all of them. */
static void share(struct values *v, const struct inject_run *r, const struct row *row,
                  const struct range *range)
{
    int64_t limit = value_at(doc_get(r->spec, SLICE("resources")), "limits", row->name);
    int64_t left = left_over(r, row->name);
    if (!v->is_request_said)
        v->request = UNSET;
    /* A LimitRange would fill in what is not said, and that may be more than there is. */
    if (!v->is_request_said && range->is_there)
        v->request = 0;
    keep_range(v, row, range, false);
    if (!v->is_request_said && v->request > left && range->min == UNSET && range->ratio == UNSET)
        v->request = left;
    if (!v->is_limit_said && limit != UNSET && v->limit > limit)
        v->limit = limit;
}

static bool is_shared(const struct inject_run *r, const char *name)
{
    const struct doc *whole = doc_get(r->spec, SLICE("resources"));
    return value_at(whole, "requests", name) != UNSET || value_at(whole, "limits", name) != UNSET;
}

static bool is_said(const struct inject_run *r, int option)
{
    return option != UNSET && inject_option_is_said(&r->options, (enum inject_option_id)option);
}

static int64_t quantity_said(const struct inject_run *r, int option)
{
    int64_t value;
    bool good = option != UNSET && r->options.value[option].len &&
                !quantity_parse(r->options.value[option], &value);
    return good ? value : UNSET;
}

static struct values decide(const struct inject_run *r, const struct row *row)
{
    struct range range = read_range(r, row->name);
    struct values v = {quantity_said(r, row->request_option), quantity_said(r, row->limit_option),
                       is_said(r, row->request_option), is_said(r, row->limit_option)};
    v.is_limit_said &= v.limit != UNSET;
    if (is_shared(r, row->name)) {
        share(&v, r, row, &range);
        return v;
    }
    /* A pod of class Guaranteed stays so, with enough for a sidecar that cannot have more. Where
     * every container has a limit, a quota may ask for it. */
    bool is_equal = row->guaranteed != UNSET && !doc_get(r->spec, SLICE("resources")) &&
                    is_guaranteed(r->spec);
    bool needs_limit = have_all(r->spec, row->name, limit_of);
    if (is_equal && !v.is_request_said)
        v.request = v.is_limit_said ? v.limit : row->guaranteed;
    if (is_equal && !v.is_limit_said)
        v.limit = v.request;
    if (row->request_option == UNSET && have_all(r->spec, row->name, request_of))
        v.request = row->request;
    if (!is_equal && !v.is_limit_said && needs_limit) {
        int64_t left = range.pod_max - limits_together(r->spec, row->name);
        v.limit = row->limit;
        if (range.pod_max != UNSET && v.limit > left)
            v.limit = left;
        if (v.limit < v.request)
            v.limit = v.request;
    }
    if (range.is_there)
        keep_range(&v, row, &range, is_equal);
    /* A request above its limit is refused by the API server; the limit was said on purpose. */
    if (!v.is_request_said && v.is_limit_said && v.request > v.limit)
        v.request = v.limit;
    return v;
}

/* ---- writing ---- */

static void put(struct arena *a, struct doc *to, const struct row *row, int64_t value)
{
    char text[QUANTITY_TEXT_MAX];
    if (value != UNSET)
        doc_make_put_string(a, to, row->name, slice_from_cstr(quantity_format(value, text)));
}

void inject_resources_add(const struct inject_run *r, struct doc *container)
{
    struct arena *a = r->arena;
    struct doc *resources = doc_make_put_object(a, container, "resources");
    struct doc *requests = doc_make_object(a), *limits = doc_make_object(a);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        struct values v = decide(r, &rows[i]);
        put(a, requests, &rows[i], v.request);
        put(a, limits, &rows[i], v.limit);
    }
    if (requests->count)
        doc_make_put(a, resources, SLICE("requests"), requests);
    if (limits->count)
        doc_make_put(a, resources, SLICE("limits"), limits);
}

/* A minimum of the namespace, or an annotation, may ask for more than the pod as a whole has left:
 * then the pod asks for so much more, as one with a further container would. */
void inject_resources_grow(struct inject_run *r)
{
    static const char *const lists[] = {"requests", "limits"};
    const struct doc *whole = doc_get(r->spec, SLICE("resources"));
    char text[QUANTITY_TEXT_MAX];
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const char *name = rows[i].name;
        int64_t request = value_at(whole, "requests", name), left = left_over(r, name);
        struct values v = decide(r, &rows[i]);
        if (request == UNSET || v.request == UNSET || v.request <= left)
            continue;
        request += v.request - left;
        for (size_t k = 0; k < 2; k++)
            if (k == 0 || (value_at(whole, lists[k], name) != UNSET &&
                           value_at(whole, lists[k], name) < request))
                json_patch_replace(
                    &r->out->patch,
                    doc_make_string(r->arena, slice_from_cstr(quantity_format(request, text))),
                    "%s/spec/resources/%s/%s", r->base, lists[k], name);
    }
}

void inject_resources_warn(struct inject_run *r)
{
    bool was = !doc_get(r->spec, SLICE("resources")) && is_guaranteed(r->spec);
    for (size_t i = 0; was && i < ROW_COUNT; i++) {
        struct values v = decide(r, &rows[i]);
        if (rows[i].guaranteed == UNSET || (v.limit > 0 && v.request == v.limit))
            continue;
        inject_warn(r,
                    "the pod would be of class Guaranteed, but the %s that its sidecar asks for is "
                    "not the %s that it may use, so it is Burstable",
                    rows[i].name, rows[i].name);
    }
}
