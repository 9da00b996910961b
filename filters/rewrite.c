/* rewrite: another host, another path, before the request is sent on, as the Gateway API's
 * URLRewrite says.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/route_filters.h"
#include "lib/schema/schema_format.h"

/* ---- what users write ---- */

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct rewrite_spec, hostname, "hostname", STRING,
                 "Host that the backend sees.", .format = &schema_format_precise_hostname),
    SCHEMA_FIELD(struct rewrite_spec, path, "path", OBJECT, "Path that the backend sees.",
                 .object = &path_modifier_schema),
    {0},
};

const struct schema rewrite_schema = {
    .name = "HTTPURLRewriteFilter",
    .doc = "Changes host or path of the request on its way to the backend.",
    .size = sizeof(struct rewrite_spec),
    .fields = fields,
};

/* ---- what is made of it ---- */

struct conf {
    struct slice hostname; /* empty: as it is */
    struct path_modifier path;
};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct rewrite_spec *s = spec;
    struct conf *c = conf;
    (void)b;
    *c = (struct conf){.hostname = s->hostname, .path = path_modifier_of(s->path)};
    return ERR_OK;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    struct slice path = path_modifier_describe(arena, &c->path, prefix);
    return arena_printf(arena, "rewrite%s%.*s%s%.*s", c->hostname.len ? " host to " : "",
                        SLICE_ARG(c->hostname), c->hostname.len && path.len ? "," : "",
                        SLICE_ARG(path));
}

/* ---- hooks ---- */

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct message *request = x->request;
    (void)ctx;
    if (c->hostname.len)
        request->authority = c->hostname;
    if (c->path.kind != PATH_KEEP)
        request->path = path_modifier_apply(&c->path, x, request->path);
    return FILTER_NEXT;
}

const struct filter filter_rewrite = {
    .name = "rewrite",
    .doc = "Changes the host or the path that the backend sees.",
    .phase = FILTER_PHASE_TRANSFORM,
    .spec = &rewrite_schema,
    .conf_size = sizeof(struct conf),
    .prepare = prepare,
    .on_request = on_request,
    .describe = describe,
    .is_pure = true,
};
