/* What a proxy makes of a request's head before anything decides by it: names that pretend to be
 * others, and whom it is from. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/forwarded.h"
#include "sidecar/config/client_conf.h"

enum client_head_name { CLIENT_HEAD_KEEP, CLIENT_HEAD_DROP, CLIENT_HEAD_REFUSE };

/* Does a field say whom a request is from, or by which road it came? */
bool client_head_is_claim(enum header_id id);
/* A field whose name is odd (lib/codec/http/header_fold.h). */
enum client_head_name client_head_judge(struct slice name,
                                        Weft__Config__V1__UnderscoresAction underscores);

struct client_head {
    bool has_claims, has_odd_names;
    uint32_t dropped; /* fields that were taken out */
};

/* One pass over the head, which takes out what is to be dropped. False: it is refused, and *why, in
 * the arena, says for which field. */
bool client_head_sift(struct headers *h, const struct client_conf *conf, struct arena *arena,
                      struct client_head *found, struct slice *why);

/* May that peer of the mesh (without "spiffe://"; empty: none) say whom requests are from? */
bool client_head_trusts(const struct client_conf *conf, struct slice principal);

/* May that client (NULL: nobody can tell who it is) of a gateway read why it was not served? */
bool client_head_may_read_reasons(const struct client_conf *conf, const struct addr *client);

/* The client by what the head says, for a proxy that is asked from outside (at_gateway) or beside
 * an app; is_trusted: the peer is, by its identity. *text: its address where a data plane of the
 * mesh has said it already; empty: nobody has. */
void client_head_find(struct forwarded *f, const struct headers *h, const struct addr *peer,
                      const struct client_conf *conf, bool at_gateway, bool is_trusted,
                      struct slice *text);

/* Where a listener of a gateway sends a request that came without TLS; empty: it may stay.
 * has_host: false where it would go, and says no host. */
struct slice client_head_https(const struct client_connection *conf, const struct message *request,
                               struct slice match_path, struct slice original_path,
                               struct arena *arena, bool *has_host);
