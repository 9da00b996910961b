/* Starting the TLS library: once per process, before threads. Its memory comes from lib/base/mem,
 * so that records cost no libc allocation. Must not know of contexts.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"
#include "lib/tls/tls_ctx.h"
#include "lib/tls/tls_priv.h"

static void *allocate(size_t size)
{
    return mem_alloc(size);
}

static void release(void *block)
{
    mem_free(block);
}

static void *resize(void *block, size_t size)
{
    return mem_realloc(block, size);
}

enum err tls_lib_init(void)
{
    static bool is_done;
    if (is_done)
        return ERR_OK;
    if (wolfSSL_SetAllocators(allocate, release, resize) != 0 || wolfSSL_Init() != WOLFSSL_SUCCESS)
        return ERR_CRYPTO;
    is_done = true;
    return ERR_OK;
}
