/* ClientHellos: an answer that is not AGAIN is never taken back by more bytes, and a server name is
 * always a lower-case host name.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/tls_hello.h"

static enum err parse_prefix(const uint8_t *data, size_t len, struct tls_hello *out)
{
    char why[TLS_DETAIL_MAX];
    uint8_t *copy = mem_alloc(len ? len : 1);
    memcpy(copy, data, len);
    enum err e = tls_hello_parse(copy, len, out, why);
    mem_free(copy);
    return e;
}

static void check_name(const char *name)
{
    for (; *name; name++) {
        bool fine = (*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9') ||
                    strchr("-._", *name);
        if (!fine)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tls_hello hello, final;
    enum err last = ERR_AGAIN;
    if (len > 3000)
        len = 3000;
    for (size_t n = 0; n <= len; n++) {
        enum err e = parse_prefix(data, n, &hello);
        check_name(hello.sni);
        if (last != ERR_AGAIN && (e != last || strcmp(hello.sni, final.sni) != 0))
            abort();
        last = e;
        final = hello;
    }
    return 0;
}
