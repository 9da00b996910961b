/* The public key in a certificate's bytes: of what kind it is, and whether it is of use; for keys
 * that the TLS library does not know too. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/slice.h"

#define X509_SPKI_FLAW_MAX 64

/* The SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), header included; a view into certificate (DER).
 * False when it is none. */
bool x509_spki_find(struct slice certificate, struct slice *spki);
/* "RSA", "ECDSA", "Ed25519", ... of the certificate's key; NULL for one that has no name here. */
const char *x509_spki_kind(struct slice certificate);
/* A sentence on why certificates with such a key are of no use here, for behind "its key"; NULL:
 * they are. RSA of 2048 to 4096 bits, and ECDSA on a curve that the library knows, from 256. */
const char *x509_spki_flaw(struct slice certificate, char text[X509_SPKI_FLAW_MAX]);
/* The same of a private key in PKCS #8 (RFC 5958), by its kind alone. */
const char *x509_spki_private_flaw(struct slice key, char text[X509_SPKI_FLAW_MAX]);
