/* The objects that several probes look at, by the question that finds them. Main thread. Must not
 * know what is good.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/inject/inject.h"
#include "weftctl/check/check_priv.h"

static size_t count_of(const struct doc *array)
{
    return array && array->type == DOC_ARRAY ? array->count : 0;
}

const struct ask *look_deployment(struct check *c, const char *program)
{
    return ask_json(check_asks(c), "/apis/apps/v1/namespaces/" CHECK_SYSTEM "/deployments/%s",
                    program);
}

static bool is_running(const struct doc *pod)
{
    return slice_eq(judge_string(pod, "status.phase"), SLICE("Running")) &&
           !doc_find(pod, "metadata.deletionTimestamp");
}

const struct doc **look_pods_of(struct check *c, const char *program, size_t *count)
{
    const struct ask *a = ask_list(check_asks(c), "/api/v1/namespaces/" CHECK_SYSTEM "/pods");
    *count = 0;
    if (!a)
        return NULL;
    const struct doc **out =
        arena_alloc(asks_arena(check_asks(c)), (count_of(a->doc) + 1) * sizeof(*out));
    for (size_t i = 0; i < count_of(a->doc); i++) {
        const struct doc *pod = a->doc->items[i];
        if (slice_eq_cstr(judge_string(pod, "metadata.labels[\"app.kubernetes.io/name\"]"),
                          program) &&
            is_running(pod))
            out[(*count)++] = pod;
    }
    return out;
}

const struct ask *look_namespaces(struct check *c)
{
    return ask_list(check_asks(c), "/api/v1/namespaces");
}

/* ---- pods of the mesh ---- */

struct gathered {
    const struct doc **items;
    size_t count, room;
    bool is_missing;
};

static bool is_labelled(const struct doc *space)
{
    return slice_eq(judge_string(space, "metadata.labels[\"weft.dev/inject\"]"), SLICE("enabled"));
}

/* Those of labelled namespaces were gathered already. */
static bool is_elsewhere(const struct ask *spaces, const struct doc *pod)
{
    struct slice name = judge_string(pod, "metadata.namespace");
    for (size_t i = 0; spaces && i < count_of(spaces->doc); i++)
        if (slice_eq(judge_string(spaces->doc->items[i], "metadata.name"), name))
            return !is_labelled(spaces->doc->items[i]);
    return true;
}

/* elsewhere_of NULL: all of them. */
static void gather(struct check *c, struct gathered *g, const struct ask *a,
                   const struct ask *elsewhere_of)
{
    g->is_missing |= !a;
    for (size_t i = 0; a && i < count_of(a->doc); i++) {
        if (elsewhere_of && !is_elsewhere(elsewhere_of, a->doc->items[i]))
            continue;
        if (g->count == g->room) {
            g->room = g->room ? 2 * g->room : 64;
            const struct doc **more =
                arena_alloc(asks_arena(check_asks(c)), g->room * sizeof(*more));
            if (g->count)
                memcpy(more, g->items, g->count * sizeof(*more));
            g->items = more;
        }
        g->items[g->count++] = a->doc->items[i];
    }
}

bool look_mesh_pods(struct check *c, const struct doc ***out, size_t *count)
{
    struct asks *s = check_asks(c);
    struct gathered g = {0};
    const struct ask *spaces = look_namespaces(c);
    g.is_missing = !spaces;
    for (size_t i = 0; spaces && i < count_of(spaces->doc); i++) {
        const struct doc *space = spaces->doc->items[i];
        if (is_labelled(space))
            gather(c, &g,
                   ask_list(s, "/api/v1/namespaces/%.*s/pods",
                            SLICE_ARG(judge_string(space, "metadata.name"))),
                   NULL);
    }
    const struct ask *others = ask_list(s, "/api/v1/pods?labelSelector=weft.dev/inject%%3Denabled");
    const struct ask *gateways =
        ask_list(s, "/api/v1/pods?labelSelector=gateway.networking.k8s.io/gateway-name");
    gather(c, &g, others, spaces);
    gather(c, &g, gateways, spaces);
    *out = g.items;
    *count = g.count;
    return !g.is_missing;
}

/* ---- trust ---- */

struct slice look_roots(struct check *c)
{
    const struct ask *a = ask_json(
        check_asks(c), "/api/v1/namespaces/" CHECK_SYSTEM "/configmaps/weft-trust-bundle");
    return a && a->ok ? judge_string(a->doc, "data[\"ca.crt\"]") : (struct slice){NULL, 0};
}

