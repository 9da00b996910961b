/* kube_config.c: kubeconfigs as tools write them, a pod's account, in which order they count, and
 * everything that is refused, each with a sentence that names the file.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/kube/kube_config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/io/folder.h"

static struct folder folder;
static struct kube_config config;
static char why[KUBE_DETAIL_MAX];

static int set_up(void **state)
{
    folder_init(&folder);
    folder_put(&folder, "ca.pem", "roots of a file");
    folder_put(&folder, "me.pem", "chain of a file");
    folder_put(&folder, "me.key", "key of a file");
    unsetenv("KUBECONFIG");
    unsetenv("KUBERNETES_SERVICE_HOST");
    unsetenv("KUBERNETES_SERVICE_PORT");
    setenv("HOME", folder.path, 1);
    return 0;
}

static int tear_down(void **state)
{
    folder_dispose(&folder);
    return 0;
}

/* current-context, context, cluster and user, in the flow style. */
static void put_config(const char *name, const char *cluster, const char *user)
{
    char *text =
        mem_printf("apiVersion: v1\nkind: Config\ncurrent-context: it\n"
                   "contexts: [{name: other, context: {cluster: no, user: no}},\n"
                   "           {name: it, context: {cluster: c, user: u, namespace: shop}}]\n"
                   "clusters: [{name: c, cluster: {%s}}]\nusers: [{name: u, user: {%s}}]\n",
                   cluster, user);
    folder_put(&folder, name, text);
    mem_free(text);
}

static enum err load(const char *name)
{
    return kube_config_load(folder_at(&folder, name), &config, why);
}

static void expect_server(const char *url, const char *host, uint16_t port, const char *prefix)
{
    char *cluster = mem_printf("server: '%s', certificate-authority: ca.pem", url);
    put_config("server", cluster, "");
    mem_free(cluster);
    enum err e = load("server");
    if (e)
        fail_msg("%s: %s", url, why);
    assert_string_equal(config.host, host);
    assert_string_equal(config.server_name, host);
    assert_int_equal(config.port, port);
    assert_string_equal(config.path_prefix, prefix);
    kube_config_dispose(&config);
}

static void test_servers(void **state)
{
    expect_server("https://10.0.0.1:6443", "10.0.0.1", 6443, "");
    expect_server("https://api", "api", 443, "");
    expect_server("https://api/", "api", 443, "");
    expect_server("https://api:8443/k8s/clusters/c-1/", "api", 8443, "/k8s/clusters/c-1");
    expect_server("https://[fd00::1]:6443", "fd00::1", 6443, "");
    expect_server("https://[fd00::1]", "fd00::1", 443, "");
}

static void test_files_beside_it(void **state)
{
    put_config("kc", "server: 'https://h', certificate-authority: ca.pem, tls-server-name: other",
               "client-certificate: me.pem, client-key: me.key");
    assert_int_equal(load("kc"), ERR_OK);
    assert_string_equal(config.roots_pem, "roots of a file");
    assert_string_equal(config.client_cert_pem, "chain of a file");
    assert_string_equal(config.client_key_pem, "key of a file");
    assert_string_equal(config.server_name, "other");
    assert_string_equal(config.host, "h");
    assert_string_equal(config.namespace_name, "shop");
    assert_null(config.token);
    assert_null(config.token_file);
    kube_config_dispose(&config);
}

static void test_data_inside_it(void **state)
{
    put_config("kc",
               "server: 'https://h', certificate-authority-data: cm9vdHM=, "
               "certificate-authority: missing",
               "client-certificate-data: Y2hhaW4=, client-key-data: a2V5, token: secret");
    assert_int_equal(load("kc"), ERR_OK);
    assert_string_equal(config.roots_pem, "roots");
    assert_string_equal(config.client_cert_pem, "chain");
    assert_string_equal(config.client_key_pem, "key");
    assert_string_equal(config.token, "secret");
    kube_config_dispose(&config);
}

static void test_a_token_file_counts_more_than_a_token(void **state)
{
    put_config("kc", "server: 'https://h', certificate-authority: ca.pem",
               "tokenFile: dir/token, token: old");
    assert_int_equal(load("kc"), ERR_OK);
    assert_null(config.token);
    assert_string_equal(config.token_file, folder_at(&folder, "dir/token"));
    kube_config_dispose(&config);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *cluster, *user, *why;
    } cases[] = {
        {"server: 'http://h', certificate-authority: ca.pem", "", "http://"},
        {"server: 'h:6443', certificate-authority: ca.pem", "", "https:// URL"},
        {"server: 'https://', certificate-authority: ca.pem", "", "https:// URL"},
        {"server: 'https://h:x', certificate-authority: ca.pem", "", "https:// URL"},
        {"server: 'https://h:0', certificate-authority: ca.pem", "", "https:// URL"},
        {"server: 'https://h:70000', certificate-authority: ca.pem", "", "https:// URL"},
        {"server: 'https://u@h', certificate-authority: ca.pem", "", "https:// URL"},
        {"server: 'https://[::1', certificate-authority: ca.pem", "", "https:// URL"},
        {"server: 'https://h?a', certificate-authority: ca.pem", "", "https:// URL"},
        {"certificate-authority: ca.pem", "", "https:// URL"},
        {"server: 'https://h'", "", "no certificate-authority"},
        {"server: 'https://h', certificate-authority: missing.pem", "", "missing.pem: not found"},
        {"server: 'https://h', certificate-authority-data: '*'", "", "not base64"},
        {"server: 'https://h', certificate-authority: [a]", "", "not a path"},
        {"server: 'https://h', insecure-skip-tls-verify: true", "", "would trust any server"},
        {"server: 'https://h', insecure-skip-tls-verify: 'yes'", "", "would trust any server"},
        {"server: 'https://h', certificate-authority: ca.pem, proxy-url: 'http://p'", "",
         "proxy-url"},
        {"server: 'https://h', certificate-authority: ca.pem", "exec: {command: aws}", "exec"},
        {"server: 'https://h', certificate-authority: ca.pem", "auth-provider: {name: x}",
         "auth-provider"},
        {"server: 'https://h', certificate-authority: ca.pem", "username: a, password: b",
         "password"},
        {"server: 'https://h', certificate-authority: ca.pem", "as: root", "impersonation"},
        {"server: 'https://h', certificate-authority: ca.pem", "client-key: me.key",
         "belong together"},
        {"server: 'https://h', certificate-authority: ca.pem", "token: 5", "token is not a text"},
        {"server: 'https://h', certificate-authority: ca.pem", "tokenFile: [a]",
         "tokenFile is not a path"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_config("bad", cases[i].cluster, cases[i].user);
        enum err e = load("bad");
        if (!e || !strstr(why, cases[i].why) || !strstr(why, folder.path))
            fail_msg("{%s} {%s}: %s (%s)", cases[i].cluster, cases[i].user, err_name(e), why);
        assert_null(config.host);
    }
}

