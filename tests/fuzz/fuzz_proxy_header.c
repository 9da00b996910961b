/* PROXY headers: an answer that is not MORE is never taken back by more bytes, what is whole lies
 * within what came and within the limits, and addresses survive being written and read again.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/proxy/proxy_header.h"

static enum proxy_result parse(const uint8_t *data, size_t len, struct proxy_header *out)
{
    uint8_t *copy = mem_alloc(len ? len : 1);
    memcpy(copy, data, len);
    enum proxy_result result = proxy_header_parse(copy, len, out);
    mem_free(copy);
    return result;
}

static void check_way_back(const struct proxy_header *h)
{
    uint8_t text[PROXY_HEADER_WRITE_MAX];
    struct proxy_header again;
    for (unsigned version = 1; version <= 2; version++) {
        size_t len = proxy_header_write(version, &h->from, &h->to, text);
        if (proxy_header_parse(text, len, &again) != PROXY_DONE || again.len != len)
            abort();
        if (again.has_addresses && (!addr_eq(&again.from, &h->from) || !addr_eq(&again.to, &h->to)))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct proxy_header h, before = {0};
    enum proxy_result last = PROXY_MORE;
    for (size_t n = 0; n <= len && n <= 512; n++) {
        enum proxy_result result = parse(data, n, &h);
        if (last != PROXY_MORE && (result != last || h.len != before.len))
            abort();
        if (result == PROXY_DONE && (h.len > n || h.len > PROXY_HEADER_MAX))
            abort();
        if ((result == PROXY_BAD) != (h.bad != NULL))
            abort();
        last = result;
        before = h;
    }
    if (last == PROXY_DONE && before.has_addresses)
        check_way_back(&before);
    if (parse(data, len, &h) == PROXY_DONE && h.len > len)
        abort();
    return 0;
}
