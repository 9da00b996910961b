/* Command line and environment into settings: one table of options, each also readable as
 * WEFT_<NAME>. Runs once, before any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/settings.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/option_value.h"

struct option_row {
    const char *name;
    const char *value;    /* what it takes, for the help */
    const char *fallback; /* NULL: none */
    const char *help;
    enum err (*parse)(struct settings *s, struct slice text, size_t offset);
    size_t offset;
};

static void *at(struct settings *s, size_t offset)
{
    return (char *)s + offset;
}

static enum err parse_text(struct settings *s, struct slice text, size_t offset)
{
    return option_value_name(text, at(s, offset));
}

static enum err parse_optional(struct settings *s, struct slice text, size_t offset)
{
    return option_value_optional(text, at(s, offset));
}

static enum err parse_listener(struct settings *s, struct slice text, size_t offset)
{
    return option_value_listener(text, at(s, offset));
}

static enum err parse_endpoint(struct settings *s, struct slice text, size_t offset)
{
    if (!option_value_is_off(text))
        return option_value_endpoint(text, at(s, offset));
    *(struct addr *)at(s, offset) = (struct addr){0};
    return ERR_OK;
}

static enum err parse_ip(struct settings *s, struct slice text, size_t offset)
{
    return option_value_ip(text, offset == offsetof(struct settings, gateway_bind), at(s, offset));
}

static enum err parse_duration(struct settings *s, struct slice text, size_t offset)
{
    uint64_t ms;
    enum err e = slice_to_duration_ms(text, &ms);
    if (e == ERR_OK && ms > UINT32_MAX)
        e = ERR_LIMIT;
    if (e == ERR_OK)
        *(uint32_t *)((char *)s + offset) = (uint32_t)ms;
    return e;
}

static enum err parse_number(struct slice text, uint64_t max, uint64_t *n)
{
    enum err e = slice_to_u64(text, n);
    return e == ERR_OK && *n > max ? ERR_LIMIT : e;
}

static enum err parse_count(struct settings *s, struct slice text, size_t offset)
{
    uint64_t n;
    enum err e = parse_number(text, 256, &n);
    if (e == ERR_OK)
        *(unsigned *)((char *)s + offset) = (unsigned)n;
    return e;
}

static enum err parse_port(struct settings *s, struct slice text, size_t offset)
{
    uint64_t n;
    enum err e = parse_number(text, 65535, &n);
    if (e == ERR_OK)
        *(uint16_t *)((char *)s + offset) = (uint16_t)n;
    return e;
}

