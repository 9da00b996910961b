/* Translates libuv's negative status codes. On Unix they are -errno, but for the end of a stream
 * and the resolver's own range. Pure, any thread. Must not know streams or loops.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/uv_err.h"

#include <string.h>
#include <uv.h>

enum err err_from_uv(int status)
{
    if (status >= 0)
        return ERR_OK;
    if (status == UV_EOF)
        return ERR_EOF;
    if (status <= UV_EAI_ADDRFAMILY && status >= UV_EAI_PROTOCOL)
        return ERR_DNS;
    return err_from_errno(-status);
}

/* Not uv_strerror, which allocates for codes it does not know. */
const char *uv_err_text(int status)
{
    const char *text = status < 0 && status != UV_EOF ? strerrordesc_np(-status) : NULL;
    return text ? text : err_text(err_from_uv(status));
}
