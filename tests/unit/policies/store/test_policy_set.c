/* policy_set.c, folder.c, diag.c, config_text.c from outside: what a file with an error leaves
 * behind, folders, the examples, diagnostics as JSON, and that keys are never shown.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/json_write.h"
#include "lib/base/mem.h"
#include "lib/io/file.h"
#include "policies/compile/compile.h"
#include "policies/compile/config_text.h"
#include "policies/store/folder.h"
#include "policies/kinds/http_filter.h"
#include "policies/kinds/kind.h"
#include "tests/unit/policies/cases.h"

#define NAMESPACE(name) "{apiVersion: v1, kind: Namespace, metadata: {name: " name "}}\n"

static void test_a_file_with_an_error_adds_nothing(void **state)
{
    struct policy_set *set = policy_set_create();
    struct diag_list diags;
    diag_list_init(&diags);
    struct slice half = SLICE(NAMESPACE("good") "---\n" NAMESPACE("BAD"));
    assert_int_equal(policy_set_add_text(set, SLICE("a"), half, &diags), ERR_INVALID);
    assert_int_equal(policy_set_count(set), 0);
    assert_int_equal(diags.errors, 1);
    assert_int_equal(policy_set_add_text(set, SLICE("b"), SLICE(NAMESPACE("good")), &diags),
                     ERR_OK);
    assert_int_equal(policy_set_count(set), 1);
    assert_int_equal(policy_set_finish(set, &diags), ERR_OK);
    assert_int_equal(policy_set_add_text(set, SLICE("c"), SLICE(""), &diags), ERR_INVALID);
    assert_int_equal(policy_set_finish(set, &diags), ERR_INVALID);
    diag_list_dispose(&diags);
    policy_set_destroy(set);
    policy_set_destroy(NULL);
    compile_free(NULL);
}

static char *make_folder(void)
{
    char *path = mem_strdup("/tmp/weft-test-policies-XXXXXX");
    assert_non_null(mkdtemp(path));
    return path;
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char *path = mem_printf("%s/%s", dir, name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600), ERR_OK);
    mem_free(path);
}

static void remove_folder(char *dir)
{
    DIR *d = opendir(dir);
    for (struct dirent *e; (e = readdir(d));) {
        char *path = mem_printf("%s/%s", dir, e->d_name);
        unlink(path);
        mem_free(path);
    }
    closedir(d);
    rmdir(dir);
    mem_free(dir);
}

/* The first diagnostic without the folder's name. */
static void assert_said(struct diag_list *diags, const char *dir, const char *want)
{
    struct slice line = diag_format(diags, container_of(diags->items.next, struct diag, node));
    assert_true(slice_starts_with(line, slice_from_cstr(dir)));
    char *rest = mem_strndup(line.ptr + strlen(dir), line.len - strlen(dir));
    assert_string_equal(rest, want);
    mem_free(rest);
}

static void test_folder(void **state)
{
    char *dir = make_folder();
    struct diag_list diags;
    struct policy_set *set;
    diag_list_init(&diags);
    assert_int_equal(folder_load(dir, &diags, &set), ERR_OK);
    assert_int_equal(policy_set_count(set), 0);
    policy_set_destroy(set);
    write_file(dir, "b.yaml", NAMESPACE("b"));
    write_file(dir, "a.yml", NAMESPACE("a"));
    write_file(dir, "c.json",
               "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":"
               "{\"name\":\"c\"}}");
    write_file(dir, "notes.txt", "not: [yaml");
    write_file(dir, ".hidden.yaml", "not: [yaml");
    assert_int_equal(folder_load(dir, &diags, &set), ERR_OK);
    assert_int_equal(policy_set_count(set), 3);
    assert_int_equal(diags.errors + diags.warnings, 0);
    policy_set_destroy(set);
    write_file(dir, "d.yaml", "\n" NAMESPACE("a"));
    assert_int_equal(folder_load(dir, &diags, &set), ERR_INVALID);
    assert_null(set);
    char *want = mem_printf("/d.yaml:2: Namespace a: metadata.name: there already is one of this "
                            "name, in %s/a.yml:1",
                            dir);
    assert_said(&diags, dir, want);
    mem_free(want);
    diag_list_dispose(&diags);
    remove_folder(dir);
}

