/* The header of the PROXY protocol before everything else on a connection: from whom it may come,
 * how long it is waited for, and who the client is from then on. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/proxy/proxy_header.h"
#include "sidecar/session/session_priv.h"

bool session_proxy_is_due(const struct session *s)
{
    return !s->is_introduced &&
           session_client_conf(s)->connection.proxy == CLIENT_CONNECTION_PROXY_REQUIRED;
}

/* Where nobody is named whoever reaches the port is believed. */
static bool may_introduce(const struct session *s)
{
    const struct forwarded_trust *trust = &session_client_conf(s)->trust;
    bool is_named = trust->address_count == 0;
    for (uint32_t i = 0; !is_named && i < trust->address_count; i++)
        is_named = cidr_contains(&trust->addresses[i], &s->info.peer);
    return is_named;
}

/* Of a connection that the balancer makes for itself (a health check), or of a client whose address
 * it does not know, the peer stays who it is. */
static void introduce(struct session *s, const struct proxy_header *header)
{
    if (header->has_addresses)
        s->info.peer = header->from;
    s->is_introduced = true;
    buf_drain(&s->early, header->len);
    timer_stop(&s->timer);
    session_begin(s);
}

static void look(struct session *s)
{
    uint8_t gathered[PROXY_HEADER_MAX];
    struct proxy_header header;
    size_t len = s->early.len < sizeof(gathered) ? s->early.len : sizeof(gathered);
    buf_copy_out(&s->early, gathered, len);
    switch (proxy_header_parse(gathered, len, &header)) {
    case PROXY_MORE:
        break;
    case PROXY_BAD:
        session_refuse(s, header.bad);
        break;
    case PROXY_DONE:
        introduce(s, &header);
        break;
    }
}

static void on_data(struct stream *transport, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct session *s = transport->owner;
    buf_append_shared(&s->early, owner, data, len);
    look(s);
}

static void on_eof(struct stream *transport)
{
    struct session *s = transport->owner;
    if (s->early.len)
        session_refuse(s, "the connection ended within its PROXY header");
    else
        session_drop(s); /* many balancers ask in this way whether the port is open */
}

static void on_fail(struct stream *transport, enum err why)
{
    (void)why;
    session_drop(transport->owner);
}

static const struct stream_events events = {
    .on_data = on_data, .on_eof = on_eof, .on_fail = on_fail};

static void on_silence(struct timer *t)
{
    session_refuse(container_of(t, struct session, timer), "no PROXY header came in time");
}

void session_proxy_read(struct session *s)
{
    if (!may_introduce(s)) {
        session_refuse(s, "the port takes connections with a PROXY header from trustedAddresses "
                          "only");
        return;
    }
    timer_init(&s->timer, s->worker->loop, on_silence);
    timer_start(&s->timer, (uint64_t)session_client_conf(s)->connection.timeouts.request_head);
    stream_use(s->transport, &events, s);
    stream_read_start(s->transport);
}
