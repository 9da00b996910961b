/* Bytes at a mesh server's listener, in pieces of the size that the first byte says: it may ask for
 * more or refuse, with a sentence, and never has a peer.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/tls_conn.h"
#include "tests/unit/lib/tls/pki.h"

static struct tls_ctx *server(void)
{
    static struct tls_ctx *ctx;
    if (!ctx) {
        struct pki pki;
        pki_init(&pki);
        struct pki_leaf leaf = pki_svid(&pki, PKI_SERVER_ID);
        ctx = pki_server(&pki, &leaf);
        pki_leaf_dispose(&leaf);
        pki_dispose(&pki);
    }
    return ctx;
}

static enum err feed(struct tls_conn *c, const uint8_t *data, size_t len)
{
    uint8_t *copy = mem_alloc(len);
    memcpy(copy, data, len);
    tls_conn_feed(c, copy, len);
    enum err e = tls_conn_handshake(c);
    tls_conn_feed(c, NULL, 0);
    mem_free(copy);
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2 || len > 20000)
        return 0;
    struct tls_conn *c = tls_conn_create(server(), NULL);
    size_t piece = data[0] ? data[0] * 16u : 20000;
    enum err e = ERR_AGAIN;
    for (size_t at = 1; at < len && e == ERR_AGAIN; at += piece)
        e = feed(c, data + at, len - at < piece ? len - at : piece);
    if (e == ERR_OK || tls_conn_peer(c) || (e != ERR_AGAIN && !tls_conn_detail(c)))
        abort();
    tls_conn_destroy(c);
    return 0;
}
