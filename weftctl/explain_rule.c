/* Testing a rule as data planes do, with the reason kept: three-valued, since a client's address is
 * often not known to whoever asks. Main thread. Must not know what follows from the answer.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/explain_rule.h"

#include "lib/codec/normalize.h"

typedef Weft__Config__V1__StringMatch *const *matches;
typedef Weft__Config__V1__Cidr *const *cidrs;

/* One test under way. */
struct trial {
    struct arena *arena;
    const struct explain_call *call;
    bool denies;
    enum holds holds;
    struct slice why; /* of the first part that does not hold */
};

static void settle(struct trial *t, enum holds h, const char *what, struct slice value,
                   struct slice wanted)
{
    t->holds = holds_and(t->holds, h);
    if (h == HOLDS_YES || t->why.len)
        return;
    if (h == HOLDS_UNKNOWN)
        t->why =
            arena_printf(t->arena, "%s is not known here (wanted: %.*s)", what, SLICE_ARG(wanted));
    else
        t->why = arena_printf(t->arena, "%s is \"%.*s\" (wanted: %.*s)", what, SLICE_ARG(value),
                              SLICE_ARG(wanted));
}

static struct slice wanted_text(struct trial *t, struct slice in, struct slice not_in)
{
    if (!not_in.len)
        return in;
    return arena_printf(t->arena, "%.*s%snone of %.*s", SLICE_ARG(in), in.len ? "; " : "",
                        SLICE_ARG(not_in));
}

/* ---- a list and its opposite against one value ---- */

static void test_strings(struct trial *t, const char *what, matches in, size_t n, matches not_in,
                         size_t not_n, struct slice value)
{
    struct slice given = value.len ? value : (struct slice){NULL, 0};
    enum holds h = n ? holds_any(in, n, given) : HOLDS_YES;
    if (not_n)
        h = holds_and(h, holds_not(holds_any(not_in, not_n, given)));
    settle(t, h, what, value,
           wanted_text(t, holds_describe_list(t->arena, in, n),
                       holds_describe_list(t->arena, not_in, not_n)));
}

static enum holds any_cidr(const char *const *texts, size_t n, const struct addr *a)
{
    struct cidr c;
    enum holds any = HOLDS_NO;
    for (size_t i = 0; i < n; i++) {
        if (cidr_parse(slice_from_cstr(texts[i]), &c))
            any = holds_or(any, HOLDS_UNKNOWN);
        else
            any = holds_or(any, holds_of(cidr_contains(&c, a)));
    }
    return any;
}

static struct slice join(struct trial *t, const char *const *texts, size_t n)
{
    struct slice all = SLICE("");
    for (size_t i = 0; i < n; i++)
        all = arena_printf(t->arena, "%.*s%s%s", SLICE_ARG(all), i ? ", " : "", texts[i]);
    return all;
}

static void test_address(struct trial *t, const char *what, const char *const *in, size_t n,
                         const char *const *not_in, size_t not_n, struct slice ip)
{
    struct addr a;
    if (!n && !not_n)
        return;
    enum holds h = HOLDS_UNKNOWN;
    if (ip.len && addr_parse(ip, &a) == ERR_OK) {
        h = n ? any_cidr(in, n, &a) : HOLDS_YES;
        if (not_n)
            h = holds_and(h, holds_not(any_cidr(not_in, not_n, &a)));
    }
    settle(t, h, what, ip, wanted_text(t, join(t, in, n), join(t, not_in, not_n)));
}

static const char *const *texts_of_cidrs(struct trial *t, cidrs list, size_t n)
{
    const char **texts = arena_alloc(t->arena, (n + 1) * sizeof(*texts));
    for (size_t i = 0; i < n; i++)
        texts[i] = list[i]->text;
    return texts;
}

static void test_cidrs(struct trial *t, const char *what, cidrs in, size_t n, cidrs not_in,
                       size_t not_n, struct slice ip)
{
    test_address(t, what, texts_of_cidrs(t, in, n), n, texts_of_cidrs(t, not_in, not_n), not_n, ip);
}

static bool has_port(const uint32_t *list, size_t n, uint16_t port)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == port)
            return true;
    return false;
}

static struct slice join_ports(struct trial *t, const uint32_t *list, size_t n)
{
    struct slice all = SLICE("");
    for (size_t i = 0; i < n; i++)
        all = arena_printf(t->arena, "%.*s%s%u", SLICE_ARG(all), i ? ", " : "", list[i]);
    return all;
}

static void test_ports(struct trial *t, const uint32_t *in, size_t n, const uint32_t *not_in,
                       size_t not_n)
{
    uint16_t port = t->call->port;
    bool ok = (!n || has_port(in, n, port)) && !has_port(not_in, not_n, port);
    settle(t, holds_of(ok), "the port", arena_printf(t->arena, "%u", port),
           wanted_text(t, join_ports(t, in, n), join_ports(t, not_in, not_n)));
}

