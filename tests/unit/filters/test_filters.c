/* Every filter of filters.def against its cases (cases/<name>.cases): plainly; with every hook
 * waiting first; with bodies cut at every byte; and with the client leaving at every step.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/filters/filter_bed.h"

#include "lib/base/mem.h"
#include "lib/base/percent.h"
#include "lib/codec/compress/encoder.h"
#include "lib/codec/doc/doc_write.h"
#include "lib/codec/doc/doc_yaml.h"
#include "tests/unit/filters/bed_head.h"
#include "tests/unit/filters/filter_tokens.h"
#include "tests/unit/policies/cases.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

/* A case is the specification as YAML, "---", the request, and where it matters "---" and the
 * response of the backend. Words behind ">>>":
 *
 * random N     what chance says
 * unix MS      the wall clock, in milliseconds; without it, noon of 2026-01-01 UTC
 * secret TEXT  what the reference to a Secret with the next value, from 0 on, leads to
 * tls          the connection is TLS
 * scheme S     what the request says of it; "-": nothing
 * port N       of the listener
 * prefix /P    the path prefix that the route matches
 * as ID        the SPIFFE id of the peer's certificate
 * certificate N  names of the client's certificate, "a,b"
 * consumer C   who was authenticated before, by a filter of an earlier phase
 * client A     whom the request is from; "unknown"
 * route R      the route's name
 * groups G,H   the consumer's groups
 * credential C by what: "ann-key/key"
 * claims J     with a token of these claims, JSON without spaces
 * before N     the same request has come N times already
 * early        the response is one of our own, given before the chain had its turn
 * repeat N     the request's body comes N times, one behind the other
 * pack C       the request's body is in that coding: gzip, br, zstd; several words, several codings
 * packed C     the response's is
 * short N      so many bytes are missing at the end of what was packed
 * pack hex     the request's body is written in hexadecimal digits; "packed hex" the response's
 * trailers T   of the response, "a:b,c:d" */

static const struct filter *filter;

static struct slice take_part(struct slice *rest)
{
    struct slice mark = SLICE("---\n");
    size_t at = slice_starts_with(*rest, mark) ? 0 : slice_find(*rest, SLICE("\n---\n")) + 1;
    struct slice part = slice_sub(*rest, 0, at);
    *rest = slice_sub(*rest, at + mark.len, rest->len);
    return part;
}

static struct slice to_json(struct slice yaml, struct arena *arena)
{
    struct doc_list docs;
    struct doc_error error;
    struct json_write w;
    struct buf text;
    buf_init(&text);
    if (doc_yaml_parse(yaml, arena, &docs, &error))
        fail_msg("the specification: %s", error.text);
    json_write_init(&w, &text);
    if (docs.count)
        doc_write_json(&w, docs.items[0]);
    else
        buf_append_slice(&text, SLICE("{}"));
    return buf_take_into(&text, arena);
}

static void same(const struct filter_bed_case *c, const struct filter_bed_mode *mode,
                 const char *want, const char *how)
{
    struct buf out;
    struct filter_bed_counts counts;
    buf_init(&out);
    filter_bed_run(c, mode, &out, &counts);
    char *got = cases_text(&out);
    if (strcmp(got, want) != 0)
        fail_msg("%s:\n--- plainly\n%s--- %s\n%s---", how, want, how, got);
    assert_int_equal(counts.begun, counts.ended);
    mem_free(got);
    buf_dispose(&out);
}

static void leave_everywhere(struct filter_bed_case *c, unsigned calls)
{
    for (int waits = 0; waits < 2; waits++)
        for (unsigned i = 1; i <= calls * 2; i++) {
            struct buf out;
            struct filter_bed_counts counts;
            struct filter_bed_mode mode = {
                .waits_first = waits != 0, .piece = 1, .leave_after = i};
            buf_init(&out);
            filter_bed_run(c, &mode, &out, &counts);
            assert_int_equal(counts.begun, counts.ended);
            buf_dispose(&out);
        }
}

/* ---- packed bodies ---- */

/* In these words, for one direction. */
struct packing {
    const char *word; /* "pack" or "packed" */
    uint64_t repeat, missing;
};

static void encode(struct slice coding, struct buf *body, struct arena *arena)
{
    struct slice plain = buf_take_into(body, arena);
    if (slice_eq_cstr(coding, "hex")) {
        for (size_t at = 0; at + 2 <= plain.len; at += 2) {
            int high = percent_digit(plain.ptr[at]), low = percent_digit(plain.ptr[at + 1]);
            buf_append(body, &(uint8_t){(uint8_t)(high << 4 | low)}, 1);
        }
        return;
    }
    for (int i = 0; i < CODING_COUNT; i++) {
        if (!slice_eq_cstr(coding, content_coding_names[i]))
            continue;
        struct encoder *e = encoder_take((enum content_coding)i, 3);
        assert_true(encoder_run(e, plain, ENCODER_END, body));
        encoder_give(e);
        return;
    }
    fail_msg("no coding %.*s", SLICE_ARG(coding));
}

/* A message with its body packed; the line break behind it is the case's. */
static struct slice pack(const struct packing *how, struct slice words, struct slice message,
                         struct arena *arena)
{
    struct buf body, all;
    struct slice word, coding;
    size_t head = slice_find(message, SLICE("\n\n")) + 2;
    struct slice plain = bed_head_body(slice_sub(message, head, message.len));
    buf_init(&body);
    buf_init(&all);
    for (uint64_t i = 0; i < how->repeat; i++)
        buf_append_slice(&body, plain);
    while (slice_split(&words, ' ', &word))
        if (slice_eq_cstr(word, how->word) && slice_split(&words, ' ', &coding))
            encode(coding, &body, arena);
    buf_append_slice(&all, slice_sub(message, 0, head));
    buf_move(&all, &body, body.len - how->missing);
    buf_append(&all, "\n", 1);
    buf_dispose(&body);
    return buf_take_into(&all, arena);
}

