/* Tests of the redirect rules as text: their order, what a second call changes, what a removal
 * takes along, and reading iptables-save. No privileges. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/redirect/redirect_rules.h"

#include "lib/base/mem.h"
#include "sidecar/redirect/redirect_state.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

static struct redirect_options o;

static void options(int count, const char *const *arguments)
{
    char *argv[16] = {(char *)"redirect"};
    for (int i = 0; i < count; i++)
        argv[i + 1] = (char *)arguments[i];
    assert_int_equal(redirect_options_parse(&o, count + 1, argv), -1);
}

#define OPTIONS(...)                                                     \
    options(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), \
            (const char *const[]){__VA_ARGS__})

/* NULL when nothing is to be done. The caller frees it. */
static char *take_text(bool any, struct buf *b)
{
    char *text = NULL;
    if (any) {
        text = mem_zalloc(b->len + 1);
        buf_copy_out(b, text, b->len);
    } else {
        assert_int_equal(b->len, 0);
    }
    buf_dispose(b);
    return text;
}

static char *apply(unsigned family, const char *saved)
{
    struct buf b;
    buf_init(&b);
    bool any = redirect_rules_apply(&o, family, slice_from_cstr(saved), &b);
    return take_text(any, &b);
}

static char *removal(const char *saved)
{
    struct buf b;
    buf_init(&b);
    bool any = redirect_rules_remove(slice_from_cstr(saved), &b);
    return take_text(any, &b);
}

static void check(char *got, const char *want)
{
    assert_non_null(got);
    assert_string_equal(got, want);
    mem_free(got);
}

static const char defaults_v4[] =
    "*nat\n"
    ":WEFT_INBOUND - [0:0]\n"
    ":WEFT_OUTPUT - [0:0]\n"
    ":WEFT_REDIRECT - [0:0]\n"
    ":WEFT_IN_REDIRECT - [0:0]\n"
    "-A WEFT_INBOUND -p tcp -m tcp --dport 15020 -j RETURN\n"
    "-A WEFT_INBOUND -p tcp -m tcp --dport 15021 -j RETURN\n"
    "-A WEFT_INBOUND -p tcp -j WEFT_IN_REDIRECT\n"
    "-A WEFT_OUTPUT -s 127.0.0.6/32 -o lo -j RETURN\n"
    "-A WEFT_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m owner --uid-owner 1337 -j WEFT_IN_REDIRECT\n"
    "-A WEFT_OUTPUT -o lo -m owner ! --uid-owner 1337 -j RETURN\n"
    "-A WEFT_OUTPUT -m owner --uid-owner 1337 -j RETURN\n"
    "-A WEFT_OUTPUT -d 127.0.0.1/32 -j RETURN\n"
    "-A WEFT_OUTPUT -j WEFT_REDIRECT\n"
    "-A WEFT_REDIRECT -p tcp -j REDIRECT --to-ports 15001\n"
    "-A WEFT_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006\n"
    "-A PREROUTING -p tcp -j WEFT_INBOUND\n"
    "-A OUTPUT -p tcp -j WEFT_OUTPUT\n"
    "COMMIT\n";

static void test_defaults(void **state)
{
    options(0, NULL);
    check(apply(4, NULL), defaults_v4);
}

