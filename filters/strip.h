/* Headers that must not go on to the backend: credentials, and what only a filter may say. Worker
 * thread. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"

/* Removes the request's headers of that name (in lower case), also under the spellings that some
 * servers take for it (lib/codec/http/header_fold.h). */
void strip_header(struct filter_exchange *x, struct slice name);
/* Those spellings alone. */
void strip_disguises(struct filter_exchange *x, struct slice name);
/* The access log shows the path without the query parameters of these names, whatever becomes of
 * the request. */
void strip_logged_query(struct filter_exchange *x, const struct slice *names, size_t count);
