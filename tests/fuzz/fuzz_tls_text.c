/* SPIFFE IDs and PEM: what is accepted reads back as it was written.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/pem.h"
#include "lib/tls/spiffe.h"

static void try_spiffe(struct slice text)
{
    struct spiffe_id id;
    if (spiffe_parse(text, &id))
        return;
    char *again = mem_printf("spiffe://%.*s%.*s", SLICE_ARG(id.trust_domain), SLICE_ARG(id.path));
    if (!slice_eq_cstr(text, again) || (id.ns.len == 0) != (id.sa.len == 0))
        abort();
    mem_free(again);
}

static void try_pem(struct slice text)
{
    struct pem_block block;
    while (pem_next(&text, &block) == ERR_OK) {
        uint8_t *der, *back;
        size_t len, back_len;
        if (pem_decode(&block, &der, &len))
            continue;
        char *again = pem_encode("X", slice_of(der, len));
        if (pem_find(slice_from_cstr(again), "X", NULL, &back, &back_len) || back_len != len ||
            memcmp(der, back, len) != 0)
            abort();
        mem_free(again);
        mem_free(back);
        mem_free(der);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *copy = mem_alloc(len ? len : 1);
    memcpy(copy, data, len);
    try_spiffe(slice_of(copy, len));
    try_pem(slice_of(copy, len));
    mem_free(copy);
    return 0;
}