static void test_folder_tells_all_that_is_wrong(void **state)
{
    char *dir = make_folder();
    struct diag_list diags;
    struct policy_set *set;
    diag_list_init(&diags);
    write_file(dir, "a.yaml", NAMESPACE("A"));
    write_file(dir, "b.yaml", NAMESPACE("B"));
    write_file(dir, "c.yaml", NAMESPACE("c"));
    assert_int_equal(folder_load(dir, &diags, &set), ERR_INVALID);
    assert_null(set);
    assert_int_equal(diags.errors, 2);
    assert_said(&diags, dir,
                "/a.yaml:1: Namespace A: metadata.name: \"A\" must be lower-case letters, digits, "
                "'-' and '.', like \"my-object\"");
    diag_list_dispose(&diags);
    remove_folder(dir);
}

static void test_folder_that_is_not_there(void **state)
{
    struct diag_list diags;
    struct policy_set *set;
    diag_list_init(&diags);
    assert_int_equal(folder_load("/nowhere/policies", &diags, &set), ERR_NOT_FOUND);
    assert_null(set);
    assert_said(&diags, "/nowhere/policies", ": there is no such folder");
    diag_list_dispose(&diags);
}

static void test_a_file_that_cannot_be_read(void **state)
{
    char *dir = make_folder();
    struct diag_list diags;
    struct policy_set *set;
    diag_list_init(&diags);
    char *path = mem_printf("%s/a.yaml", dir);
    assert_int_equal(symlink("/nowhere/at/all", path), 0);
    enum err e = folder_load(dir, &diags, &set);
    /* A policy that cannot be read must not count as one that is not there. */
    assert_int_equal(e, ERR_NOT_FOUND);
    assert_null(set);
    assert_said(&diags, dir, "/a.yaml: cannot be read: not found");
    mem_free(path);
    diag_list_dispose(&diags);
    remove_folder(dir);
}

static void test_a_file_that_is_too_large(void **state)
{
    char *dir = make_folder();
    struct diag_list diags;
    struct policy_set *set;
    size_t size = (8u << 20) + 1;
    char *path = mem_printf("%s/a.yaml", dir), *text = mem_alloc(size);
    memset(text, '#', size);
    assert_int_equal(file_write_atomic(path, text, size, 0600), ERR_OK);
    diag_list_init(&diags);
    assert_int_equal(folder_load(dir, &diags, &set), ERR_LIMIT);
    assert_said(&diags, dir, "/a.yaml: the file is larger than 8 MiB");
    diag_list_dispose(&diags);
    mem_free(text);
    mem_free(path);
    remove_folder(dir);
}

/* "HTTPRoute", "requestSize" -> "http-route", "request-size". */
static void expect_example(const char *dir, const char *of)
{
    char name[64] = "", *to = name;
    for (const char *from = of; *from; from++) {
        bool upper = *from >= 'A' && *from <= 'Z';
        bool begins = upper && from > of &&
                      !(from[-1] >= 'A' && from[-1] <= 'Z' && !(from[1] >= 'a'));
        if (begins)
            *to++ = '-';
        *to++ = (char)(*from | 0x20);
    }
    char *path = mem_printf("%s/%s.yaml", dir, name);
    if (access(path, R_OK) != 0)
        fail_msg("there is no example %s", path);
    mem_free(path);
}

/* Every example is accepted without a remark, and there is one for every kind and filter. */
static void test_examples(void **state)
{
    const char *root = getenv("WEFT_SOURCE");
    char *dir = mem_printf("%s/policies/examples", root ? root : ".");
    struct diag_list diags;
    struct policy_set *set;
    diag_list_init(&diags);
    enum err e = folder_load(dir, &diags, &set);
    LIST_FOREACH(node, &diags.items)
    {
        struct slice line = diag_format(&diags, container_of(node, struct diag, node));
        fprintf(stderr, "%.*s\n", SLICE_ARG(line));
    }
    assert_int_equal(e, ERR_OK);
    assert_int_equal(diags.warnings, 0);
    for (size_t i = 0; i < KIND_COUNT; i++)
        expect_example(dir, kind_all[i]->name);
    for (size_t i = 0; i < HTTP_FILTER_COUNT; i++)
        expect_example(dir, http_filter_all[i]->name);
    policy_set_destroy(set);
    diag_list_dispose(&diags);
    mem_free(dir);
}

