/* Ingress (networking.k8s.io/v1), as much of it as a front listener reads. Those of other classes
 * are none of ours. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"

#define INGRESS_CLASS "weft"
#define INGRESS_CLASS_ANNOTATION "kubernetes.io/ingress.class"

struct ingress_port {
    struct slice name; /* empty: the number counts */
    int64_t number;
};

struct ingress_service {
    struct slice name;
    struct ingress_port port;
};

struct ingress_backend {
    struct ingress_service *service; /* NULL: of another kind */
    unsigned line;
};

enum ingress_path_type {
    INGRESS_EXACT,
    INGRESS_PREFIX,
    INGRESS_IMPLEMENTATION, /* with us: as Prefix */
};

struct ingress_path {
    struct slice path; /* empty: "/" */
    int type;          /* enum ingress_path_type */
    struct ingress_backend backend;
    unsigned line;
};

struct ingress_http {
    struct schema_list paths; /* struct ingress_path */
};

struct ingress_rule {
    struct slice host; /* empty: all */
    struct ingress_http *http;
    unsigned line;
};

struct ingress_tls {
    struct schema_list hosts; /* struct slice */
    struct slice secret;      /* empty: none */
    unsigned line;
};

struct ingress_spec {
    struct slice class_name;
    struct ingress_backend *default_backend;
    struct schema_list tls;   /* struct ingress_tls */
    struct schema_list rules; /* struct ingress_rule */
};

struct ingress {
    struct object object;
    struct ingress_spec spec;
};

bool ingress_is_ours(const struct ingress *i);
