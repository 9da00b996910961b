/* Headers between sidecars: in which version the client spoke, and on whose behalf.
 * Worker thread. Must not know requests.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/exchange/mesh_headers.h"

#include "sidecar/control/settings.h"

static struct slice version_text(enum http_version version)
{
    return version == HTTP_2 ? SLICE("2") : version == HTTP_1_0 ? SLICE("1.0") : SLICE("1.1");
}

static bool is_ours(const struct header *item)
{
    return item->id == HEADER_WEFT_HTTP_VERSION || item->id == HEADER_WEFT_SOURCE ||
           item->id == HEADER_WEFT_CLIENT;
}

void mesh_headers_remove(struct headers *h)
{
    headers_remove_if(h, is_ours);
}

void mesh_headers_add(struct headers *h, enum http_version version, const struct settings *s)
{
    headers_add_id(h, HEADER_WEFT_HTTP_VERSION, version_text(version));
    headers_add_id(h, HEADER_WEFT_SOURCE, slice_from_cstr(s->source_label));
}