static void test_keys_are_not_shown(void **state)
{
    static const char yaml[] =
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\n"
        "metadata: {name: g, namespace: shop}\n"
        "spec: {gatewayClassName: weft, listeners: [{name: a, port: 443, protocol: HTTPS, tls: "
        "{certificateRefs: [{name: one}]}}]}\n";
    struct policy_set *set = policy_set_create();
    struct diag_list diags;
    struct buf text;
    diag_list_init(&diags);
    buf_init(&text);
    size_t len;
    char *certs = cases_read("certs.yaml", &len);
    assert_non_null(strstr(certs, "PRIVATE KEY"));
    assert_int_equal(policy_set_add_text(set, SLICE("c"), slice_of(certs, len), &diags), ERR_OK);
    assert_int_equal(policy_set_add_text(set, SLICE("t"), slice_from_cstr(yaml), &diags), ERR_OK);
    assert_int_equal(policy_set_finish(set, &diags), ERR_OK);
    struct compile_target target = {.namespace_name = SLICE("shop"), .gateway = SLICE("g")};
    Weft__Config__V1__Configuration *c = compile_configuration(set, &target, &diags);
    config_text_write(c, &text);
    char *shown = cases_text(&text);
    assert_non_null(strstr(shown, "key_pem: (not shown)"));
    assert_null(strstr(shown, "PRIVATE KEY"));
    mem_free(shown);
    mem_free(certs);
    buf_dispose(&text);
    compile_free(c);
    diag_list_dispose(&diags);
    policy_set_destroy(set);
}

/* Equal bodies have equal versions, different ones do not, wherever they come from. */
static uint64_t version_of(const char *cluster_ip, const char *name)
{
    struct policy_set *set = policy_set_create();
    struct diag_list diags;
    diag_list_init(&diags);
    char *yaml = mem_printf("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: "
                            "{clusterIP: %s, ports: [{name: http, port: 80}]}}",
                            cluster_ip);
    assert_int_equal(policy_set_add_text(set, SLICE("t"), slice_from_cstr(yaml), &diags), ERR_OK);
    assert_int_equal(policy_set_finish(set, &diags), ERR_OK);
    struct compile_target target = {.namespace_name = SLICE("x"), .workload = SLICE("w")};
    Weft__Config__V1__Configuration *c = compile_configuration(set, &target, &diags);
    uint64_t version = 0;
    for (size_t i = 0; i < c->n_resources; i++)
        if (strcmp(c->resources[i]->name, name) == 0)
            version = c->resources[i]->version;
    compile_free(c);
    mem_free(yaml);
    diag_list_dispose(&diags);
    policy_set_destroy(set);
    return version;
}

static void test_versions(void **state)
{
    uint64_t first = version_of("10.0.0.1", "destination/default/a:80");
    assert_int_not_equal(first, 0);
    assert_int_equal(version_of("10.0.0.1", "destination/default/a:80"), first);
    assert_int_not_equal(version_of("10.0.0.2", "destination/default/a:80"), first);
    const char *cluster = "cluster/outbound|80||a.default.svc.cluster.local";
    assert_int_equal(version_of("10.0.0.1", cluster), version_of("10.0.0.2", cluster));
}

static void test_diagnostics_as_json(void **state)
{
    struct diag_list diags;
    struct json_write w;
    struct buf text;
    diag_list_init(&diags);
    buf_init(&text);
    json_write_init(&w, &text);
    struct diag what = {
        .file = SLICE("f.yaml"), .line = 3, .object = SLICE("Kind a/b"), .path = SLICE("spec.x")};
    diag_add(&diags, &what, "must be \"%s\"\x1b[31m", "y");
    what = (struct diag){.file = SLICE("g"), .is_warning = true};
    diag_add(&diags, &what, "odd");
    diag_write_json(&diags, &w);
    char *got = cases_text(&text);
    assert_string_equal(
        got, "[{\"severity\":\"error\",\"file\":\"f.yaml\",\"line\":3,\"object\":\"Kind a/b\","
             "\"path\":\"spec.x\",\"text\":\"must be \\\"y\\\"?[31m\"},"
             "{\"severity\":\"warning\",\"file\":\"g\",\"line\":0,\"object\":\"\",\"path\":\"\","
             "\"text\":\"odd\"}]");
    mem_free(got);
    buf_dispose(&text);
    diag_list_dispose(&diags);
}

static void test_diagnostics_are_bounded(void **state)
{
    struct diag_list diags;
    size_t kept = 0;
    diag_list_init(&diags);
    struct diag what = {.file = SLICE("f")};
    for (size_t i = 0; i < 5000; i++)
        diag_add(&diags, &what, "wrong");
    LIST_FOREACH(node, &diags.items)
    kept++;
    assert_int_equal(kept, 1000);
    assert_int_equal(diags.errors, 5000);
    diag_list_dispose(&diags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_with_an_error_adds_nothing),
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_folder_tells_all_that_is_wrong),
        cmocka_unit_test(test_folder_that_is_not_there),
        cmocka_unit_test(test_a_file_that_cannot_be_read),
        cmocka_unit_test(test_a_file_that_is_too_large),
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_keys_are_not_shown),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_diagnostics_as_json),
        cmocka_unit_test(test_diagnostics_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
