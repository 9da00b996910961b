/* The two containers: the sidecar, and the one that writes the redirection and ends. Each gets what
 * it needs and no more: the sidecar nothing at all, the redirection NET_ADMIN and NET_RAW for the
 * moment that it runs. Pure. Must not know which pods get them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "lib/codec/doc/doc_make.h"
#include "lib/inject/inject_priv.h"

static void add_arg(struct arena *a, struct doc *args, const char *name, struct slice value)
{
    doc_make_push(a, args,
                  doc_make_string(a, arena_printf(a, "--%s=%.*s", name, SLICE_ARG(value))));
}

static void add_arg_if_said(const struct inject_run *r, struct doc *args, const char *name,
                            enum inject_option_id id)
{
    if (r->options.value[id].len)
        add_arg(r->arena, args, name, r->options.value[id]);
}

static void add_arg_if_known(const struct inject_run *r, struct doc *args, const char *name,
                             struct slice value)
{
    if (value.len)
        add_arg(r->arena, args, name, value);
}

/* ---- the sidecar */

static bool has_pre_stop(const struct doc *containers)
{
    for (size_t i = 0; containers && containers->type == DOC_ARRAY && i < containers->count; i++)
        if (doc_find(containers->items[i], "lifecycle.preStop"))
            return true;
    return false;
}

/* An ordinary container is told to end together with the app, whose hook runs first and may call
 * others: then it stays as long as the pod has, unless the app leaves before. */
static struct slice drain_time(const struct inject_run *r)
{
    enum { DRAIN_MAX_S = 3600 };
    struct slice said = r->options.value[INJECT_DRAIN_TIME];
    int64_t grace = inject_probe_grace(r);
    if (said.len || inject_option_is(&r->options, INJECT_NATIVE, "true") || grace == 0 ||
        !has_pre_stop(doc_get(r->spec, SLICE("containers"))))
        return said;
    return arena_printf(r->arena, "%ds", (int)(grace < DRAIN_MAX_S ? grace : DRAIN_MAX_S));
}

/* Kubernetes puts in the values of $(NAME), which are the environment's of this container. */
static void add_sidecar_args(const struct inject_run *r, struct doc *container)
{
    struct arena *a = r->arena;
    struct doc *args = doc_make_put_array(a, container, "args");
    const struct inject_options *o = &r->options;
    add_arg(a, args, "mode", SLICE("sidecar"));
    add_arg(a, args, "namespace", SLICE("$(POD_NAMESPACE)"));
    add_arg(a, args, "pod", SLICE("$(POD_NAME)"));
    add_arg(a, args, "pod-ip", SLICE("$(POD_IP)"));
    add_arg(a, args, "service-account", SLICE("$(SERVICE_ACCOUNT)"));
    add_arg(a, args, "trust-domain", r->config->trust_domain);
    add_arg(a, args, "discovery", r->config->discovery);
    add_arg_if_known(r, args, "discovery-ip", r->config->discovery_ip);
    add_arg(a, args, "certd", r->config->certd);
    add_arg_if_known(r, args, "certd-ip", r->config->certd_ip);
    add_arg(a, args, "token-file", SLICE("/var/run/secrets/weft/token"));
    add_arg(a, args, "trust-bundle", SLICE("/etc/weft/trust/ca.crt"));
    add_arg(a, args, "identity-dir", SLICE("/var/lib/weft/identity"));
    add_arg(a, args, "last-good", SLICE("/var/lib/weft/last-good"));
    if (inject_option_is(o, INJECT_REDIRECT, "none")) {
        struct slice port = o->value[INJECT_FORWARD];
        add_arg(a, args, "outbound", SLICE("127.0.0.1:15001"));
        if (port.len)
            add_arg(a, args, "inbound-forward", arena_printf(a, "127.0.0.1:%.*s", SLICE_ARG(port)));
    }
    add_arg_if_said(r, args, "workers", INJECT_WORKERS);
    add_arg_if_said(r, args, "log-level", INJECT_LOG_LEVEL);
    add_arg_if_said(r, args, "access-log", INJECT_ACCESS_LOG);
    struct slice drain = drain_time(r);
    if (drain.len)
        add_arg(a, args, "drain-time", drain);
    if (inject_option_is(o, INJECT_NATIVE, "true"))
        add_arg(a, args, "native-sidecar", SLICE("on"));
}

