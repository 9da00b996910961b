/* kube_entry.c: what is watched, and which of its changes are told. The watch is the test's own:
 * what it defines takes the place of kube_watch.c.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/kube/kube_entry.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/arena.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/kube/kube_watch.h"
#include "tests/unit/lib/base/cmocka_base.h"

static struct {
    char path[200], selectors[200];
    const struct kube_watch_events *events;
    void *owner;
    unsigned open;
} watch;
static struct {
    unsigned count;
    char text[100];
} told;
static int a_watch, a_client;

struct kube_watch *kube_watch_open(struct kube_client *c, const struct kube_watch_config *config,
                                   const struct kube_watch_events *events, void *owner)
{
    assert_ptr_equal(c, &a_client);
    snprintf(watch.path, sizeof watch.path, "%s", config->path);
    snprintf(watch.selectors, sizeof watch.selectors, "%.*s", SLICE_ARG(config->selectors));
    watch.events = events;
    watch.owner = owner;
    watch.open++;
    return (struct kube_watch *)(void *)&a_watch;
}

void kube_watch_close(struct kube_watch *w)
{
    assert_ptr_equal(w, &a_watch);
    watch.open--;
}

static void changed(void *owner, struct slice text)
{
    assert_ptr_equal(owner, &told);
    told.count++;
    snprintf(told.text, sizeof told.text, "%.*s", SLICE_ARG(text));
}

static struct kube_entry *open_entry(void)
{
    memset(&told, 0, sizeof told);
    return kube_entry_open((struct kube_client *)(void *)&a_client, SLICE("my/shop"), "trust",
                           "root.pem", changed, &told);
}

static void put(const char *json)
{
    struct arena arena;
    struct doc_error error;
    const struct doc *object;
    arena_init(&arena, 1024);
    assert_int_equal(doc_json_parse(slice_from_cstr(json), &arena, &object, &error), ERR_OK);
    watch.events->on_put(watch.owner, object);
    arena_dispose(&arena);
}

static void test_what_is_watched(void **state)
{
    struct kube_entry *e = open_entry();
    assert_string_equal(watch.path, "/api/v1/namespaces/my%2Fshop/configmaps");
    assert_string_equal(watch.selectors, "fieldSelector=metadata.name%3Dtrust");
    assert_int_equal(watch.open, 1);
    kube_entry_close(e);
    assert_int_equal(watch.open, 0);
    kube_entry_close(NULL);
}

static void test_what_is_told(void **state)
{
    struct kube_entry *e = open_entry();
    put("{\"data\":{\"root.pem\":\"one\",\"other\":\"x\"}}");
    assert_int_equal(told.count, 1);
    assert_string_equal(told.text, "one");
    put("{\"data\":{\"root.pem\":\"\"}}");
    assert_int_equal(told.count, 2);
    assert_string_equal(told.text, "");
    put("{\"data\":{\"other\":\"x\"}}");
    put("{\"data\":{\"root.pem\":5}}");
    put("{}");
    assert_int_equal(told.count, 2);
    watch.events->on_delete(watch.owner, NULL);
    assert_int_equal(told.count, 2);
    kube_entry_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_watched),
        cmocka_unit_test(test_what_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
