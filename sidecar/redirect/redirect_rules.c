/* The order of the rules is the meaning; each group says what it is for. Rules are written the way
 * iptables-save prints them, so that "already in place" is a comparison of lines. Our chains see
 * TCP only: UDP is not touched. Pure; must not run anything.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/redirect/redirect_rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "sidecar/redirect/redirect_state.h"

enum { LINE_MAX_BYTES = 256 };

/* How the two families write the same thing. */
struct family {
    unsigned number;
    const char *self;        /* what "localhost" means to an app */
    const char *passthrough; /* where the sidecar's connections to its own app come from */
};

static const struct family families[] = {
    {4, "127.0.0.1/32", "127.0.0.6/32"},
    {6, "::1/128", "::6/128"},
};

static const char *const jumps[] = {
    "-A PREROUTING -p tcp -j WEFT_INBOUND",
    "-A OUTPUT -p tcp -j WEFT_OUTPUT",
};

enum { JUMP_COUNT = sizeof(jumps) / sizeof(jumps[0]) };

static void put(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct buf *out, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof(line))
        abort();
    buf_append(out, line, (size_t)n);
    buf_append(out, "\n", 1);
}

static void put_inbound(const struct redirect_options *o, struct buf *out)
{
    for (unsigned i = 0; i < o->interface_count; i++)
        put(out, "-A WEFT_INBOUND -i %s -j RETURN", o->exclude_interface[i]);
    for (unsigned i = 0; i < o->exclude_inbound.count; i++)
        put(out, "-A WEFT_INBOUND -p tcp -m tcp --dport %u -j RETURN", o->exclude_inbound.port[i]);
    for (unsigned i = 0; i < o->include_inbound.count; i++)
        put(out, "-A WEFT_INBOUND -p tcp -m tcp --dport %u -j WEFT_IN_REDIRECT",
            o->include_inbound.port[i]);
    if (o->include_inbound.all)
        put(out, "-A WEFT_INBOUND -p tcp -j WEFT_IN_REDIRECT");
}

/* Who the sidecar is decides what a connection inside the pod means. */
static void put_own_connections(const struct redirect_options *o, const struct family *f,
                                struct buf *out)
{
    /* The sidecar hands a request to its own app. */
    put(out, "-A WEFT_OUTPUT -s %s -o lo -j RETURN", f->passthrough);
    /* The app called its own service and the sidecar chose this very pod: in by the front listener,
     * so that the inbound policies hold. */
    put(out, "-A WEFT_OUTPUT ! -d %s -o lo -p tcp -m owner --uid-owner %u -j WEFT_IN_REDIRECT",
        f->self, o->uid);
    if (o->has_gid)
        put(out, "-A WEFT_OUTPUT ! -d %s -o lo -p tcp -m owner --gid-owner %u -j WEFT_IN_REDIRECT",
            f->self, o->gid);
    /* Containers of this pod among themselves. */
    if (o->has_gid)
        put(out, "-A WEFT_OUTPUT -o lo -m owner ! --uid-owner %u ! --gid-owner %u -j RETURN",
            o->uid, o->gid);
    else
        put(out, "-A WEFT_OUTPUT -o lo -m owner ! --uid-owner %u -j RETURN", o->uid);
    /* What the sidecar sends is on its way already: this is what breaks the circle. */
    put(out, "-A WEFT_OUTPUT -m owner --uid-owner %u -j RETURN", o->uid);
    if (o->has_gid)
        put(out, "-A WEFT_OUTPUT -m owner --gid-owner %u -j RETURN", o->gid);
}

static void put_cidrs(const struct redirect_cidrs *cidrs, const struct family *f,
                      const char *target, struct buf *out)
{
    char text[ADDR_TEXT_MAX];
    for (unsigned i = 0; i < cidrs->count; i++) {
        const struct cidr *c = &cidrs->cidr[i];
        if (c->base.family != f->number)
            continue;
        if (c->bits == 0)
            put(out, "-A WEFT_OUTPUT -j %s", target);
        else
            put(out, "-A WEFT_OUTPUT -d %s/%u -j %s", addr_format_ip(&c->base, text), c->bits,
                target);
    }
}

static void put_output(const struct redirect_options *o, const struct family *f, struct buf *out)
{
    for (unsigned i = 0; i < o->interface_count; i++)
        put(out, "-A WEFT_OUTPUT -o %s -j RETURN", o->exclude_interface[i]);
    for (unsigned i = 0; i < o->exclude_outbound.count; i++)
        put(out, "-A WEFT_OUTPUT -p tcp -m tcp --dport %u -j RETURN", o->exclude_outbound.port[i]);
    put_own_connections(o, f, out);
    put(out, "-A WEFT_OUTPUT -d %s -j RETURN", f->self);
    put_cidrs(&o->exclude_cidrs, f, "RETURN", out);
    for (unsigned i = 0; i < o->include_outbound.count; i++)
        put(out, "-A WEFT_OUTPUT -p tcp -m tcp --dport %u -j WEFT_REDIRECT",
            o->include_outbound.port[i]);
    put_cidrs(&o->include_cidrs, f, "WEFT_REDIRECT", out);
    if (o->include_outbound.all || o->include_cidrs.all)
        put(out, "-A WEFT_OUTPUT -j WEFT_REDIRECT");
}