static void add_env_field(struct arena *a, struct doc *env, const char *name, const char *field)
{
    struct doc *item = doc_make_object(a);
    doc_make_put_string(a, item, "name", slice_from_cstr(name));
    struct doc *from = doc_make_put_object(a, item, "valueFrom");
    struct doc *ref = doc_make_put_object(a, from, "fieldRef");
    /* As the API server would fill it in: a fieldRef is owned as a whole, and without this the next
     * server-side apply of the same file would conflict. */
    doc_make_put_string(a, ref, "apiVersion", SLICE("v1"));
    doc_make_put_string(a, ref, "fieldPath", slice_from_cstr(field));
    doc_make_push(a, env, item);
}

static void add_env(struct arena *a, struct doc *env, const char *name, struct slice value)
{
    if (slice_is_empty(value))
        return;
    struct doc *item = doc_make_object(a);
    doc_make_put_string(a, item, "name", slice_from_cstr(name));
    doc_make_put_string(a, item, "value", value);
    doc_make_push(a, env, item);
}

static void add_sidecar_env(const struct inject_run *r, struct doc *container)
{
    struct arena *a = r->arena;
    struct doc *env = doc_make_put_array(a, container, "env");
    add_env_field(a, env, "POD_NAME", "metadata.name");
    add_env_field(a, env, "POD_NAMESPACE", "metadata.namespace");
    add_env_field(a, env, "POD_IP", "status.podIP");
    add_env_field(a, env, "SERVICE_ACCOUNT", "spec.serviceAccountName");
    add_env(a, env, "WEFT_APP_PROBES", r->probes);
    add_env(a, env, "WEFT_APP_METRICS", r->metrics);
}

static void add_port(struct arena *a, struct doc *ports, const char *name, int number)
{
    struct doc *port = doc_make_object(a);
    doc_make_put_string(a, port, "name", slice_from_cstr(name));
    doc_make_put_int(a, port, "containerPort", number);
    doc_make_push(a, ports, port);
}

static void add_probe(struct arena *a, struct doc *container, const char *kind, const char *path,
                      int period_s, int failures)
{
    struct doc *probe = doc_make_put_object(a, container, kind);
    struct doc *get = doc_make_put_object(a, probe, "httpGet");
    doc_make_put_string(a, get, "path", slice_from_cstr(path));
    doc_make_put_int(a, get, "port", INJECT_PORT_HEALTH);
    doc_make_put_int(a, probe, "periodSeconds", period_s);
    doc_make_put_int(a, probe, "failureThreshold", failures);
}

static void add_mount(struct arena *a, struct doc *mounts, const char *name, const char *path,
                      bool read_only)
{
    struct doc *mount = doc_make_object(a);
    doc_make_put_string(a, mount, "name", slice_from_cstr(name));
    doc_make_put_string(a, mount, "mountPath", slice_from_cstr(path));
    if (read_only)
        doc_make_put_bool(a, mount, "readOnly", true);
    doc_make_push(a, mounts, mount);
}

/* Nothing but what is named in `capabilities`. */
static void add_security(struct arena *a, struct doc *container, int uid,
                         const char *const *capabilities)
{
    struct doc *security = doc_make_put_object(a, container, "securityContext");
    doc_make_put_bool(a, security, "allowPrivilegeEscalation", false);
    doc_make_put_bool(a, security, "privileged", false);
    doc_make_put_bool(a, security, "readOnlyRootFilesystem", true);
    doc_make_put_bool(a, security, "runAsNonRoot", uid != 0);
    doc_make_put_int(a, security, "runAsUser", uid);
    doc_make_put_int(a, security, "runAsGroup", uid);
    struct doc *allowed = doc_make_put_object(a, security, "capabilities");
    if (capabilities) {
        struct doc *add = doc_make_put_array(a, allowed, "add");
        for (; *capabilities; capabilities++)
            doc_make_push(a, add, doc_make_string(a, slice_from_cstr(*capabilities)));
    }
    struct doc *drop = doc_make_put_array(a, allowed, "drop");
    doc_make_push(a, drop, doc_make_string(a, SLICE("ALL")));
    struct doc *seccomp = doc_make_put_object(a, security, "seccompProfile");
    doc_make_put_string(a, seccomp, "type", SLICE("RuntimeDefault"));
}

