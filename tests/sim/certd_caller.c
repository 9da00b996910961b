/* See certd_caller.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/certd_caller.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/io/loop_sim.h"
#include "lib/proto/istio_ca.pb-c.h"
#include "lib/tls/x509.h"
#include "tests/sim/program_bed.h"
#include "tests/unit/lib/base/cmocka_base.h"

#define CREATE "/istio.v1.auth.IstioCertificateService/CreateCertificate"

enum { IDLE_MS = 3600000 };

static char *csr;

int certd_caller_set_up(const char *spiffe_id)
{
    char *key;
    if (x509_make_key(&key))
        return 1;
    int failed = x509_make_csr(slice_from_cstr(key), slice_from_cstr(spiffe_id), &csr);
    mem_free(key);
    return failed;
}

void certd_caller_tear_down(void)
{
    mem_free(csr);
}

static struct stream *dial(struct loop *l, void *dial_owner, const struct stream_events *events,
                           void *owner)
{
    const struct certd_caller *c = dial_owner;
    struct stream *s = program_dial(c->at);
    (void)l;
    stream_use(s, events, owner);
    return s;
}

void certd_caller_open(struct certd_caller *c, const char *at, const char *roots, const char *name)
{
    static const char *const alpn[] = {"h2", NULL};
    char why[TLS_DETAIL_MAX];
    struct tls_client_config tls = {.roots_pem = slice_from_cstr(roots), .alpn = alpn};
    *c = (struct certd_caller){.at = at};
    if (tls_ctx_create_client(&tls, &c->tls, why))
        fail_msg("%s", why);
    struct grpc_client_config config = {.tls = c->tls,
                                        .server_name = slice_from_cstr(name),
                                        .idle_ms = IDLE_MS,
                                        .dial = dial,
                                        .dial_owner = c};
    c->client = grpc_client_create(program_loop(), &config);
}

void certd_caller_close(struct certd_caller *c)
{
    grpc_client_destroy(c->client);
    tls_ctx_unref(c->tls);
    assert_true(loop_sim_turn(program_loop()));
}

static void on_answer(void *owner, const struct grpc_result *r)
{
    struct certd_caller *c = owner;
    c->answers++;
    c->status = r->status;
    snprintf(c->text, sizeof(c->text), "%.*s", SLICE_ARG(r->text));
}

void certd_caller_ask(struct certd_caller *c, const char *token)
{
    Istio__V1__Auth__IstioCertificateRequest m = ISTIO__V1__AUTH__ISTIO_CERTIFICATE_REQUEST__INIT;
    char text[300];
    m.csr = csr;
    snprintf(text, sizeof(text), "Bearer %s", token ? token : "");
    struct grpc_metadata bearer = {SLICE("authorization"), slice_from_cstr(text), true};
    size_t len = istio__v1__auth__istio_certificate_request__get_packed_size(&m);
    uint8_t *bytes = mem_alloc(len);
    istio__v1__auth__istio_certificate_request__pack(&m, bytes);
    c->answers = 0;
    grpc_client_call(c->client, CREATE, &bearer, token != NULL, slice_of(bytes, len), 30000,
                     on_answer, c);
    mem_free(bytes);
    assert_true(loop_sim_turn(program_loop()));
    assert_int_equal(c->answers, 1);
}
