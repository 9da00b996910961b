/* A user's name and password in the Authorization header (RFC 7617).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/slice.h"

struct filter_exchange;

/* In the exchange's arena. False: there is no such header, there are two, or it is not of the form
 * that the RFC has; or the password has more than password_max bytes. */
bool basic_credentials_read(const struct filter_exchange *x, size_t password_max,
                            struct slice *name, struct slice *password);
