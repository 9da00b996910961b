/* See app_purge.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/app_purge.h"

#include <stdio.h>

#include "filters/keep.h"
#include "lib/base/mem.h"
#include "lib/base/percent.h"
#include "sidecar/control/admin.h"
#include "sidecar/control/app_priv.h"
#include "sidecar/source/source_folder.h"
#include "sidecar/source/source_stream.h"

static void purge(struct app *app, struct admin_request *request, const struct filter_purge *what)
{
    char text[64];
    unsigned count = app->source   ? source_folder_purge(app->source, what)
                     : app->stream ? source_stream_purge(app->stream, what)
                                   : 0;
    snprintf(text, sizeof text, "%u response%s forgotten", count, count == 1 ? " is" : "s are");
    admin_reply_text(request, 200, text);
}

void app_purge_post(void *owner, struct admin_request *request)
{
    struct slice url = admin_query(request, "url"), prefix = admin_query(request, "prefix");
    bool is_all = slice_eq_cstr(admin_query(request, "all"), "true");
    if (!!url.len + !!prefix.len + is_all != 1) {
        admin_reply_text(request, 400, "needs ?url=, ?prefix= (percent-encoded) or ?all=true");
        return;
    }
    struct filter_purge what = {.url = url.len ? url : prefix, .is_prefix = prefix.len > 0};
    char *decoded = mem_alloc(what.url.len + 1);
    what.url = percent_decode(what.url, decoded);
    purge(owner, request, &what);
    mem_free(decoded);
}
