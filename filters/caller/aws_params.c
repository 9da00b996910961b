/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/caller/aws_params.h"

#include "filters/caller/credential_query.h"
#include "filters/shape/aws_canonical.h"
#include "filters/strip.h"
#include "lib/base/civil.h"

enum { VALUE_MAX = 8192, EXPIRES_MAX_S = 604800 };

/* ---- time and scope ---- */

/* "20130524T000000Z" */
static bool read_time(struct slice text, int64_t *ms)
{
    struct civil t;
    struct slice rest = text;
    bool is_good = civil_take_number(&rest, 4, &t.year) && civil_take_number(&rest, 2, &t.month) &&
                   civil_take_number(&rest, 2, &t.day) && slice_starts_with(rest, SLICE("T"));
    rest = slice_sub(rest, 1, rest.len);
    if (!is_good || !civil_take_number(&rest, 2, &t.hour) ||
        !civil_take_number(&rest, 2, &t.minute) || !civil_take_number(&rest, 2, &t.second) ||
        !slice_eq_cstr(rest, "Z") || !civil_is_valid(&t))
        return false;
    *ms = civil_to_ms(&t);
    return true;
}

/* "AKIDEXAMPLE/20130524/us-east-1/s3/aws4_request" */
static bool read_credential(struct slice text, struct aws_params *out)
{
    struct slice rest = text, end;
    return slice_split(&rest, '/', &out->key_id) && slice_split(&rest, '/', &out->scope.day) &&
           slice_split(&rest, '/', &out->scope.region) &&
           slice_split(&rest, '/', &out->scope.service) && slice_split(&rest, '/', &end) &&
           !rest.ptr && slice_eq_cstr(end, "aws4_request") && out->key_id.len &&
           out->scope.region.len && out->scope.service.len;
}

/* Names in lower case, each once and in order, as they were signed. */
static bool is_list(struct slice names)
{
    struct slice rest = names, name, last = {0};
    while (slice_split(&rest, ';', &name)) {
        for (size_t i = 0; i < name.len; i++)
            if (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z')
                return false;
        if (!name.len || (last.ptr && slice_compare(last, name) >= 0))
            return false;
        last = name;
    }
    return last.ptr != NULL;
}

static bool is_complete(struct aws_params *p, struct slice credential)
{
    return read_credential(credential, p) && is_list(p->signed_headers) && p->signature.len &&
           read_time(p->time, &p->time_ms) &&
           slice_eq(p->scope.day, slice_sub(p->time, 0, 8));
}

/* ---- the Authorization header ---- */

/* The one header of that name. False: there are several. */
static bool take_header(const struct filter_exchange *x, struct slice name, struct slice *out)
{
    const struct headers *h = &x->request->headers;
    *out = (struct slice){0};
    for (uint32_t i = 0; i < h->count; i++) {
        if (!slice_eq(h->items[i].name, name))
            continue;
        if (out->ptr)
            return false;
        *out = slice_trim(h->items[i].value);
    }
    return true;
}

static struct slice *member_of(struct aws_params *p, struct slice *credential, struct slice name)
{
    return slice_eq_cstr(name, "Credential")      ? credential
           : slice_eq_cstr(name, "SignedHeaders") ? &p->signed_headers
           : slice_eq_cstr(name, "Signature")     ? &p->signature
                                                  : NULL;
}

static bool read_header(const struct filter_exchange *x, struct slice rest, struct aws_params *out)
{
    struct slice item, credential = {0};
    while (slice_split(&rest, ',', &item)) {
        item = slice_trim(item);
        size_t equals = slice_find_byte(item, '=');
        struct slice *to = member_of(out, &credential, slice_sub(item, 0, equals));
        if (!to || to->ptr || equals >= item.len)
            return false;
        *to = slice_sub(item, equals + 1, item.len);
    }
    return take_header(x, SLICE("x-amz-date"), &out->time) &&
           take_header(x, SLICE("x-amz-content-sha256"), &out->payload) &&
           take_header(x, SLICE("x-amz-security-token"), &out->token) &&
           is_complete(out, credential);
}

/* ---- a presigned URL ---- */

static const struct slice in_query[] = {
    {"X-Amz-Algorithm", 15},     {"X-Amz-Credential", 16}, {"X-Amz-Date", 10},
    {"X-Amz-Expires", 13},       {"X-Amz-Signature", 15},  {"X-Amz-SignedHeaders", 19},
    {"X-Amz-Security-Token", 20}, {"X-Amz-Content-Sha256", 20},
};
enum { ALGORITHM, CREDENTIAL, DATE, EXPIRES, SIGNATURE, SIGNED_HEADERS, TOKEN, PAYLOAD, COUNT };

/* How many signatures are in the query. */
static unsigned count_in_query(const struct filter_exchange *x)
{
    struct credential_query found = {0};
    credential_query_find(x->arena, x->original_path, &in_query[SIGNATURE], 1, &found);
    return found.count;
}

static bool read_query(const struct filter_exchange *x, struct aws_params *out)
{
    struct credential_query found[COUNT] = {{{0}, 0}};
    uint64_t expires = 0;
    for (int i = 0; i < COUNT; i++) {
        credential_query_find(x->arena, x->original_path, &in_query[i], 1, &found[i]);
        if (found[i].count > 1)
            return false;
    }
    out->signed_headers = found[SIGNED_HEADERS].value;
    out->signature = found[SIGNATURE].value;
    out->time = found[DATE].value;
    out->payload = found[PAYLOAD].value;
    out->token = found[TOKEN].value;
    if (!slice_eq_cstr(found[ALGORITHM].value, AWS_SIGNATURE_ALGORITHM) ||
        slice_to_u64(found[EXPIRES].value, &expires) || expires < 1 || expires > EXPIRES_MAX_S)
        return false;
    out->expires_s = (int64_t)expires;
    return is_complete(out, found[CREDENTIAL].value);
}

/* ---- both ---- */

enum aws_params_fault aws_params_read(const struct filter_exchange *x, struct aws_params *out)
{
    struct slice header, algorithm = SLICE(AWS_SIGNATURE_ALGORITHM);
    *out = (struct aws_params){.expires_s = -1};
    bool is_one = take_header(x, SLICE("authorization"), &header);
    bool is_ours = slice_starts_with(header, algorithm);
    unsigned in_url = count_in_query(x);
    if (!is_ours && !in_url)
        return is_one ? AWS_PARAMS_MISSING : AWS_PARAMS_MALFORMED;
    if (!is_one || (is_ours && in_url) || header.len > VALUE_MAX)
        return AWS_PARAMS_MALFORMED;
    struct slice rest = slice_sub(header, algorithm.len, header.len);
    bool is_good = in_url ? read_query(x, out)
                          : rest.len && rest.ptr[0] == ' ' && read_header(x, rest, out);
    return is_good ? AWS_PARAMS_OK : AWS_PARAMS_MALFORMED;
}

void aws_params_remove(struct filter_exchange *x)
{
    struct message *m = x->request;
    m->path = credential_query_remove(x->arena, m->path, in_query, COUNT);
    strip_header(x, SLICE("authorization"));
    strip_header(x, SLICE("x-amz-security-token"));
}
