/* What the command line and the environment say, fixed for the life of the process.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "lib/net/http_client.h"
#include "lib/net/http_server.h"

enum sidecar_mode { MODE_SIDECAR, MODE_INGRESS };

enum access_log_said {
    ACCESS_LOG_AS_MESH,
    ACCESS_LOG_SAID_OFF,
    ACCESS_LOG_SAID_ERRORS,
    ACCESS_LOG_SAID_ALL
};
enum access_log_form { ACCESS_LOG_FORM_AS_MESH, ACCESS_LOG_FORM_TEXT, ACCESS_LOG_FORM_JSON };

struct settings {
    enum sidecar_mode mode;
    /* who we are */
    char *namespace_name, *workload, *service_account, *gateway, *trust_domain;
    char *source_label; /* "namespace/workload": what we tell the other side, for its metrics */
    struct addr pod_ip;
    /* where we listen */
    struct addr outbound, inbound; /* 15001, 15006 */
    struct addr admin, metrics, health;
    uint16_t outbound_port, inbound_port;
    struct addr inbound_forward; /* family 0: by original destination */
    struct addr
        gateway_bind; /* address of gateway listeners; their ports come from the configuration */
    uint16_t gateway_port_offset; /* added to every gateway port: 443 served on 8443 without
                                     privileges */
    bool is_redirected;           /* connections arrive by iptables */
    /* sources */
    char *policy_dir;
    char *discovery; /* policyd, "host:port"; instead of policy_dir */
    char *discovery_host;
    uint16_t discovery_port;
    struct addr discovery_ip, certd_ip; /* where names do not resolve; family 0: none */
    char *control_namespace;
    uint32_t discovery_wait_ms; /* how long a connection waits to hear what its destination is */
    uint32_t discovery_idle_ms; /* a destination that nobody has called for so long is let go */
    char *certd_address, *certd_name, *trust_bundle_file, *token_file, *join_token_file;
    char *identity_dir;
    char *dns_servers; /* NULL: those of /etc/resolv.conf */
    char *cert_file, *key_file;
    char *last_good_file;
    char *app_probes, *app_metrics; /* as the injector says it, see app_probes.h, app_metrics.h */
    unsigned workers;
    uint32_t drain_ms, drain_delay_ms;
    bool native_sidecar; /* the kubelet stops us after the app */
    uint32_t silence_ms; /* how long an undeclared port's client may be silent before the server is
                            asked */
    enum access_log_said access_log; /* which lines are written */
    enum access_log_form access_log_form;
    /* inbound: in the clear; mesh: inbound over mutual TLS, a peer with many clients behind it */
    struct http_server_config server_outbound, server_inbound, server_mesh;
    struct http_server_config server_ingress, server_ingress_tls;
    struct http_client_config client, client_mesh;
};

/* Fills s from argv and the environment (WEFT_*); prints help or the mistake itself. Returns -1 to
 * go on, else the exit status. */
int settings_parse(struct settings *s, int argc, char **argv);
void settings_dispose(struct settings *s);