static void test_no_kubeconfig(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"a: [", ":"},
        {"just text", "not a kubeconfig"},
        {"", "is empty"},
        {"kind: Config", "current-context is not set"},
        {"current-context: x", "no context 'x'"},
        {"current-context: x\ncontexts: [{name: x, context: {cluster: c}}]", "no cluster 'c'"},
        {"current-context: x\ncontexts: [{name: x}]", "is empty"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        folder_put(&folder, "bad", cases[i].text);
        if (!load("bad") || !strstr(why, cases[i].why) || !strstr(why, "/bad"))
            fail_msg("%s: %s", cases[i].text, why);
    }
    assert_int_equal(load("missing"), ERR_NOT_FOUND);
    assert_non_null(strstr(why, "missing: not found"));
}

static void test_several_files(void **state)
{
    char *list = mem_printf("%s/none:%s/one::%s/two", folder.path, folder.path, folder.path);
    folder_put(&folder, "one",
               "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n");
    folder_put(&folder, "two",
               "current-context: y\nclusters: [{name: c, cluster: {server: 'https://h', "
               "certificate-authority: ca.pem}}]\nusers: [{name: u, user: {token: t}}]\n");
    setenv("KUBECONFIG", list, 1);
    assert_int_equal(kube_config_load(NULL, &config, why), ERR_OK);
    assert_string_equal(config.token, "t");
    assert_string_equal(config.namespace_name, "default");
    kube_config_dispose(&config);
    setenv("KUBECONFIG", "/nowhere/a:/nowhere/b", 1);
    assert_int_equal(kube_config_load(NULL, &config, why), ERR_NOT_FOUND);
    assert_non_null(strstr(why, "/nowhere/a:/nowhere/b"));
    unsetenv("KUBECONFIG");
    mem_free(list);
}

static void test_a_pod(void **state)
{
    folder_make(&folder, "account");
    folder_put(&folder, "account/ca.crt", "roots of the pod");
    folder_put(&folder, "account/namespace", "shop\n");
    setenv("WEFT_SERVICE_ACCOUNT_DIR", folder_at(&folder, "account"), 1);
    setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
    setenv("KUBERNETES_SERVICE_PORT", "443", 1);
    assert_int_equal(kube_config_load(NULL, &config, why), ERR_OK);
    assert_string_equal(config.host, "10.96.0.1");
    assert_string_equal(config.server_name, "10.96.0.1");
    assert_int_equal(config.port, 443);
    assert_string_equal(config.roots_pem, "roots of the pod");
    assert_string_equal(config.namespace_name, "shop");
    assert_string_equal(config.token_file, folder_at(&folder, "account/token"));
    kube_config_dispose(&config);
    static const char *const no_ports[] = {"many", "", "0", "65536"};
    for (size_t i = 0; i < sizeof(no_ports) / sizeof(no_ports[0]); i++) {
        setenv("KUBERNETES_SERVICE_PORT", no_ports[i], 1);
        assert_int_equal(kube_config_load(NULL, &config, why), ERR_INVALID);
    }
    setenv("KUBERNETES_SERVICE_PORT", "443", 1);
    setenv("WEFT_SERVICE_ACCOUNT_DIR", folder_at(&folder, "gone"), 1);
    assert_int_equal(kube_config_load(NULL, &config, why), ERR_NOT_FOUND);
    assert_non_null(strstr(why, "gone/ca.crt"));
    unsetenv("WEFT_SERVICE_ACCOUNT_DIR");
    unsetenv("KUBERNETES_SERVICE_HOST");
}

static void test_at_home(void **state)
{
    assert_int_equal(kube_config_load(NULL, &config, why), ERR_NOT_FOUND);
    assert_non_null(strstr(why, "not in a pod"));
    folder_make(&folder, ".kube");
    put_config(".kube/config", "server: 'https://h', certificate-authority: ../ca.pem", "");
    assert_int_equal(kube_config_load(NULL, &config, why), ERR_OK);
    assert_string_equal(config.host, "h");
    kube_config_dispose(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_servers),
        cmocka_unit_test(test_files_beside_it),
        cmocka_unit_test(test_data_inside_it),
        cmocka_unit_test(test_a_token_file_counts_more_than_a_token),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_no_kubeconfig),
        cmocka_unit_test(test_several_files),
        cmocka_unit_test(test_a_pod),
        cmocka_unit_test(test_at_home),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
