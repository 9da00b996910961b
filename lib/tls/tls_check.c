/* A handshake with ourselves. Pure but for the library's clock, which it needs for dates; any
 * thread. Must not know what the contexts are for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_check.h"

#include "lib/base/mem.h"
#include "lib/tls/tls_err.h"

enum { ROUNDS_MAX = 64 };

/* Moves everything `from` wants to send into `to`, which goes on with its handshake, or reads. */
static enum err push(struct tls_conn *from, struct tls_conn *to, enum err before, bool *moved)
{
    struct buf *out = tls_conn_out(from);
    size_t len = out->len, n;
    uint8_t plain[16];
    if (len == 0)
        return before;
    *moved = true;
    uint8_t *bytes = mem_alloc(len);
    buf_copy_out(out, bytes, len);
    buf_drain(out, len);
    tls_conn_feed(to, bytes, len);
    enum err e = tls_conn_handshake(to);
    if (e == ERR_OK) {
        /* A refusal of our certificate arrives as the first thing to read. */
        enum err got = tls_conn_read(to, plain, sizeof(plain), &n);
        e = got == ERR_AGAIN ? ERR_OK : got;
    }
    tls_conn_feed(to, NULL, 0);
    mem_free(bytes);
    return e;
}

static bool is_failure(enum err e)
{
    return e != ERR_OK && e != ERR_AGAIN;
}

static enum err tell(const struct tls_conn *c, enum err e, char detail[TLS_DETAIL_MAX])
{
    const char *why = tls_conn_detail(c);
    return tls_err_say(e, detail, "%.*s", TLS_DETAIL_MAX - 1, why ? why : err_text(e));
}

enum err tls_check_pair(struct tls_ctx *client, struct tls_ctx *server,
                        const struct tls_conn_options *options, char detail[TLS_DETAIL_MAX])
{
    struct tls_conn *c = tls_conn_create(client, options), *s = tls_conn_create(server, NULL);
    enum err from_client = tls_conn_handshake(c), from_server = ERR_AGAIN, e;
    bool moved = true;
    for (int i = 0; moved && i < ROUNDS_MAX; i++) {
        moved = false;
        if (!is_failure(from_server))
            from_server = push(c, s, from_server, &moved);
        /* The end that refuses first knows why; the other only gets its alert. */
        if (is_failure(from_server))
            break;
        from_client = push(s, c, from_client, &moved);
        if (is_failure(from_client))
            break;
    }
    if (is_failure(from_server))
        e = tell(s, from_server, detail);
    else if (from_client || from_server)
        e = tell(c, is_failure(from_client) ? from_client : ERR_PROTOCOL, detail);
    else
        e = ERR_OK;
    tls_conn_destroy(c);
    tls_conn_destroy(s);
    return e;
}
