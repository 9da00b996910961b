/* Writes JSON into a buf, escaping as it goes; invalid UTF-8 becomes U+FFFD. Commas and colons are
 * its business.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

struct json_write {
    struct buf *out;
    bool need_comma;
};

void json_write_init(struct json_write *w, struct buf *out);
void json_write_object(struct json_write *w);
void json_write_object_end(struct json_write *w);
void json_write_array(struct json_write *w);
void json_write_array_end(struct json_write *w);
void json_write_key(struct json_write *w, const char *key);
void json_write_string(struct json_write *w, struct slice value);
void json_write_i64(struct json_write *w, int64_t value);
void json_write_f64(struct json_write *w, double value);
void json_write_bool(struct json_write *w, bool value);
void json_write_null(struct json_write *w);

/* A key and its value in one call. */
void json_write_field(struct json_write *w, const char *key, struct slice value);
void json_write_field_u64(struct json_write *w, const char *key, uint64_t value);
void json_write_field_bool(struct json_write *w, const char *key, bool value);
