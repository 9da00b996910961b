/* What policies compile to: the texts of resources, or routes in their order in short form, and
 * what the compiler remarks. Words of a case: with=FILE, also=FILE (read before the input),
 * namespace=, pod=, gateway=, ip=, trust=, show=PREFIX of the resources' names, form=routes,
 * form=filters, form=listeners, form=names, form=base, form=endpoints, node=, zone=, at=ADDRESS
 * (what an app calls there), short=protocols.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>

#include "lib/base/mem.h"
#include "policies/compile/compile.h"
#include "policies/compile/config_text.h"
#include "sidecar/fit/fit.h"
#include "tests/unit/policies/cases.h"

#define PB(name) Weft__Config__V1__##name

struct subscriptions {
    struct compile_target target;
    struct slice with, also, show, at;
    bool filters, routes, listeners, protocols, names, base, endpoints;
};

static struct subscriptions read_words(struct slice words)
{
    struct subscriptions w = {.target.namespace_name = SLICE("shop")};
    struct slice word;
    while (slice_split(&words, ' ', &word)) {
        size_t eq = slice_find_byte(word, '=');
        struct slice name = slice_sub(word, 0, eq), value = slice_sub(word, eq + 1, word.len);
        if (slice_eq_cstr(name, "namespace"))
            w.target.namespace_name = value;
        else if (slice_eq_cstr(name, "pod"))
            w.target.workload = value;
        else if (slice_eq_cstr(name, "ip"))
            w.target.pod_ip = value;
        else if (slice_eq_cstr(name, "gateway"))
            w.target.gateway = value;
        else if (slice_eq_cstr(name, "node"))
            w.target.node = value;
        else if (slice_eq_cstr(name, "zone"))
            w.target.zone = value;
        else if (slice_eq_cstr(name, "trust"))
            w.target.trust_domain = value;
        else if (slice_eq_cstr(name, "with"))
            w.with = value;
        else if (slice_eq_cstr(name, "also"))
            w.also = value;
        else if (slice_eq_cstr(name, "show"))
            w.show = value;
        else if (slice_eq_cstr(name, "at"))
            w.at = value;
        else if (slice_eq_cstr(name, "form")) {
            w.routes = slice_eq_cstr(value, "routes");
            w.filters = slice_eq_cstr(value, "filters");
            w.listeners = slice_eq_cstr(value, "listeners");
            w.endpoints = slice_eq_cstr(value, "endpoints");
            w.base = slice_eq_cstr(value, "base");
            w.names = w.base || slice_eq_cstr(value, "names");
        } else if (slice_eq_cstr(name, "short"))
            w.protocols = true;
        else
            assert_int_equal(word.len, 0);
    }
    return w;
}

static void put(struct buf *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct buf *to, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_append(to, text, strlen(text));
}

/* "=/a" exact, "~/a" regular expression, "/a" prefix. */
static void put_match(struct buf *to, const PB(RouteMatch) * m)
{
    const PB(StringMatch) *path = m ? m->path : NULL;
    if (!path)
        put(to, " /");
    else if (path->kind_case == WEFT__CONFIG__V1__STRING_MATCH__KIND_EXACT)
        put(to, " =%s", path->exact);
    else if (path->kind_case == WEFT__CONFIG__V1__STRING_MATCH__KIND_REGEX)
        put(to, " ~%s", path->regex);
    else
        put(to, " %s", path->path_prefix);
    if (!m)
        return;
    if (*m->method)
        put(to, " %s", m->method);
    for (size_t i = 0; i < m->n_headers; i++)
        put(to, " %s:%s", m->headers[i]->name, m->headers[i]->value->exact);
    for (size_t i = 0; i < m->n_query; i++)
        put(to, " ?%s=%s", m->query[i]->name, m->query[i]->value->exact);
}

static const PB(Configuration) * compiled;

static void put_redirect(struct buf *to, const PB(Route) * r)
{
    for (size_t i = 0; i < compiled->n_resources; i++) {
        const PB(Resource) *f = compiled->resources[i];
        for (size_t j = 0; j < r->n_filters; j++)
            if (strcmp(r->filters[j], f->name) == 0 && strcmp(f->filter->type, "redirect") == 0) {
                const char *status = strstr(f->filter->spec, "\"statusCode\":");
                put(to, " redirect %.3s", status ? status + strlen("\"statusCode\":") : "302");
            }
    }
}

