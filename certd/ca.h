/* The certificate authority's own keys and certificates in the state folder: a root, and the
 * intermediate that signs. One thread. Files:
 *   root.pem           the root, then any further roots that are to be trusted
 *   root.key           its key; may be taken away (then the intermediate cannot be replaced here)
 *   intermediate.pem   the signing certificate
 *   intermediate.key   its key
 *   bundle.version     a number that grows when the set of roots changes
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/tls/x509.h"

#define CA_DETAIL_MAX 400

struct ca_config {
    const char *dir;
    const char *trust_domain;
    uint64_t root_ttl_ms, intermediate_ttl_ms;
};

struct ca {
    struct x509_authority *signer;
    char *signer_pem; /* intermediate.pem */
    char *root_pem;   /* the first root alone */
    char *bundle_pem; /* all roots */
    int64_t bundle_version;
    int64_t replace_at_ms; /* when the intermediate is due for replacement; 0: never, no root.key */
};

/* Loads what is there; makes what is not, in an empty folder. Refuses keys that others may read,
 * expired certificates, and a folder of another trust domain. The folder is made if it is missing.
 */
MUST_USE enum err ca_open(const struct ca_config *config, int64_t now_ms, struct ca *out,
                          char detail[CA_DETAIL_MAX]);
void ca_close(struct ca *ca);