/* ---- hosts: with or without the port, in any case ---- */

static enum holds any_host(struct trial *t, matches list, size_t n)
{
    const struct asked *asked = t->call->asked;
    struct slice with_port = arena_printf(t->arena, "%.*s:%u", SLICE_ARG(asked->host), asked->port);
    enum holds any = HOLDS_NO;
    for (size_t i = 0; i < n; i++) {
        Weft__Config__V1__StringMatch m = *list[i];
        m.ignore_case = true;
        any = holds_or(any, holds_or(holds_string(&m, asked->host), holds_string(&m, with_port)));
    }
    return any;
}

static void test_hosts(struct trial *t, const Weft__Config__V1__AuthzOperation *o)
{
    enum holds h = o->n_hosts ? any_host(t, o->hosts, o->n_hosts) : HOLDS_YES;
    if (o->n_not_hosts)
        h = holds_and(h, holds_not(any_host(t, o->not_hosts, o->n_not_hosts)));
    settle(t, h, "the host", t->call->asked->host,
           wanted_text(t, holds_describe_list(t->arena, o->hosts, o->n_hosts),
                       holds_describe_list(t->arena, o->not_hosts, o->n_not_hosts)));
}

/* ---- when ---- */

/* What is asked of a header's lines: that one of them (to deny) or all of them (to allow) match. */
struct header_quest {
    matches list;
    size_t count;
    bool exists;
    bool negate;
};

static enum holds combine(const struct header_quest *q, enum holds a, enum holds b)
{
    return q->exists ? holds_or(a, b) : holds_and(a, b);
}

static enum holds test_value(const struct header_quest *q, struct slice value)
{
    enum holds h = holds_any(q->list, q->count, value);
    return q->negate ? holds_not(h) : h;
}

/* The elements of a line that is a list count too, wherever that can only refuse more. */
static enum holds test_line(const struct header_quest *q, struct slice value)
{
    enum holds h = test_value(q, value);
    struct slice rest = value, element;
    if (q->exists == q->negate || slice_find_byte(value, ',') == value.len)
        return h;
    while (slice_split(&rest, ',', &element))
        h = combine(q, h, test_value(q, slice_trim(element)));
    return h;
}

static enum holds test_lines(const struct trial *t, const struct header_quest *q, struct slice name)
{
    enum holds h = holds_of(q->negate);
    struct slice value;
    bool seen = false;
    for (size_t at = 0; (value = asked_next_header(t->call->asked, name, &at)).ptr; seen = true) {
        enum holds line = test_line(q, value);
        h = seen ? combine(q, h, line) : line;
    }
    return h;
}

static void test_header(struct trial *t, const Weft__Config__V1__AuthzCondition *c,
                        struct slice name)
{
    struct header_quest in = {c->values, c->n_values, t->denies, false};
    struct header_quest out = {c->not_values, c->n_not_values, t->denies, true};
    size_t at = 0;
    struct slice first = asked_next_header(t->call->asked, name, &at);
    enum holds h = c->n_values ? test_lines(t, &in, name) : HOLDS_YES;
    if (c->n_not_values)
        h = holds_and(h, test_lines(t, &out, name));
    settle(t, h, c->key, first.ptr ? first : SLICE(""),
           wanted_text(t, holds_describe_list(t->arena, c->values, c->n_values),
                       holds_describe_list(t->arena, c->not_values, c->n_not_values)));
}

static const char *const *texts_of_matches(struct trial *t, matches list, size_t n)
{
    const char **texts = arena_alloc(t->arena, (n + 1) * sizeof(*texts));
    for (size_t i = 0; i < n; i++)
        texts[i] =
            list[i]->kind_case == WEFT__CONFIG__V1__STRING_MATCH__KIND_EXACT ? list[i]->exact : "";
    return texts;
}

static void test_when_address(struct trial *t, const Weft__Config__V1__AuthzCondition *c,
                              struct slice ip)
{
    test_address(t, c->key, texts_of_matches(t, c->values, c->n_values), c->n_values,
                 texts_of_matches(t, c->not_values, c->n_not_values), c->n_not_values, ip);
}

static void test_when_text(struct trial *t, const Weft__Config__V1__AuthzCondition *c,
                           struct slice value)
{
    test_strings(t, c->key, c->values, c->n_values, c->not_values, c->n_not_values, value);
}