static void put_route(struct buf *to, const PB(Route) * r)
{
    put(to, "    %s", r->name);
    put_match(to, r->match);
    put(to, " ->");
    put_redirect(to, r);
    if (r->direct_status)
        put(to, " %u", r->direct_status);
    for (size_t i = 0; i < r->n_clusters; i++) {
        const char *name = r->clusters[i]->cluster;
        put(to, " %s*%u", *name ? strrchr(name, '|') + 1 : "(500)", r->clusters[i]->weight);
    }
    put(to, "\n");
}

static void put_hosts(struct buf *to, PB(VirtualHost) *const *hosts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put(to, "  host");
        for (size_t j = 0; j < hosts[i]->n_hosts; j++)
            put(to, " %s", hosts[i]->hosts[j]);
        put(to, "\n");
        for (size_t j = 0; j < hosts[i]->n_routes; j++)
            put_route(to, hosts[i]->routes[j]);
    }
}

static const char *name_of(const ProtobufCEnumDescriptor *d, int value)
{
    return protobuf_c_enum_descriptor_get_value(d, value)->name;
}

static void put_stream(struct buf *to, const PB(StreamRoute) * s)
{
    put(to, "    %s", s->name);
    for (size_t i = 0; i < s->n_hosts; i++)
        put(to, " %s", s->hosts[i]);
    put(to, " ->");
    for (size_t i = 0; i < s->n_clusters; i++)
        put(to, " %s*%u",
            *s->clusters[i]->cluster ? strrchr(s->clusters[i]->cluster, '|') + 1 : "(refused)",
            s->clusters[i]->weight);
    put(to, "\n");
}

static void put_words(struct buf *to, const char *label, char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put(to, "%s%s", i ? "," : label, words[i]);
}

static void put_tls(struct buf *to, const PB(ListenerTls) * t)
{
    const ProtobufCEnumDescriptor *version = &weft__config__v1__tls_version__descriptor;
    const PB(ClientValidation) *v = t->client_validation;
    put(to, "    tls %s to %s", name_of(version, t->min_version),
        name_of(version, t->max_version));
    put_words(to, " ciphers=", t->ciphers, t->n_ciphers);
    put_words(to, " groups=", t->groups, t->n_groups);
    put_words(to, " alpn=", t->alpn, t->n_alpn);
    if (v)
        put(to, " clients=%zu%s%s issuers=%u", strlen(v->ca_pem) / 100,
            v->insecure_fallback ? ",insecure" : "", v->optional ? ",optional" : "",
            v->issuers_max);
    put(to, "\n");
}

static void put_listeners(struct buf *to, const PB(GatewayPort) * p)
{
    const ProtobufCEnumDescriptor *protocol = &weft__config__v1__listener_protocol__descriptor;
    put(to, "  %s", name_of(protocol, p->protocol));
    for (size_t i = 0; i < p->n_certificates; i++)
        put(to, " cert=%s", p->certificates[i]->names[0]);
    if (p->client_validation)
        put(to, " clients=%zu%s", strlen(p->client_validation->ca_pem) / 100,
            p->client_validation->insecure_fallback ? ",insecure" : "");
    put(to, "\n");
    for (size_t i = 0; i < p->n_listeners; i++) {
        const PB(GatewayListener) *l = p->listeners[i];
        put(to, "  %s %s %s%s\n", l->name, name_of(protocol, l->protocol), l->hostname,
            l->passthrough ? " passthrough" : "");
        if (l->tls)
            put_tls(to, l->tls);
        for (size_t j = 0; j < p->n_virtual_hosts; j++)
            if (p->virtual_hosts[j]->listener == i)
                put(to, "    host %s: %zu\n", p->virtual_hosts[j]->hosts[0],
                    p->virtual_hosts[j]->n_routes);
        for (size_t j = 0; j < l->n_stream_routes; j++)
            put_stream(to, l->stream_routes[j]);
    }
}

static void put_endpoints(struct buf *to, const PB(Cluster) * c)
{
    if (c->affinity_s)
        put(to, "  affinity %u%s\n", c->affinity_s, c->affinity_by_client ? " by client" : "");
    if (c->node_local)
        put(to, "  node local\n");
    for (size_t i = 0; i < c->n_endpoints; i++)
        put(to, "  %s%s\n", c->endpoints[i]->address, c->endpoints[i]->ready ? "" : " not ready");
}

/* ---- filters by name ---- */

static void put_names(struct buf *to, char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put(to, " %s", names[i] + strlen("filter/"));
    put(to, "\n");
}

