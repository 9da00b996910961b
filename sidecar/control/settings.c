/* Command line and environment into settings: one table of options, each also readable as
 * WEFT_<NAME>. Runs once, before any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/settings.h"

#include <stdio.h>
#include <unistd.h>

#include "lib/base/list.h"
#include "lib/base/mem.h"
#include "lib/base/option_table.h"
#include "lib/base/option_value.h"

static enum err option_mode(struct option_run *run, void *field, struct slice text)
{
    bool is_ingress = slice_eq_cstr(text, "ingress");
    if (!is_ingress && !slice_eq_cstr(text, "sidecar"))
        return option_fail(run, "is neither sidecar nor ingress");
    *(enum sidecar_mode *)field = is_ingress ? MODE_INGRESS : MODE_SIDECAR;
    return ERR_OK;
}

static enum access_log_said which_lines(struct slice word)
{
    return option_value_is_off(word)     ? ACCESS_LOG_SAID_OFF
           : option_value_is_on(word)    ? ACCESS_LOG_SAID_ALL
           : slice_eq_cstr(word, "all")  ? ACCESS_LOG_SAID_ALL
           : slice_eq_cstr(word, "errors") ? ACCESS_LOG_SAID_ERRORS
                                           : ACCESS_LOG_AS_MESH;
}

static enum access_log_form which_form(struct slice word)
{
    return slice_eq_cstr(word, "text")   ? ACCESS_LOG_FORM_TEXT
           : slice_eq_cstr(word, "json") ? ACCESS_LOG_FORM_JSON
                                         : ACCESS_LOG_FORM_AS_MESH;
}

/* "errors", "json" (all of them), "errors,json". */
static enum err option_access_log(struct option_run *run, void *field, struct slice text)
{
    struct settings *s = container_of(field, struct settings, access_log);
    size_t comma = slice_find_byte(text, ',');
    struct slice first = slice_sub(text, 0, comma), second = slice_sub(text, comma + 1, text.len);
    (void)run;
    s->access_log = which_lines(first);
    s->access_log_form = which_form(comma < text.len ? second : first);
    if (comma == text.len && s->access_log_form)
        s->access_log = ACCESS_LOG_SAID_ALL;
    bool good = s->access_log && (comma == text.len || s->access_log_form);
    return good ? ERR_OK : ERR_INVALID;
}

