/* What is asked of a peer's leaf certificate beyond a valid chain. Each check reads the very bytes
 * that wolfSSL verified, with wolfSSL's own parser, which knows the type of every name. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/tls/tls_ctx.h"

/* What is kept of a verified leaf; one block of memory. */
struct tls_identity {
    struct slice spiffe_id; /* empty for clients of a public server */
    struct slice subject;   /* RFC 4514 text; often empty */
    /* Of clients of a public server: subject alternative names (DNS names in lower case, URIs, mail
     * addresses, IP addresses as text), each followed by a NUL; without any, the common name. */
    struct slice names;
    int64_t not_after_ms;
    uint8_t cert_sha256[32];
    char storage[];
};

/* The rules for an X.509-SVID used to authenticate: version 3; exactly one URI SAN, a SPIFFE ID
 * with a path; CA:FALSE; key usage with digitalSignature and neither keyCertSign nor cRLSign;
 * extended key usage absent, or with both serverAuth and clientAuth. trust_domain and expect (a
 * whole ID) must be equal when not empty. ERR_UNTRUSTED with a sentence that begins after
 * "certificate: ". *out (may be NULL) is destroyed with tls_verify_destroy. */
MUST_USE enum err tls_verify_svid(struct slice der, struct slice trust_domain, struct slice expect,
                                  struct tls_identity **out, char detail[TLS_DETAIL_MAX]);
/* A server's certificate: one that may be used by servers (RFC 5280 §4.2.1.3, §4.2.1.12) and
 * carries host: a DNS SAN equal to it or with a "*." that stands for exactly its
 * first label, or for an address an IP SAN. Common names never count. */
MUST_USE enum err tls_verify_host(struct slice der, struct slice host, char detail[TLS_DETAIL_MAX]);
/* As tls_verify_host, and it carries one of these: a DNS SAN that stands for one of the host names,
 * or a URI SAN that is one of the URIs. */
MUST_USE enum err tls_verify_sans(struct slice der, const struct slice *dns, size_t dns_count,
                                  const struct slice *uris, size_t uri_count,
                                  char detail[TLS_DETAIL_MAX]);
/* A client of a public server, whose chain is good: a leaf that may sign (RFC 5280 §4.2.1.3) and is
 * no CA. What it says of SPIFFE identities is nobody's business: its issuer has no say in the mesh.
 */
MUST_USE enum err tls_verify_client(struct slice der, struct tls_identity **out,
                                    char detail[TLS_DETAIL_MAX]);
void tls_verify_destroy(struct tls_identity *id);