static void test_condition(struct trial *t, const Weft__Config__V1__AuthzCondition *c)
{
    static const struct slice open = {"request.headers[", 16};
    struct slice key = slice_from_cstr(c->key);
    const struct explain_call *call = t->call;
    if (slice_starts_with(key, open))
        test_header(t, c, slice_sub(key, open.len, key.len - open.len - 1));
    else if (slice_eq(key, SLICE("source.ip")))
        test_when_address(t, c, call->caller_ip);
    else if (slice_eq(key, SLICE("remote.ip")))
        test_when_address(t, c, call->remote_ip);
    else if (slice_eq(key, SLICE("destination.ip")))
        test_when_address(t, c, call->local_ip);
    else if (slice_eq(key, SLICE("source.namespace")))
        test_when_text(t, c, call->namespace_name);
    else if (slice_eq(key, SLICE("source.principal")))
        test_when_text(t, c, call->principal);
    else if (slice_eq(key, SLICE("destination.port")))
        test_when_text(t, c, arena_printf(t->arena, "%u", call->port));
    else
        settle(t, HOLDS_UNKNOWN, c->key, SLICE(""),
               holds_describe_list(t->arena, c->values, c->n_values));
}

/* ---- from, to, when ---- */

static void test_source(struct trial *t, const Weft__Config__V1__AuthzSource *s)
{
    const struct explain_call *call = t->call;
    test_strings(t, "the caller", s->principals, s->n_principals, s->not_principals,
                 s->n_not_principals, call->principal);
    test_strings(t, "the caller's namespace", s->namespaces, s->n_namespaces, s->not_namespaces,
                 s->n_not_namespaces, call->namespace_name);
    test_cidrs(t, "the caller's address", s->ip_blocks, s->n_ip_blocks, s->not_ip_blocks,
               s->n_not_ip_blocks, call->caller_ip);
    test_cidrs(t, "the client's address", s->remote_ip_blocks, s->n_remote_ip_blocks,
               s->not_remote_ip_blocks, s->n_not_remote_ip_blocks, call->remote_ip);
}

/* Where the next hop may read another path, only what holds for all readings counts against the
 * request or for it. */
static enum holds path_holds(const Weft__Config__V1__AuthzOperation *o, struct slice path)
{
    enum holds h = o->n_paths ? holds_any(o->paths, o->n_paths, path) : HOLDS_YES;
    if (o->n_not_paths)
        h = holds_and(h, holds_not(holds_any(o->not_paths, o->n_not_paths, path)));
    return h;
}

static void test_paths(struct trial *t, const Weft__Config__V1__AuthzOperation *o)
{
    const struct asked *asked = t->call->asked;
    enum holds h = path_holds(o, asked->path);
    struct slice wanted = wanted_text(t, holds_describe_list(t->arena, o->paths, o->n_paths),
                                      holds_describe_list(t->arena, o->not_paths, o->n_not_paths));
    for (uint32_t i = 0; asked->other_paths && i < asked->other_paths->count; i++) {
        struct slice other = asked->other_paths->paths[i];
        if (path_holds(o, other) != h) {
            settle(t, holds_of(t->denies), "the path, as the app may read it,", other, wanted);
            return;
        }
    }
    settle(t, h, "the path", asked->path, wanted);
}

static void test_operation(struct trial *t, const Weft__Config__V1__AuthzOperation *o)
{
    const struct asked *asked = t->call->asked;
    test_ports(t, o->ports, o->n_ports, o->not_ports, o->n_not_ports);
    test_strings(t, "the method", o->methods, o->n_methods, o->not_methods, o->n_not_methods,
                 asked->method);
    test_paths(t, o);
    test_hosts(t, o);
}

static struct trial new_trial(struct arena *arena, const struct explain_call *call, bool denies)
{
    return (struct trial){arena, call, denies, HOLDS_YES, {NULL, 0}};
}

/* The better of two alternatives, with the reason of the first that failed. */
static void take_better(struct trial *best, const struct trial *t, bool is_first)
{
    if (is_first || t->holds > best->holds)
        *best = *t;
}

enum holds explain_rule_test(struct arena *arena, const Weft__Config__V1__AuthzRule *rule,
                             const struct explain_call *call, bool denies, struct slice *why)
{
    struct trial from = new_trial(arena, call, denies), to = from, when = from;
    for (size_t i = 0; i < rule->n_from; i++) {
        struct trial t = new_trial(arena, call, denies);
        test_source(&t, rule->from[i]);
        take_better(&from, &t, i == 0);
    }
    for (size_t i = 0; i < rule->n_to; i++) {
        struct trial t = new_trial(arena, call, denies);
        test_operation(&t, rule->to[i]);
        take_better(&to, &t, i == 0);
    }
    for (size_t i = 0; i < rule->n_when; i++)
        test_condition(&when, rule->when[i]);
    enum holds all = holds_and(from.holds, holds_and(to.holds, when.holds));
    *why = from.holds == all ? from.why : to.holds == all ? to.why : when.why;
    return all;
}
