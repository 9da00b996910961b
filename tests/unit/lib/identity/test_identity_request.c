/* What is asked of the CA, with what proof, and what is made of its answers. The gRPC client is the
 * test's own: it is linked instead of lib/net/grpc_client.c. Temporary folders. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/identity/identity_request.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/net/grpc_client.h"
#include "lib/proto/istio_ca.pb-c.h"
#include "lib/proto/weft_ca.pb-c.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/io/folder.h"
#include "tests/unit/lib/tls/pki.h"

static struct pki pki;
static struct folder folder;
static struct identity_config config;
static char token_file[200], bundle_file[200], detail[TLS_DETAIL_MAX];

/* ---- instead of grpc_client.c ---- */

struct grpc_client {
    struct addr to;
};

static struct grpc_client the_client;
static struct {
    unsigned clients, calls;
    char host[100], server_name[100], spiffe_id[200], path[100], authorization[200];
    uint16_t port;
    bool is_secret;
    grpc_client_done_fn done;
    void *owner;
} seen;

struct grpc_client *grpc_client_create(struct loop *l, const struct grpc_client_config *c)
{
    seen.clients++;
    seen.port = c->port;
    assert_non_null(c->tls);
    snprintf(seen.host, sizeof seen.host, "%.*s", SLICE_ARG(c->host));
    snprintf(seen.server_name, sizeof seen.server_name, "%.*s", SLICE_ARG(c->server_name));
    snprintf(seen.spiffe_id, sizeof seen.spiffe_id, "%.*s", SLICE_ARG(c->expect_spiffe_id));
    return &the_client;
}

void grpc_client_destroy(struct grpc_client *c)
{
    assert_ptr_equal(c, &the_client);
    seen.clients--;
}

struct grpc_client_call *grpc_client_call(struct grpc_client *c, const char *path,
                                          const struct grpc_metadata *metadata, size_t count,
                                          struct slice request, uint32_t timeout_ms,
                                          grpc_client_done_fn done, void *owner)
{
    seen.calls++;
    seen.done = done;
    seen.owner = owner;
    seen.authorization[0] = '\0';
    assert_true(timeout_ms > 0);
    snprintf(seen.path, sizeof seen.path, "%s", path);
    assert_true(count <= 1);
    if (count) {
        assert_true(slice_eq_cstr(metadata->name, "authorization"));
        seen.is_secret = metadata->secret;
        snprintf(seen.authorization, sizeof seen.authorization, "%.*s",
                 SLICE_ARG(metadata->value));
    }
    return NULL;
}

/* ---- the CA's side ---- */

static void answer(enum grpc_status status, const char *text, struct slice response)
{
    seen.done(seen.owner, &(struct grpc_result){status, slice_from_cstr(text), response});
}

static void answer_bundle(const char *roots)
{
    uint8_t packed[4096];
    Weft__Ca__V1__TrustBundle bundle = WEFT__CA__V1__TRUST_BUNDLE__INIT;
    bundle.roots_pem = (char *)(uintptr_t)roots;
    assert_true(weft__ca__v1__trust_bundle__get_packed_size(&bundle) <= sizeof packed);
    answer(GRPC_OK, "", slice_of(packed, weft__ca__v1__trust_bundle__pack(&bundle, packed)));
}

static void chain_response(const char *const *chain, size_t count)
{
    uint8_t packed[8192];
    Istio__V1__Auth__IstioCertificateResponse r =
        ISTIO__V1__AUTH__ISTIO_CERTIFICATE_RESPONSE__INIT;
    r.cert_chain = (char **)(uintptr_t)chain;
    r.n_cert_chain = count;
    assert_true(istio__v1__auth__istio_certificate_response__get_packed_size(&r) <= sizeof packed);
    size_t len = istio__v1__auth__istio_certificate_response__pack(&r, packed);
    answer(GRPC_OK, "", slice_of(packed, len));
}

/* ---- our side ---- */

static struct {
    unsigned count;
    enum err e;
    struct identity_material material;
    char detail[300];
} told;