static enum err parse_mode(struct settings *s, struct slice text, size_t offset)
{
    (void)offset;
    if (slice_eq(text, SLICE("sidecar")))
        s->mode = MODE_SIDECAR;
    else if (slice_eq(text, SLICE("ingress")))
        s->mode = MODE_INGRESS;
    else
        return ERR_INVALID;
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
static enum err parse_access_log(struct settings *s, struct slice text, size_t offset)
{
    size_t comma = slice_find_byte(text, ',');
    struct slice first = slice_sub(text, 0, comma), second = slice_sub(text, comma + 1, text.len);
    (void)offset;
    s->access_log = which_lines(first);
    s->access_log_form = which_form(comma < text.len ? second : first);
    if (comma == text.len && s->access_log_form)
        s->access_log = ACCESS_LOG_SAID_ALL;
    bool good = s->access_log && (comma == text.len || s->access_log_form);
    return good ? ERR_OK : ERR_INVALID;
}

static enum err parse_bool(struct settings *s, struct slice text, size_t offset)
{
    bool on = slice_eq(text, SLICE("on"));
    *(bool *)((char *)s + offset) = on;
    return on || slice_eq(text, SLICE("off")) ? ERR_OK : ERR_INVALID;
}

static enum err parse_log_level(struct settings *s, struct slice text, size_t offset)
{
    (void)s, (void)offset;
    return log_set_level(text);
}

#define AT(field) offsetof(struct settings, field)

static const struct option_row options[] = {
    {"mode", "sidecar|ingress", "sidecar", "sidecar: next to one app; ingress: the front door",
     parse_mode, 0},
    {"policy-dir", "DIR", NULL, "folder of YAML: services, routes, policies; watched",
     parse_optional, AT(policy_dir)},
    {"discovery", "HOST:PORT", NULL, "weft-policyd, instead of a folder", parse_optional,
     AT(discovery)},
    {"discovery-ip", "IP", NULL, "its address, for where the name cannot be resolved", parse_ip,
     AT(discovery_ip)},
    {"control-namespace", "NAME", "weft-system", "where weft-policyd and weft-certd run",
     parse_text, AT(control_namespace)},
    {"discovery-wait", "DURATION", "1s",
     "how long a connection waits to hear what its destination is", parse_duration,
     AT(discovery_wait_ms)},
    {"discovery-idle", "DURATION", "10m",
     "a destination that the app has not called for so long is let go", parse_duration,
     AT(discovery_idle_ms)},
    {"namespace", "NAME", "default", "the workload's namespace", parse_text, AT(namespace_name)},
    {"pod", "NAME", NULL, "the workload's pod name", parse_text, AT(workload)},
    {"service-account", "NAME", "default", "the workload's service account", parse_text,
     AT(service_account)},
    {"pod-ip", "IP", NULL, "the workload's own address", parse_ip, AT(pod_ip)},
    {"gateway", "NAME", NULL, "ingress: the Gateway to serve", parse_text, AT(gateway)},
    {"trust-domain", "NAME", "cluster.local", "SPIFFE trust domain", parse_text, AT(trust_domain)},
    {"outbound", "ADDR|off", "*:15001", "listener for what the app sends", parse_listener,
     AT(outbound)},
    {"inbound", "ADDR|off", "*:15006", "listener for what the app receives", parse_listener,
     AT(inbound)},
    {"inbound-forward", "ADDR|off", NULL, "without redirection: where the app listens",
     parse_endpoint, AT(inbound_forward)},
    {"gateway-bind", "IP|*", "*", "ingress: address of the Gateway's listeners", parse_ip,
     AT(gateway_bind)},
    {"gateway-port-offset", "N", "0", "ingress: added to every Gateway port", parse_port,
     AT(gateway_port_offset)},
    {"certd", "HOST:PORT", NULL, "the CA; without it there is no mutual TLS", parse_optional,
     AT(certd_address)},
    {"certd-ip", "IP", NULL, "its address, for where the name cannot be resolved", parse_ip,
     AT(certd_ip)},
    {"certd-name", "NAME", "weft-certd.weft-system.svc", "name in the CA's certificate", parse_text,
     AT(certd_name)},
    {"trust-bundle", "FILE", NULL, "PEM roots that the CA must chain to", parse_optional,
     AT(trust_bundle_file)},
    {"token-file", "FILE", NULL,
     "token that proves to the CA who this is; read again at each request", parse_optional,
     AT(token_file)},
    {"join-token-file", "FILE", NULL, "one-time token for the first certificate", parse_optional,
     AT(join_token_file)},
    {"identity-dir", "DIR", NULL, "where key and certificate are kept over restarts",
     parse_optional, AT(identity_dir)},
    {"cert-file", "FILE", NULL, "certificate chain from elsewhere, instead of --certd",
     parse_optional, AT(cert_file)},
    {"key-file", "FILE", NULL, "its private key", parse_optional, AT(key_file)},
    {"last-good", "FILE", NULL, "where the configuration in force is kept over restarts",
     parse_optional, AT(last_good_file)},
    {"admin", "ADDR|off", "127.0.0.1:15000", "administration, for this pod only", parse_listener,
     AT(admin)},
    {"metrics", "ADDR|off", "0.0.0.0:15020", "Prometheus metrics", parse_listener, AT(metrics)},
    {"health", "ADDR|off", "0.0.0.0:15021", "readiness and liveness", parse_listener, AT(health)},
    {"app-probes", "JSON", NULL, "the app's probes that are answered below /app-health/",
     parse_optional, AT(app_probes)},
    {"app-metrics", "PORT/PATH", NULL, "the app's own metrics, shown with ours", parse_optional,
     AT(app_metrics)},
    {"workers", "N", "0", "data-plane threads; 0: one per CPU, at most 4", parse_count,
     AT(workers)},
    {"drain-time", "DURATION", "5s", "how long running requests may take after SIGTERM",
     parse_duration, AT(drain_ms)},
    {"drain-delay", "DURATION", "0s",
     "go on as ever after SIGTERM, but say \"not ready\", until others have heard", parse_duration,
     AT(drain_delay_ms)},
    {"native-sidecar", "on|off", "off",
     "the app has ended when SIGTERM comes: nothing stays open for its own calls", parse_bool,
     AT(native_sidecar)},
    {"silence", "DURATION", "100ms",
     "on an undeclared port, how long the client may pause before its protocol is clear",
     parse_duration, AT(silence_ms)},
    {"access-log", "off|errors|all[,text|json]", NULL,
     "one line per request, to stdout; else as MeshConfig says", parse_access_log, 0},
    {"log-level", "LEVEL", "info", "error, warn, info, debug or trace", parse_log_level, 0},
};
#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

static void print_help(void)
{
    printf("weft-sidecar: the data plane of Weft, as a sidecar or as an API gateway.\n\n"
           "Usage: weft-sidecar [--OPTION VALUE]...\n"
           "       weft-sidecar redirect ...   writes the iptables rules; see redirect --help\n"
           "       weft-sidecar wait ...       until this pod's sidecar is ready\n\n"
           "Every option can also be given in the environment, e.g. --policy-dir as "
           "WEFT_POLICY_DIR;\nPOD_NAME, POD_NAMESPACE, POD_IP and SERVICE_ACCOUNT say who this "
           "is.\n\n");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &options[i];
        char left[64];
        snprintf(left, sizeof(left), "--%s %s", row->name, row->value);
        printf("  %-34s %s", left, row->help);
        if (row->fallback)
            printf(" [%s]", row->fallback);
        printf("\n");
    }
}