static void test_everything(void **state)
{
    OPTIONS("--inbound-port=6", "--outbound-port=1", "--proxy-uid=7", "--proxy-gid=8",
            "--include-inbound-ports=80,81", "--exclude-inbound-ports=22",
            "--include-outbound-ports=9000", "--exclude-outbound-ports=3306",
            "--include-outbound-cidrs=10.0.0.0/8,fd00::/8",
            "--exclude-outbound-cidrs=10.9.0.0/16,fd09::/16", "--exclude-interfaces=eth1,veth+");
    check(apply(6, ""),
          "*nat\n"
          ":WEFT_INBOUND - [0:0]\n"
          ":WEFT_OUTPUT - [0:0]\n"
          ":WEFT_REDIRECT - [0:0]\n"
          ":WEFT_IN_REDIRECT - [0:0]\n"
          "-A WEFT_INBOUND -i eth1 -j RETURN\n"
          "-A WEFT_INBOUND -i veth+ -j RETURN\n"
          "-A WEFT_INBOUND -p tcp -m tcp --dport 22 -j RETURN\n"
          "-A WEFT_INBOUND -p tcp -m tcp --dport 80 -j WEFT_IN_REDIRECT\n"
          "-A WEFT_INBOUND -p tcp -m tcp --dport 81 -j WEFT_IN_REDIRECT\n"
          "-A WEFT_OUTPUT -o eth1 -j RETURN\n"
          "-A WEFT_OUTPUT -o veth+ -j RETURN\n"
          "-A WEFT_OUTPUT -p tcp -m tcp --dport 3306 -j RETURN\n"
          "-A WEFT_OUTPUT -s ::6/128 -o lo -j RETURN\n"
          "-A WEFT_OUTPUT ! -d ::1/128 -o lo -p tcp -m owner --uid-owner 7 -j WEFT_IN_REDIRECT\n"
          "-A WEFT_OUTPUT ! -d ::1/128 -o lo -p tcp -m owner --gid-owner 8 -j WEFT_IN_REDIRECT\n"
          "-A WEFT_OUTPUT -o lo -m owner ! --uid-owner 7 ! --gid-owner 8 -j RETURN\n"
          "-A WEFT_OUTPUT -m owner --uid-owner 7 -j RETURN\n"
          "-A WEFT_OUTPUT -m owner --gid-owner 8 -j RETURN\n"
          "-A WEFT_OUTPUT -d ::1/128 -j RETURN\n"
          "-A WEFT_OUTPUT -d fd09::/16 -j RETURN\n"
          "-A WEFT_OUTPUT -p tcp -m tcp --dport 9000 -j WEFT_REDIRECT\n"
          "-A WEFT_OUTPUT -d fd00::/8 -j WEFT_REDIRECT\n"
          "-A WEFT_REDIRECT -p tcp -j REDIRECT --to-ports 1\n"
          "-A WEFT_IN_REDIRECT -p tcp -j REDIRECT --to-ports 6\n"
          "-A PREROUTING -p tcp -j WEFT_INBOUND\n"
          "-A OUTPUT -p tcp -j WEFT_OUTPUT\n"
          "COMMIT\n");
}

static void test_nothing_included(void **state)
{
    OPTIONS(
        "--include-inbound-ports=", "--include-outbound-cidrs=", "--exclude-outbound-cidrs=::/0");
    char *text = apply(4, NULL);
    assert_null(strstr(text, "-j WEFT_REDIRECT"));
    assert_null(strstr(text, "-A WEFT_INBOUND -p tcp -j"));
    assert_null(strstr(text, "WEFT_OUTPUT -j RETURN"));
    mem_free(text);
    text = apply(6, NULL);
    assert_non_null(strstr(text, "-A WEFT_OUTPUT -j RETURN\n"));
    mem_free(text);
}

/* As iptables-save prints the defaults: other order of chains, foreign rules between. */
static const char saved[] =
    "# Generated by iptables-save v1.8.9 (nf_tables) on Sun Jan  1 00:00:00 2026\n"
    "*nat\n"
    ":PREROUTING ACCEPT [0:0]\n"
    ":OUTPUT ACCEPT [0:0]\n"
    ":DOCKER_OUTPUT - [0:0]\n"
    ":WEFT_INBOUND - [0:0]\n"
    ":WEFT_IN_REDIRECT - [0:0]\n"
    ":WEFT_OUTPUT - [0:0]\n"
    ":WEFT_REDIRECT - [0:0]\n"
    "-A PREROUTING -p tcp -j WEFT_INBOUND\n"
    "-A OUTPUT -d 127.0.0.11/32 -j DOCKER_OUTPUT\n"
    "-A OUTPUT -p tcp -j WEFT_OUTPUT\n"
    "-A DOCKER_OUTPUT -p tcp -m comment --comment \"not \\\" -j WEFT_OUTPUT\" -j ACCEPT\n"
    "-A WEFT_INBOUND -p tcp -m tcp --dport 15020 -j RETURN\n"
    "-A WEFT_INBOUND -p tcp -m tcp --dport 15021 -j RETURN\n"
    "-A WEFT_INBOUND -p tcp -j WEFT_IN_REDIRECT\n"
    "-A WEFT_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006\n"
    "-A WEFT_OUTPUT -s 127.0.0.6/32 -o lo -j RETURN\n"
    "-A WEFT_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m owner --uid-owner 1337 -j WEFT_IN_REDIRECT\n"
    "-A WEFT_OUTPUT -o lo -m owner ! --uid-owner 1337 -j RETURN\n"
    "-A WEFT_OUTPUT -m owner --uid-owner 1337 -j RETURN\n"
    "-A WEFT_OUTPUT -d 127.0.0.1/32 -j RETURN\n"
    "-A WEFT_OUTPUT -j WEFT_REDIRECT\n"
    "-A WEFT_REDIRECT -p tcp -j REDIRECT --to-ports 15001\n"
    "COMMIT\n";