static struct slice argument_of(struct check *c, const char *program, struct slice option)
{
    const struct ask *a = look_deployment(c, program);
    const struct doc *args =
        a && a->ok ? doc_find(a->doc, "spec.template.spec.containers[0].args") : NULL;
    for (size_t i = 0; i < count_of(args); i++) {
        struct slice arg = doc_string(args->items[i]);
        if (slice_starts_with(arg, option))
            return slice_sub(arg, option.len, arg.len);
    }
    return (struct slice){NULL, 0};
}

struct slice look_trust_domain(struct check *c)
{
    struct slice domain = argument_of(c, "weft-certd", SLICE("--trust-domain="));
    return domain.len ? domain : SLICE("cluster.local");
}

struct slice look_argument(struct check *c, const char *option)
{
    const struct ask *a = look_deployment(c, "weft-policyd");
    if (option)
        return argument_of(c, "weft-policyd", slice_from_cstr(option));
    return a && a->ok ? judge_string(a->doc, "spec.template.spec.containers[0].image")
                      : (struct slice){NULL, 0};
}

/* ---- time ---- */

int64_t look_server_ms(struct check *c)
{
    const struct ask *a =
        ask_list(check_asks(c), "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases");
    int64_t newest = 0;
    for (size_t i = 0; a && i < count_of(a->doc); i++) {
        const struct doc *fields = doc_find(a->doc->items[i], "metadata.managedFields");
        for (size_t j = 0; j < count_of(fields); j++) {
            int64_t ms = judge_time_ms(judge_string(fields->items[j], "time"));
            newest = ms > newest ? ms : newest;
        }
    }
    return newest;
}

/* ---- what stands between ---- */

static bool is_selected(const struct doc *policy, const struct doc *pod)
{
    const struct doc *wanted = doc_find(policy, "spec.podSelector.matchLabels");
    const struct doc *labels = doc_find(pod, "metadata.labels");
    for (size_t i = 0; wanted && wanted->type == DOC_OBJECT && i < wanted->count; i++)
        if (!slice_eq(doc_string(wanted->members[i].value),
                      doc_string(doc_get(labels, wanted->members[i].key))))
            return false;
    return true; /* expressions are not looked at: rather one policy too many is named */
}

struct slice look_network_policies(struct check *c, const struct doc *pod)
{
    struct arena *arena = asks_arena(check_asks(c));
    struct slice space = judge_string(pod, "metadata.namespace"), names = {NULL, 0};
    const struct ask *a = ask_list(
        check_asks(c), "/apis/networking.k8s.io/v1/namespaces/%.*s/networkpolicies",
        SLICE_ARG(space));
    for (size_t i = 0; a && i < count_of(a->doc); i++) {
        const struct doc *policy = a->doc->items[i];
        struct slice name = judge_string(policy, "metadata.name");
        bool is_ours =
            slice_eq(space, SLICE(CHECK_SYSTEM)) &&
            slice_eq(judge_string(policy, "metadata.labels[\"app.kubernetes.io/part-of\"]"),
                     SLICE("weft"));
        if (!is_ours && is_selected(policy, pod))
            names = arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(names), names.len ? ", " : "",
                                 SLICE_ARG(name));
    }
    return names;
}

/* ---- logs ---- */

/* Our programs' lines: "2026-01-01T00:00:00.000Z warn identity: ...". */
static bool is_worth_telling(struct slice line)
{
    return slice_starts_with(line, SLICE("warn ")) || slice_starts_with(line, SLICE("error "));
}

static struct slice without_time(struct slice line)
{
    size_t blank = slice_find_byte(line, ' ');
    bool is_time = blank > 19 && blank < line.len && line.ptr[blank - 1] == 'Z';
    return is_time ? slice_sub(line, blank + 1, line.len) : line;
}

struct slice look_log(struct check *c, const struct doc *pod, const char *container)
{
    const struct ask *a = ask_text(
        check_asks(c), "/api/v1/namespaces/%.*s/pods/%.*s/log?container=%s&tailLines=40",
        SLICE_ARG(judge_string(pod, "metadata.namespace")),
        SLICE_ARG(judge_string(pod, "metadata.name")), container);
    struct slice rest = a && a->ok ? a->text : (struct slice){NULL, 0}, line;
    struct slice last = {NULL, 0}, telling = {NULL, 0};
    while (rest.len && slice_split(&rest, '\n', &line)) {
        line = without_time(line);
        if (!line.len)
            continue;
        last = line;
        if (is_worth_telling(line))
            telling = line;
    }
    return telling.len ? telling : last;
}
