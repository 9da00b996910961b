/* Runs iptables-save and iptables-restore for each IP version: one look, one transaction. IPv6
 * goes first, because it is the one that a kernel may lack: then nothing has changed yet.
 * Blocking. Must not know what the rules mean.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/redirect/redirect_apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "sidecar/redirect/redirect_ipv6.h"
#include "sidecar/redirect/redirect_rules.h"
#include "sidecar/redirect/redirect_run.h"
#include "sidecar/redirect/redirect_state.h"

/* The same tools under several names: the distribution's choice, then the older kernel interface.
 */
struct tool {
    const char *label;
    const char *save[2], *restore[2];
    const char *legacy_tables; /* the tables in use through the older interface */
};

enum { CHOSEN, LEGACY };

static const struct tool v4 = {
    "IPv4",
    {"iptables-save", "iptables-legacy-save"},
    {"iptables-restore", "iptables-legacy-restore"},
    "/proc/net/ip_tables_names",
};
static const struct tool v6 = {
    "IPv6",
    {"ip6tables-save", "ip6tables-legacy-save"},
    {"ip6tables-restore", "ip6tables-legacy-restore"},
    "/proc/net/ip6_tables_names",
};

static void explain(const struct tool *t, const char *command, enum err err)
{
    fprintf(stderr, "redirect: %s: cannot run %s: %s%s\n", t->label, command, err_text(err),
            err == ERR_NOT_FOUND ? " (install the package iptables)" : "");
}

static void hint_privileges(void)
{
    if (geteuid() != 0)
        fprintf(stderr, "redirect: not running as root: this needs root in the network namespace, "
                        "or CAP_NET_ADMIN and CAP_NET_RAW\n");
}

/* What the command itself said, line by line. */
static void pass_on(const char *errors)
{
    struct slice rest = slice_from_cstr(errors), line;
    while (slice_split(&rest, '\n', &line)) {
        if (line.len && !slice_starts_with(line, SLICE("Try `")))
            fprintf(stderr, "  %.*s\n", SLICE_ARG(line));
    }
}

/* "… line: 7" or "… line 7 failed": shows that line, if it is one of ours. */
static void show_line(const char *errors, struct slice input)
{
    const char *at = strstr(errors, "line");
    while (at && at[4] != ':' && at[4] != ' ')
        at = strstr(at + 4, "line");
    unsigned long wanted = at ? strtoul(at + 4 + strspn(at + 4, ": "), NULL, 10) : 0;
    struct slice line = {NULL, 0};
    for (unsigned long i = 0; i < wanted; i++) {
        if (!slice_split(&input, '\n', &line))
            return;
    }
    if (line.len)
        fprintf(stderr, "  line %lu is: %.*s\n", wanted, SLICE_ARG(line));
}

static bool is_legacy_in_use(const struct tool *t)
{
    char line[64];
    bool found = false;
    FILE *names = fopen(t->legacy_tables, "re");
    if (!names)
        return false;
    while (!found && fgets(line, sizeof(line), names))
        found = strcmp(line, "nat\n") == 0;
    fclose(names);
    return found;
}

static enum err save(const struct tool *t, unsigned which, struct redirect_run *r)
{
    const char *const argv[] = {t->save[which], "-t", "nat", NULL};
    return redirect_run_command(r, argv, (struct slice){NULL, 0});
}

static bool has_ours(const struct redirect_run *r)
{
    struct slice saved = slice_from_cstr(r->out), line;
    for (unsigned i = 0; i < REDIRECT_CHAIN_COUNT; i++) {
        if (redirect_state_has_chain(saved, (enum redirect_chain)i))
            return true;
    }
    return redirect_state_next_jump(&saved, &line);
}

/* The older interface, where it works (and, if asked for, has rules of ours). */
static bool try_legacy(const struct tool *t, bool only_ours, struct redirect_run *r)
{
    if (save(t, LEGACY, r) != ERR_OK)
        return false;
    if (r->status == 0 && (!only_ours || has_ours(r)))
        return true;
    redirect_run_dispose(r);
    return false;
}

/* Reads the current rules by the variant that has rules of ours, else by the distribution's choice,
 * else by what works. -1 after a message (when loud). */
static int look(const struct tool *t, bool loud, struct redirect_run *r)
{
    enum err err = save(t, CHOSEN, r);
    bool works = err == ERR_OK && r->status == 0;
    struct redirect_run legacy;
    if (works && (has_ours(r) || !is_legacy_in_use(t)))
        return CHOSEN;
    if (try_legacy(t, works, &legacy)) {
        if (err == ERR_OK)
            redirect_run_dispose(r);
        *r = legacy;
        return LEGACY;
    }
    if (works)
        return CHOSEN;
    if (loud && err != ERR_OK) {
        explain(t, t->save[CHOSEN], err);
    } else if (loud) {
        fprintf(stderr, "redirect: %s: %s failed:\n", t->label, t->save[CHOSEN]);
        pass_on(r->errors);
        hint_privileges();
    }
    if (err == ERR_OK)
        redirect_run_dispose(r);
    return -1;
}

