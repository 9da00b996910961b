/* Tests of putting rules into the kernel and taking them out: which of the system's tools are
 * called, in which order, with what, and what is said when they fail. The tools are fakes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/redirect/redirect_apply.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "sidecar/redirect/redirect_ipv6.h"
#include "sidecar/redirect/redirect_run.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

/* ---- the system ---- */

struct command {
    const char *name;
    bool is_there;
    int status;
    const char *out, *errors;
};

enum { SAVE_4, RESTORE_4, OLD_SAVE_4, OLD_RESTORE_4, SAVE_6, RESTORE_6, COMMANDS };

static const struct command usual[COMMANDS] = {
    [SAVE_4] = {"iptables-save", true, 0, "", ""},
    [RESTORE_4] = {"iptables-restore", true, 0, "", ""},
    [OLD_SAVE_4] = {"iptables-legacy-save", false, 0, "", ""},
    [OLD_RESTORE_4] = {"iptables-legacy-restore", false, 0, "", ""},
    [SAVE_6] = {"ip6tables-save", true, 0, "", ""},
    [RESTORE_6] = {"ip6tables-restore", true, 0, "", ""},
};

static struct {
    struct command commands[COMMANDS];
    enum redirect_ipv6_presence presence;
    enum err add, remove;
    char calls[512];     /* of what changes something, in order */
    char input[2][8192]; /* of the last restore: IPv4, IPv6 */
    char said[8192];     /* on both outputs */
} sys;

static void note(const char *what)
{
    size_t len = strlen(sys.calls);
    snprintf(sys.calls + len, sizeof(sys.calls) - len, "%s;", what);
}

