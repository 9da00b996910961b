/* What an Authorization header says of a signature: hmac or Signature, and parameters in quotes
 * (draft-cavage-http-signatures-12 §3.1). Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"

struct hmac_params {
    struct slice username, algorithm, headers, signature;
};

/* False: there is no such header, there are two, or it is malformed or not complete. */
bool hmac_params_read(const struct filter_exchange *x, struct hmac_params *out);