static void put_rules(const struct redirect_options *o, const struct family *f, struct buf *out)
{
    put_inbound(o, out);
    put_output(o, f, out);
    put(out, "-A WEFT_REDIRECT -p tcp -j REDIRECT --to-ports %u", o->outbound_port);
    put(out, "-A WEFT_IN_REDIRECT -p tcp -j REDIRECT --to-ports %u", o->inbound_port);
}

static struct slice flatten(const struct buf *b)
{
    char *text = mem_alloc(b->len + 1);
    buf_copy_out(b, text, b->len);
    return slice_of(text, b->len);
}

static bool same_rules(struct slice wanted, struct slice saved, enum redirect_chain chain)
{
    struct slice a, b;
    for (;;) {
        bool more = redirect_state_next_rule(&wanted, chain, &a);
        if (redirect_state_next_rule(&saved, chain, &b) != more)
            return false;
        if (!more)
            return true;
        if (!slice_eq(slice_trim(a), slice_trim(b)))
            return false;
    }
}

static bool same_chains(struct slice wanted, struct slice saved)
{
    for (unsigned i = 0; i < REDIRECT_CHAIN_COUNT; i++) {
        enum redirect_chain chain = (enum redirect_chain)i;
        if (!redirect_state_has_chain(saved, chain) || !same_rules(wanted, saved, chain))
            return false;
    }
    return true;
}

static void put_delete(struct slice line, struct buf *out)
{
    struct slice rest = slice_sub(line, 2, line.len);
    buf_append_slice(out, SLICE("-D"));
    buf_append_slice(out, rest);
    buf_append(out, "\n", 1);
}

/* Each of our jumps once, where it stands already; any other rule that leads into our chains goes.
 * False when nothing had to be written. */
static bool put_jumps(struct slice saved, struct buf *out)
{
    bool there[JUMP_COUNT] = {false}, changed = false;
    struct slice line;
    while (redirect_state_next_jump(&saved, &line)) {
        bool keep = false;
        for (unsigned i = 0; i < JUMP_COUNT && !keep; i++) {
            keep = !there[i] && slice_eq(slice_trim(line), slice_from_cstr(jumps[i]));
            there[i] |= keep;
        }
        if (!keep)
            put_delete(line, out);
        changed |= !keep;
    }
    for (unsigned i = 0; i < JUMP_COUNT; i++) {
        if (!there[i])
            put(out, "%s", jumps[i]);
        changed |= !there[i];
    }
    return changed;
}

bool redirect_rules_apply(const struct redirect_options *o, unsigned family, struct slice saved,
                          struct buf *out)
{
    struct buf rules, jump_lines;
    buf_init(&rules);
    buf_init(&jump_lines);
    put_rules(o, &families[family == 6], &rules);
    struct slice wanted = flatten(&rules);
    bool jumps_differ = put_jumps(saved, &jump_lines);
    bool change = jumps_differ || !same_chains(wanted, saved);
    if (change) {
        put(out, "*nat");
        /* Under --noflush, to name a chain is to make it or to empty it. */
        for (unsigned i = 0; i < REDIRECT_CHAIN_COUNT; i++)
            put(out, ":%s - [0:0]", redirect_state_chain_name((enum redirect_chain)i));
        buf_move_all(out, &rules);
        buf_move_all(out, &jump_lines);
        put(out, "COMMIT");
    }
    mem_free((char *)wanted.ptr);
    buf_dispose(&rules);
    buf_dispose(&jump_lines);
    return change;
}

bool redirect_rules_remove(struct slice saved, struct buf *out)
{
    struct slice rest = saved, line;
    struct buf lines;
    bool found[REDIRECT_CHAIN_COUNT];
    buf_init(&lines);
    while (redirect_state_next_jump(&rest, &line))
        put_delete(line, &lines);
    for (unsigned i = 0; i < REDIRECT_CHAIN_COUNT; i++) {
        enum redirect_chain chain = (enum redirect_chain)i;
        found[i] = redirect_state_has_chain(saved, chain);
        if (found[i])
            put(&lines, "-F %s", redirect_state_chain_name(chain));
    }
    /* All are empty before the first goes: they refer to each other. */
    for (unsigned i = 0; i < REDIRECT_CHAIN_COUNT; i++) {
        if (found[i])
            put(&lines, "-X %s", redirect_state_chain_name((enum redirect_chain)i));
    }
    bool any = !buf_is_empty(&lines);
    if (any) {
        put(out, "*nat");
        buf_move_all(out, &lines);
        put(out, "COMMIT");
    }
    buf_dispose(&lines);
    return any;
}
