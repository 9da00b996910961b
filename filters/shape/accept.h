/* Which of several forms of an answer a client would rather have (RFC 9110 §12.5.1). Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/message.h"

/* Thousandths: how much the client wants that type ("text/html"), by its Accept fields; 0: not at
 * all. Without any it wants everything. */
unsigned accept_quality(const struct headers *h, struct slice type);
/* The same of a content coding ("br"), by its Accept-Encoding fields (RFC 9110 §12.5.3). What they
 * do not name is not wanted, unless they say "*"; but for "identity", which is wanted least then.
 */
unsigned accept_coding_quality(const struct headers *h, struct slice coding);
