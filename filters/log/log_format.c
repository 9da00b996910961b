/* One table has the names of a field in the three languages. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/log/log_format.h"

#include "lib/codec/doc/json_tree.h"
#include "lib/codec/http/message.h"

static const struct {
    enum log_field field;
    const char *envoy, *nginx, *aws;
} names[] = {
    {LOG_TIME, "START_TIME", "time_iso8601", NULL},
    {LOG_TIME_LOCAL, NULL, "time_local", "requestTime"},
    {LOG_TIME_EPOCH_MS, NULL, NULL, "requestTimeEpoch"},
    {LOG_REQUEST, NULL, "request", NULL},
    {LOG_METHOD, "REQ(:METHOD)", "request_method", "httpMethod"},
    {LOG_PATH, "REQ(:PATH)", "request_uri", NULL},
    {LOG_PATH_ONLY, "PATH", "uri", "path"},
    {LOG_QUERY, "QUERY", "args", NULL},
    {LOG_PROTOCOL, "PROTOCOL", "server_protocol", "protocol"},
    {LOG_AUTHORITY, "REQ(:AUTHORITY)", "host", "domainName"},
    {LOG_FLAGS, "RESPONSE_FLAGS", NULL, NULL},
    {LOG_DETAILS, "RESPONSE_CODE_DETAILS", NULL, "error.responseType"},
    {LOG_REASON, "REASON", NULL, "error.message"},
    {LOG_REQUEST_ID, "REQUEST_ID", "request_id", "requestId"},
    {LOG_TRACE_ID, "TRACE_ID", NULL, NULL},
    {LOG_CLIENT, "DOWNSTREAM_REMOTE_ADDRESS", NULL, NULL},
    {LOG_CLIENT_IP, "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", "remote_addr", "identity.sourceIp"},
    {LOG_DIRECT, "DOWNSTREAM_DIRECT_REMOTE_ADDRESS", NULL, NULL},
    {LOG_LOCAL, "DOWNSTREAM_LOCAL_ADDRESS", NULL, NULL},
    {LOG_UPSTREAM, "UPSTREAM_HOST", "upstream_addr", NULL},
    {LOG_UPSTREAM_LOCAL, "UPSTREAM_LOCAL_ADDRESS", NULL, NULL},
    {LOG_CLUSTER, "UPSTREAM_CLUSTER", "proxy_host", NULL},
    {LOG_ROUTE, "ROUTE_NAME", NULL, "routeKey"},
    {LOG_SNI, "REQUESTED_SERVER_NAME", "ssl_server_name", NULL},
    {LOG_PEER, "DOWNSTREAM_PEER_URI_SAN", NULL, NULL},
    {LOG_CONSUMER, "CONSUMER", "remote_user", "identity.user"},
    {LOG_DIRECTION, "DIRECTION", NULL, NULL},
    {LOG_STATUS, "RESPONSE_CODE", "status", "status"},
    {LOG_GRPC_STATUS, "GRPC_STATUS_NUMBER", NULL, NULL},
    {LOG_RECEIVED, "BYTES_RECEIVED", "request_length", NULL},
    {LOG_SENT, "BYTES_SENT", "body_bytes_sent", "responseLength"},
    {LOG_DURATION_MS, "DURATION", NULL, "responseLatency"},
    {LOG_DURATION_S, NULL, "request_time", NULL},
    {LOG_UPSTREAM_MS, "RESPONSE_DURATION", NULL, "integrationLatency"},
    {LOG_UPSTREAM_S, NULL, "upstream_response_time", NULL},
    {LOG_ATTEMPTS, "UPSTREAM_REQUEST_ATTEMPT_COUNT", NULL, NULL},
};

static bool find(struct slice name, size_t language, struct log_piece *to)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *known = language == 0   ? names[i].envoy
                            : language == 1 ? names[i].nginx
                                            : names[i].aws;
        if (!known || !slice_eq_cstr(name, known))
            continue;
        to->field = names[i].field;
        return true;
    }
    return false;
}

static bool take_header(struct arena *a, enum log_field field, struct slice name,
                        struct log_piece *to)
{
    *to = (struct log_piece){.field = field, .text = arena_copy_lower(a, name)};
    to->header = (uint16_t)header_id_of(to->text);
    return message_name_is_valid(to->text);
}

/* $http_x_request_id, where '_' stands for '-'. */
static bool take_nginx_header(struct arena *a, enum log_field field, struct slice name,
                              struct log_piece *to)
{
    char *text = arena_alloc(a, name.len + 1);
    for (size_t i = 0; i < name.len; i++)
        text[i] = name.ptr[i] == '_' ? '-' : name.ptr[i];
    return take_header(a, field, slice_of(text, name.len), to);
}

static struct slice behind(struct slice text, struct slice prefix)
{
    return slice_starts_with(text, prefix) ? slice_sub(text, prefix.len, text.len)
                                           : (struct slice){NULL, 0};
}

/* Between two '%'. */
static bool take_envoy(struct arena *a, struct slice name, struct log_piece *to)
{
    bool closes = slice_ends_with(name, SLICE(")"));
    struct slice request = behind(name, SLICE("REQ(")), response = behind(name, SLICE("RESP("));
    if (find(name, 0, to))
        return true;
    if (closes && request.len > 1)
        return take_header(a, LOG_REQUEST_HEADER, slice_sub(request, 0, request.len - 1), to);
    return closes && response.len > 1 &&
           take_header(a, LOG_RESPONSE_HEADER, slice_sub(response, 0, response.len - 1), to);
}

