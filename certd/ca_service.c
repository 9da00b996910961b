/* The methods: unpack, have the token reviewed where that is somebody else's to say, attest, check,
 * spend the proof, sign, write down, answer. What a caller without proof learns is always the same
 * sentence; the reason is in the log. On certd's only thread. Must not know connections.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/ca_service.h"

#include <string.h>

#include "certd/attest.h"
#include "certd/token_review.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/proto/istio_ca.pb-c.h"
#include "lib/proto/weft_ca.pb-c.h"

enum { REQUEST_MAX = 65536, ADDRESS_PER_MINUTE = 60, ADDRESS_BURST = 60 };

static void *allocate(void *data, size_t size)
{
    (void)data;
    return mem_alloc(size);
}

static void release(void *data, void *block)
{
    (void)data;
    mem_free(block);
}

static ProtobufCAllocator allocator = {allocate, release, NULL};

typedef Istio__V1__Auth__IstioCertificateRequest cert_request;
typedef Istio__V1__Auth__IstioCertificateResponse cert_response;

/* One CreateCertificate on its way; it may have to wait for the API server. */
struct attempt {
    struct ca_service *service;
    struct grpc_call *call;
    struct stream_info peer;
    cert_request *request;
    bool has_paid; /* the address's bucket has one less for it */
    char *reviewed_id;
    struct attest_request proof;
    struct attest_result caller;
    struct x509_csr csr;
    struct issued issued;
};

static const char *const opaque = "request authentication failed: certd's log says why";

static void fail(struct attempt *a, enum grpc_status status, const char *told, const char *logged)
{
    a->service->refused++;
    audit_refused(a->caller.spiffe_id, &a->peer.peer, logged);
    grpc_call_fail(a->call, status, "%s", told);
}

/* One attempt less for the caller's address; false when there was none left. */
static bool pay(struct attempt *a)
{
    char ip[ADDR_TEXT_MAX];
    addr_format_ip(&a->peer.peer, ip);
    if (!a->has_paid)
        a->has_paid = rate_take(&a->service->by_address, slice_from_cstr(ip),
                                clock_mono_ns() / 1000000);
    return a->has_paid;
}

/* It was none of the caller's fault, or no fault at all. */
static void pay_back(struct attempt *a)
{
    char ip[ADDR_TEXT_MAX];
    addr_format_ip(&a->peer.peer, ip);
    if (a->has_paid)
        rate_give(&a->service->by_address, slice_from_cstr(ip));
    a->has_paid = false;
}

static void fail_unproven(struct attempt *a, const char *why)
{
    if (pay(a))
        fail(a, GRPC_UNAUTHENTICATED, opaque, why);
    else
        fail(a, GRPC_RESOURCE_EXHAUSTED, "too many attempts", why);
}

static bool attest(struct attempt *a)
{
    char why[ATTEST_DETAIL_MAX];
    a->proof = (struct attest_request){
        .state_dir = a->service->state_dir,
        .authorization = grpc_call_metadata(a->call, "authorization"),
        .reviewed_id = a->reviewed_id,
        .peer = a->peer.tls_peer,
        .now_ms = clock_wall_ms(),
    };
    if (attest_caller(&a->proof, &a->caller, why) == ERR_OK)
        return true;
    fail_unproven(a, why);
    return false;
}

static enum grpc_status status_of(enum err e)
{
    if (e == ERR_DENIED)
        return GRPC_PERMISSION_DENIED;
    return e == ERR_CRYPTO || e == ERR_IO ? GRPC_INTERNAL : GRPC_INVALID_ARGUMENT;
}

/* Istio's agents on a node may ask on behalf of others; nobody may here, and silently getting one's
 * own certificate instead would be worse than an error. */
static bool impersonates(const cert_request *r)
{
    static const struct slice word = {"ImpersonatedIdentity", 20};
    struct slice metadata = slice_of(r->metadata.data, r->metadata.len);
    return slice_find(metadata, word) < metadata.len;
}

static bool check(struct attempt *a)
{
    char why[TLS_DETAIL_MAX];
    struct slice id = slice_from_cstr(a->caller.spiffe_id);
    if (!rate_take(&a->service->by_identity, id, clock_mono_ns() / 1000000)) {
        fail(a, GRPC_RESOURCE_EXHAUSTED, "too many certificates for this identity",
             "too many certificates for this identity");
        return false;
    }
    if (impersonates(a->request)) {
        fail(a, GRPC_PERMISSION_DENIED, "impersonation is not allowed",
             "asked on behalf of another identity");
        return false;
    }
    enum err e = issue_check(&a->service->policy, slice_from_cstr(a->request->csr),
                             a->caller.spiffe_id, a->request->validity_duration, &a->csr, why);
    if (e)
        fail(a, status_of(e), why, why);
    return !e;
}

static bool spend_and_sign(struct attempt *a)
{
    char why[TLS_DETAIL_MAX], spent[ATTEST_DETAIL_MAX];
    if (attest_commit(&a->proof, &a->caller, spent)) {
        fail(a, GRPC_UNAUTHENTICATED, opaque, spent);
        return false;
    }
    enum err e = issue_sign(&a->service->policy, a->service->ca, &a->csr, a->caller.spiffe_id,
                            a->request->validity_duration, a->proof.now_ms, &a->issued, why);
    if (e) {
        fail(a, status_of(e), "the certificate could not be made", why);
        return false;
    }
    e = audit_issued(a->service->audit, a->caller.spiffe_id, a->issued.serial, a->caller.method,
                     &a->peer.peer, a->proof.now_ms, a->issued.not_after_ms);
    if (e)
        fail(a, GRPC_INTERNAL, "the certificate could not be written down; try again later",
             "the certificate could not be written down");
    return !e;
}

