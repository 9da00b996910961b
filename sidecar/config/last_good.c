/* A configuration as one file. Control thread; blocks on files. Must not know where configurations
 * come from.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/last_good.h"

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/file.h"

#define LAST_GOOD_MAX (64u * 1024 * 1024)

/* Private keys of gateways are in it: for this user's eyes only. */
void last_good_keep(const char *path, const void *packed, size_t len)
{
    if (!path)
        return;
    enum err e = file_write_atomic(path, packed, len, 0600);
    if (e != ERR_OK)
        LOG_W("config", "%s: cannot keep the configuration: %s", path, err_text(e));
}

enum err last_good_load(const char *path, Weft__Config__V1__Configuration **out)
{
    char *packed;
    size_t len;
    if (!path)
        return ERR_NOT_FOUND;
    enum err e = file_read(path, LAST_GOOD_MAX, &packed, &len);
    if (e != ERR_OK)
        return e;
    *out = weft__config__v1__configuration__unpack(NULL, len, (const uint8_t *)packed);
    mem_free(packed);
    return *out ? ERR_OK : ERR_SYNTAX;
}
