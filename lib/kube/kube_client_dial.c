/* A connection to the API server: its name into addresses, TCP to one after the other, TLS, and
 * HTTP/2 where the server speaks it. On the client's loop. Must not know requests.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/tcp.h"
#include "lib/kube/kube_client_priv.h"
#include "lib/net/tls_stream.h"
#include "lib/tls/tls_roots.h"

enum { CONNECT_MS = 5000 };

static void dial_next(struct kube_client *c);

bool kube_dial_is_running(const struct kube_client *c)
{
    return c->dial.resolve || c->dial.stream;
}

void kube_dial_stop(struct kube_client *c)
{
    if (c->dial.resolve)
        resolve_cancel(c->dial.resolve);
    if (c->dial.stream)
        stream_close(c->dial.stream);
    c->dial.resolve = NULL;
    c->dial.stream = NULL;
}

/* This address was nothing. */
static void give_up(struct kube_client *c, enum err why, const char *detail)
{
    char ip[ADDR_TEXT_MAX];
    char *text = NULL;
    struct kube_dial *d = &c->dial;
    if (d->next >= d->count)
        text = mem_printf("%s (%s): %s", c->url, addr_format(&d->addrs[d->next - 1], ip),
                          detail ? detail : err_text(why));
    kube_dial_stop(c);
    if (text)
        kube_client_dial_failed(c, text);
    else
        dial_next(c);
}

static void on_open(struct stream *s)
{
    struct kube_client *c = s->owner;
    struct stream_info info;
    stream_info(s, &info);
    bool h2 = slice_eq(info.alpn, SLICE("h2"));
    c->dial.stream = NULL;
    kube_client_add_conn(c, s, h2 ? HTTP_PROTOCOL_2 : HTTP_PROTOCOL_1);
}

static void on_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    (void)s;
    (void)owner;
    (void)data;
    (void)len;
}

static void on_eof(struct stream *s)
{
    give_up(s->owner, ERR_CLOSED, NULL);
}

static void on_fail(struct stream *s, enum err why)
{
    struct stream_info info;
    stream_info(s, &info);
    give_up(s->owner, why, info.fail_detail);
}

static void dial_next(struct kube_client *c)
{
    static const struct stream_events events = {
        .on_open = on_open,
        .on_data = on_data,
        .on_eof = on_eof,
        .on_fail = on_fail,
    };
    struct tcp_dial_options tcp = {.timeout_ms = CONNECT_MS};
    struct tls_stream_options tls = {.server_name = slice_from_cstr(c->config.server_name)};
    struct kube_dial *d = &c->dial;
    struct addr *to = &d->addrs[d->next++];
    struct stream *s = d->connect ? d->connect(d->connect_owner, to, &events, c)
                                  : tcp_dial(c->loop, to, &tcp, &events, c);
    d->stream = tls_stream_create(s, c->tls, &tls, NULL, &events, c);
}

static void on_addresses(void *owner, enum err e, const struct addr *addrs, size_t count,
                         uint32_t ttl_s)
{
    struct kube_client *c = owner;
    (void)ttl_s;
    c->dial.resolve = NULL;
    if (e) {
        kube_client_dial_failed(c, mem_printf("%s: the name '%s' cannot be resolved: %s", c->url,
                                              c->config.host, err_text(e)));
        return;
    }
    memcpy(c->dial.addrs, addrs, count * sizeof(*addrs));
    c->dial.count = count;
    c->dial.next = 0;
    dial_next(c);
}

static enum err make_tls(struct kube_client *c, char detail[TLS_DETAIL_MAX])
{
    static const char *const any[] = {"h2", "http/1.1", NULL}, *const http1[] = {"http/1.1", NULL};
    struct tls_roots_report report = {0};
    struct tls_client_config config = {
        .roots_pem = slice_from_cstr(c->config.roots_pem),
        .alpn = c->config.http1 ? http1 : any,
        .cert_chain_pem = slice_from_cstr(c->config.client_cert_pem),
        .key_pem = slice_from_cstr(c->config.client_key_pem),
        .roots_report = &report,
    };
    enum err e = c->tls ? ERR_OK : tls_ctx_create_client(&config, &c->tls, detail);
    if (!e && report.skipped)
        LOG_W("kube", "of the API server's roots is left out: %s", report.text);
    return e;
}

void kube_dial_start(struct kube_client *c)
{
    char detail[TLS_DETAIL_MAX];
    if (make_tls(c, detail)) {
        kube_client_dial_failed(c, mem_printf("%s: %s", c->url, detail));
        return;
    }
    c->dial.resolve =
        resolve_start(c->loop, slice_from_cstr(c->config.host), c->config.port, on_addresses, c);
}
