/* Names and texts of the errors in err.def, and the translation of errno into them. Pure; any
 * thread. Must not know any library but libc.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/err.h"

#include <errno.h>
#include <stddef.h>

static const char *const names[] = {
#define X(name, text) #name,
#include "lib/base/err.def"
#undef X
};

static const char *const texts[] = {
#define X(name, text) text,
#include "lib/base/err.def"
#undef X
};

const char *err_name(enum err e)
{
    if (e == ERR_OK)
        return "OK";
    int at = -1 - (int)e;
    return at >= 0 && at < (int)ERR_ORDINAL_COUNT ? names[at] : "UNKNOWN";
}

const char *err_text(enum err e)
{
    if (e == ERR_OK)
        return "ok";
    int at = -1 - (int)e;
    return at >= 0 && at < (int)ERR_ORDINAL_COUNT ? texts[at] : "unknown error";
}

struct errno_row {
    int code;
    enum err err;
};

static const struct errno_row errno_rows[] = {
    {EAGAIN, ERR_AGAIN},
    {EINPROGRESS, ERR_AGAIN},
    {EALREADY, ERR_AGAIN},
    {EINTR, ERR_AGAIN},
    {ENOTCONN, ERR_CLOSED},
    {EBADF, ERR_CLOSED},
    {ESHUTDOWN, ERR_CLOSED},
    {ECANCELED, ERR_CANCELED},
    {ETIMEDOUT, ERR_TIMEOUT},
    {ETIME, ERR_TIMEOUT},
    {ECONNREFUSED, ERR_REFUSED},
    {ECONNRESET, ERR_RESET},
    {ECONNABORTED, ERR_RESET},
    {ENETRESET, ERR_RESET},
    {EHOSTUNREACH, ERR_UNREACHABLE},
    {ENETUNREACH, ERR_UNREACHABLE},
    {EHOSTDOWN, ERR_UNREACHABLE},
    {ENETDOWN, ERR_UNREACHABLE},
    {EADDRNOTAVAIL, ERR_UNREACHABLE},
    {EPIPE, ERR_BROKEN_PIPE},
    {ENOENT, ERR_NOT_FOUND},
    {ENOTDIR, ERR_NOT_FOUND},
    {ENODEV, ERR_NOT_FOUND},
    {ENXIO, ERR_NOT_FOUND},
    {ESRCH, ERR_NOT_FOUND},
    {EEXIST, ERR_EXISTS},
    {EISCONN, ERR_EXISTS},
    {EMSGSIZE, ERR_LIMIT},
    {EFBIG, ERR_LIMIT},
    {E2BIG, ERR_LIMIT},
    {ENAMETOOLONG, ERR_LIMIT},
    {ENOBUFS, ERR_LIMIT},
    {ENOMEM, ERR_LIMIT},
    {ENOSPC, ERR_LIMIT},
    {EDQUOT, ERR_LIMIT},
    {ERANGE, ERR_LIMIT},
    {EOVERFLOW, ERR_LIMIT},
    {EILSEQ, ERR_SYNTAX},
    {EPROTO, ERR_PROTOCOL},
    {EBADMSG, ERR_PROTOCOL},
    {ENOSYS, ERR_UNSUPPORTED},
    {EOPNOTSUPP, ERR_UNSUPPORTED},
    {EAFNOSUPPORT, ERR_UNSUPPORTED},
    {EPROTONOSUPPORT, ERR_UNSUPPORTED},
    {ENOPROTOOPT, ERR_UNSUPPORTED},
    {EINVAL, ERR_INVALID},
    {EDOM, ERR_INVALID},
    {ENOTSOCK, ERR_INVALID},
    {EISDIR, ERR_INVALID},
    {ELOOP, ERR_INVALID},
    {EDESTADDRREQ, ERR_INVALID},
    {EACCES, ERR_DENIED},
    {EPERM, ERR_DENIED},
    {EROFS, ERR_DENIED},
    {EADDRINUSE, ERR_ADDR_IN_USE},
    {EMFILE, ERR_FILES},
    {ENFILE, ERR_FILES},
    {EBUSY, ERR_BUSY},
    {ETXTBSY, ERR_BUSY},
};

enum err err_from_errno(int code)
{
    if (code == 0)
        return ERR_OK;
    for (size_t i = 0; i < sizeof(errno_rows) / sizeof(errno_rows[0]); i++) {
        if (errno_rows[i].code == code)
            return errno_rows[i].err;
    }
    return ERR_IO;
}
