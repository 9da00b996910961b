/* Secret (core/v1): of type kubernetes.io/tls, a certificate chain and its key; of any type,
 * certificates of authorities.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"

struct secret {
    struct object object;
    struct slice type;
    struct slice ca_pem;                  /* under ca.crt, decoded; empty when there is none */
    struct schema_list data, string_data; /* struct schema_pair; data is Base64 */
    struct slice cert_chain_pem, key_pem; /* decoded; empty unless the type is kubernetes.io/tls */
    bool is_placeholder; /* words in parentheses or the like, to be filled in by somebody */
    struct slice flaw;                    /* why no server could use these two; empty: one could */
};
