/* Ed25519 by wolfCrypt. The feature is switched on for this file alone: what the archive has of it
 * was built so, and structures that others share with it do not depend on it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/ed25519.h"

#include <wolfssl/options.h>
#ifndef HAVE_ED25519
#define HAVE_ED25519
#define NO_ED25519_SIGN
#endif
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/ed25519.h>

static bool open_key(struct slice public_key, bool is_checked, ed25519_key *key)
{
    if (public_key.len != ED25519_PUBLIC_SIZE || wc_ed25519_init(key))
        return false;
    if (wc_ed25519_import_public_ex((const byte *)public_key.ptr, ED25519_PUBLIC_SIZE, key,
                                    is_checked) == 0)
        return true;
    wc_ed25519_free(key);
    return false;
}

bool ed25519_is_key(struct slice public_key)
{
    ed25519_key key;
    if (!open_key(public_key, false, &key))
        return false;
    wc_ed25519_free(&key);
    return true;
}

bool ed25519_is_good(struct slice public_key, struct slice text, struct slice signature)
{
    ed25519_key key;
    int is_good = 0;
    if (signature.len != ED25519_SIGNATURE_SIZE || !open_key(public_key, true, &key))
        return false;
    int code = wc_ed25519_verify_msg((const byte *)signature.ptr, ED25519_SIGNATURE_SIZE,
                                     (const byte *)text.ptr, (word32)text.len, &is_good, &key);
    wc_ed25519_free(&key);
    return code == 0 && is_good == 1;
}
