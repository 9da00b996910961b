/* The list of credential types, and what they share. SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/credential.h"

#include <stdarg.h>
#include <stdio.h>

#define CREDENTIAL(symbol, stem, name) extern const struct credential_kind credential_kind_##stem;
#include "filters/caller/credential.def"
#undef CREDENTIAL

const struct credential_kind *const credential_kinds[CREDENTIAL_COUNT] = {
#define CREDENTIAL(symbol, stem, name) &credential_kind_##stem,
#include "filters/caller/credential.def"
#undef CREDENTIAL
};

bool credential_refuse(struct credential_build *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(b->why, sizeof b->why, format, args);
    va_end(args);
    return false;
}

bool credential_take_secret(struct credential_build *b, enum schema_ref_kind kind,
                            const struct schema_ref *ref, struct slice *out)
{
    struct slice value = b->resolve(b, kind, ref);
    if (!value.ptr)
        return false;
    if (!value.len)
        return credential_refuse(b, "the value under %.*s is empty", SLICE_ARG(ref->key));
    char last = value.ptr[value.len - 1];
    if (last == '\n' || last == '\r')
        return credential_refuse(b, "the value under %.*s ends with a line break",
                                 SLICE_ARG(ref->key));
    *out = value;
    return true;
}

struct slice credential_name_of_ref(struct credential_build *b, const struct schema_ref *ref)
{
    return arena_printf(b->arena, "%.*s/%.*s", SLICE_ARG(ref->name), SLICE_ARG(ref->key));
}
