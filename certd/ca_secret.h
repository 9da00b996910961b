/* The CA as a Kubernetes Secret: five entries with the names that they have in a folder. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "certd/ca.h"
#include "lib/base/buf.h"
#include "lib/codec/doc/doc.h"

/* Entries that are missing or empty stay NULL. ERR_SYNTAX, with the entry in detail. */
MUST_USE enum err ca_secret_read(const struct doc *secret, struct ca_material *out,
                                 char detail[CA_DETAIL_MAX]);
/* That the root took the place of another one which it has nothing in common with: annotations of
 * the Secret, until somebody takes them away. */
#define CA_SECRET_REPLACED "weft.dev/root-replaced"
#define CA_SECRET_REPLACED_AT "weft.dev/root-replaced-at"
struct ca_secret_note {
    const char *how; /* "lost": the Secret vanished; "replaced": it holds another; "reinstalled" */
    int64_t at_ms;   /* wall clock */
};
/* how: static; NULL: there is no such note. */
void ca_secret_read_note(const struct doc *secret, struct ca_secret_note *out);
/* The whole object, to be created. note->how NULL: without. */
void ca_secret_write(struct slice namespace_name, struct slice name, const struct ca_material *m,
                     const struct ca_secret_note *note, struct buf *out);
/* A merge patch that is refused (409) when the Secret is no longer of that version. */
void ca_secret_write_patch(struct slice resource_version, const struct ca_material *m,
                           const struct ca_secret_note *note, struct buf *out);
