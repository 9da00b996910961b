/* The functions of OpenLDAP's library that are used here, once it is loaded.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <ldap.h>

#include "lib/ldap/directory.h"

#define DIRECTORY_FUNCTIONS(X) \
    X(ldap_initialize)         \
    X(ldap_set_option)         \
    X(ldap_get_option)         \
    X(ldap_start_tls_s)        \
    X(ldap_sasl_bind_s)        \
    X(ldap_search_ext_s)       \
    X(ldap_count_entries)      \
    X(ldap_first_entry)        \
    X(ldap_get_dn)             \
    X(ldap_get_values_len)     \
    X(ldap_value_free_len)     \
    X(ldap_memfree)            \
    X(ldap_msgfree)            \
    X(ldap_err2string)         \
    X(ldap_unbind_ext_s)

struct directory_library {
#define X(name) __typeof__(name) *name;
    DIRECTORY_FUNCTIONS(X)
#undef X
};

/* Loads it the first time; any thread. NULL, with the reason in detail: it is not installed. */
const struct directory_library *directory_library(char detail[DIRECTORY_DETAIL_MAX]);
