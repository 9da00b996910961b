/* mtlsAuth: a name in the certificate that the client shows, where the listener asks for one and
 * verifies it. SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/credential.h"

struct mtls_auth {
    struct slice subject_name;
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct mtls_auth, subject_name, "subjectName", STRING,
                 "A DNS name, URI, IP or mail address among the certificate's subject alternative "
                 "names; or its common name, where it has none.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 1024),
    {0},
};

static const struct schema schema = {
    .name = "MTLSAuthCredential",
    .doc = "A name in a client certificate.",
    .size = sizeof(struct mtls_auth),
    .fields = fields,
};

static bool make(struct credential_build *b, const void *spec, struct credential_made *out)
{
    const struct mtls_auth *s = spec;
    (void)b;
    out->lookup = out->id = s->subject_name;
    return true;
}

const struct credential_kind credential_kind_mtls_auth = {
    .doc = "A name in the client's certificate (filter mtlsAuth).",
    .schema = &schema,
    .make = make,
};