static uint64_t number_behind(struct slice words, const char *name, uint64_t none)
{
    struct slice word, value;
    uint64_t number = none;
    while (slice_split(&words, ' ', &word))
        if (slice_eq_cstr(word, name) && slice_split(&words, ' ', &value))
            assert_int_equal(slice_to_u64(value, &number), ERR_OK);
    return number;
}

static void pack_bodies(struct slice words, struct filter_bed_case *c, struct arena *arena)
{
    struct packing request = {"pack", number_behind(words, "repeat", 1), 0};
    struct packing response = {"packed", 1, 0};
    if (slice_find(words, SLICE("pack ")) < words.len) {
        request.missing = number_behind(words, "short", 0);
        c->request = pack(&request, words, c->request, arena);
    }
    if (slice_find(words, SLICE("packed ")) < words.len) {
        response.missing = number_behind(words, "short", 0);
        c->response = pack(&response, words, c->response, arena);
    }
}

/* "a,b": each with a NUL behind it. */
static struct slice names_of(struct slice text)
{
    static char names[256];
    assert_true(text.len < sizeof names);
    for (size_t i = 0; i < text.len; i++)
        names[i] = text.ptr[i] == ',' ? '\0' : text.ptr[i];
    names[text.len] = '\0';
    return slice_of(names, text.len + 1);
}

static void take_words(struct slice words, struct filter_bed_case *c)
{
    struct slice word, value;
    uint64_t port = 0, before = 0;
    while (slice_split(&words, ' ', &word)) {
        c->is_tls |= slice_eq_cstr(word, "tls");
        c->is_early |= slice_eq_cstr(word, "early");
        if (slice_eq_cstr(word, "random") && slice_split(&words, ' ', &value))
            assert_int_equal(slice_to_u64(value, &c->random), ERR_OK);
        else if (slice_eq_cstr(word, "unix") && slice_split(&words, ' ', &value)) {
            uint64_t ms;
            assert_int_equal(slice_to_u64(value, &ms), ERR_OK);
            c->unix_ms = (int64_t)ms;
        }
        else if (slice_eq_cstr(word, "port") && slice_split(&words, ' ', &value))
            assert_int_equal(slice_to_u64(value, &port), ERR_OK);
        else if (slice_eq_cstr(word, "secret")) {
            assert_true(c->secret_count < sizeof(c->secrets) / sizeof(c->secrets[0]));
            slice_split(&words, ' ', &c->secrets[c->secret_count++]);
        } else if (slice_eq_cstr(word, "before") && slice_split(&words, ' ', &value))
            assert_int_equal(slice_to_u64(value, &before), ERR_OK);
        else if (slice_eq_cstr(word, "route"))
            slice_split(&words, ' ', &c->route);
        else if (slice_eq_cstr(word, "certificate") && slice_split(&words, ' ', &value))
            c->certificate = names_of(value);
        else if (slice_eq_cstr(word, "consumer"))
            slice_split(&words, ' ', &c->consumer);
        else if (slice_eq_cstr(word, "trailers"))
            slice_split(&words, ' ', &c->trailers);
        else if (slice_eq_cstr(word, "groups"))
            slice_split(&words, ' ', &c->groups);
        else if (slice_eq_cstr(word, "credential"))
            slice_split(&words, ' ', &c->credential);
        else if (slice_eq_cstr(word, "claims"))
            slice_split(&words, ' ', &c->claims);
        else if (slice_eq_cstr(word, "prefix"))
            slice_split(&words, ' ', &c->matched_prefix);
        else if (slice_eq_cstr(word, "as"))
            slice_split(&words, ' ', &c->identity);
        else if (slice_eq_cstr(word, "client"))
            slice_split(&words, ' ', &c->client);
        else if (slice_eq_cstr(word, "scheme"))
            slice_split(&words, ' ', &c->scheme);
    }
    c->before = (unsigned)before;
    c->listener_port = (uint16_t)(port ? port : c->is_tls ? 443 : 80);
}

static void run_case(const struct cases_item *item, struct buf *out)
{
    struct arena arena;
    struct filter_bed_counts counts;
    struct filter_tokens tokens = {.count = 0};
    arena_init(&arena, 4096);
    struct slice rest = filter_tokens_fill(&tokens, &arena, item->input);
    struct filter_bed_case c = {.filter = filter};
    c.spec = to_json(take_part(&rest), &arena);
    c.request = take_part(&rest);
    c.response = rest;
    take_words(item->words, &c);
    pack_bodies(item->words, &c, &arena);
    filter_bed_run(&c, &(struct filter_bed_mode){0}, out, &counts);
    assert_int_equal(counts.begun, counts.ended);
    char *want = cases_text(out);
    same(&c, &(struct filter_bed_mode){.waits_first = true}, want, "when every hook waits first");
    same(&c, &(struct filter_bed_mode){.piece = 1}, want, "when the body comes byte by byte");
    same(&c, &(struct filter_bed_mode){.waits_first = true, .piece = 3}, want,
         "when hooks wait and the body comes in pieces");
    leave_everywhere(&c, counts.calls);
    filter_tokens_hide(&tokens, &arena, out);
    mem_free(want);
    arena_dispose(&arena);
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < filter_count; i++) {
        char *file = mem_printf("filters/cases/%s.cases", filter_all[i]->name);
        filter = filter_all[i];
        cases_run(file, 2, run_case);
        mem_free(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
