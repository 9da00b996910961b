/* The rules of issuing. On certd's only thread. Must not know how callers prove who they are.
 * Signing and the check of what was signed are lib/tls's.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/issue.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/spiffe.h"

enum { SHORTEST_S = 5 };

/* For clocks that are a little behind. Not more than a tenth of the certificate's life, which is
 * what renewal goes by. */
static int64_t back_date_ms(int64_t life_ms)
{
    return life_ms / 10 < 30000 ? life_ms / 10 : 30000;
}

static enum err say(enum err e, char detail[TLS_DETAIL_MAX], const char *text)
{
    snprintf(detail, TLS_DETAIL_MAX, "%s", text);
    return e;
}

static enum err check_caller(const struct issue_policy *policy, const char *spiffe_id,
                             char detail[TLS_DETAIL_MAX])
{
    struct spiffe_id id;
    if (spiffe_parse(slice_from_cstr(spiffe_id), &id) || slice_is_empty(id.path))
        return say(ERR_DENIED, detail, "the caller's identity is not that of a workload");
    if (!slice_eq_cstr(id.trust_domain, policy->trust_domain))
        return say(ERR_DENIED, detail, "the caller belongs to another trust domain");
    return ERR_OK;
}

enum err issue_check(const struct issue_policy *policy, struct slice csr_pem, const char *spiffe_id,
                     int64_t asked_seconds, struct x509_csr *out, char detail[TLS_DETAIL_MAX])
{
    enum err e = check_caller(policy, spiffe_id, detail);
    if (e)
        return e;
    if (asked_seconds < 0 || (asked_seconds > 0 && asked_seconds < SHORTEST_S))
        return say(ERR_INVALID, detail, "validity_duration must be 0 or at least 5 seconds");
    e = x509_parse_csr(csr_pem, out, detail);
    if (e || !out->uri_san || strcmp(out->uri_san, spiffe_id) == 0)
        return e;
    snprintf(detail, TLS_DETAIL_MAX, "the request names '%.100s', but the caller is '%.100s'",
             out->uri_san, spiffe_id);
    x509_csr_dispose(out);
    return ERR_DENIED;
}

static int64_t lifetime_ms(const struct issue_policy *policy, int64_t asked_seconds)
{
    if (asked_seconds == 0)
        return (int64_t)policy->leaf_ttl_ms;
    int64_t most = (int64_t)policy->max_leaf_ttl_ms;
    return asked_seconds > most / 1000 ? most : asked_seconds * 1000;
}

/* NULL-terminated into out. */
static void gather_names(const struct issue_policy *policy, const char *spiffe_id,
                         const char *out[ISSUE_NAMES_MAX + 1])
{
    struct spiffe_id id;
    size_t n = 0;
    bool parsed = spiffe_parse(slice_from_cstr(spiffe_id), &id) == ERR_OK;
    for (size_t i = 0; parsed && i < policy->name_count && n < ISSUE_NAMES_MAX; i++) {
        const struct issue_name *name = &policy->names[i];
        if (slice_eq_cstr(id.ns, name->namespace_name) &&
            slice_eq_cstr(id.sa, name->service_account))
            out[n++] = name->dns_name;
    }
    out[n] = NULL;
}

enum err issue_sign(const struct issue_policy *policy, const struct ca *ca,
                    const struct x509_csr *csr, const char *spiffe_id, int64_t asked_seconds,
                    int64_t now_ms, struct issued *out, char detail[TLS_DETAIL_MAX])
{
    struct x509_facts facts;
    const char *names[ISSUE_NAMES_MAX + 1];
    gather_names(policy, spiffe_id, names);
    int64_t life_ms = lifetime_ms(policy, asked_seconds);
    *out = (struct issued){0};
    enum err e =
        x509_issue_svid(ca->signer, csr->public_key_der, slice_from_cstr(spiffe_id), names,
                        now_ms - back_date_ms(life_ms), now_ms + life_ms, &out->cert_pem, detail);
    if (e)
        return e;
    e = x509_read(slice_from_cstr(out->cert_pem), &facts);
    if (e) {
        issue_dispose(out);
        return say(e, detail, "the new certificate cannot be read");
    }
    memcpy(out->serial, facts.serial, sizeof(out->serial));
    out->not_after_ms = facts.not_after_ms;
    x509_facts_dispose(&facts);
    return ERR_OK;
}

void issue_dispose(struct issued *i)
{
    mem_free(i->cert_pem);
    i->cert_pem = NULL;
}
