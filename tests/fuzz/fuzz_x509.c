/* Certificates and requests as a peer may send them. The first byte says which: a request, which
 * must not be accepted with more than one name, or a leaf, whose identity must be a valid one when
 * accepted.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/pem.h"
#include "lib/tls/spiffe.h"
#include "lib/tls/tls_verify.h"
#include "lib/tls/x509.h"

static void try_request(struct slice der)
{
    char why[TLS_DETAIL_MAX], *pem = pem_encode("CERTIFICATE REQUEST", der);
    struct x509_csr csr;
    if (x509_parse_csr(slice_from_cstr(pem), &csr, why) == ERR_OK) {
        if (csr.public_key_der.len == 0)
            abort();
        x509_csr_dispose(&csr);
    } else if (csr.storage || csr.uri_san) {
        abort();
    }
    mem_free(pem);
}

static void try_leaf(struct slice der)
{
    char why[TLS_DETAIL_MAX], *pem = pem_encode("CERTIFICATE", der);
    struct slice none = {NULL, 0};
    struct tls_identity *id = NULL;
    struct x509_facts facts;
    struct spiffe_id parsed;
    if (tls_verify_svid(der, none, none, &id, why) == ERR_OK) {
        if (spiffe_parse(id->spiffe_id, &parsed) || parsed.path.len == 0)
            abort();
        tls_verify_destroy(id);
    }
    (void)!tls_verify_host(der, SLICE("www.example.com"), why);
    (void)!tls_verify_host(der, SLICE("127.0.0.1"), why);
    if (x509_read(slice_from_cstr(pem), &facts) == ERR_OK)
        x509_facts_dispose(&facts);
    mem_free(pem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (tls_lib_init() || len < 1 || len > 8192)
        return 0;
    uint8_t *copy = mem_alloc(len);
    memcpy(copy, data + 1, len - 1);
    if (data[0] == 'r')
        try_request(slice_of(copy, len - 1));
    else
        try_leaf(slice_of(copy, len - 1));
    mem_free(copy);
    return 0;
}