static void on_done(void *owner, enum err e, struct identity_material *m, const char *text)
{
    told.count++;
    told.e = e;
    assert_int_equal(m == NULL, e != ERR_OK);
    if (m)
        told.material = *m;
    snprintf(told.detail, sizeof told.detail, "%s", text);
}

static struct identity_request *open_with(const struct identity_material *current)
{
    struct identity_request *r;
    const char *roots = current ? current->roots_pem : NULL;
    assert_int_equal(identity_request_open(NULL, &config, PKI_CLIENT_ID, roots, current, on_done,
                                           NULL, &r, detail),
                     ERR_OK);
    assert_string_equal(seen.path, "/weft.ca.v1.Trust/FetchBundle");
    assert_string_equal(seen.authorization, "");
    return r;
}

static int set_up(void **state)
{
    pki_init(&pki);
    folder_init(&folder);
    memset(&seen, 0, sizeof seen);
    memset(&told, 0, sizeof told);
    folder_put(&folder, "token", "secret\n");
    folder_put(&folder, "roots", pki.root);
    snprintf(token_file, sizeof token_file, "%s", folder_at(&folder, "token"));
    snprintf(bundle_file, sizeof bundle_file, "%s", folder_at(&folder, "roots"));
    config = (struct identity_config){.trust_domain = PKI_DOMAIN,
                                      .certd_address = "ca.example:15012",
                                      .certd_name = "weft-certd.svc",
                                      .trust_bundle_file = bundle_file,
                                      .token_file = token_file};
    return 0;
}

static int tear_down(void **state)
{
    identity_material_dispose(&told.material);
    folder_dispose(&folder);
    pki_dispose(&pki);
    assert_int_equal(seen.clients, 0);
    return 0;
}

static void test_roots_first_then_a_certificate(void **state)
{
    struct pki_leaf leaf = pki_svid(&pki, PKI_CLIENT_ID);
    const char *const chain[] = {leaf.chain, pki.mid, pki.root};
    struct identity_request *r = open_with(NULL);
    assert_string_equal(seen.host, "ca.example");
    assert_int_equal(seen.port, 15012);
    assert_string_equal(seen.server_name, "weft-certd.svc");
    assert_string_equal(seen.spiffe_id, "spiffe://" PKI_DOMAIN "/ns/weft-system/sa/weft-certd");
    answer_bundle("other roots");
    assert_int_equal(seen.calls, 2);
    assert_string_equal(seen.path, "/istio.v1.auth.IstioCertificateService/CreateCertificate");
    assert_string_equal(seen.authorization, "Bearer secret");
    assert_true(seen.is_secret);
    chain_response(chain, 3);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.e, ERR_OK);
    assert_string_equal(told.material.roots_pem, "other roots");
    assert_non_null(strstr(told.material.key_pem, "PRIVATE KEY"));
    assert_non_null(strstr(told.material.chain_pem, pki.mid));
    /* The root that ends the chain is left out: everybody has it. */
    assert_null(strstr(told.material.chain_pem, pki.root));
    identity_request_close(r);
    pki_leaf_dispose(&leaf);
}

/* A certificate that vouches for itself is left out behind others only. */
static void test_the_first_certificate_stays(void **state)
{
    struct identity_request *r = open_with(NULL);
    answer_bundle("");
    chain_response((const char *const[]){pki.root}, 1);
    assert_int_equal(told.e, ERR_OK);
    assert_non_null(strstr(told.material.chain_pem, pki.root));
    identity_request_close(r);
}

