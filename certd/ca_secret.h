/* The CA as a Kubernetes Secret: five entries with the names that they have in a folder. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "certd/ca.h"
#include "lib/base/buf.h"
#include "lib/codec/doc.h"

/* Entries that are missing or empty stay NULL. ERR_SYNTAX, with the entry in detail. */
MUST_USE enum err ca_secret_read(const struct doc *secret, struct ca_material *out,
                                 char detail[CA_DETAIL_MAX]);
/* The whole object, to be created. */
void ca_secret_write(struct slice namespace_name, struct slice name, const struct ca_material *m,
                     struct buf *out);
/* A merge patch that is refused (409) when the Secret is no longer of that version. */
void ca_secret_write_patch(struct slice resource_version, const struct ca_material *m,
                           struct buf *out);
