/* A whole snapshot as JSON, for people who look into a running sidecar. Keys and certificates are
 * not in it. Any thread that holds a reference.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"
#include "sidecar/config/snapshot.h"

/* One object, with a newline behind it. */
void snapshot_dump(const struct snapshot *s, struct buf *out);
