/* Tests of showing a snapshot: valid JSON that says what the configuration said, and no secrets.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/snapshot_dump.h"

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/tls/tls_ctx.h"
#include "tests/unit/lib/tls/pki.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"
#include "tests/unit/sidecar/config_make.h"

static void make_cluster(struct config_make *m)
{
    Weft__Config__V1__Cluster *c = config_make_cluster(m, "reviews", 1);
    c->protocol = WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP2;
    config_make_endpoint(m, c, "10.0.0.1:9080")->workload = config_make_text(m, "reviews-1");
}

static void make_destination(struct config_make *m)
{
    Weft__Config__V1__Destination *d = config_make_destination(m, "default/reviews:80", 1, 80);
    CONFIG_PUSH(m, d, addresses, config_make_text(m, "10.96.0.1:80"));
    CONFIG_PUSH(m, d, hosts, config_make_text(m, "reviews"));
    d->default_cluster = config_make_text(m, "reviews");
    Weft__Config__V1__VirtualHost *h = config_make_host(m, "*.example.com");
    CONFIG_PUSH(m, d, virtual_hosts, h);
    Weft__Config__V1__Route *r = config_make_route(m, h, "canary", "/a\"b", "gone");
    CONFIG_PUSH(m, r->match, headers, config_make_named(m, "x-canary", "=true"));
    config_make_backend(m, r, "reviews", 3);
    CONFIG_PUSH(m, r, filters,
                config_make_filter(m, "x", "headerMutation", "{\"request\":{\"remove\":[\"x\"]}}"));
}

static void make_gateway(struct config_make *m, const struct pki_leaf *leaf)
{
    Weft__Config__V1__GatewayPort *g = config_make_gateway(m, "infra/front:443", 1, 443);
    Weft__Config__V1__Certificate *cert = arena_alloc(&m->arena, sizeof(*cert));
    weft__config__v1__certificate__init(cert);
    g->protocol = WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTPS;
    cert->cert_chain_pem = leaf->chain;
    cert->key_pem = leaf->key;
    CONFIG_PUSH(m, g, certificates, cert);
    CONFIG_PUSH(m, g, virtual_hosts, config_make_host(m, "*"));
}

static void make_rest(struct config_make *m)
{
    Weft__Config__V1__Inbound *in = config_make_inbound(m, 1);
    in->mtls = WEFT__CONFIG__V1__MTLS_MODE__MTLS_STRICT;
    in->authorization = config_make_authorization(m, "a/deny", "DENY");
    Weft__Config__V1__InboundPort *port = arena_alloc(&m->arena, sizeof(*port));
    weft__config__v1__inbound_port__init(port);
    port->port = 80;
    CONFIG_PUSH(m, port, filters,
                config_make_filter(m, "shop/limits/requestSize", "requestSize", "{\"max\":5}"));
    CONFIG_PUSH(m, in, ports, port);
    config_make_workload(m, "10.0.0.1", "reviews-1", 1);
}

static void check(const struct doc *d, const char *path, const char *want)
{
    assert_slice(doc_string(doc_find(d, path)), want);
}

static void check_all(const struct doc *d)
{
    check(d, "trust_domain", "cluster.local");
    check(d, "clusters[0].protocol", "HTTP2");
    check(d, "clusters[0].endpoints[0].address", "10.0.0.1:9080");
    check(d, "clusters[0].endpoints[0].workload", "reviews-1");
    check(d, "destinations[0].name", "default/reviews:80");
    check(d, "destinations[0].addresses[0]", "10.96.0.1:80");
    check(d, "destinations[0].default_cluster", "reviews");
    check(d, "destinations[0].virtual_hosts[0].host", "*.example.com");
    check(d, "destinations[0].virtual_hosts[0].routes[0].name", "canary");
    check(d, "destinations[0].virtual_hosts[0].routes[0].path.path_prefix", "/a\"b");
    check(d, "destinations[0].virtual_hosts[0].routes[0].headers[0].value.exact", "true");
    check(d, "destinations[0].virtual_hosts[0].routes[0].filters[0]", "headerMutation");
    check(d, "destinations[0].virtual_hosts[0].routes[0].backends[1].cluster", "reviews");
    assert_int_equal(
        doc_find(d, "destinations[0].virtual_hosts[0].routes[0].backends[0].cluster")->type,
        DOC_NULL);
    check(d, "gateways[0].protocol", "HTTPS");
    check(d, "gateways[0].virtual_hosts[0].host", "*");
    check(d, "inbound.mtls", "STRICT");
    check(d, "inbound.ports[0].filters[0]", "authorization");
    check(d, "inbound.ports[0].filters[1]", "shop/limits/requestSize");
    check(d, "inbound.authorization[0].name", "a/deny");
    check(d, "inbound.authorization[0].action", "DENY");
    check(d, "workloads[0].ip", "10.0.0.1");
}

static void test_dump(void **state)
{
    struct config_make m;
    struct pki pki;
    struct snapshot *s;
    struct buf out;
    char detail[256];
    assert_int_equal(tls_lib_init(), ERR_OK);
    pki_init(&pki);
    struct pki_leaf leaf = pki_svid(&pki, PKI_SERVER_ID);
    config_make_init(&m);
    make_cluster(&m);
    make_destination(&m);
    make_gateway(&m, &leaf);
    make_rest(&m);
    struct snapshot_builder *b = snapshot_builder_create();
    if (snapshot_build(b, &m.message, &s, detail))
        fail_msg("%s", detail);
    buf_init(&out);
    snapshot_dump(s, &out);
    char *text = mem_alloc(out.len);
    buf_copy_out(&out, text, out.len);
    struct slice all = slice_of(text, out.len);
    struct doc_error error;
    const struct doc *doc;
    if (doc_json_parse(all, &m.arena, &doc, &error))
        fail_msg("%s", error.text);
    check_all(doc);
    assert_int_equal(slice_find(all, SLICE("PRIVATE")), all.len);
    mem_free(text);
    buf_dispose(&out);
    snapshot_unref(s);
    snapshot_builder_destroy(b);
    config_make_dispose(&m);
    pki_leaf_dispose(&leaf);
    pki_dispose(&pki);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