static struct doc *begin(const struct inject_run *r, const char *name, const char *argument)
{
    struct arena *a = r->arena;
    struct doc *container = doc_make_object(a);
    doc_make_put_string(a, container, "name", slice_from_cstr(name));
    doc_make_put_string(a, container, "image", r->config->image);
    doc_make_put_string(a, container, "imagePullPolicy", r->config->pull_policy);
    struct doc *command = doc_make_put_array(a, container, "command");
    doc_make_push(a, command, doc_make_string(a, SLICE("weft-sidecar")));
    if (argument)
        doc_make_push(a, command, doc_make_string(a, slice_from_cstr(argument)));
    return container;
}

const struct doc *inject_container_sidecar(const struct inject_run *r)
{
    struct arena *a = r->arena;
    struct doc *container = begin(r, INJECT_SIDECAR_NAME, NULL);
    bool is_native = inject_option_is(&r->options, INJECT_NATIVE, "true");
    add_sidecar_args(r, container);
    if (is_native)
        doc_make_put_string(a, container, "restartPolicy", SLICE("Always"));
    add_sidecar_env(r, container);
    struct doc *ports = doc_make_put_array(a, container, "ports");
    add_port(a, ports, "weft-metrics", INJECT_PORT_METRICS);
    add_port(a, ports, "weft-health", INJECT_PORT_HEALTH);
    /* What comes after a native sidecar waits for it: the app never calls before it can. */
    if (is_native)
        add_probe(a, container, "startupProbe", "/healthz/ready", 1, 600);
    add_probe(a, container, "readinessProbe", "/healthz/ready", 2, 15);
    inject_resources_add(r, container);
    add_security(a, container, INJECT_UID, NULL);
    struct doc *mounts = doc_make_put_array(a, container, "volumeMounts");
    add_mount(a, mounts, "weft-token", "/var/run/secrets/weft", true);
    add_mount(a, mounts, "weft-trust", "/etc/weft/trust", true);
    add_mount(a, mounts, "weft-state", "/var/lib/weft", false);
    return container;
}

/* ---- the redirection */

static void add_redirect_args(const struct inject_run *r, struct doc *container)
{
    struct arena *a = r->arena;
    struct doc *args = doc_make_put_array(a, container, "args");
    struct slice excluded = r->options.value[INJECT_EXCLUDE_INBOUND_PORTS];
    add_arg(a, args, "inbound-port", SLICE("15006"));
    add_arg(a, args, "outbound-port", SLICE("15001"));
    add_arg(a, args, "proxy-uid", SLICE("1337"));
    add_arg(a, args, "exclude-inbound-ports",
            arena_printf(a, "15020,15021%s%.*s", excluded.len ? "," : "", SLICE_ARG(excluded)));
    add_arg_if_said(r, args, "include-inbound-ports", INJECT_INCLUDE_INBOUND_PORTS);
    add_arg_if_said(r, args, "include-outbound-ports", INJECT_INCLUDE_OUTBOUND_PORTS);
    add_arg_if_said(r, args, "exclude-outbound-ports", INJECT_EXCLUDE_OUTBOUND_PORTS);
    add_arg_if_said(r, args, "include-outbound-cidrs", INJECT_INCLUDE_OUTBOUND_CIDRS);
    add_arg_if_said(r, args, "exclude-outbound-cidrs", INJECT_EXCLUDE_OUTBOUND_CIDRS);
    add_arg_if_said(r, args, "exclude-interfaces", INJECT_EXCLUDE_INTERFACES);
}

const struct doc *inject_container_redirect(const struct inject_run *r)
{
    static const char *const capabilities[] = {"NET_ADMIN", "NET_RAW", NULL};
    struct arena *a = r->arena;
    struct doc *container = begin(r, INJECT_REDIRECT_NAME, "redirect");
    add_redirect_args(r, container);
    inject_resources_add(r, container);
    add_security(a, container, 0, capabilities);
    /* The lock of the older iptables. */
    struct doc *mounts = doc_make_put_array(a, container, "volumeMounts");
    add_mount(a, mounts, "weft-run", "/run", false);
    return container;
}
