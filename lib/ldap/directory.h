/* An LDAP directory that knows users and their passwords (RFC 4511, RFC 4513). Over OpenLDAP's
 * library, which is loaded when the first directory is opened: programs that ask none do not carry
 * it, nor the TLS library that it brings. Everything here blocks, so it is for threads that may.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"

#define DIRECTORY_DETAIL_MAX 256

/* All strings NUL-terminated. */
struct directory_config {
    const char *url;           /* "ldaps://ldap.example.com:636" */
    bool starts_tls;           /* for ldap://: TLS before anything else (RFC 4511 §4.14) */
    const char *authorities;   /* in PEM; NULL: those of the machine */
    const char *base_dn;       /* what users are below of */
    const char *attribute;     /* what they are named by: "uid" */
    const char *bind_dn;       /* who looks users up; NULL: a user is `attribute`=name,`base_dn` */
    const char *bind_password;
    const char *group_attribute; /* of a user's entry, "memberOf"; NULL: nobody asks */
    uint32_t timeout_ms;       /* of each question */
};

/* One connection; one thread at a time. */
struct directory;

enum directory_verdict {
    DIRECTORY_YES,
    DIRECTORY_NO,      /* there is no such user, or the password is another one */
    DIRECTORY_UNKNOWN, /* nobody could say: detail says why */
};

/* ERR_UNREACHABLE, with the reason in detail. The configuration is kept and not copied. */
MUST_USE enum err directory_open(const struct directory_config *config, struct directory **out,
                                 char detail[DIRECTORY_DETAIL_MAX]);
/* After DIRECTORY_UNKNOWN the connection is of no further use. With group_attribute, *groups are
 * the names of the user's groups, in the arena: of a value that is a distinguished name, the value
 * of its first part ("cn=admins,ou=groups" is "admins"). */
enum directory_verdict directory_check(struct directory *d, struct slice user,
                                       struct slice password, struct arena *arena,
                                       const struct slice **groups, size_t *group_count,
                                       char detail[DIRECTORY_DETAIL_MAX]);
void directory_close(struct directory *d);

/* ---- names (directory_name.c) ---- */

/* A value as a part of a distinguished name (RFC 4514 §2.4), NUL-terminated. */
const char *directory_escape_name(struct arena *arena, struct slice value);
/* A value in a filter (RFC 4515 §3), NUL-terminated. */
const char *directory_escape_filter(struct arena *arena, struct slice value);
/* "admins" of "cn=admins,ou=groups"; what is no distinguished name is its own. */
struct slice directory_first_value(struct arena *arena, struct slice name);
