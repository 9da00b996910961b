/* A caller of certd for tests: asks for a certificate, or for the trust bundle, as often as told
 * and all at once, and prints one JSON line for each answer. Refused calls are answers too: the
 * exit status only tells whether all were answered. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json_write.h"
#include "lib/base/mem.h"
#include "lib/io/file.h"
#include "lib/io/loop.h"
#include "lib/net/grpc_client.h"
#include "lib/proto/istio_ca.pb-c.h"
#include "lib/proto/weft_ca.pb-c.h"
#include "lib/tls/x509.h"

enum { PEM_MAX = 1 << 18, TIMES_MAX = 200 };

struct options {
    const char *certd, *roots, *name, *token, *cert, *key, *trust_domain, *id, *csr, *metadata;
    const char *out, *seconds, *times;
    bool bundle;
};

struct client {
    struct loop *loop;
    struct options options;
    struct tls_ctx *ctx;
    char *key_pem, *csr_pem;
    struct grpc_client *clients[TIMES_MAX];
    unsigned left;
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "weft-certd-client: %s: %s\n", what, why);
    exit(2);
}

static char *read_or_die(const char *path)
{
    char *text;
    size_t len;
    enum err e = file_read(path, PEM_MAX, &text, &len);
    if (e)
        die(path, err_text(e));
    return text;
}

/* ---- answers */

static void put(struct json_write *w, const char *key, struct slice value)
{
    json_write_key(w, key);
    json_write_string(w, value);
}

static void write_chain(struct client *c, struct json_write *w, struct slice bytes)
{
    Istio__V1__Auth__IstioCertificateResponse *r =
        istio__v1__auth__istio_certificate_response__unpack(NULL, bytes.len,
                                                            (const uint8_t *)bytes.ptr);
    if (!r)
        die("answer", "not an IstioCertificateResponse");
    json_write_key(w, "chain");
    json_write_array(w);
    for (size_t i = 0; i < r->n_cert_chain; i++)
        json_write_string(w, slice_from_cstr(r->cert_chain[i]));
    json_write_array_end(w);
    if (c->options.out && r->n_cert_chain > 1) {
        char *chain = mem_printf("%s%s", r->cert_chain[0], r->cert_chain[1]);
        char *cert = mem_printf("%s.pem", c->options.out),
             *key = mem_printf("%s.key", c->options.out);
        if (file_write_atomic(cert, chain, strlen(chain), 0644) ||
            file_write_atomic(key, c->key_pem, strlen(c->key_pem), 0600))
            die(c->options.out, "cannot be written");
        mem_free(chain);
        mem_free(cert);
        mem_free(key);
    }
    istio__v1__auth__istio_certificate_response__free_unpacked(r, NULL);
}

static void write_bundle(struct json_write *w, struct slice bytes)
{
    Weft__Ca__V1__TrustBundle *b =
        weft__ca__v1__trust_bundle__unpack(NULL, bytes.len, (const uint8_t *)bytes.ptr);
    if (!b)
        die("answer", "not a TrustBundle");
    put(w, "roots", slice_from_cstr(b->roots_pem));
    put(w, "trust_domain", slice_from_cstr(b->trust_domain));
    json_write_key(w, "version");
    json_write_i64(w, b->version);
    weft__ca__v1__trust_bundle__free_unpacked(b, NULL);
}

static void on_done(void *owner, const struct grpc_result *r)
{
    struct client *c = owner;
    struct buf line;
    struct json_write w;
    buf_init(&line);
    json_write_init(&w, &line);
    json_write_object(&w);
    put(&w, "status", slice_from_cstr(grpc_status_name(r->status)));
    put(&w, "text", r->text);
    if (r->status == GRPC_OK && c->options.bundle)
        write_bundle(&w, r->response);
    else if (r->status == GRPC_OK)
        write_chain(c, &w, r->response);
    json_write_object_end(&w);
    char *text = buf_take_text(&line, NULL);
    puts(text);
    fflush(stdout);
    mem_free(text);
    if (--c->left == 0)
        loop_stop(c->loop);
}

/* ---- questions */

static void ask(struct client *c, struct grpc_client *g)
{
    const struct options *o = &c->options;
    if (o->bundle) {
        grpc_client_call(g, "/weft.ca.v1.Trust/FetchBundle", NULL, 0, (struct slice){NULL, 0},
                         20000, on_done, c);
        return;
    }
    char *bearer = o->token ? mem_printf("Bearer %s", o->token) : NULL;
    struct grpc_metadata metadata = {SLICE("authorization"), slice_from_cstr(bearer), true};
    Istio__V1__Auth__IstioCertificateRequest r = ISTIO__V1__AUTH__ISTIO_CERTIFICATE_REQUEST__INIT;
    r.csr = c->csr_pem;
    r.validity_duration = strtoll(o->seconds, NULL, 10);
    r.metadata.data = (uint8_t *)o->metadata;
    r.metadata.len = o->metadata ? strlen(o->metadata) : 0;
    size_t len = istio__v1__auth__istio_certificate_request__get_packed_size(&r);
    uint8_t *packed = mem_alloc(len);
    istio__v1__auth__istio_certificate_request__pack(&r, packed);
    grpc_client_call(g, "/istio.v1.auth.IstioCertificateService/CreateCertificate", &metadata,
                     bearer ? 1 : 0, slice_of(packed, len), 20000, on_done, c);
    mem_free(packed);
    mem_free(bearer);
}

