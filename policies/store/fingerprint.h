/* A number that changes when a document changes in a field that is read, and not otherwise: not for
 * what others write (status, managed fields, the version of the object). Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema.h"

uint64_t fingerprint_of(const struct schema *schema, const struct doc *root);
