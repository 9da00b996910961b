/* Predicates over strings, and their words. Pure; any thread. Must not know which field they are
 * asked about.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/schema/schema_format.h"

#include "lib/codec/http/http_uri.h"

#include "lib/base/addr.h"

#define ALNUM "abcdefghijklmnopqrstuvwxyz0123456789"
#define ALNUM_ANY ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool is_in(char c, const char *set)
{
    return c && strchr(set, c);
}

static bool consists_of(struct slice text, const char *set)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_in(text.ptr[i], set))
            return false;
    return text.len > 0;
}

/* Consists of `inner`, begins and ends with `outer`. */
static bool is_bounded(struct slice text, const char *inner, const char *outer)
{
    return consists_of(text, inner) && is_in(text.ptr[0], outer) &&
           is_in(text.ptr[text.len - 1], outer);
}

static bool is_dns_label(struct slice text)
{
    return text.len <= 63 && is_bounded(text, ALNUM "-", ALNUM);
}

static bool is_dns_name(struct slice text)
{
    struct slice rest = text, label;
    if (text.len == 0 || text.len > 253)
        return false;
    while (slice_split(&rest, '.', &label))
        if (!is_bounded(label, ALNUM "-", ALNUM))
            return false;
    return true;
}

static bool is_host(struct slice text)
{
    struct addr ip;
    return is_dns_name(text) && addr_parse(text, &ip) != ERR_OK;
}

static bool is_wild_host(struct slice text)
{
    return text.len <= 253 &&
           is_host(slice_starts_with(text, SLICE("*.")) ? slice_sub(text, 2, text.len) : text);
}

static bool is_header_name(struct slice text)
{
    return text.len <= 256 && consists_of(text, ALNUM_ANY "!#$%&'*+-.^_`|~");
}

static bool is_header_value(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == 0x7f || (c < 0x20 && c != '\t'))
            return false;
    }
    return slice_eq(slice_trim(text), text);
}

/* What stands in a challenge between quotes (RFC 9110 §11.5), where nothing is to be escaped. */
static bool is_realm(struct slice text)
{
    return text.len && !memchr(text.ptr, '"', text.len) && !memchr(text.ptr, '\\', text.len) &&
           is_header_value(text);
}

/* Framing and hop-by-hop headers are the proxy's own; the host is changed by a rewrite. */
static bool is_mutable_header(struct slice text)
{
    static const char *const fixed[] = {
        "connection", "content-length",   "host", "http2-settings",
        "keep-alive", "proxy-connection", "te",   "transfer-encoding",
        "trailer",    "upgrade",
    };
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (slice_eq_nocase(text, slice_from_cstr(fixed[i])))
            return false;
    return is_header_name(text);
}

static bool is_path(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool escaped = text.ptr[i] == '%' && i + 2 < text.len &&
                       is_in(text.ptr[i + 1], "0123456789abcdefABCDEF") &&
                       is_in(text.ptr[i + 2], "0123456789abcdefABCDEF");
        if (!escaped && !is_in(text.ptr[i], ALNUM_ANY "-._~!$&'()*+,;=:@/"))
            return false;
    }
    return text.len == 0 || text.ptr[0] == '/';
}

static bool is_label_value(struct slice text)
{
    return text.len == 0 || (text.len <= 63 && is_bounded(text, ALNUM_ANY "-_.", ALNUM_ANY));
}

static bool is_label_key(struct slice text)
{
    size_t slash = slice_find_byte(text, '/');
    if (slash == text.len)
        return text.len > 0 && is_label_value(text);
    struct slice name = slice_sub(text, slash + 1, text.len);
    return is_dns_name(slice_sub(text, 0, slash)) && name.len > 0 && is_label_value(name);
}

static bool is_port_key(struct slice text)
{
    uint64_t port;
    return !slice_to_u64(text, &port) && port >= 1 && port <= 65535 && text.ptr[0] != '0';
}

static bool is_cidr(struct slice text)
{
    struct cidr cidr;
    return cidr_parse(text, &cidr) == ERR_OK;
}

/* A wildcard is the host's first label, or all of it. */
static bool is_origin_host(struct slice text)
{
    if (slice_eq_cstr(text, "*"))
        return true;
    if (slice_starts_with(text, SLICE("*.")))
        text = slice_sub(text, 2, text.len);
    return text.len <= 253 && is_bounded(text, ALNUM_ANY "-.", ALNUM_ANY) &&
           slice_find(text, SLICE("..")) == text.len;
}

static bool is_origin(struct slice text)
{
    struct slice scheme =
        slice_starts_with(text, SLICE("https://")) ? SLICE("https://") : SLICE("http://");
    if (slice_eq_cstr(text, "*"))
        return true;
    if (!slice_starts_with(text, scheme))
        return false;
    struct slice host = slice_sub(text, scheme.len, text.len);
    size_t colon = slice_find_byte(host, ':');
    return is_origin_host(slice_sub(host, 0, colon)) &&
           (colon == host.len || is_port_key(slice_sub(host, colon + 1, host.len)));
}