static bool restore(const struct tool *t, unsigned which, const struct buf *text)
{
    const char *const argv[] = {t->restore[which], "--noflush", "-w", "10", NULL};
    char *input = mem_alloc(text->len);
    struct redirect_run r;
    buf_copy_out(text, input, text->len);
    enum err err = redirect_run_command(&r, argv, slice_of(input, text->len));
    bool done = err == ERR_OK && r.status == 0;
    if (err != ERR_OK) {
        explain(t, t->restore[which], err);
    } else {
        if (!done) {
            fprintf(stderr, "redirect: %s: %s refused the rules; nothing was changed:\n", t->label,
                    t->restore[which]);
            pass_on(r.errors);
            show_line(r.errors, slice_of(input, text->len));
            hint_privileges();
        }
        redirect_run_dispose(&r);
    }
    mem_free(input);
    return done;
}

static bool apply_one(const struct tool *t, const struct redirect_options *o, unsigned family)
{
    struct redirect_run state;
    int which = look(t, true, &state);
    if (which < 0)
        return false;
    struct buf text;
    buf_init(&text);
    bool change = redirect_rules_apply(o, family, slice_from_cstr(state.out), &text);
    bool done = !change || restore(t, (unsigned)which, &text);
    if (done)
        printf("redirect: %s: %s\n", t->label, change ? "rules written" : "already in place");
    buf_dispose(&text);
    redirect_run_dispose(&state);
    return done;
}

static bool remove_by(const struct tool *t, unsigned which, const struct redirect_run *state)
{
    struct buf text;
    buf_init(&text);
    bool any = redirect_rules_remove(slice_from_cstr(state->out), &text);
    bool done = !any || restore(t, which, &text);
    if (any && done)
        printf("redirect: %s: rules removed\n", t->label);
    buf_dispose(&text);
    return done;
}

/* Wherever they are, both variants if need be. */
static bool remove_one(const struct tool *t, bool loud)
{
    struct redirect_run state;
    int which = look(t, loud, &state);
    if (which < 0)
        return false;
    bool done = remove_by(t, (unsigned)which, &state);
    redirect_run_dispose(&state);
    if (done && which == CHOSEN && is_legacy_in_use(t) && try_legacy(t, true, &state)) {
        done = remove_by(t, LEGACY, &state);
        redirect_run_dispose(&state);
    }
    return done;
}

static bool add_source(void)
{
    enum err err = redirect_ipv6_add_source();
    if (err == ERR_OK)
        return true;
    fprintf(stderr, "redirect: IPv6: cannot give ::6 to the loopback interface: %s\n",
            err_text(err));
    hint_privileges();
    return false;
}

static bool can_ipv6(void)
{
    struct redirect_run state;
    if (look(&v6, false, &state) < 0)
        return false;
    redirect_run_dispose(&state);
    return true;
}

/* Whether there is anything to redirect. Automatic means: never leave a way around the sidecar
 * open. */
static bool wants_ipv6(const struct redirect_options *o)
{
    enum redirect_ipv6_presence presence = redirect_ipv6_presence();
    if (o->ipv6 != REDIRECT_IPV6_AUTO)
        return o->ipv6 == REDIRECT_IPV6_ON;
    return presence == REDIRECT_IPV6_REACHABLE ||
           (presence == REDIRECT_IPV6_LOOPBACK && can_ipv6());
}

int redirect_apply(const struct redirect_options *o)
{
    if (wants_ipv6(o)) {
        if (!apply_one(&v6, o, 6) || !add_source()) {
            if (o->ipv6 == REDIRECT_IPV6_AUTO && geteuid() == 0)
                fprintf(stderr, "redirect: this namespace has IPv6 addresses, which would be a way "
                                "around the sidecar; --ipv6 off leaves it open\n");
            return 1;
        }
    } else {
        /* Those of an earlier call, if any; where IPv6 cannot be had there are none. */
        if (remove_one(&v6, false))
            (void)!redirect_ipv6_remove_source();
    }
    return apply_one(&v4, o, 4) ? 0 : 1;
}

int redirect_apply_remove(void)
{
    bool has_ipv6 = redirect_ipv6_presence() != REDIRECT_IPV6_NONE;
    bool done = remove_one(&v6, has_ipv6) || !has_ipv6;
    enum err err = has_ipv6 ? redirect_ipv6_remove_source() : ERR_OK;
    if (err != ERR_OK)
        fprintf(stderr, "redirect: IPv6: cannot take ::6 from the loopback interface: %s\n",
                err_text(err));
    return remove_one(&v4, true) && done && err == ERR_OK ? 0 : 1;
}
