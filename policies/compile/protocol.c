/* The words for protocols that Kubernetes users write. Pure; any thread. Must not know which
 * object a port belongs to.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/protocol.h"

#define AUTO WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_AUTO
#define HTTP WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP
#define HTTP1 WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP1
#define HTTP2 WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP2
#define TCP WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_TCP
#define TLS WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_TLS

static bool find_word(struct slice word, Weft__Config__V1__Protocol *out)
{
    static const struct {
        const char *word;
        Weft__Config__V1__Protocol protocol;
    } words[] = {
        {"http", HTTP},
        {"http1", HTTP1},
        {"http2", HTTP2},
        {"h2c", HTTP2},
        {"grpc", HTTP2},
        {"grpc-web", HTTP},
        {"ws", HTTP1},
        {"https", TLS},
        {"wss", TLS},
        {"tls", TLS},
        {"tcp", TCP},
        {"mongo", TCP},
        {"redis", TCP},
        {"mysql", TCP},
        {"opaque", TCP},
        {"kubernetes.io/h2c", HTTP2},
        {"kubernetes.io/ws", HTTP1},
        {"kubernetes.io/wss", TLS},
        {"weft.dev/opaque", TCP},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (slice_eq_nocase(word, slice_from_cstr(words[i].word))) {
            *out = words[i].protocol;
            return true;
        }
    }
    return false;
}

/* "grpc-web" and "grpc-web-x" before "grpc-x". */
static bool find_name(struct slice name, Weft__Config__V1__Protocol *out)
{
    struct slice web = SLICE("grpc-web");
    if (slice_starts_with(name, web) && (name.len == web.len || name.ptr[web.len] == '-'))
        return find_word(web, out);
    return find_word(slice_sub(name, 0, slice_find_byte(name, '-')), out);
}

static bool is_listed(struct slice ports, uint16_t port)
{
    struct slice part;
    uint64_t number;
    if (slice_is_empty(ports))
        return false;
    while (slice_split(&ports, ',', &part))
        if (!slice_to_u64(slice_trim(part), &number) && number == port)
            return true;
    return false;
}

/* Servers there speak first, or neither side speaks HTTP. */
static bool is_well_known(uint16_t port)
{
    static const uint16_t ports[] = {25, 53, 587, 3306, 4444, 5432, 6379, 9300, 11211, 27017};
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++)
        if (ports[i] == port)
            return true;
    return false;
}

Weft__Config__V1__Protocol protocol_of_port(const struct protocol_hints *hints, uint16_t port)
{
    Weft__Config__V1__Protocol found;
    if (is_listed(hints->opaque_ports, port))
        return TCP;
    /* Whoever names a protocol that we do not know does not mean HTTP. */
    if (hints->app_protocol.len)
        return find_word(hints->app_protocol, &found) ? found : TCP;
    if (hints->port_name.len && find_name(hints->port_name, &found))
        return found;
    return is_well_known(port) ? TCP : AUTO;
}

bool protocol_may_be_http(Weft__Config__V1__Protocol p)
{
    return p != TCP && p != TLS;
}

bool protocol_is_known(struct slice app_protocol)
{
    Weft__Config__V1__Protocol found;
    return find_word(app_protocol, &found);
}

bool protocol_is_tls(struct slice app_protocol)
{
    Weft__Config__V1__Protocol found;
    return find_word(app_protocol, &found) && found == TLS;
}

Weft__Config__V1__Protocol protocol_inside_tls(const struct protocol_hints *hints, uint16_t port)
{
    Weft__Config__V1__Protocol declared = protocol_of_port(hints, port);
    bool websocket = slice_eq_nocase(hints->app_protocol, SLICE("kubernetes.io/wss")) ||
                     slice_eq_nocase(hints->app_protocol, SLICE("wss"));
    if (declared != TLS)
        return declared;
    return websocket ? HTTP1 : HTTP;
}