enum err redirect_run_command(struct redirect_run *r, const char *const *argv, struct slice input)
{
    bool is_restore = strstr(argv[0], "restore") != NULL;
    *r = (struct redirect_run){0};
    if (is_restore) {
        assert_string_equal(argv[1], "--noflush");
        snprintf(sys.input[argv[0][2] == '6'], sizeof(sys.input[0]), "%.*s", SLICE_ARG(input));
    } else {
        assert_string_equal(argv[1], "-t");
        assert_string_equal(argv[2], "nat");
    }
    for (int i = 0; i < COMMANDS; i++) {
        const struct command *c = &sys.commands[i];
        if (strcmp(c->name, argv[0]) != 0 || !c->is_there)
            continue;
        if (is_restore)
            note(argv[0]);
        r->status = c->status;
        r->out = mem_strndup(c->out, strlen(c->out));
        r->errors = mem_strndup(c->errors, strlen(c->errors));
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

void redirect_run_dispose(struct redirect_run *r)
{
    mem_free(r->out);
    mem_free(r->errors);
}

enum redirect_ipv6_presence redirect_ipv6_presence(void)
{
    return sys.presence;
}

enum err redirect_ipv6_add_source(void)
{
    note("add ::6");
    return sys.add;
}

enum err redirect_ipv6_remove_source(void)
{
    note("remove ::6");
    return sys.remove;
}

/* ---- calls ---- */

static int renew(void **state)
{
    memset(&sys, 0, sizeof(sys));
    memcpy(sys.commands, usual, sizeof(usual));
    sys.presence = REDIRECT_IPV6_NONE;
    return 0;
}

static int call(int (*what)(const struct redirect_options *o), const struct redirect_options *o)
{
    int fd = memfd_create("said", 0), saved[2] = {dup(1), dup(2)};
    assert_true(fd >= 0);
    fflush(stdout);
    fflush(stderr);
    for (int i = 0; i < 2; i++)
        dup2(fd, i + 1);
    sys.calls[0] = 0;
    int status = what(o);
    fflush(stdout);
    fflush(stderr);
    for (int i = 0; i < 2; i++) {
        dup2(saved[i], i + 1);
        close(saved[i]);
    }
    ssize_t len = pread(fd, sys.said, sizeof(sys.said) - 1, 0);
    sys.said[len > 0 ? len : 0] = 0;
    close(fd);
    return status;
}

static int apply(const char *ipv6)
{
    static struct redirect_options o;
    char *argv[] = {(char *)"redirect", (char *)"--ipv6", (char *)ipv6};
    assert_int_equal(redirect_options_parse(&o, 3, argv), -1);
    return call(redirect_apply, &o);
}

static int remove_them(const struct redirect_options *o)
{
    return redirect_apply_remove();
}

static void expect_said(const char *text)
{
    if (!strstr(sys.said, text))
        fail_msg("\"%s\" is not in:\n%s", text, sys.said);
}

/* ---- writing ---- */

static void test_written_once(void **state)
{
    static char there[8192];
    assert_int_equal(apply("auto"), 0);
    assert_string_equal(sys.calls, "remove ::6;iptables-restore;");
    assert_non_null(strstr(sys.input[0], "*nat\n"));
    assert_non_null(strstr(sys.input[0], "-A OUTPUT -p tcp -j WEFT_OUTPUT\n"));
    assert_string_equal(sys.said, "redirect: IPv4: rules written\n");
    memcpy(there, sys.input[0], sizeof(there));
    sys.commands[SAVE_4].out = there;
    assert_int_equal(apply("auto"), 0);
    assert_string_equal(sys.calls, "remove ::6;");
    assert_string_equal(sys.said, "redirect: IPv4: already in place\n");
}

/* IPv6 first: where it cannot be had, nothing has changed yet. */
static void test_ipv6(void **state)
{
    static const struct {
        const char *option;
        enum redirect_ipv6_presence presence;
        bool has_tool, is_wanted;
        int status;
    } cases[] = {
        {"auto", REDIRECT_IPV6_NONE, true, false, 0},
        {"auto", REDIRECT_IPV6_LOOPBACK, true, true, 0},
        {"auto", REDIRECT_IPV6_LOOPBACK, false, false, 0},
        {"auto", REDIRECT_IPV6_REACHABLE, true, true, 0},
        {"auto", REDIRECT_IPV6_REACHABLE, false, true, 1},
        {"on", REDIRECT_IPV6_NONE, true, true, 0},
        {"on", REDIRECT_IPV6_LOOPBACK, false, true, 1},
        {"off", REDIRECT_IPV6_REACHABLE, true, false, 0},
        {"off", REDIRECT_IPV6_REACHABLE, false, false, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        renew(state);
        sys.presence = cases[i].presence;
        sys.commands[SAVE_6].is_there = cases[i].has_tool;
        int status = apply(cases[i].option);
        const char *want = cases[i].status      ? ""
                           : cases[i].is_wanted ? "ip6tables-restore;add ::6;iptables-restore;"
                           : cases[i].has_tool  ? "remove ::6;iptables-restore;"
                                                : "iptables-restore;";
        if (status != cases[i].status || strcmp(sys.calls, want) != 0)
            fail_msg("case %zu: %d, %s", i, status, sys.calls);
        if (status)
            expect_said("IPv6: cannot run ip6tables-save: ");
        bool is_open = status && !strcmp(cases[i].option, "auto") && geteuid() == 0;
        assert_int_equal(strstr(sys.said, "a way around the sidecar") != NULL, is_open);
    }
}

static void test_ipv6_source(void **state)
{
    sys.presence = REDIRECT_IPV6_REACHABLE;
    sys.add = ERR_DENIED;
    assert_int_equal(apply("auto"), 1);
    assert_string_equal(sys.calls, "ip6tables-restore;add ::6;");
    expect_said("cannot give ::6 to the loopback interface");
}

/* Off takes out what an earlier call wrote. */
static void test_ipv6_switched_off(void **state)
{
    static char there[8192];
    sys.presence = REDIRECT_IPV6_REACHABLE;
    assert_int_equal(apply("on"), 0);
    memcpy(there, sys.input[1], sizeof(there));
    sys.commands[SAVE_6].out = there;
    assert_int_equal(apply("off"), 0);
    assert_string_equal(sys.calls, "ip6tables-restore;remove ::6;iptables-restore;");
    assert_non_null(strstr(sys.input[1], "-X WEFT_OUTPUT\n"));
    expect_said("redirect: IPv6: rules removed\n");
}

/* ---- tools ---- */

static void test_no_tool(void **state)
{
    sys.commands[SAVE_4].is_there = false;
    assert_int_equal(apply("off"), 1);
    expect_said("IPv4: cannot run iptables-save: ");
    expect_said("(install the package iptables)");
    assert_null(strstr(sys.calls, "iptables-restore"));
    sys.commands[SAVE_4] = (struct command){"iptables-save", true, 4, "", "Try `help'\nno table\n"};
    assert_int_equal(apply("off"), 1);
    expect_said("redirect: IPv4: iptables-save failed:\n  no table\n");
    assert_null(strstr(sys.said, "Try"));
    assert_null(strstr(sys.calls, "iptables-restore"));
    sys.commands[SAVE_4] = usual[SAVE_4];
    sys.commands[RESTORE_4].is_there = false;
    assert_int_equal(apply("off"), 1);
    expect_said("IPv4: cannot run iptables-restore: ");
}

/* The older interface, where the distribution's choice does not work. */
static void test_older_tool(void **state)
{
    for (int is_there = 0; is_there < 2; is_there++) {
        renew(state);
        sys.commands[SAVE_4].is_there = is_there;
        sys.commands[SAVE_4].status = 1;
        sys.commands[OLD_SAVE_4].is_there = sys.commands[OLD_RESTORE_4].is_there = true;
        assert_int_equal(apply("off"), 0);
        assert_non_null(strstr(sys.calls, "iptables-legacy-restore;"));
        assert_string_equal(sys.said, "redirect: IPv4: rules written\n");
        sys.commands[OLD_SAVE_4].status = 1;
        assert_int_equal(apply("off"), 1);
        assert_null(strstr(sys.calls, "restore"));
    }
}

/* What the tool says, and the line that it means. */
static void test_refused(void **state)
{
    static const struct {
        const char *errors, *line; /* NULL: none is shown */
    } cases[] = {
        {"iptables-restore: line 2 failed\n", "  line 2 is: :WEFT_INBOUND - [0:0]\n"},
        {"Error occurred at line: 3\n", "  line 3 is: :WEFT_OUTPUT - [0:0]\n"},
        {"offline, at line: 1\n", "  line 1 is: *nat\n"},
        {"line 9999 failed\n", NULL},
        {"line 0 failed\n", NULL},
        {"no idea\n", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        renew(state);
        sys.commands[RESTORE_4].status = 2;
        sys.commands[RESTORE_4].errors = cases[i].errors;
        assert_int_equal(apply("off"), 1);
        expect_said("IPv4: iptables-restore refused the rules; nothing was changed:\n  ");
        expect_said(cases[i].errors);
        if (cases[i].line)
            expect_said(cases[i].line);
        else
            assert_null(strstr(sys.said, " is: "));
        assert_null(strstr(sys.said, "rules written"));
    }
}

/* ---- taking them out ---- */

static void test_removed(void **state)
{
    static char there[2][8192];
    sys.presence = REDIRECT_IPV6_REACHABLE;
    assert_int_equal(apply("on"), 0);
    memcpy(there, sys.input, sizeof(there));
    sys.commands[SAVE_4].out = there[0];
    sys.commands[SAVE_6].out = there[1];
    assert_int_equal(call(remove_them, NULL), 0);
    assert_string_equal(sys.calls, "ip6tables-restore;remove ::6;iptables-restore;");
    assert_string_equal(sys.said, "redirect: IPv6: rules removed\nredirect: IPv4: rules removed\n");
    for (int i = 0; i < 2; i++) {
        assert_non_null(strstr(sys.input[i], "-F WEFT_OUTPUT\n"));
        assert_non_null(strstr(sys.input[i], "-X WEFT_OUTPUT\n"));
    }
    sys.commands[SAVE_4].out = sys.commands[SAVE_6].out = "";
    assert_int_equal(call(remove_them, NULL), 0);
    assert_string_equal(sys.calls, "remove ::6;");
    assert_string_equal(sys.said, "");
}

static void test_not_removed(void **state)
{
    sys.commands[SAVE_6].is_there = false; /* and there is no IPv6 that would need it */
    assert_int_equal(call(remove_them, NULL), 0);
    assert_string_equal(sys.said, "");
    sys.presence = REDIRECT_IPV6_REACHABLE;
    assert_int_equal(call(remove_them, NULL), 1);
    expect_said("IPv6: cannot run ip6tables-save: ");
    sys.commands[SAVE_6].is_there = true;
    sys.remove = ERR_DENIED;
    assert_int_equal(call(remove_them, NULL), 1);
    expect_said("cannot take ::6 from the loopback interface");
    sys.remove = ERR_OK;
    sys.commands[SAVE_4].is_there = false;
    assert_int_equal(call(remove_them, NULL), 1);
    expect_said("IPv4: cannot run iptables-save: ");
    sys.commands[SAVE_4] = usual[SAVE_4];
    sys.commands[SAVE_4].out = ":WEFT_OUTPUT - [0:0]\n";
    sys.commands[RESTORE_4].status = 1;
    assert_int_equal(call(remove_them, NULL), 1);
    expect_said("refused the rules");
    assert_null(strstr(sys.said, "removed"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_written_once, renew),
        cmocka_unit_test_setup(test_ipv6, renew),
        cmocka_unit_test_setup(test_ipv6_source, renew),
        cmocka_unit_test_setup(test_ipv6_switched_off, renew),
        cmocka_unit_test_setup(test_no_tool, renew),
        cmocka_unit_test_setup(test_older_tool, renew),
        cmocka_unit_test_setup(test_refused, renew),
        cmocka_unit_test_setup(test_removed, renew),
        cmocka_unit_test_setup(test_not_removed, renew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
