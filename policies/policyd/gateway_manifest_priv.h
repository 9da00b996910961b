/* What the objects of a Gateway's data plane have in common, for the gateway_manifest*.c files.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/json_write.h"
#include "policies/policyd/gateway_manifest.h"

static inline void open_object(struct json_write *w, const char *key)
{
    json_write_key(w, key);
    json_write_object(w);
}

static inline void open_array(struct json_write *w, const char *key)
{
    json_write_key(w, key);
    json_write_array(w);
}

static inline void put_text(struct json_write *w, const char *key, const char *value)
{
    json_write_field(w, key, slice_from_cstr(value));
}

/* Up to the end of the object's metadata. annotations: of its own; may be NULL. */
void gateway_manifest_begin(const struct gateway_manifest *m, struct json_write *w, struct buf *to,
                            const char *api_version, const char *kind,
                            const struct schema_list *annotations);
/* "labels", which the pods have too. */
void gateway_manifest_put_labels(const struct gateway_manifest *m, struct json_write *w);
/* What tells its pods from others. */
void gateway_manifest_put_selector(const struct gateway_manifest *m, struct json_write *w,
                                   const char *key);
/* The rest of an object of texts that has been opened: struct schema_pair, but for those that
 * is_own. is_own may be NULL. */
void gateway_manifest_put_pairs(struct json_write *w, const struct schema_list *pairs,
                                bool (*is_own)(struct slice key));
/* The Gateway's annotations for all its objects, and `more` of this one's own, which win;
 * more may be NULL. */
void gateway_manifest_put_annotations(const struct gateway_manifest *m, struct json_write *w,
                                      const struct schema_list *more,
                                      bool (*is_own)(struct slice key));
/* What an annotation of the Gateway says; empty: nothing. */
struct slice gateway_manifest_said(const struct gateway_manifest *m, const char *annotation);