static int set(struct settings *s, const struct option_row *row, const char *value,
               const char *where)
{
    if (row->parse(s, slice_from_cstr(value), row->offset) == ERR_OK)
        return -1;
    fprintf(stderr, "weft-sidecar: %s%s: \"%s\" is not a valid %s\n", where, row->name, value,
            row->value);
    return 2;
}

static const char *from_environment(const char *name)
{
    char variable[64] = "WEFT_";
    size_t at = 5;
    for (; *name && at + 1 < sizeof(variable); name++)
        variable[at++] = *name == '-' ? '_' : (char)toupper((unsigned char)*name);
    variable[at] = 0;
    return option_value_environment(variable);
}

/* As pods are told about themselves. */
static const char *from_pod(const char *name)
{
    static const char *const variables[][2] = {
        {"pod", "POD_NAME"},
        {"namespace", "POD_NAMESPACE"},
        {"pod-ip", "POD_IP"},
        {"service-account", "SERVICE_ACCOUNT"},
    };
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        if (!strcmp(name, variables[i][0]))
            return option_value_environment(variables[i][1]);
    return NULL;
}

static int set_defaults(struct settings *s)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *given = from_environment(options[i].name);
        if (!given)
            given = from_pod(options[i].name);
        const char *value = given ? given : options[i].fallback;
        int status = value ? set(s, &options[i], value, given ? "environment, " : "") : -1;
        if (status >= 0)
            return status;
    }
    return -1;
}

static int parse_arguments(struct settings *s, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (!strcmp(name, "--help") || !strcmp(name, "-h")) {
            print_help();
            return 0;
        }
        if (!strcmp(name, "--version")) {
            printf("weft-sidecar %s\n", WEFT_VERSION);
            return 0;
        }
        const struct option_row *row = NULL;
        size_t len = strcspn(name, "=");
        for (size_t j = 0; j < OPTION_COUNT && !strncmp(name, "--", 2); j++)
            if (strlen(options[j].name) == len - 2 && !strncmp(options[j].name, name + 2, len - 2))
                row = &options[j];
        const char *value = name[len] == '='      ? name + len + 1
                            : row && i + 1 < argc ? argv[++i]
                                                  : NULL;
        if (!row || !value) {
            fprintf(stderr, "weft-sidecar: %s %s; see --help\n", name,
                    row ? "needs a value" : "is not an option");
            return 2;
        }
        int status = set(s, row, value, "--");
        if (status >= 0)
            return status;
    }
    return -1;
}

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
    int status = set_defaults(s);
    if (status < 0)
        status = parse_arguments(s, argc, argv);
    if (status < 0) {
        complete(s);
        status = check(s);
    }
    return status;
}

void settings_dispose(struct settings *s)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (options[i].parse == parse_text || options[i].parse == parse_optional) {
            char **field = (char **)((char *)s + options[i].offset);
            mem_free(*field);
            *field = NULL;
        }
    mem_free(s->source_label);
    mem_free(s->discovery_host);
}