static void put_filters_of(struct buf *to, PB(VirtualHost) *const *hosts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < hosts[i]->n_routes; j++) {
            const PB(Route) *r = hosts[i]->routes[j];
            put(to, "  %s:", r->name);
            put_names(to, r->filters, r->n_filters);
            for (size_t k = 0; k < r->n_clusters; k++) {
                if (!r->clusters[k]->n_filters)
                    continue;
                put(to, "    share %zu:", k);
                put_names(to, r->clusters[k]->filters, r->clusters[k]->n_filters);
            }
        }
}

static void put_filter_names(struct buf *to, const PB(Resource) * r)
{
    if (r->body_case == WEFT__CONFIG__V1__RESOURCE__BODY_FILTER)
        put(to, "  %s%s%s\n", r->filter->type, r->filter->spec, r->filter->broken);
    if (r->body_case == WEFT__CONFIG__V1__RESOURCE__BODY_DESTINATION)
        put_filters_of(to, r->destination->virtual_hosts, r->destination->n_virtual_hosts);
    if (r->body_case == WEFT__CONFIG__V1__RESOURCE__BODY_GATEWAY)
        put_filters_of(to, r->gateway->virtual_hosts, r->gateway->n_virtual_hosts);
    if (r->body_case == WEFT__CONFIG__V1__RESOURCE__BODY_INBOUND)
        for (size_t i = 0; i < r->inbound->n_ports; i++) {
            put(to, "  port %u:", r->inbound->ports[i]->port);
            put_names(to, r->inbound->ports[i]->filters, r->inbound->ports[i]->n_filters);
        }
}

static bool has_filters(const PB(Resource) * r)
{
    return r->body_case != WEFT__CONFIG__V1__RESOURCE__BODY_MESH &&
           r->body_case != WEFT__CONFIG__V1__RESOURCE__BODY_CLUSTER &&
           r->body_case != WEFT__CONFIG__V1__RESOURCE__BODY_WORKLOAD;
}

static void put_resource(struct buf *to, const struct subscriptions *w, const PB(Resource) * r)
{
    if (w->protocols) {
        put(to, "%s %s\n", r->name,
            name_of(&weft__config__v1__protocol__descriptor, (int)r->destination->protocol));
        return;
    }
    put(to, "%s\n", r->name);
    if (w->names)
        return;
    if (w->filters) {
        put_filter_names(to, r);
        return;
    }
    if (w->endpoints && r->body_case == WEFT__CONFIG__V1__RESOURCE__BODY_CLUSTER) {
        put_endpoints(to, r->cluster);
        return;
    }
    if (w->routes && r->body_case == WEFT__CONFIG__V1__RESOURCE__BODY_DESTINATION)
        put_hosts(to, r->destination->virtual_hosts, r->destination->n_virtual_hosts);
    else if (w->routes && r->body_case == WEFT__CONFIG__V1__RESOURCE__BODY_GATEWAY)
        put_hosts(to, r->gateway->virtual_hosts, r->gateway->n_virtual_hosts);
    else if (w->listeners)
        put_listeners(to, r->gateway);
    else if (!w->routes)
        config_text_write_message((const ProtobufCMessage *)r->mesh, 1, to);
}

/* The filters that the routes name. */
static void put_filters(struct buf *to, const PB(Configuration) * c)
{
    for (size_t i = 0; i < c->n_resources; i++)
        if (c->resources[i]->body_case == WEFT__CONFIG__V1__RESOURCE__BODY_FILTER)
            put(to, "%s %s\n", c->resources[i]->name, c->resources[i]->filter->spec);
}

static void load(struct policy_set *set, struct slice file, struct slice text)
{
    struct diag_list diags;
    diag_list_init(&diags);
    if (policy_set_add_text(set, file, text, &diags)) {
        struct slice why = diag_format(&diags, container_of(diags.items.next, struct diag, node));
        fail_msg("%.*s", SLICE_ARG(why));
    }
    diag_list_dispose(&diags);
}

static void load_case(struct policy_set *set, struct slice file)
{
    size_t len;
    if (!file.len)
        return;
    char *name = mem_strndup(file.ptr, file.len), *text = cases_read(name, &len);
    load(set, file, slice_of(text, len));
    mem_free(text);
    mem_free(name);
}

static PB(Configuration) *
    compile(const struct policy_set *set, const struct subscriptions *w, struct diag_list *notes)
{
    if (w->at.len)
        return compile_address(set, &w->target, w->at);
    return w->base ? compile_base(set, &w->target, notes)
                   : compile_configuration(set, &w->target, notes);
}