static void make_ctx(struct client *c)
{
    static const char *const alpn[] = {"h2", NULL};
    char why[TLS_DETAIL_MAX];
    const struct options *o = &c->options;
    char *roots = read_or_die(o->roots);
    enum err e;
    if (o->cert) {
        char *cert = read_or_die(o->cert), *key = read_or_die(o->key);
        struct tls_mesh_config config = {
            .cert_chain_pem = slice_from_cstr(cert),
            .key_pem = slice_from_cstr(key),
            .roots_pem = slice_from_cstr(roots),
            .trust_domain = slice_from_cstr(o->trust_domain),
            .alpn = alpn,
        };
        e = tls_ctx_create_mesh(&config, &c->ctx, why);
        mem_free(cert);
        mem_free(key);
    } else {
        e = tls_ctx_create_client(
            &(struct tls_client_config){.roots_pem = slice_from_cstr(roots), .alpn = alpn}, &c->ctx,
            why);
    }
    mem_free(roots);
    if (e)
        die("TLS", why);
}

static void make_csr(struct client *c)
{
    const struct options *o = &c->options;
    if (o->csr) {
        c->csr_pem = read_or_die(o->csr);
        c->key_pem = mem_strdup("");
        return;
    }
    if (x509_make_key(&c->key_pem) ||
        x509_make_csr(slice_from_cstr(c->key_pem), slice_from_cstr(o->id), &c->csr_pem))
        die("request", "cannot be made: is --id a SPIFFE ID?");
}

/* Every option takes a text but --bundle. */
static const struct {
    const char *name;
    size_t offset;
} texts[] = {
    {"certd", offsetof(struct options, certd)},
    {"roots", offsetof(struct options, roots)},
    {"name", offsetof(struct options, name)},
    {"token", offsetof(struct options, token)},
    {"cert", offsetof(struct options, cert)},
    {"key", offsetof(struct options, key)},
    {"domain", offsetof(struct options, trust_domain)},
    {"id", offsetof(struct options, id)},
    {"csr", offsetof(struct options, csr)},
    {"metadata", offsetof(struct options, metadata)},
    {"out", offsetof(struct options, out)},
    {"seconds", offsetof(struct options, seconds)},
    {"times", offsetof(struct options, times)},
};

static const char **field_of(struct options *o, const char *word)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(word + 2, texts[i].name) == 0)
            return (const char **)((char *)o + texts[i].offset);
    }
    return NULL;
}

static void parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){.name = "weft-certd.weft-system.svc",
                          .trust_domain = "cluster.local",
                          .id = "",
                          .seconds = "0",
                          .times = "1"};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--bundle") == 0) {
            o->bundle = true;
            continue;
        }
        const char **field = strncmp(argv[i], "--", 2) == 0 ? field_of(o, argv[i]) : NULL;
        if (!field || i + 1 == argc)
            die(argv[i], "unknown option, or its value is missing");
        *field = argv[++i];
    }
    if (!o->certd || !o->roots)
        die("usage", "--certd ADDR --roots FILE --id ID [--token T | --cert F --key F]");
}

int main(int argc, char **argv)
{
    struct client c = {0};
    parse(&c.options, argc, argv);
    if (tls_lib_init())
        die("TLS", "cannot be started");
    c.loop = loop_create();
    make_ctx(&c);
    if (!c.options.bundle)
        make_csr(&c);
    struct grpc_client_config config = {
        .tls = c.ctx, .server_name = slice_from_cstr(c.options.name), .max_response = PEM_MAX};
    if (addr_parse(slice_from_cstr(c.options.certd), &config.to))
        die(c.options.certd, "not an address");
    unsigned times = (unsigned)strtoul(c.options.times, NULL, 10);
    if (times < 1 || times > TIMES_MAX)
        die("--times", "1 to 200");
    c.left = times;
    for (unsigned i = 0; i < times; i++) {
        c.clients[i] = grpc_client_create(c.loop, &config);
        ask(&c, c.clients[i]);
    }
    loop_run(c.loop);
    for (unsigned i = 0; i < times; i++)
        grpc_client_destroy(c.clients[i]);
    loop_destroy(c.loop);
    tls_ctx_unref(c.ctx);
    mem_free(c.key_pem);
    mem_free(c.csr_pem);
    return 0;
}
