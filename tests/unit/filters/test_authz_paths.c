/* Every way of writing a path against DENY, ALLOW and their opposites: where the next hop may read
 * another path than the one that was matched, what decides access errs on the safe side.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/host.h"
#include "tests/unit/filters/authz_world.h"

/* Some next hop reads each of these as /private. */
static const char *const disguises[] = {
    "/private",        "//private",        "/./private",       "/a/../private",
    "/%70rivate",      "/private;x=y",     "/private?q",       "/%2e/private",
    "//x/private",     "///x/private",     "/\\x/private",     "/%2fx/private",
    "/%5cx/private",   "/private%20",      "/private%09",      "/private.",
    "/private..",      "/private%20.",     "/private%0b",      "/private%7f",
    "/%2570rivate",    "/%252570rivate",   "/private%2520",    "/private%252e",
    "/%25%37%30rivate", "//x/%2570rivate.", "/\\private",       "/%5cprivate",
    "/%2fprivate",     "/private%253bx",   "/.%20/private",    "/x/..%20/private",
    "/x/..%2fprivate", "/x/%252e%252e/private",
};

/* "=/a" alone, or "/a" and all below it. */
static void say_path(struct world *w, struct schema_list *list, const char *path)
{
    if (*path == '=')
        say(w, list, path + 1);
    else
        say_tree(w, list, path);
}

/* None of them passes, neither plainly nor disguised. */
static void each(void **state, enum authz_action action, const char *path, bool inverted)
{
    for (size_t i = 0; i < sizeof(disguises) / sizeof(disguises[0]); i++) {
        struct world *w = authz_world_renew(state);
        struct authz_operation_spec *o = to(w, add(w, action, "p"));
        say_path(w, inverted ? &o->not_paths : &o->paths, path);
        retarget(w, "GET", "reviews", disguises[i]);
        if (passes(w))
            fail_msg("%s passes %s", disguises[i], path);
    }
}

static void test_deny(void **state)
{
    each(state, AUTHZ_DENY, "=/private", false);
    each(state, AUTHZ_DENY, "/private", false);
}

/* "Everything but what is public is denied." */
static void test_deny_all_but(void **state)
{
    each(state, AUTHZ_DENY, "/public", true);
}

static void test_allow_all_but(void **state)
{
    each(state, AUTHZ_ALLOW, "/private", true);
}

/* What is allowed is so in each reading. */
static void test_allow(void **state)
{
    static const struct {
        const char *allowed, *path;
        bool passes;
    } cases[] = {
        {"/public", "/public", true},
        {"/public", "/public/a.", true},
        {"/public", "/public/a%20b", true},
        {"/public", "/public/group%2fproject", true},
        {"/public", "/public/%252e%252ea", true},
        {"/public", "/public/caf\xc3\xa9", true},
        {"/public", "/public/caf%C3%A9", true},
        {"/public", "/public/100%25", true},
        {"/public", "/public;v=1/a", true},
        {"/public", "/public//a", true},
        {"=/public", "/public.", false},
        {"=/public", "/public%20", false},
        {"/public", "/public%2fa", false},
        {"/public", "/public\\a", false},
        {"/public", "/%2570ublic", false},
        {"/public", "//public/a", false},
        {"/public", "/public/..%20/a", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world *w = authz_world_renew(state);
        say_path(w, &to(w, add(w, AUTHZ_ALLOW, "p"))->paths, cases[i].allowed);
        retarget(w, "GET", "reviews", cases[i].path);
        if (passes(w) != cases[i].passes)
            fail_msg("%s %s %s", cases[i].path, cases[i].passes ? "is refused by" : "passes",
                     cases[i].allowed);
    }
}

/* Without a rule on paths nothing is ambiguous. */
static void test_other_rules(void **state)
{
    struct world *w = authz_world_renew(state);
    say(w, &to(w, add(w, AUTHZ_ALLOW, "p"))->methods, "GET");
    retarget(w, "GET", "reviews", "//x/%2570rivate.");
    assert_true(passes(w));
}

/* Hosts: the dot that may end a name hides nothing, nor does a port or the case. */
static void test_hosts(void **state)
{
    static const char *const hosts[] = {"admin.example.com", "admin.example.com.",
                                        "ADMIN.Example.com:80", "admin.example.com.:9080"};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        struct world *w = authz_world_renew(state);
        say(w, &to(w, add(w, AUTHZ_DENY, "p"))->hosts, "admin.example.com");
        retarget(w, "GET", hosts[i], "/");
        assert_false(passes(w));
    }
}

/* The longest name that there is can be allowed; what is longer is no name. */
static void test_longest_host(void **state)
{
    for (int more = 0; more < 2; more++) {
        struct world *w = authz_world_renew(state);
        char pattern[301] = "";
        size_t len = HOST_MAX + (size_t)more;
        memset(pattern, 'a', len);
        say(w, &to(w, add(w, AUTHZ_ALLOW, "p"))->hosts, pattern);
        retarget(w, "GET", pattern, "/");
        assert_int_equal(passes(w), !more);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, authz_world_setup, authz_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_deny),  TEST(test_deny_all_but), TEST(test_allow_all_but),
        TEST(test_allow), TEST(test_other_rules),  TEST(test_hosts),
        TEST(test_longest_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
