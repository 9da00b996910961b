/* Deciding about one pod, and putting its patch together. What is refused here would otherwise run
 * beside the mesh without anybody noticing. Pure. Must not know where pods come from.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/inject/inject.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/codec/doc/doc_make.h"
#include "lib/inject/inject_priv.h"

enum { WARNING_MAX = 256 };

void inject_warn(struct inject_run *r, const char *format, ...)
{
    char text[WARNING_MAX];
    va_list args;
    if (r->out->warning_count == INJECT_WARNINGS_MAX)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    r->out->warnings[r->out->warning_count++] = arena_copy(r->arena, slice_from_cstr(text));
}

static bool end(struct inject_run *r, enum inject_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Always false: for `return end(…)`. */
static bool end(struct inject_run *r, enum inject_verdict verdict, const char *format, ...)
{
    char text[WARNING_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    r->out->verdict = verdict;
    r->out->why = arena_copy(r->arena, slice_from_cstr(text));
    return false;
}

/* ---- looking around in a pod */

static bool is_true(const struct doc *d)
{
    return d && d->type == DOC_BOOL && d->boolean;
}

static const struct doc *item(const struct doc *list, size_t i)
{
    return list && list->type == DOC_ARRAY && i < list->count ? list->items[i] : NULL;
}

static bool has_named(const struct doc *list, const char *name)
{
    for (size_t i = 0; item(list, i); i++)
        if (slice_eq_cstr(doc_string(doc_get(item(list, i), SLICE("name"))), name))
            return true;
    return false;
}

static const struct doc *containers(const struct inject_run *r)
{
    return doc_get(r->spec, SLICE("containers"));
}

static const struct doc *init_containers(const struct inject_run *r)
{
    return doc_get(r->spec, SLICE("initContainers"));
}

/* The pod's own word: a label, which webhooks can select by, or an annotation. */
static struct slice own_word(const struct inject_run *r)
{
    const struct doc *labels = doc_find(r->pod, "metadata.labels");
    struct slice label = doc_string(doc_get(labels, SLICE("weft.dev/inject")));
    return label.ptr ? label : doc_string(doc_get(r->annotations, SLICE("weft.dev/inject")));
}

/* ---- which pods */

static bool is_system(const struct inject_config *c, struct slice ns)
{
    return slice_eq(ns, SLICE("kube-system")) || slice_eq(ns, SLICE("kube-public")) ||
           slice_eq(ns, SLICE("kube-node-lease")) || slice_eq(ns, c->system_namespace);
}

static bool is_windows(const struct inject_run *r)
{
    const struct doc *selector = doc_get(r->spec, SLICE("nodeSelector"));
    return slice_eq(doc_string(doc_find(r->spec, "os.name")), SLICE("windows")) ||
           slice_eq(doc_string(doc_get(selector, SLICE("kubernetes.io/os"))), SLICE("windows"));
}

/* The matchConditions of k8s/base/webhooks.yaml say the same, so that such pods do not wait. */
static bool is_wanted(struct inject_run *r, struct slice ns)
{
    const struct doc *labels = doc_find(r->pod, "metadata.labels");
    struct slice word = own_word(r);
    if (is_true(doc_get(r->spec, SLICE("hostNetwork"))))
        return end(r, INJECT_SKIPPED, "it uses the network of its node");
    if (is_system(r->config, ns))
        return end(r, INJECT_SKIPPED, "namespace %.*s is never injected",
                   (int)(ns.len < 64 ? ns.len : 64), ns.ptr);
    if (slice_eq(doc_string(doc_get(labels, SLICE("app.kubernetes.io/part-of"))), SLICE("weft")))
        return end(r, INJECT_SKIPPED, "it is a part of Weft");
    if (has_named(containers(r), INJECT_SIDECAR_NAME) ||
        has_named(init_containers(r), INJECT_SIDECAR_NAME))
        return end(r, INJECT_SKIPPED, "it has a sidecar already");
    if (is_windows(r))
        return end(r, INJECT_SKIPPED, "it runs on Windows");
    if (doc_get(r->annotations, SLICE("kubernetes.io/config.mirror")))
        return end(r, INJECT_SKIPPED, "it is a static pod of its node");
    if (slice_eq(word, SLICE("disabled")))
        return end(r, INJECT_SKIPPED, "weft.dev/inject says disabled");
    if (word.ptr && !slice_eq(word, SLICE("enabled")))
        return end(r, INJECT_REFUSED, "weft.dev/inject: \"%.*s\" is neither enabled nor disabled",
                   (int)(word.len < 64 ? word.len : 64), word.ptr);
    return true;
}

/* ---- what cannot be */

static bool runs_as_us(const struct doc *security)
{
    const struct doc *user = doc_get(security, SLICE("runAsUser"));
    return user && user->type == DOC_INT && user->integer == INJECT_UID;
}

/* What the sidecar's user sends goes straight out: nobody else may be it. */
static bool check_users(struct inject_run *r, const struct doc *list)
{
    bool whole_pod = runs_as_us(doc_get(r->spec, SLICE("securityContext")));
    for (size_t i = 0; item(list, i); i++) {
        const struct doc *security = doc_get(item(list, i), SLICE("securityContext"));
        const struct doc *own = doc_get(security, SLICE("runAsUser"));
        struct slice name = doc_string(doc_get(item(list, i), SLICE("name")));
        if (runs_as_us(security) || (whole_pod && (!own || own->type == DOC_NULL)))
            return end(r, INJECT_REFUSED,
                       "container %.*s runs as user 1337, which is the sidecar's: its connections "
                       "would bypass the mesh; choose another runAsUser",
                       (int)(name.len < 64 ? name.len : 64), name.ptr ? name.ptr : "");
    }
    return true;
}

static bool is_our_port(const struct inject_run *r, const struct doc *port)
{
    static const int ours[] = {15000, INJECT_PORT_OUTBOUND, INJECT_PORT_INBOUND,
                               INJECT_PORT_METRICS, INJECT_PORT_HEALTH};
    if (!port || port->type != DOC_INT)
        return false;
    /* Without redirection this is where the pod is called, and some like to say so. */
    if (port->integer == INJECT_PORT_INBOUND && r->options.value[INJECT_FORWARD].len)
        return false;
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (port->integer == ours[i])
            return true;
    return false;
}

static void warn_of_ports(struct inject_run *r)
{
    for (size_t i = 0; item(containers(r), i); i++) {
        const struct doc *ports = doc_get(item(containers(r), i), SLICE("ports"));
        for (size_t k = 0; item(ports, k); k++) {
            const struct doc *port = doc_get(item(ports, k), SLICE("containerPort"));
            if (is_our_port(r, port))
                inject_warn(r, "port %d is the sidecar's: the app cannot listen on it",
                            (int)port->integer);
        }
    }
}

static bool check(struct inject_run *r)
{
    static const char *const names[] = {"weft-token", "weft-trust", "weft-state", "weft-run"};
    if (!r->spec || !item(containers(r), 0))
        return end(r, INJECT_REFUSED, "it has no spec.containers");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (has_named(doc_get(r->spec, SLICE("volumes")), names[i]))
            return end(r, INJECT_REFUSED, "it has a volume named %s, which is the sidecar's",
                       names[i]);
    if (has_named(init_containers(r), INJECT_REDIRECT_NAME))
        return end(r, INJECT_REFUSED,
                   "it has an init container named " INJECT_REDIRECT_NAME ", which is Weft's");
    if (!check_users(r, containers(r)) || !check_users(r, init_containers(r)))
        return false;
    const struct inject_namespace *space = r->config->space;
    const struct doc *said[INJECT_OWNER_COUNT] = {r->annotations, space ? space->annotations : NULL,
                                                  r->config->defaults};
    if (inject_option_read(said, r->config->native, r->arena, &r->options, &r->out->why)) {
        r->out->verdict = INJECT_REFUSED;
        return false;
    }
    if (inject_option_is(&r->options, INJECT_REDIRECT, "iptables") &&
        r->options.value[INJECT_FORWARD].len)
        return end(r, INJECT_REFUSED,
                   "annotation weft.dev/inbound-forward goes with weft.dev/redirect: none");
    return true;
}

/* The API server says what it refuses, but not what to do about it. */
static void warn_of_security_level(struct inject_run *r)
{
    const struct inject_namespace *space = r->config->space;
    struct slice level = doc_string(doc_get(space ? space->labels : NULL,
                                            SLICE("pod-security.kubernetes.io/enforce")));
    if (inject_option_is(&r->options, INJECT_REDIRECT, "iptables") &&
        (slice_eq(level, SLICE("baseline")) || slice_eq(level, SLICE("restricted"))))
        inject_warn(r,
                    "the namespace enforces the Pod Security level %.*s, which allows no "
                    "redirection (NET_ADMIN, NET_RAW): the pod needs weft.dev/redirect: none",
                    SLICE_ARG(level));
}

/* What is not the pod's own word, for people who look. */
static void note_inherited(struct inject_run *r)
{
    static const char *const owners[] = {
        [INJECT_BY_NAMESPACE] = "namespace", [INJECT_BY_MESH] = "MeshConfig"};
    struct slice all = {0};
    for (size_t i = 0; i < INJECT_OPTION_COUNT; i++) {
        enum inject_option_owner by = r->options.owner[i];
        if (by != INJECT_BY_NAMESPACE && by != INJECT_BY_MESH)
            continue;
        all = arena_printf(r->arena, "%.*s%s%s=%.*s (%s)", SLICE_ARG(all), all.len ? ", " : "",
                           inject_option_rows[i].name + sizeof(INJECT_PREFIX) - 1,
                           SLICE_ARG(r->options.value[i]), owners[by]);
    }
    r->out->inherited = all;
}

static void look_for_oddities(struct inject_run *r)
{
    struct slice restart = doc_string(doc_get(r->spec, SLICE("restartPolicy"))), name;
    warn_of_ports(r);
    warn_of_security_level(r);
    inject_resources_warn(r);
    note_inherited(r);
    for (size_t i = 0; (name = inject_option_unknown(r->annotations, i)).len; i++)
        inject_warn(r, "annotation %.*s is not known", (int)(name.len < 100 ? name.len : 100),
                    name.ptr);
    if (inject_option_is(&r->options, INJECT_NATIVE, "false") && restart.len &&
        !slice_eq(restart, SLICE("Always")))
        inject_warn(r,
                    "restartPolicy %.*s with weft.dev/native-sidecar: false: the sidecar goes "
                    "on when the app is done, so the pod never ends",
                    (int)(restart.len < 32 ? restart.len : 32), restart.ptr);
}

/* ---- the patch */

static void add_annotations(struct inject_run *r)
{
    struct arena *a = r->arena;
    struct doc *set = doc_make_object(a);
    inject_metrics_merge(r, set);
    doc_make_put_string(a, set, INJECT_STATUS, SLICE("injected"));
    if (r->out->inherited.len)
        doc_make_put_string(a, set, INJECT_INHERITED, r->out->inherited);
    if (!doc_get(r->annotations, SLICE("kubectl.kubernetes.io/default-container")))
        doc_make_put_string(a, set, "kubectl.kubernetes.io/default-container",
                            doc_string(doc_get(item(containers(r), 0), SLICE("name"))));
    const struct doc *metadata = doc_get(r->pod, SLICE("metadata"));
    if (r->annotations && r->annotations->type == DOC_OBJECT) {
        for (size_t i = 0; i < set->count; i++) {
            struct slice key = json_patch_escape(a, set->members[i].key);
            json_patch_add(&r->out->patch, set->members[i].value, "%s/metadata/annotations/%.*s",
                           r->base, SLICE_ARG(key));
        }
    } else if (metadata && metadata->type == DOC_OBJECT) {
        json_patch_add(&r->out->patch, set, "%s/metadata/annotations", r->base);
    } else {
        struct doc *made = doc_make_object(a);
        doc_make_put(a, made, SLICE("annotations"), set);
        json_patch_add(&r->out->patch, made, "%s/metadata", r->base);
    }
}

/* In front of the pod's own, or behind them. */
static void add_init(struct inject_run *r, const struct doc *const *added, size_t count,
                     bool in_front)
{
    if (count == 0)
        return;
    if (!init_containers(r) || init_containers(r)->type != DOC_ARRAY) {
        struct doc *list = doc_make_array(r->arena);
        for (size_t i = 0; i < count; i++)
            doc_make_push(r->arena, list, added[i]);
        json_patch_add(&r->out->patch, list, "%s/spec/initContainers", r->base);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (in_front)
            json_patch_add(&r->out->patch, added[i], "%s/spec/initContainers/%zu", r->base, i);
        else
            json_patch_add(&r->out->patch, added[i], "%s/spec/initContainers/-", r->base);
    }
}

/* A native sidecar serves the pod's own init containers too, so it and the redirection come first;
 * a classic one runs only when those are through, so that the redirection must come last. */
static void add_containers(struct inject_run *r)
{
    const struct doc *init[2];
    size_t count = 0;
    bool is_native = inject_option_is(&r->options, INJECT_NATIVE, "true");
    if (inject_option_is(&r->options, INJECT_REDIRECT, "iptables"))
        init[count++] = inject_container_redirect(r);
    const struct doc *sidecar = inject_container_sidecar(r);
    if (is_native)
        init[count++] = sidecar;
    add_init(r, init, count, is_native);
    if (!is_native)
        json_patch_add(&r->out->patch, sidecar, "%s/spec/containers/0", r->base);
}

void inject_pod(const struct inject_config *config, const struct doc *pod,
                struct slice namespace_name, const char *base, struct arena *arena,
                struct inject_result *out)
{
    struct inject_run r = {.config = config, .pod = pod, .base = base, .arena = arena, .out = out};
    r.spec = doc_get(pod, SLICE("spec"));
    r.annotations = doc_find(pod, "metadata.annotations");
    *out = (struct inject_result){.verdict = INJECT_PATCHED};
    json_patch_init(&out->patch, arena);
    if (!is_wanted(&r, namespace_name) || !check(&r))
        return;
    look_for_oddities(&r);
    /* Before the containers move. Without redirection too: the app may listen on loopback alone. */
    inject_probe_rewrite(&r);
    add_annotations(&r);
    inject_volume_add(&r);
    inject_resources_grow(&r);
    add_containers(&r);
    if (out->patch.is_full)
        (void)end(&r, INJECT_REFUSED, "it has more probes than can be rewritten");
}