static bool is_method(struct slice text)
{
    static const char *const methods[] = {"GET",     "HEAD",    "POST",  "PUT",   "DELETE",
                                          "CONNECT", "OPTIONS", "TRACE", "PATCH", "*"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (slice_eq_cstr(text, methods[i]))
            return true;
    return false;
}

static bool is_http_uri(struct slice text)
{
    struct http_uri u;
    return http_uri_read(text, &u);
}

static bool is_uri(struct slice text)
{
    size_t colon = slice_find_byte(text, ':');
    struct slice rest = slice_sub(text, colon, text.len);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] <= 0x20 || (unsigned char)text.ptr[i] >= 0x7f)
            return false;
    return colon > 0 && slice_starts_with(rest, SLICE("://")) && rest.len > 3 &&
           is_bounded(slice_sub(text, 0, colon), ALNUM_ANY "+-.", ALNUM_ANY);
}

#define LABEL "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define DNS LABEL "(\\." LABEL ")*"
#define LABEL_VALUE "([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?"

const struct schema_format schema_format_label_name = {
    "label-name", "must be lower-case letters, digits and '-', like \"my-service\"", "^" LABEL "$",
    is_dns_label};
const struct schema_format schema_format_name = {
    "name", "must be lower-case letters, digits, '-' and '.', like \"my-object\"", "^" DNS "$",
    is_dns_name};
const struct schema_format schema_format_section = {
    "section", "must be lower-case letters, digits, '-' and '.', like \"https\"", "^" DNS "$",
    is_dns_name};
const struct schema_format schema_format_hostname = {
    "hostname", "must be a host name in lower case, like \"shop.example.com\" or \"*.example.com\"",
    "^(\\*\\.)?" DNS "$", is_wild_host};
const struct schema_format schema_format_precise_hostname = {
    "precise-hostname", "must be a host name in lower case, like \"shop.example.com\"", "^" DNS "$",
    is_host};
const struct schema_format schema_format_header_name = {
    "header-name", "must be the name of a header, like \"x-canary\"",
    "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$", is_header_name};
const struct schema_format schema_format_header_value = {
    "header-value", "must be printable, without spaces at either end", "^[!-~]+([\\t ]?[!-~]+)*$",
    is_header_value};
const struct schema_format schema_format_realm = {
    "realm", "must be printable, without quotes, backslashes and spaces at either end",
    "^[!#-\\[\\]-~]+([\\t ][!#-\\[\\]-~]+)*$", is_realm};
const struct schema_format schema_format_mutable_header = {
    "mutable-header",
    "must be the name of a header that a filter may change (not one that frames messages or "
    "connections, and not host: use URLRewrite)",
    "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$", is_mutable_header};
const struct schema_format schema_format_path = {
    "path", "must be a path that begins with '/', without '?', '#' or spaces",
    "^(/([A-Za-z0-9\\-._~!$&'()*+,;=:@/]|%[0-9a-fA-F]{2})*)?$", is_path};
const struct schema_format schema_format_label_key = {
    "label-key", "must be a label key, like \"app.kubernetes.io/name\"", NULL, is_label_key};
const struct schema_format schema_format_label_value = {
    "label-value", "must be a label value: letters, digits, '-', '_' and '.', at most 63",
    "^" LABEL_VALUE "$", is_label_value};
const struct schema_format schema_format_port_key = {"port-key", "must be a port from 1 to 65535",
                                                     "^[1-9][0-9]{0,4}$", is_port_key};
const struct schema_format schema_format_cidr = {
    "cidr", "must be an address or a prefix without host bits, like \"10.0.0.0/8\"", NULL, is_cidr};
const struct schema_format schema_format_trust_domain = {
    "trust-domain", "must be a name in lower case, like \"cluster.local\"", "^" DNS "$",
    is_dns_name};
const struct schema_format schema_format_origin = {
    "origin",
    "must be an origin like \"https://shop.example.com\", \"https://*.example.com\" or \"*\"",
    "^(\\*|https?://(\\*|(\\*\\.)?[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*)(:[1-9][0-9]{0,4})?)$",
    is_origin};
const struct schema_format schema_format_method = {
    "method", "must be a method like \"PUT\", or \"*\"",
    "^(GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|\\*)$", is_method};
const struct schema_format schema_format_http_uri = {
    "http-uri", "must be like \"https://login.example.com/keys\", in lower case but for its path",
    "^https?://[a-z0-9.:\\[\\]-]+(/[!-~]*)?$", is_http_uri};
const struct schema_format schema_format_uri = {
    "uri", "must be a URI like \"spiffe://cluster.local/ns/shop/sa/web\"",
    "^[A-Za-z][A-Za-z0-9+.-]*://[!-~]+$", is_uri};