static void test_white_space_around_a_token_is_not_part_of_it(void **state)
{
    static const char *const texts[][2] = {
        {"a.b.c", "Bearer a.b.c"},
        {"a.b.c \r\n\n", "Bearer a.b.c"},
        {"\n\ta.b.c", "Bearer a.b.c"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        folder_put(&folder, "token", texts[i][0]);
        struct identity_request *r = open_with(NULL);
        answer_bundle("");
        assert_string_equal(seen.authorization, texts[i][1]);
        identity_request_close(r);
    }
}

static void check_not_made(enum err e, const char *words);

static void test_a_file_without_a_token_is_not_sent(void **state)
{
    static const char *const texts[][2] = {
        {"", " is empty"},
        {" \r\n", " is empty"},
        {"a b", " holds bytes that no token has"},
        {"a\r\nx-admin: 1", " holds bytes that no token has"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        folder_put(&folder, "token", texts[i][0]);
        check_not_made(ERR_SYNTAX, texts[i][1]);
        assert_non_null(strstr(detail, token_file));
    }
}

static void test_a_certificate_is_proof_enough(void **state)
{
    struct pki_leaf leaf = pki_svid(&pki, PKI_CLIENT_ID);
    struct identity_material current = {
        .key_pem = leaf.key, .chain_pem = leaf.chain, .roots_pem = pki.root};
    config.trust_bundle_file = config.token_file = "/nowhere";
    config.control_namespace = "control";
    struct identity_request *r = open_with(&current);
    assert_string_equal(seen.spiffe_id, "spiffe://" PKI_DOMAIN "/ns/control/sa/weft-certd");
    /* Another make of CA knows no such call, and one may have none: then these roots stay. */
    answer(GRPC_UNIMPLEMENTED, "what?", (struct slice){0});
    assert_string_equal(seen.authorization, "");
    chain_response((const char *const[]){leaf.chain}, 1);
    assert_int_equal(told.e, ERR_OK);
    assert_string_equal(told.material.roots_pem, pki.root);
    identity_request_close(r);
    pki_leaf_dispose(&leaf);
}

static void test_what_goes_wrong_at_the_ca_is_told(void **state)
{
    static const struct {
        enum grpc_status status;
        enum err e;
    } cases[] = {
        {GRPC_UNAUTHENTICATED, ERR_DENIED},
        {GRPC_PERMISSION_DENIED, ERR_DENIED},
        {GRPC_UNAVAILABLE, ERR_IO},
    };
    for (size_t i = 0; i < 6; i++) {
        struct identity_request *r = open_with(NULL);
        if (i % 2)
            answer_bundle("");
        answer(cases[i / 2].status, "in its words", (struct slice){0});
        assert_int_equal(told.count, i + 1);
        assert_int_equal(told.e, cases[i / 2].e);
        assert_non_null(strstr(told.detail, "in its words"));
        assert_non_null(strstr(told.detail, i % 2 ? "for a certificate" : "for its roots"));
        identity_request_close(r);
    }
    for (int i = 0; i < 2; i++) {
        struct identity_request *r = open_with(NULL);
        answer_bundle("");
        answer(GRPC_OK, "", i ? SLICE("\xff\xff") : SLICE(""));
        assert_int_equal(told.e, ERR_SYNTAX);
        assert_string_equal(told.detail, "the CA's answer has no certificate");
        identity_request_close(r);
    }
}

static void check_not_made(enum err e, const char *words)
{
    struct identity_request *r = NULL;
    assert_int_equal(identity_request_open(NULL, &config, PKI_CLIENT_ID, NULL, NULL, on_done, NULL,
                                           &r, detail),
                     e);
    assert_null(r);
    assert_int_equal(seen.calls, 0);
    assert_int_equal(told.count, 0);
    if (!strstr(detail, words))
        fail_msg("wanted '%s', got '%s'", words, detail);
}

static void test_what_cannot_be_asked_says_why(void **state)
{
    config.token_file = NULL;
    check_not_made(ERR_INVALID, "no certificate yet, and no token to get one with");
    config.join_token_file = "/nowhere/token";
    check_not_made(ERR_NOT_FOUND, "token file /nowhere/token: ");
    config.join_token_file = token_file;
    config.certd_address = "ca.example";
    check_not_made(ERR_SYNTAX, "--certd ca.example: a host name or address and a port");
    config.trust_bundle_file = "/nowhere/roots";
    check_not_made(ERR_NOT_FOUND, "trust bundle /nowhere/roots: ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_roots_first_then_a_certificate),
        TEST(test_the_first_certificate_stays),
        TEST(test_white_space_around_a_token_is_not_part_of_it),
        TEST(test_a_file_without_a_token_is_not_sent),
        TEST(test_a_certificate_is_proof_enough),
        TEST(test_what_goes_wrong_at_the_ca_is_told),
        TEST(test_what_cannot_be_asked_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