static void reply(struct attempt *a)
{
    const struct ca *ca = a->service->ca;
    char *chain[3] = {a->issued.cert_pem, ca->signer_pem, ca->root_pem};
    cert_response response = ISTIO__V1__AUTH__ISTIO_CERTIFICATE_RESPONSE__INIT;
    response.cert_chain = chain;
    response.n_cert_chain = 3;
    size_t len = istio__v1__auth__istio_certificate_response__get_packed_size(&response);
    uint8_t *packed = mem_alloc(len);
    istio__v1__auth__istio_certificate_response__pack(&response, packed);
    grpc_call_reply(a->call, packed, len);
    a->service->issued++;
    pay_back(a);
    mem_free(packed);
}

static void destroy(struct attempt *a)
{
    issue_dispose(&a->issued);
    x509_csr_dispose(&a->csr);
    attest_result_dispose(&a->caller);
    istio__v1__auth__istio_certificate_request__free_unpacked(a->request, &allocator);
    mem_free(a->reviewed_id);
    mem_free(a);
}

static void on_reviewed(void *owner, enum err e, const char *spiffe_id, const char *detail)
{
    struct attempt *a = owner;
    if (e == ERR_OK) {
        a->reviewed_id = mem_strdup(spiffe_id);
        if (attest(a) && check(a) && spend_and_sign(a))
            reply(a);
    } else if (e == ERR_DENIED) {
        fail_unproven(a, detail);
    } else {
        pay_back(a);
        fail(a, GRPC_UNAVAILABLE, "the token could not be reviewed now; try again", detail);
    }
    destroy(a);
}

/* Each question to the API server costs the caller's address an attempt, before it is asked; who
 * gets a certificate has it back. So nobody can have more asked than may be wrong, neither many at
 * a time nor with a good token that is shown again and again. */
static void review(struct attempt *a)
{
    struct slice token = attest_bearer(grpc_call_metadata(a->call, "authorization"));
    if (pay(a)) {
        token_review_start(a->service->reviews, token, &a->peer.peer, on_reviewed, a);
        return;
    }
    a->service->unreviewed++;
    fail(a, GRPC_RESOURCE_EXHAUSTED, "too many attempts",
         "too many attempts from this address: its token was not reviewed");
    destroy(a);
}

static void create_certificate(struct grpc_call *call, struct slice bytes)
{
    struct attempt *a = mem_zalloc(sizeof(*a));
    a->service = grpc_call_owner(call);
    a->call = call;
    grpc_call_peer(call, &a->peer);
    a->request = istio__v1__auth__istio_certificate_request__unpack(&allocator, bytes.len,
                                                                    (const uint8_t *)bytes.ptr);
    if (!a->request) {
        fail(a, GRPC_INVALID_ARGUMENT, "the request is no IstioCertificateRequest",
             "malformed request message");
        mem_free(a);
        return;
    }
    if (a->service->reviews && grpc_call_metadata(call, "authorization").len > 0) {
        review(a);
        return;
    }
    if (attest(a) && check(a) && spend_and_sign(a))
        reply(a);
    destroy(a);
}

static void fetch_bundle(struct grpc_call *call, struct slice bytes)
{
    const struct ca_service *s = grpc_call_owner(call);
    (void)bytes;
    Weft__Ca__V1__TrustBundle bundle = WEFT__CA__V1__TRUST_BUNDLE__INIT;
    bundle.roots_pem = s->ca->bundle_pem;
    bundle.version = s->ca->bundle_version;
    bundle.trust_domain = (char *)s->policy.trust_domain;
    size_t len = weft__ca__v1__trust_bundle__get_packed_size(&bundle);
    uint8_t *packed = mem_alloc(len);
    weft__ca__v1__trust_bundle__pack(&bundle, packed);
    grpc_call_reply(call, packed, len);
    mem_free(packed);
}

static const struct grpc_method methods[] = {
    {.path = "/istio.v1.auth.IstioCertificateService/CreateCertificate",
     .handle = create_certificate},
    {.path = "/weft.ca.v1.Trust/FetchBundle", .handle = fetch_bundle},
};

void ca_service_init(struct ca_service *s, const struct ca_service_config *config)
{
    *s = (struct ca_service){
        .grpc =
            {
                .methods = methods,
                .method_count = sizeof(methods) / sizeof(methods[0]),
                .owner = s,
                .max_request = REQUEST_MAX,
                .http = {.max_header_bytes = 32768, .max_streams = 32, .idle_timeout_ms = 60000},
            },
        .policy = config->policy,
        .state_dir = config->state_dir,
        .reviews = config->reviews,
        .ca = config->ca,
        .audit = config->audit,
    };
    rate_init(&s->by_identity, config->rate_per_minute, config->rate_per_minute);
    rate_init(&s->by_address, ADDRESS_PER_MINUTE, ADDRESS_BURST);
}

void ca_service_dispose(struct ca_service *s)
{
    rate_dispose(&s->by_identity);
    rate_dispose(&s->by_address);
}