static void test_already_in_place(void **state)
{
    options(0, NULL);
    assert_null(apply(4, saved));
}

/* Another port: the chains are written again, the jumps stay where they stand. */
static void test_changed(void **state)
{
    OPTIONS("--exclude-inbound-ports=15020");
    char *text = apply(4, saved);
    assert_non_null(strstr(text, ":WEFT_INBOUND - [0:0]\n"));
    assert_null(strstr(text, "15021"));
    assert_null(strstr(text, "-A PREROUTING"));
    assert_null(strstr(text, "-A OUTPUT"));
    assert_null(strstr(text, "-D "));
    assert_null(strstr(text, "DOCKER"));
    mem_free(text);
}

static void test_damaged(void **state)
{
    static const char text_saved[] =
        "*nat\n"
        ":WEFT_OUTPUT - [0:0]\n"
        ":WEFT_OUTPUT_OLD - [0:0]\n"
        "-A OUTPUT -j WEFT_OUTPUT\n"
        "-A OUTPUT -p tcp -j WEFT_OUTPUT\n"
        "-A OUTPUT -p tcp -j WEFT_OUTPUT\n"
        "-A OUTPUT -p tcp -j WEFT_OUTPUT_OLD\n"
        "-A POSTROUTING -m comment --comment \"a b\" -g WEFT_REDIRECT\n"
        "COMMIT\n";
    options(0, NULL);
    char *text = apply(4, text_saved);
    assert_non_null(strstr(text, "-D OUTPUT -j WEFT_OUTPUT\n-D OUTPUT -p tcp -j WEFT_OUTPUT\n"
                                 "-D POSTROUTING -m comment --comment \"a b\" -g WEFT_REDIRECT\n"
                                 "-A PREROUTING -p tcp -j WEFT_INBOUND\nCOMMIT\n"));
    assert_null(strstr(text, "OLD"));
    mem_free(text);
}

static void test_remove(void **state)
{
    check(removal(saved), "*nat\n"
                          "-D PREROUTING -p tcp -j WEFT_INBOUND\n"
                          "-D OUTPUT -p tcp -j WEFT_OUTPUT\n"
                          "-F WEFT_INBOUND\n"
                          "-F WEFT_OUTPUT\n"
                          "-F WEFT_REDIRECT\n"
                          "-F WEFT_IN_REDIRECT\n"
                          "-X WEFT_INBOUND\n"
                          "-X WEFT_OUTPUT\n"
                          "-X WEFT_REDIRECT\n"
                          "-X WEFT_IN_REDIRECT\n"
                          "COMMIT\n");
    check(removal(":WEFT_REDIRECT - [0:0]\n"),
          "*nat\n-F WEFT_REDIRECT\n-X WEFT_REDIRECT\nCOMMIT\n");
    assert_null(removal(""));
    assert_null(removal("*nat\n:OUTPUT ACCEPT [0:0]\n:WEFT_OUTPUT2 - [0:0]\n"
                        "-A OUTPUT -j WEFT_OUTPUT2\n-A OUTPUT -m comment --comment WEFT_OUTPUT\n"));
}

static void test_state(void **state)
{
    struct slice rest = slice_from_cstr(saved), line;
    assert_true(redirect_state_has_chain(rest, REDIRECT_CHAIN_IN_REDIRECT));
    assert_false(
        redirect_state_has_chain(SLICE(":WEFT_INBOUND2 - [0:0]\n"), REDIRECT_CHAIN_INBOUND));
    assert_true(redirect_state_next_rule(&rest, REDIRECT_CHAIN_REDIRECT, &line));
    assert_slice(line, "-A WEFT_REDIRECT -p tcp -j REDIRECT --to-ports 15001");
    assert_false(redirect_state_next_rule(&rest, REDIRECT_CHAIN_REDIRECT, &line));
    rest = SLICE("-A OUTPUT -m comment --comment \"unfinished -j WEFT_OUTPUT");
    assert_false(redirect_state_next_jump(&rest, &line));
    rest = SLICE("-A OUTPUT -j\n-A\n-A OUTPUT\n\\\n\"\n");
    assert_false(redirect_state_next_jump(&rest, &line));
    assert_string_equal(redirect_state_chain_name(REDIRECT_CHAIN_OUTPUT), "WEFT_OUTPUT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),         cmocka_unit_test(test_everything),
        cmocka_unit_test(test_nothing_included), cmocka_unit_test(test_already_in_place),
        cmocka_unit_test(test_changed),          cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_remove),           cmocka_unit_test(test_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