static const struct option_row rows[] = {
    OPTION(struct settings, mode, "mode", "sidecar|ingress", mode,
          .fallback = "sidecar", .help = "sidecar: next to one app; ingress: the front door"),
    OPTION(struct settings, policy_dir, "policy-dir", "DIR", optional,
          .help = "folder of YAML: services, routes, policies; watched"),
    OPTION(struct settings, discovery, "discovery", "HOST:PORT", optional,
          .help = "weft-policyd, instead of a folder"),
    OPTION(struct settings, discovery_ip, "discovery-ip", "IP", ip,
          .help = "its address, for where the name cannot be resolved"),
    OPTION(struct settings, control_namespace, "control-namespace", "NAME", name,
          .fallback = "weft-system", .help = "where weft-policyd and weft-certd run"),
    OPTION(struct settings, discovery_wait_ms, "discovery-wait", "DURATION", duration,
          .fallback = "1s", .help = "how long a connection waits to hear what its destination is"),
    OPTION(struct settings, discovery_idle_ms, "discovery-idle", "DURATION", duration,
          .fallback = "10m",
          .help = "a destination that the app has not called for so long is let go"),
    OPTION(struct settings, namespace_name, "namespace", "NAME", name,
          .fallback = "default", .environment = "POD_NAMESPACE",
          .help = "the workload's namespace"),
    OPTION(struct settings, workload, "pod", "NAME", name,
          .environment = "POD_NAME", .help = "the workload's pod name"),
    OPTION(struct settings, service_account, "service-account", "NAME", name,
          .fallback = "default", .environment = "SERVICE_ACCOUNT",
          .help = "the workload's service account"),
    OPTION(struct settings, pod_ip, "pod-ip", "IP", ip,
          .environment = "POD_IP", .help = "the workload's own address"),
    OPTION(struct settings, gateway, "gateway", "NAME", name,
          .help = "ingress: the Gateway to serve"),
    OPTION(struct settings, trust_domain, "trust-domain", "NAME", name,
          .fallback = "cluster.local", .help = "SPIFFE trust domain"),
    OPTION(struct settings, outbound, "outbound", "ADDR|off", listener,
          .fallback = "*:15001", .help = "listener for what the app sends"),
    OPTION(struct settings, inbound, "inbound", "ADDR|off", listener,
          .fallback = "*:15006", .help = "listener for what the app receives"),
    OPTION(struct settings, inbound_forward, "inbound-forward", "ADDR|off", endpoint,
          .help = "without redirection: where the app listens"),
    OPTION(struct settings, gateway_bind, "gateway-bind", "IP|*", any_ip,
          .fallback = "*", .help = "ingress: address of the Gateway's listeners"),
    OPTION(struct settings, gateway_port_offset, "gateway-port-offset", "N", number,
          .fallback = "0", .help = "ingress: added to every Gateway port"),
    OPTION(struct settings, certd_address, "certd", "HOST:PORT", optional,
          .help = "the CA; without it there is no mutual TLS"),
    OPTION(struct settings, certd_ip, "certd-ip", "IP", ip,
          .help = "its address, for where the name cannot be resolved"),
    OPTION(struct settings, certd_name, "certd-name", "NAME", name,
          .fallback = "weft-certd.weft-system.svc", .help = "name in the CA's certificate"),
    OPTION(struct settings, trust_bundle_file, "trust-bundle", "FILE", optional,
          .help = "PEM roots that the CA must chain to"),
    OPTION(struct settings, token_file, "token-file", "FILE", optional,
          .help = "token that proves to the CA who this is; read again at each request"),
    OPTION(struct settings, join_token_file, "join-token-file", "FILE", optional,
          .help = "one-time token for the first certificate"),
    OPTION(struct settings, identity_dir, "identity-dir", "DIR", optional,
          .help = "where key and certificate are kept over restarts"),
    OPTION(struct settings, cert_file, "cert-file", "FILE", optional,
          .help = "certificate chain from elsewhere, instead of --certd"),
    OPTION(struct settings, key_file, "key-file", "FILE", optional,
          .help = "its private key"),
    OPTION(struct settings, last_good_file, "last-good", "FILE", optional,
          .help = "where the configuration in force is kept over restarts"),
    OPTION(struct settings, admin, "admin", "ADDR|off", listener,
          .fallback = "127.0.0.1:15000", .help = "administration, for this pod only"),
    OPTION(struct settings, metrics, "metrics", "ADDR|off", listener,
          .fallback = "0.0.0.0:15020", .help = "Prometheus metrics"),
    OPTION(struct settings, health, "health", "ADDR|off", listener,
          .fallback = "0.0.0.0:15021", .help = "readiness and liveness"),
    OPTION(struct settings, app_probes, "app-probes", "JSON", optional,
          .help = "the app's probes that are answered below /app-health/"),
    OPTION(struct settings, app_metrics, "app-metrics", "PORT/PATH", optional,
          .help = "the app's own metrics, shown with ours"),
    OPTION(struct settings, dns_servers, "dns-servers", "IP[:PORT],...", optional,
          .help = "who is asked for host names, instead of the servers of /etc/resolv.conf"),
    OPTION(struct settings, workers, "workers", "N", number,
          .fallback = "0", .max = 256, .help = "data-plane threads; 0: one per CPU, at most 4"),
    OPTION(struct settings, drain_ms, "drain-time", "DURATION", duration,
          .fallback = "5s", .help = "how long running requests may take after SIGTERM"),
    OPTION(struct settings, drain_delay_ms, "drain-delay", "DURATION", duration,
          .fallback = "0s",
          .help = "go on as ever after SIGTERM, but say \"not ready\", until others have heard"),
    OPTION(struct settings, native_sidecar, "native-sidecar", "on|off", switch,
          .fallback = "off",
          .help = "the app has ended when SIGTERM comes: nothing stays open for its own calls"),
    OPTION(struct settings, silence_ms, "silence", "DURATION", duration,
          .fallback = "100ms",
          .help = "on an undeclared port, how long the client may pause before its protocol is "
                  "clear"),
    OPTION(struct settings, access_log, "access-log", "off|errors|all[,text|json]", access_log,
          .help = "one line per request, to stdout; else as MeshConfig says"),
    OPTION_LOG_LEVEL,
};

static const struct option_table table = {
    .program = "weft-sidecar",
    .usage = "weft-sidecar: the data plane of Weft, as a sidecar or as an API gateway.\n\n"
             "Usage: weft-sidecar [--OPTION VALUE]...\n"
             "       weft-sidecar redirect ...   writes the iptables rules; see redirect --help\n"
             "       weft-sidecar wait ...       until this pod's sidecar is ready\n",
    .rows = rows,
    .count = sizeof rows / sizeof *rows,
};

