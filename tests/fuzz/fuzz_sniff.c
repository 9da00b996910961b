/* Sniffing: an answer that is not MORE is never taken back by more bytes, and what a TLS hello
 * gives lies within its own text. SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/http/sniff.h"

static bool lies_in(const struct sniff_hello *hello, struct slice s)
{
    return s.len == 0 ||
           (s.ptr >= hello->text && s.ptr + s.len <= hello->text + sizeof(hello->text));
}

static enum sniff_result sniff_prefix(const uint8_t *data, size_t len, struct sniff_hello *hello)
{
    uint8_t *copy = mem_alloc(len ? len : 1);
    memcpy(copy, data, len);
    enum sniff_result result = sniff_bytes(copy, len, hello);
    mem_free(copy);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct sniff_hello hello;
    enum sniff_result last = SNIFF_MORE, last_hello = SNIFF_MORE;
    if (len > 2048)
        len = 2048;
    for (size_t n = 0; n <= len; n++) {
        enum sniff_result result = sniff_prefix(data, n, NULL);
        enum sniff_result with_hello = sniff_prefix(data, n, &hello);
        if ((last != SNIFF_MORE && result != last) ||
            (last_hello != SNIFF_MORE && with_hello != last_hello) ||
            (with_hello != result && with_hello != SNIFF_MORE))
            abort();
        if (!lies_in(&hello, hello.sni) || hello.alpn_count > SNIFF_ALPN_MAX)
            abort();
        for (size_t i = 0; i < hello.alpn_count; i++) {
            if (!lies_in(&hello, hello.alpn[i]))
                abort();
        }
        last = result;
        last_hello = with_hello;
    }
    return 0;
}
