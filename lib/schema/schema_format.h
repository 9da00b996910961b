/* The named forms that strings of policies have: host names, header names, paths, labels,
 * addresses. Each is a predicate, the sentence that says what it wants, and a pattern for other
 * validators. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema.h"

extern const struct schema_format
    schema_format_label_name;                             /* one DNS label: namespaces, services */
extern const struct schema_format schema_format_name;     /* DNS subdomain: names of objects */
extern const struct schema_format schema_format_section;  /* names of listeners and rules */
extern const struct schema_format schema_format_hostname; /* may begin with "*." */
extern const struct schema_format schema_format_precise_hostname;
extern const struct schema_format schema_format_header_name;
extern const struct schema_format schema_format_header_value;
extern const struct schema_format schema_format_realm;
extern const struct schema_format
    schema_format_mutable_header;                          /* a header that filters may change */
extern const struct schema_format schema_format_path;      /* what a replacement path may be */
extern const struct schema_format schema_format_label_key; /* "app.kubernetes.io/name" */
extern const struct schema_format schema_format_label_value;
extern const struct schema_format schema_format_port_key; /* "8080": the key of a map by port */
extern const struct schema_format schema_format_cidr;     /* "10.0.0.0/8" or an address */
extern const struct schema_format schema_format_trust_domain;
extern const struct schema_format
    schema_format_origin; /* "https://a.b:8443", "*", wildcard hosts */
extern const struct schema_format schema_format_method; /* "GET", "*" */
extern const struct schema_format
    schema_format_http_uri; /* "https://a.b/c" (lib/codec/http/http_uri.h) */
extern const struct schema_format schema_format_uri;    /* "spiffe://a/b" */
