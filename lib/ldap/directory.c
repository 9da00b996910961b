/* Asking a directory. A user without a password is never good: servers take such a bind for an
 * anonymous one, and it succeeds (RFC 4513 §5.1.2).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/ldap/directory.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/ldap/directory_library.h"

struct directory {
    const struct directory_library *lib;
    const struct directory_config *config;
    LDAP *ld;
};

static void say(char detail[DIRECTORY_DETAIL_MAX], const struct directory *d, const char *what,
                int code)
{
    char *more = NULL;
    d->lib->ldap_get_option(d->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more);
    snprintf(detail, DIRECTORY_DETAIL_MAX, "%s: %s%s%s", what, d->lib->ldap_err2string(code),
             more && *more ? ": " : "", more ? more : "");
    if (more)
        d->lib->ldap_memfree(more);
}

/* ---- connections ---- */

/* The library takes a file's name. */
static bool set_authorities(struct directory *d, const char *pem)
{
    char path[64];
    int fd = memfd_create("weft-ldap", MFD_CLOEXEC);
    size_t len = strlen(pem);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int fresh = 0;
    bool is_set = fd >= 0 && write(fd, pem, len) == (ssize_t)len &&
                  !d->lib->ldap_set_option(d->ld, LDAP_OPT_X_TLS_CACERTFILE, path) &&
                  !d->lib->ldap_set_option(d->ld, LDAP_OPT_X_TLS_NEWCTX, &fresh);
    if (fd >= 0)
        close(fd);
    return is_set;
}

static bool set_options(struct directory *d)
{
    const struct directory_config *c = d->config;
    struct timeval limit = {.tv_sec = c->timeout_ms / 1000,
                            .tv_usec = (suseconds_t)(c->timeout_ms % 1000) * 1000};
    int version = LDAP_VERSION3, demand = LDAP_OPT_X_TLS_DEMAND;
    return !d->lib->ldap_set_option(d->ld, LDAP_OPT_PROTOCOL_VERSION, &version) &&
           !d->lib->ldap_set_option(d->ld, LDAP_OPT_NETWORK_TIMEOUT, &limit) &&
           !d->lib->ldap_set_option(d->ld, LDAP_OPT_TIMEOUT, &limit) &&
           !d->lib->ldap_set_option(d->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) &&
           !d->lib->ldap_set_option(d->ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) &&
           (!c->authorities || set_authorities(d, c->authorities));
}

enum err directory_open(const struct directory_config *config, struct directory **out,
                        char detail[DIRECTORY_DETAIL_MAX])
{
    struct directory *d = mem_zalloc(sizeof(*d));
    *d = (struct directory){.lib = directory_library(detail), .config = config};
    int code = d->lib ? d->lib->ldap_initialize(&d->ld, config->url) : LDAP_SUCCESS;
    if (!d->lib) {
        mem_free(d);
        return ERR_UNREACHABLE;
    }
    if (code || !set_options(d)) {
        snprintf(detail, DIRECTORY_DETAIL_MAX, "%s: cannot be used as a directory", config->url);
        directory_close(d);
        return ERR_UNREACHABLE;
    }
    code = config->starts_tls ? d->lib->ldap_start_tls_s(d->ld, NULL, NULL) : LDAP_SUCCESS;
    if (code) {
        say(detail, d, "StartTLS", code);
        directory_close(d);
        return ERR_UNREACHABLE;
    }
    *out = d;
    return ERR_OK;
}

void directory_close(struct directory *d)
{
    if (d->ld)
        d->lib->ldap_unbind_ext_s(d->ld, NULL, NULL);
    mem_free(d);
}

/* ---- questions ---- */

static int bind_as(const struct directory *d, const char *dn, struct slice password)
{
    struct berval secret = {.bv_len = password.len, .bv_val = (char *)(uintptr_t)password.ptr};
    return d->lib->ldap_sasl_bind_s(d->ld, dn, LDAP_SASL_SIMPLE, &secret, NULL, NULL, NULL);
}

/* A user that is not there, or a password that is wrong; servers differ in which they say. */
static bool is_refusal(int code)
{
    return code == LDAP_INVALID_CREDENTIALS || code == LDAP_NO_SUCH_OBJECT ||
           code == LDAP_INAPPROPRIATE_AUTH || code == LDAP_UNWILLING_TO_PERFORM ||
           code == LDAP_INVALID_DN_SYNTAX || code == LDAP_CONSTRAINT_VIOLATION ||
           code == LDAP_INSUFFICIENT_ACCESS;
}

static int search(const struct directory *d, const char *base, int scope, const char *filter,
                  LDAPMessage **found)
{
    char *attributes[] = {
        (char *)(uintptr_t)(d->config->group_attribute ? d->config->group_attribute
                                                       : LDAP_NO_ATTRS),
        NULL};
    return d->lib->ldap_search_ext_s(d->ld, base, scope, filter, attributes, 0, NULL, NULL, NULL,
                                     2, found);
}

