/* Commands for a Redis or Valkey server: an array of bulk strings, which RESP2 and RESP3 share.
 * Words may hold any bytes. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"

/* A command of `count` words; as many resp_write_word follow. */
void resp_write_head(struct buf *out, size_t count);
void resp_write_word(struct buf *out, struct slice word);
void resp_write_words(struct buf *out, const struct slice *words, size_t count);