/* Equal sets must give equal bytes. */
static void check_repeats(const struct policy_set *set, const struct subscriptions *w,
                          const PB(Configuration) * first)
{
    PB(Configuration) *again = compile(set, w, NULL);
    size_t len = weft__config__v1__configuration__get_packed_size(first);
    assert_int_equal(weft__config__v1__configuration__get_packed_size(again), len);
    uint8_t *a = mem_alloc(len), *b = mem_alloc(len);
    weft__config__v1__configuration__pack(first, a);
    weft__config__v1__configuration__pack(again, b);
    assert_memory_equal(a, b, len);
    /* What was packed can be unpacked: nothing in it is half. */
    PB(Configuration) *copy = weft__config__v1__configuration__unpack(NULL, len, a);
    assert_non_null(copy);
    weft__config__v1__configuration__free_unpacked(copy, NULL);
    mem_free(a);
    mem_free(b);
    compile_free(again);
}

static void on_refused(void *owner, const char *resource, const char *why)
{
    (void)owner, (void)resource;
    print_error("a data plane refuses it: %s\n", why);
}

static void check(const struct cases_item *item, struct buf *out)
{
    struct subscriptions w = read_words(item->words);
    struct policy_set *set = policy_set_create();
    struct diag_list notes;
    load_case(set, w.with);
    load_case(set, w.also);
    load(set, SLICE("t.yaml"), item->input);
    diag_list_init(&notes);
    assert_int_equal(policy_set_finish(set, &notes), ERR_OK);
    diag_list_dispose(&notes);
    PB(Configuration) *c = compile(set, &w, &notes);
    compiled = c;
    check_repeats(set, &w, c);
    assert_int_equal(fit_check(c, on_refused, NULL), 0);
    assert_int_equal(notes.errors, 0);
    LIST_FOREACH(node, &notes.items)
    {
        buf_append_slice(out, diag_format(&notes, container_of(node, struct diag, node)));
        buf_append_slice(out, SLICE("\n"));
    }
    if (w.endpoints && compile_locality(c))
        put(out, "depends on%s%s\n", compile_locality(c) & COMPILE_BY_NODE ? " node" : "",
            compile_locality(c) & COMPILE_BY_ZONE ? " zone" : "");
    for (size_t i = 0; i < c->n_resources; i++)
        if (slice_starts_with(slice_from_cstr(c->resources[i]->name), w.show) &&
            (!w.filters || has_filters(c->resources[i])))
            put_resource(out, &w, c->resources[i]);
    if (!w.routes && !w.filters && !w.listeners && !w.names && !w.endpoints && !w.protocols)
        put_filters(out, c);
    diag_list_dispose(&notes);
    compile_free(c);
    policy_set_destroy(set);
}

#define OUTPUT(name, least)                                 \
    static void test_##name(void **state)                   \
    {                                                       \
        (void)state;                                        \
        cases_run("compile_" #name ".cases", least, check); \
    }

OUTPUT(precedence, 12)
OUTPUT(mesh_routes, 10)
OUTPUT(gateways, 15)
OUTPUT(listeners, 12)
OUTPUT(filters, 5)
OUTPUT(http_filters, 10)
OUTPUT(clusters, 10)
OUTPUT(services, 20)
OUTPUT(destinations, 8)
OUTPUT(traffic, 8)
OUTPUT(client_traffic, 9)
OUTPUT(listener_tls, 5)
OUTPUT(inbound, 10)
OUTPUT(authz, 8)
OUTPUT(request_auth, 8)
OUTPUT(address, 8)
OUTPUT(grpc, 5)
OUTPUT(backend_tls, 15)
OUTPUT(external, 8)
OUTPUT(ingress, 7)
OUTPUT(consumers, 8)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_precedence),   cmocka_unit_test(test_mesh_routes),
        cmocka_unit_test(test_gateways),     cmocka_unit_test(test_filters),
        cmocka_unit_test(test_http_filters),
        cmocka_unit_test(test_listeners),    cmocka_unit_test(test_clusters),
        cmocka_unit_test(test_destinations), cmocka_unit_test(test_traffic),
        cmocka_unit_test(test_inbound),      cmocka_unit_test(test_authz),
        cmocka_unit_test(test_request_auth),
        cmocka_unit_test(test_address),      cmocka_unit_test(test_grpc),
        cmocka_unit_test(test_backend_tls),  cmocka_unit_test(test_ingress),
        cmocka_unit_test(test_external),
        cmocka_unit_test(test_consumers),
        cmocka_unit_test(test_listener_tls),
        cmocka_unit_test(test_client_traffic), cmocka_unit_test(test_services),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