/* Behind '$'. */
static bool take_variable(struct arena *a, struct slice name, struct log_piece *to)
{
    struct slice aws = behind(name, SLICE("context."));
    if (aws.len && slice_eq_cstr(aws, "identity.userAgent"))
        return take_header(a, LOG_REQUEST_HEADER, SLICE("user-agent"), to);
    if (aws.len)
        return find(aws, 2, to);
    struct slice request = behind(name, SLICE("http_"));
    struct slice response = behind(name, SLICE("sent_http_"));
    if (find(name, 1, to))
        return true;
    if (request.len)
        return take_nginx_header(a, LOG_REQUEST_HEADER, request, to);
    return response.len && take_nginx_header(a, LOG_RESPONSE_HEADER, response, to);
}

static bool is_of_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* How long the name of a variable is: "context.a.b", with no dot at its end. */
static size_t variable_len(struct slice text)
{
    bool has_dots = slice_starts_with(text, SLICE("context."));
    size_t len = 0;
    while (len < text.len &&
           (is_of_name(text.ptr[len]) || (has_dots && text.ptr[len] == '.' && len + 1 < text.len &&
                                          is_of_name(text.ptr[len + 1]))))
        len++;
    return len;
}

/* At *text, which it shortens: a field, or a sign that is written twice. */
static const char *take_field(struct arena *a, struct slice *text, struct log_piece *to)
{
    char sign = text->ptr[0];
    struct slice rest = slice_sub(*text, 1, text->len);
    *to = (struct log_piece){.field = LOG_LITERAL, .text = slice_sub(*text, 0, 1)};
    if (rest.len && rest.ptr[0] == sign) {
        *text = slice_sub(rest, 1, rest.len);
        return NULL;
    }
    size_t len = sign == '%' ? slice_find_byte(rest, '%') : variable_len(rest);
    if (sign == '%' && len == rest.len)
        return "a % is not closed; %% stands for % itself";
    if (!len)
        return "a $ names no field; $$ stands for $ itself";
    struct slice name = slice_sub(rest, 0, len);
    *text = slice_sub(rest, sign == '%' ? len + 1 : len, rest.len);
    if (sign == '%' ? take_envoy(a, name, to) : take_variable(a, name, to))
        return NULL;
    return arena_strdup(a, arena_printf(a, "there is no field %c%.*s%s", sign, SLICE_ARG(name),
                                        sign == '%' ? "%" : ""));
}

static const char *finish(const struct log_piece *pieces, uint32_t count, struct log_format *out)
{
    size_t bytes = 0, fields = 0;
    for (uint32_t i = 0; i < count; i++) {
        bytes += pieces[i].field == LOG_LITERAL ? pieces[i].text.len : 0;
        fields += pieces[i].field != LOG_LITERAL;
    }
    *out = (struct log_format){pieces, count, (uint32_t)bytes};
    if (fields > LOG_FORMAT_FIELDS_MAX)
        return "has more than 100 fields";
    return bytes > LOG_FORMAT_MAX ? "its texts are longer than 4096 bytes" : NULL;
}

static bool is_one_line(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return true;
}

const char *log_format_text(struct arena *a, struct slice text, struct log_format *out)
{
    if (!is_one_line(text))
        return "must be one line without control characters";
    struct log_piece *pieces = arena_zalloc(a, (text.len + 1) * sizeof(*pieces));
    uint32_t count = 0;
    while (text.len) {
        size_t dollar = slice_find_byte(text, '$'), at = slice_find_byte(text, '%');
        at = dollar < at ? dollar : at;
        if (at)
            pieces[count++] = (struct log_piece){.field = LOG_LITERAL,
                                                 .text = slice_sub(text, 0, at)};
        text = slice_sub(text, at, text.len);
        const char *why = text.len ? take_field(a, &text, &pieces[count++]) : NULL;
        if (why)
            return why;
    }
    return finish(pieces, count, out);
}

/* ---- JSON ---- */

static void push(struct log_format_json *j, const struct log_piece *piece)
{
    if (j->count == j->room) {
        struct log_piece *old = j->pieces;
        j->room = j->room ? j->room * 2 : 32;
        j->pieces = arena_zalloc(j->arena, j->room * sizeof(*j->pieces));
        if (j->count)
            memcpy(j->pieces, old, j->count * sizeof(*old));
    }
    j->pieces[j->count++] = *piece;
}

static void push_text(struct log_format_json *j, struct slice text)
{
    push(j, &(struct log_piece){.field = LOG_LITERAL, .text = text});
}

void log_format_json_begin(struct log_format_json *j, struct arena *a)
{
    *j = (struct log_format_json){.arena = a};
}

const char *log_format_json_member(struct log_format_json *j, struct slice name,
                                   struct slice value)
{
    struct log_format format;
    const char *why = log_format_text(j->arena, value, &format);
    if (why)
        return why;
    bool is_bare = format.count == 1 && format.pieces[0].field >= LOG_FIRST_NUMBER;
    push_text(j, arena_printf(j->arena, "%s%.*s:%s", j->count ? "," : "{",
                              SLICE_ARG(json_tree_quote(j->arena, name)), is_bare ? "" : "\""));
    for (uint32_t i = 0; i < format.count; i++) {
        struct log_piece piece = format.pieces[i];
        piece.is_bare = is_bare;
        if (piece.field == LOG_LITERAL) {
            struct slice quoted = json_tree_quote(j->arena, piece.text);
            piece.text = slice_sub(quoted, 1, quoted.len - 2);
        }
        push(j, &piece);
    }
    if (!is_bare)
        push_text(j, SLICE("\""));
    return NULL;
}

const char *log_format_json_end(struct log_format_json *j, struct log_format *out)
{
    push_text(j, SLICE("}"));
    return finish(j->pieces, j->count, out);
}
