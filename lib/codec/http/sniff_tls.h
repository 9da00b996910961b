/* Reading the first flight of a TLS client without speaking TLS. For sniff.c.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/sniff.h"

/* SNIFF_TLS, SNIFF_MORE, or SNIFF_OPAQUE for "not TLS". `hello` as in sniff_bytes, already cleared.
 */
enum sniff_result sniff_tls(const uint8_t *data, size_t len, struct sniff_hello *hello);
