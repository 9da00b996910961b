/* The table between wolfSSL's numbers and ours, with our own words for what an operator meets; any
 * other number keeps wolfSSL's text. Pure; any thread. Must not know of connections.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_err.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/tls/tls_priv.h"

#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

struct row {
    int code;
    enum err err;
    const char *text;
};

static const struct row codes[] = {
    {WANT_READ, ERR_AGAIN, "more bytes are needed"},
    {WANT_WRITE, ERR_AGAIN, "output is blocked"},
    {ZERO_RETURN, ERR_EOF, "the peer ended the session"},
    {ASN_AFTER_DATE_E, ERR_EXPIRED, "the certificate has expired"},
    {ASN_BEFORE_DATE_E, ERR_EXPIRED, "the certificate is not valid yet"},
    {ASN_NO_SIGNER_E, ERR_UNTRUSTED, "its issuer is not among the trusted roots"},
    {ASN_SELF_SIGNED_E, ERR_UNTRUSTED, "it is self-signed and not among the trusted roots"},
    {ASN_SIG_CONFIRM_E, ERR_UNTRUSTED, "its signature does not match its issuer's key"},
    {ASN_SIG_OID_E, ERR_UNTRUSTED, "its signature algorithm contradicts itself"},
    {ASN_SIG_HASH_E, ERR_UNTRUSTED, "its signature uses an unsupported hash"},
    {ASN_SIG_KEY_E, ERR_UNTRUSTED, "its signature algorithm does not fit its issuer's key"},
    {ASN_UNKNOWN_OID_E, ERR_UNTRUSTED, "it uses an unsupported algorithm"},
    {ASN_CRIT_EXT_E, ERR_UNTRUSTED, "it has an unknown critical extension"},
    {ASN_PATHLEN_INV_E, ERR_UNTRUSTED, "a CA of its chain may not sign that deep"},
    {ASN_PATHLEN_SIZE_E, ERR_UNTRUSTED, "its path length is out of range"},
    {ASN_NAME_INVALID_E, ERR_UNTRUSTED, "a name constraint of its chain forbids its name"},
    {ASN_VERSION_E, ERR_UNTRUSTED, "it is not an X.509 version 3 certificate"},
    {ASN_ALT_NAME_E, ERR_UNTRUSTED, "a subject alternative name is malformed"},
    {ASN_PARSE_E, ERR_UNTRUSTED, "it is malformed"},
    {MAX_CHAIN_ERROR, ERR_UNTRUSTED, "its chain is too long"},
    {NOT_CA_ERROR, ERR_UNTRUSTED, "an issuer of its chain is not a CA"},
    {NO_PEER_CERT, ERR_UNTRUSTED, "the peer showed no certificate"},
    {NO_PEER_VERIFY, ERR_UNTRUSTED, "the peer did not prove that it holds its certificate's key"},
    {VERIFY_CERT_ERROR, ERR_UNTRUSTED, "the certificate was refused"},
    {VERIFY_SIGN_ERROR, ERR_UNTRUSTED, "the peer does not hold its certificate's key"},
    {SIG_VERIFY_E, ERR_UNTRUSTED, "the peer does not hold its certificate's key"},
    {KEYUSAGE_E, ERR_UNTRUSTED, "its key usage contradicts its basic constraints"},
    {KEYUSE_SIGNATURE_E, ERR_UNTRUSTED, "its key usage does not allow digital signatures"},
    {EXTKEYUSE_AUTH_E, ERR_UNTRUSTED, "its extended key usage does not allow this end of TLS"},
    {ECC_KEY_SIZE_E, ERR_UNTRUSTED, "its elliptic curve key is too small"},
    {RSA_KEY_SIZE_E, ERR_UNTRUSTED, "its RSA key is too small"},
    {PEER_KEY_ERROR, ERR_UNTRUSTED, "its key is not usable"},
    {ASN_NO_PEM_HEADER, ERR_SYNTAX, "it is not PEM"},
    {VERSION_ERROR, ERR_PROTOCOL, "no TLS version in common"},
    {MATCH_SUITE_ERROR, ERR_PROTOCOL, "no cipher suite or key exchange in common"},
    {UNSUPPORTED_SUITE, ERR_PROTOCOL, "no cipher suite in common"},
    {KEY_SHARE_ERROR, ERR_PROTOCOL, "no key exchange in common"},
    {BAD_KEY_SHARE_DATA, ERR_PROTOCOL, "malformed or unsupported key share"},
    {UNKNOWN_ALPN_PROTOCOL_NAME_E, ERR_PROTOCOL, "no application protocol (ALPN) in common"},
    {UNKNOWN_SNI_HOST_NAME_E, ERR_PROTOCOL, "no certificate for the server name asked for"},
    {UNKNOWN_RECORD_TYPE, ERR_PROTOCOL, "not TLS: unknown record type"},
    {DECRYPT_ERROR, ERR_PROTOCOL, "a record does not decrypt"},
    {VERIFY_MAC_ERROR, ERR_PROTOCOL, "a record was altered on its way"},
    {AES_GCM_AUTH_E, ERR_PROTOCOL, "a record was altered on its way"},
    {MAC_CMP_FAILED_E, ERR_PROTOCOL, "a record was altered on its way"},
    {OUT_OF_ORDER_E, ERR_PROTOCOL, "a handshake message out of order"},
    {BUFFER_ERROR, ERR_PROTOCOL, "a malformed message"},
    {HANDSHAKE_SIZE_ERROR, ERR_PROTOCOL, "a handshake message above the size limit"},
    {ALERT_COUNT_E, ERR_PROTOCOL, "too many alerts"},
    {EMPTY_RECORD_LIMIT_E, ERR_PROTOCOL, "too many empty records"},
    {SOCKET_PEER_CLOSED_E, ERR_CLOSED, "the connection ended without a close_notify"},
    {WC_KEY_MISMATCH_E, ERR_INVALID, "private key and certificate do not belong together"},
};

static const struct row alerts[] = {
    {0, ERR_EOF, "close_notify"},
    {10, ERR_PROTOCOL, "unexpected_message"},
    {20, ERR_PROTOCOL, "bad_record_mac"},
    {22, ERR_PROTOCOL, "record_overflow"},
    {40, ERR_PROTOCOL, "handshake_failure (no parameters in common)"},
    {42, ERR_UNTRUSTED, "bad_certificate (it refuses our certificate)"},
    {43, ERR_UNTRUSTED, "unsupported_certificate (it refuses our certificate)"},
    {44, ERR_UNTRUSTED, "certificate_revoked (it refuses our certificate)"},
    {45, ERR_UNTRUSTED, "certificate_expired (it says ours has expired)"},
    {46, ERR_UNTRUSTED, "certificate_unknown (it refuses our certificate)"},
    {47, ERR_PROTOCOL, "illegal_parameter"},
    {48, ERR_UNTRUSTED, "unknown_ca (it does not trust our issuer)"},
    {49, ERR_DENIED, "access_denied"},
    {50, ERR_PROTOCOL, "decode_error"},
    {51, ERR_PROTOCOL, "decrypt_error"},
    {70, ERR_PROTOCOL, "protocol_version (no TLS version in common)"},
    {71, ERR_PROTOCOL, "insufficient_security"},
    {80, ERR_PROTOCOL, "internal_error"},
    {86, ERR_PROTOCOL, "inappropriate_fallback"},
    {90, ERR_CANCELED, "user_canceled"},
    {109, ERR_PROTOCOL, "missing_extension"},
    {110, ERR_PROTOCOL, "unsupported_extension"},
    {112, ERR_PROTOCOL, "unrecognized_name (it has no certificate for that name)"},
    {116, ERR_UNTRUSTED, "certificate_required (it wants a certificate from us)"},
    {120, ERR_PROTOCOL, "no_application_protocol (no ALPN in common)"},
};

static const struct row *find(const struct row *rows, size_t count, int code)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].code == code)
            return &rows[i];
    }
    return NULL;
}

static const struct row *find_code(int code)
{
    return find(codes, sizeof(codes) / sizeof(codes[0]), code);
}

static const struct row *find_alert(int description)
{
    return find(alerts, sizeof(alerts) / sizeof(alerts[0]), description);
}

enum err tls_err_from(int code)
{
    const struct row *row = find_code(code);
    return row ? row->err : ERR_PROTOCOL;
}

const char *tls_err_text(int code)
{
    const struct row *row = find_code(code);
    return row ? row->text : wolfSSL_ERR_reason_error_string((unsigned long)-(long)code);
}

const char *tls_err_alert_text(int description)
{
    const struct row *row = find_alert(description);
    return row ? row->text : "an unknown alert";
}

enum err tls_err_from_alert(int description)
{
    const struct row *row = find_alert(description);
    return row ? row->err : ERR_PROTOCOL;
}

enum err tls_err_say(enum err e, char detail[TLS_DETAIL_MAX], const char *format, ...)
{
    if (!detail)
        return e;
    va_list args;
    va_start(args, format);
    vsnprintf(detail, TLS_DETAIL_MAX, format, args);
    va_end(args);
    return e;
}
