/* Ports of Services whose declared protocol is not what their name or number lets expect. Control
 * thread. Must not know which words declare a protocol.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/analyze/analyze_priv.h"
#include "policies/kinds/service.h"
#include "policies/compile/protocol.h"
#include "policies/kinds/selector.h"

/* One of the words between the dashes is HTTP's. */
static bool speaks_of_http(struct slice name)
{
    static const char *const words[] = {"http", "http1", "http2", "h2c", "grpc", "web"};
    struct slice word;
    while (slice_split(&name, '-', &word))
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (slice_eq_nocase(word, slice_from_cstr(words[i])))
                return true;
    return false;
}

static bool is_http_number(int64_t port)
{
    return port == 80 || port == 8000 || port == 8008 || port == 8080;
}

static void judge_app_protocol(struct analyze *a, const struct service *s,
                               const struct service_port *port)
{
    struct slice said = port->app_protocol;
    if (protocol_is_known(said))
        return;
    bool http = slice_find(said, SLICE("http")) < said.len ||
                slice_find(said, SLICE("HTTP")) < said.len;
    analyze_say(a, http ? FINDING_PORT_HIDES_HTTP : FINDING_PORT_APP_PROTOCOL, &s->object, 0,
                "spec.ports.appProtocol",
                "port %d: appProtocol \"%.*s\" is not known, so it is passed on as TCP",
                (int)port->port, SLICE_ARG(said));
}

static void judge_name(struct analyze *a, const struct service *s, const struct service_port *port)
{
    struct protocol_hints hints = {.port_name = port->name};
    Weft__Config__V1__Protocol declared = protocol_of_port(&hints, (uint16_t)port->port);
    bool hints_http = speaks_of_http(port->name);
    struct slice name = port->name.len ? port->name : SLICE("(none)");
    if (declared == WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_TCP && port->name.len &&
        (hints_http || is_http_number(port->port)))
        analyze_say(a, FINDING_PORT_HIDES_HTTP, &s->object, 0, "spec.ports.name",
                    "port %d is named \"%.*s\", which declares TCP: routes, retries and policies "
                    "by path do not count there",
                    (int)port->port, SLICE_ARG(name));
    else if (declared == WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_AUTO)
        analyze_say(a, FINDING_PORT_UNDECLARED, &s->object, 0, "spec.ports.name",
                    "port %d is named \"%.*s\", which declares no protocol%s: the first bytes of "
                    "each connection decide",
                    (int)port->port, SLICE_ARG(name),
                    hints_http ? " (http or grpc must stand first)" : "");
}

static bool is_opaque(const struct service *s, const struct service_port *port)
{
    struct protocol_hints hints = {.app_protocol = SLICE("http"),
                                   .opaque_ports = selector_label(
                                       &s->object.meta.annotations,
                                       SLICE(PROTOCOL_OPAQUE_ANNOTATION))};
    return !protocol_may_be_http(protocol_of_port(&hints, (uint16_t)port->port));
}

void analyze_ports(struct analyze *a)
{
    const struct object_list *all = &a->set->all[KIND_SERVICE];
    for (size_t i = 0; i < all->count; i++) {
        const struct service *s = POLICY_AT(all, struct service, i);
        if (analyze_is_system(&s->object) || service_is_external(s))
            continue;
        for (SCHEMA_EACH(s->spec.ports, struct service_port, port)) {
            if (port->protocol != SERVICE_TCP || is_opaque(s, port))
                continue;
            if (port->app_protocol.len)
                judge_app_protocol(a, s, port);
            else
                judge_name(a, s, port);
        }
    }
}