/* Readers that do not read may be as many as there are streams: together they are held to a few
 * times the connection's window, see lib/codec/h2/h2_window.c. */
static void complete_http(struct settings *s)
{
    enum { STREAM_WINDOW = 262144, CONNECTION_WINDOW = 4194304 };
    enum { PING_INTERVAL_MS = 10000, PING_TIMEOUT_MS = 10000 }; /* between sidecars only */
    struct http_server_config server = {.max_streams = 1000,
                                        .max_resets = 5000,
                                        .stream_window = STREAM_WINDOW,
                                        .connection_window = CONNECTION_WINDOW,
                                        .scheme = SLICE("http")};
    s->server_inbound = s->server_mesh = s->server_outbound = server;
    s->server_mesh.ping_interval_ms = PING_INTERVAL_MS;
    s->server_mesh.ping_timeout_ms = PING_TIMEOUT_MS;
    s->server_ingress = (struct http_server_config){.max_streams = 100, .scheme = SLICE("http")};
    s->server_ingress_tls = s->server_ingress;
    s->server_ingress_tls.scheme = SLICE("https");
    s->client = (struct http_client_config){.stream_window = STREAM_WINDOW,
                                            .connection_window = CONNECTION_WINDOW};
    s->client_mesh = s->client;
    s->client_mesh.ping_interval_ms = PING_INTERVAL_MS;
    s->client_mesh.ping_timeout_ms = PING_TIMEOUT_MS;
}

static void complete(struct settings *s)
{
    s->outbound_port = s->outbound.port;
    s->inbound_port = s->inbound.port;
    s->is_redirected = !s->inbound_forward.family;
    const char *name = s->workload ? s->workload : s->gateway ? s->gateway : "unknown";
    s->source_label = mem_printf("%s/%s", s->namespace_name, name);
    if (s->workers == 0) {
        long cpus = sysconf(_SC_NPROCESSORS_ONLN);
        s->workers = cpus < 1 ? 1 : cpus > 4 ? 4 : (unsigned)cpus;
    }
    complete_http(s);
}

static bool split_discovery(struct settings *s)
{
    struct slice host;
    if (addr_split(slice_from_cstr(s->discovery), &host, &s->discovery_port))
        return false;
    s->discovery_host = mem_strndup(host.ptr, host.len);
    return true;
}

static int check_source(struct settings *s)
{
    if (!s->policy_dir && !s->discovery)
        fprintf(stderr, "weft-sidecar: where the configuration comes from is missing: --policy-dir "
                        "(a folder with the mesh's YAML) or --discovery (weft-policyd)\n");
    else if (s->policy_dir && s->discovery)
        fprintf(stderr, "weft-sidecar: --policy-dir and --discovery exclude each other\n");
    else if (s->discovery && !split_discovery(s))
        fprintf(stderr, "weft-sidecar: --discovery %s: a host name or address and a port\n",
                s->discovery);
    else if (s->discovery && !s->certd_address && !s->cert_file)
        fprintf(stderr, "weft-sidecar: --discovery needs a certificate to show: --certd, or "
                        "--cert-file and --key-file\n");
    else
        return -1;
    return 2;
}

static int check(struct settings *s)
{
    int status = check_source(s);
    if (status >= 0)
        return status;
    if (s->mode == MODE_INGRESS && !s->gateway) {
        fprintf(stderr,
                "weft-sidecar: --mode ingress needs --gateway: the name of the Gateway to serve\n");
        return 2;
    }
    if (s->certd_address && (!s->trust_bundle_file)) {
        fprintf(
            stderr,
            "weft-sidecar: --certd needs --trust-bundle: without roots the CA cannot be trusted\n");
        return 2;
    }
    if ((s->cert_file != NULL) != (s->key_file != NULL) ||
        (s->cert_file && !s->trust_bundle_file)) {
        fprintf(stderr, "weft-sidecar: --cert-file, --key-file and --trust-bundle go together\n");
        return 2;
    }
    return -1;
}

int settings_parse(struct settings *s, int argc, char **argv)
{
    *s = (struct settings){0};
    int status = option_table_parse(&table, s, 0, argc, argv);
    if (status < 0) {
        complete(s);
        status = check(s);
    }
    return status;
}

void settings_dispose(struct settings *s)
{
    option_table_dispose(&table, s);
    mem_free(s->source_label);
    mem_free(s->discovery_host);
}
