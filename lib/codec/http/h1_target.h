/* The four forms of a request target (RFC 9112 §3.2) and its agreement with Host.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/h1_head.h"

/* Fills authority and path. `host` is the value of the only Host field; its ptr is NULL when there
 * was none. */
enum h1_bad h1_target_check(struct h1_head *h, struct slice scheme, struct slice host);
