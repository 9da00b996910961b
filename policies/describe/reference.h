/* The reference of everything that people write, as a Markdown page made from the schema tables.
 * Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"

void reference_write(struct buf *to);