static void take_groups(const struct directory *d, LDAPMessage *entry, struct arena *arena,
                        const struct slice **groups, size_t *count)
{
    struct berval **values =
        d->lib->ldap_get_values_len(d->ld, entry, d->config->group_attribute);
    size_t n = 0;
    while (values && values[n])
        n++;
    struct slice *names = arena_alloc(arena, (n ? n : 1) * sizeof(*names));
    for (size_t i = 0; i < n; i++)
        names[i] =
            directory_first_value(arena, slice_of(values[i]->bv_val, values[i]->bv_len));
    *groups = names;
    *count = n;
    if (values)
        d->lib->ldap_value_free_len(values);
}

/* The one entry that was found: its name, and its groups. */
static enum directory_verdict take_entry(const struct directory *d, LDAPMessage *found,
                                         struct arena *arena, const char **dn,
                                         const struct slice **groups, size_t *group_count)
{
    LDAPMessage *entry = d->lib->ldap_first_entry(d->ld, found);
    if (d->lib->ldap_count_entries(d->ld, found) != 1 || !entry)
        return DIRECTORY_NO;
    char *name = d->lib->ldap_get_dn(d->ld, entry);
    if (!name)
        return DIRECTORY_NO;
    *dn = arena_strdup(arena, slice_from_cstr(name));
    d->lib->ldap_memfree(name);
    if (d->config->group_attribute)
        take_groups(d, entry, arena, groups, group_count);
    return DIRECTORY_YES;
}

static enum directory_verdict judge(const struct directory *d, int code, const char *what,
                                    char detail[DIRECTORY_DETAIL_MAX])
{
    if (code == LDAP_SUCCESS)
        return DIRECTORY_YES;
    if (is_refusal(code))
        return DIRECTORY_NO;
    say(detail, d, what, code);
    return DIRECTORY_UNKNOWN;
}

/* By whoever may look. */
static enum directory_verdict look_up(const struct directory *d, struct slice user,
                                      struct arena *arena, const char **dn,
                                      const struct slice **groups, size_t *group_count,
                                      char detail[DIRECTORY_DETAIL_MAX])
{
    const struct directory_config *c = d->config;
    LDAPMessage *found = NULL;
    int code = bind_as(d, c->bind_dn, slice_from_cstr(c->bind_password));
    if (code) { /* our own login: never the client's fault */
        say(detail, d, c->bind_dn, code);
        return DIRECTORY_UNKNOWN;
    }
    char *filter = arena_strdup(arena, arena_printf(arena, "(%s=%s)", c->attribute,
                                                    directory_escape_filter(arena, user)));
    code = search(d, c->base_dn, LDAP_SCOPE_SUBTREE, filter, &found);
    enum directory_verdict verdict = DIRECTORY_UNKNOWN;
    if (code == LDAP_SUCCESS || code == LDAP_SIZELIMIT_EXCEEDED)
        verdict = take_entry(d, found, arena, dn, groups, group_count);
    else
        say(detail, d, c->base_dn, code);
    if (found)
        d->lib->ldap_msgfree(found);
    return verdict;
}

/* By the user, of itself. */
static enum directory_verdict look_at_self(const struct directory *d, const char *dn,
                                           struct arena *arena, const struct slice **groups,
                                           size_t *group_count, char detail[DIRECTORY_DETAIL_MAX])
{
    LDAPMessage *found = NULL;
    const char *ignored;
    int code = search(d, dn, LDAP_SCOPE_BASE, "(objectClass=*)", &found);
    enum directory_verdict verdict = DIRECTORY_UNKNOWN;
    if (code == LDAP_SUCCESS)
        verdict = take_entry(d, found, arena, &ignored, groups, group_count);
    else
        say(detail, d, dn, code);
    if (found)
        d->lib->ldap_msgfree(found);
    return verdict;
}

enum directory_verdict directory_check(struct directory *d, struct slice user,
                                       struct slice password, struct arena *arena,
                                       const struct slice **groups, size_t *group_count,
                                       char detail[DIRECTORY_DETAIL_MAX])
{
    const struct directory_config *c = d->config;
    const char *dn = NULL;
    *groups = NULL;
    *group_count = 0;
    if (!user.len || !password.len || memchr(password.ptr, 0, password.len))
        return DIRECTORY_NO;
    if (!c->bind_dn)
        dn = arena_strdup(arena, arena_printf(arena, "%s=%s,%s", c->attribute,
                                              directory_escape_name(arena, user), c->base_dn));
    enum directory_verdict verdict =
        dn ? DIRECTORY_YES : look_up(d, user, arena, &dn, groups, group_count, detail);
    if (verdict == DIRECTORY_YES)
        verdict = judge(d, bind_as(d, dn, password), "bind", detail);
    if (verdict == DIRECTORY_YES && !c->bind_dn && c->group_attribute)
        verdict = look_at_self(d, dn, arena, groups, group_count, detail);
    return verdict;
}
