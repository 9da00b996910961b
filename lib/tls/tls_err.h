/* wolfSSL's error numbers as ours, and as sentences.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "lib/tls/tls_ctx.h"

/* code: negative, from wolfSSL_get_error or a wolfCrypt function. Never ERR_OK. */
enum err tls_err_from(int code);
/* What it means, for the middle of a sentence: "its certificate has expired". Never NULL; static.
 */
const char *tls_err_text(int code);
/* A fatal alert of the peer (RFC 8446 §6.2): what it says of us. Never NULL; static. */
const char *tls_err_alert_text(int description);
enum err tls_err_from_alert(int description);
/* Formats into detail (may be NULL) and returns e, for one-line failures. */
enum err tls_err_say(enum err e, char detail[TLS_DETAIL_MAX], const char *format, ...)
    __attribute__((format(printf, 3, 4)));
