/* Does a private key belong to a certificate? Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/slice.h"

/* The first certificate of the chain, whatever else is in it: names that wolfSSL would not take
 * from a peer ("URI:*") are our user's own business. RSA and ECDSA keys, unencrypted. */
bool tls_key_match(struct slice chain_pem, struct slice key_pem);
