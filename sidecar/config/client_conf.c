/* From the ClientTraffic message to struct client_conf. Control thread. Must not know whose
 * connections it is for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/client_conf.h"

#include "lib/codec/doc/doc_json.h"
#include "lib/schema/schema_layer.h"
#include "policies/compile/compile.h"
#include "sidecar/config/match_conf.h"
#include "sidecar/config/traffic_conf.h"

#define REJECT WEFT__CONFIG__V1__UNDERSCORES_ACTION__UNDERSCORES_REJECT
#define ALWAYS WEFT__CONFIG__V1__FAILURE_DETAILS__FAILURE_DETAILS_ALWAYS

static enum err take_limits(const struct part_build *b, const Weft__Config__V1__ClientLimits *from,
                            struct client_limits_conf *to)
{
    if (!from || !from->max_target_bytes || !from->max_header_bytes || !from->max_headers)
        return part_refuse(b, "client_traffic: limits are incomplete");
    to->max_target_bytes = from->max_target_bytes;
    to->max_header_bytes = from->max_header_bytes;
    to->max_headers = from->max_headers;
    return ERR_OK;
}

static enum err take_trust(const struct part_build *b, const Weft__Config__V1__ClientTrust *from,
                           struct client_conf *to)
{
    if (!from)
        return ERR_OK; /* nobody is trusted */
    struct cidr *addresses = part_array(b->part, from->n_addresses, sizeof(*addresses));
    to->trust = (struct forwarded_trust){from->hops, addresses, (uint32_t)from->n_addresses};
    to->identity_count = (uint32_t)from->n_identities;
    for (size_t i = 0; i < from->n_addresses; i++) {
        const char *text = from->addresses[i]->text;
        if (cidr_parse(slice_from_cstr(text), &addresses[i]))
            return part_refuse(b, "\"%s\" is not an address or a prefix without host bits", text);
    }
    return match_conf_strings(b, from->identities, from->n_identities, &to->identities);
}

/* What an older control plane does not know has its fallback; what a newer one says and we do not
 * know is refused, and what was in force stays so. */
static enum err take_connection(const struct part_build *b, const char *text,
                                struct client_connection *to)
{
    const struct doc *doc = NULL;
    struct doc_error error;
    struct diag_list diags;
    struct schema_run run = {.arena = &b->part->arena, .diags = &diags, .is_wire = true};
    enum err e = ERR_OK;
    struct slice copy = part_text(b->part, text); /* what is read borrows from it */
    if (copy.len && doc_json_parse(copy, &b->part->arena, &doc, &error))
        return part_refuse(b, "client_traffic: spec: %s", error.text);
    diag_list_init(&diags);
    schema_parse(&run, &client_connection_schema, doc, to);
    if (run.errors) {
        const struct diag *first = container_of(diags.items.next, struct diag, node);
        e = part_refuse(b, "client_traffic: %.*s: %.*s", SLICE_ARG(first->path),
                        SLICE_ARG(first->text));
    }
    diag_list_dispose(&diags);
    schema_layer_settle(&client_connection_schema, to);
    return e;
}

/* Each section of the message has its line here. */
static enum err take_all(const struct part_build *b, const Weft__Config__V1__ClientTraffic *from,
                         struct client_conf *to)
{
    enum err e = take_limits(b, from->limits, &to->limits);
    to->underscores = from->underscores;
    to->details = from->failure_details;
    to->keepalive = traffic_conf_keepalive(from->keepalive);
    to->http2_keepalive = traffic_conf_http2_keepalive(from->http2_keepalive);
    if (!e && (unsigned)from->underscores > REJECT)
        e = part_refuse(b, "client_traffic: unknown underscores action %d", (int)from->underscores);
    if (!e && (unsigned)from->failure_details > ALWAYS)
        e = part_refuse(b, "client_traffic: unknown failure details %d",
                        (int)from->failure_details);
    if (!e)
        e = take_connection(b, from->spec, &to->connection);
    return e ? e : take_trust(b, from->trust, to);
}

enum err client_conf_create(const struct part_build *b, const Weft__Config__V1__ClientTraffic *from,
                            const struct client_conf **out)
{
    *out = NULL;
    if (!from)
        return ERR_OK;
    struct client_conf *conf = part_array(b->part, 1, sizeof(*conf));
    *out = conf;
    return take_all(b, from, conf);
}

enum err client_conf_create_fallback(const struct part_build *b, const struct client_conf **out)
{
    return client_conf_create(b, compile_client_traffic_fallback(&b->part->arena), out);
}
