/* The certificate authority's own keys and certificates: a root, and the intermediate that signs.
 * Where they are kept is somebody else's business: a folder (ca_folder.c) or a Secret
 * (ca_secret.c), which hand the texts in and store what was made. Pure; one thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/tls/x509.h"

#define CA_DETAIL_MAX 400

struct ca_config {
    const char *where; /* for messages: "/var/lib/weft", "Secret weft-system/weft-ca" */
    const char *trust_domain;
    uint64_t root_ttl_ms, intermediate_ttl_ms;
};

/* The CA at rest, by the names that its parts have in a folder and in a Secret. */
struct ca_material {
    char *root_pem;   /* root.pem: the root, then any further roots that are to be trusted */
    char *root_key;   /* root.key; may be taken away (then no intermediate can be made here) */
    char *signer_pem; /* intermediate.pem */
    char *signer_key; /* intermediate.key */
    char *version;    /* bundle.version: a number that grows when the set of roots changes */
};

/* What ca_settle made anew, and is to be stored before it is used. */
enum ca_made { CA_MADE_ROOT = 1, CA_MADE_SIGNER = 2, CA_MADE_VERSION = 4 };

struct ca {
    struct x509_authority *signer;
    char *signer_pem; /* the intermediate */
    char *root_pem;   /* the first root alone */
    char *bundle_pem; /* all roots */
    int64_t bundle_version;
    int64_t replace_at_ms; /* when the intermediate is due for replacement; 0: never, no root.key */
};

/* Checks the material and makes what is missing or due: everything when there is nothing. Refuses
 * what is expired, not of this trust domain, or does not belong together. *made: enum ca_made. */
MUST_USE enum err ca_settle(const struct ca_config *config, int64_t now_ms,
                            struct ca_material *material, unsigned *made, struct ca *out,
                            char detail[CA_DETAIL_MAX]);
void ca_close(struct ca *ca);
/* Both lists of roots can be read, and have none in common: whoever trusts the one trusts nobody of
 * the other. */
bool ca_is_another_mesh(struct slice before_pem, struct slice now_pem);
/* Overwrites the keys. */
void ca_material_dispose(struct ca_material *m);
/* A sentence into detail; returns e. */
enum err ca_say(enum err e, char detail[CA_DETAIL_MAX], const char *format, ...)
    __attribute__((format(printf, 3, 4)));
