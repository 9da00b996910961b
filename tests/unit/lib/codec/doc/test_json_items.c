/* json_items.c: objects out of lists and sequences, cut at every byte; what is left of a list;
 * everything that is not JSON, or too much.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/codec/doc/json_items.h"

enum { SMALL_ITEM = 64 };

struct got {
    struct buf items; /* each with a line end */
    char *items_text, *rest;
    enum err e;
};

static void on_item(void *owner, struct slice item)
{
    struct got *g = owner;
    /* Copied to a block of its own length, so that a sanitizer sees a view that is too long. */
    char *copy = mem_alloc(item.len);
    memcpy(copy, item.ptr, item.len);
    buf_append(&g->items, copy, item.len);
    buf_append(&g->items, "\n", 1);
    mem_free(copy);
}

/* Fed in pieces of `first`, then `step` bytes. */
static struct got run(const char *array, struct slice text, size_t first, size_t step)
{
    struct got g = {.e = ERR_OK};
    struct json_items_config config = {.array = array, .max_item = SMALL_ITEM};
    buf_init(&g.items);
    struct json_items *j = json_items_create(&config, on_item, &g);
    for (size_t at = 0, n = first; at < text.len && !g.e; at += n, n = step) {
        struct slice piece = slice_sub(text, at, n);
        char *copy = mem_alloc(piece.len);
        memcpy(copy, piece.ptr, piece.len);
        g.e = json_items_feed(j, slice_of(copy, piece.len));
        mem_free(copy);
        n = piece.len ? piece.len : 1;
    }
    if (!g.e)
        g.e = json_items_finish(j);
    else
        assert_int_equal(json_items_finish(j), g.e);
    struct slice rest = json_items_rest(j);
    g.rest = mem_strndup(rest.ptr ? rest.ptr : "", rest.len);
    g.items_text = mem_alloc(g.items.len + 1);
    buf_copy_out(&g.items, g.items_text, g.items.len);
    g.items_text[g.items.len] = '\0';
    json_items_destroy(j);
    return g;
}

static void drop(struct got *g)
{
    buf_dispose(&g->items);
    mem_free(g->items_text);
    mem_free(g->rest);
}

static void check_one(const char *array, const char *text, size_t first, size_t step, enum err want,
                      const char *items, const char *rest)
{
    struct got g = run(array, slice_from_cstr(text), first, step);
    if (g.e != want)
        fail_msg("%s cut at %zu: %s, not %s", text, first, err_name(g.e), err_name(want));
    if (!want) {
        assert_string_equal(g.items_text, items);
        if (rest)
            assert_string_equal(g.rest, rest);
    }
    drop(&g);
}

static void check(const char *array, const char *text, enum err want, const char *items,
                  const char *rest)
{
    size_t len = strlen(text);
    for (size_t cut = 1; cut <= len; cut++)
        check_one(array, text, cut, len, want, items, rest);
    check_one(array, text, 1, 1, want, items, rest);
}

static void test_list(void **state)
{
    check("items",
          "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[{\"a\":1},"
          "{\"b\":[{},{\"c\":\"]}\\\"\"}]}]}\n",
          ERR_OK, "{\"a\":1}\n{\"b\":[{},{\"c\":\"]}\\\"\"}]}\n",
          "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"7\"}}");
}

static void test_list_first_and_spaced(void **state)
{
    check("items", " { \"items\" : [ {} , { \"x\" : null } ] , \"v\":\"1\" , \"w\":[{}]}  ", ERR_OK,
          "{}\n{ \"x\" : null }\n", "{\"v\":\"1\" ,\"w\":[{}]}");
}

static void test_list_without_items(void **state)
{
    check("items", "{}", ERR_OK, "", "{}");
    check("items", "{\"items\":null}", ERR_OK, "", "{\"items\":null}");
    check("items", "{\"items\":[]}", ERR_OK, "", "{}");
    check("items", "{\"items\":{\"items\":[{}]},\"a\":2}", ERR_OK, "",
          "{\"items\":{\"items\":[{}]},\"a\":2}");
    check("items", "{\"itemsX\":[{}],\"item\":[1]}", ERR_OK, "", "{\"itemsX\":[{}],\"item\":[1]}");
}

static void test_status_of_an_error(void **state)
{
    const char *text = "{\"kind\":\"Status\",\"code\":410,\"message\":\"gone\"}";
    check("items", text, ERR_OK, "", text);
}

static void test_sequence(void **state)
{
    check(NULL, "{\"type\":\"ADDED\"}\n{\"n\":-0.5e+3}{}\n\n {\"t\":[true,false,null,0,12]}\n",
          ERR_OK, "{\"type\":\"ADDED\"}\n{\"n\":-0.5e+3}\n{}\n{\"t\":[true,false,null,0,12]}\n",
          NULL);
    check_one(NULL, "", 1, 1, ERR_OK, "", NULL);
}

static void test_strings(void **state)
{
    const char *text = "{\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83d\\uDE00\":\"{[\xc3\xa9\"}";
    char *items = mem_printf("%s\n", text);
    check(NULL, text, ERR_OK, items, NULL);
    mem_free(items);
}

static void test_what_is_no_json(void **state)
{
    static const char *const bad[] = {
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":1]",
        "{\"a\":[1}",
        "}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":-}",
        "{\"a\":1e}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":tru}",
        "{\"a\":nul",
        "{\"a\":True}",
        "{\"a\":\"\t\"}",
        "{'a':1}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{a:1}",
        "{\"a\" 1}",
        "{\"a\"::1}",
        "{\"a\":1 2}",
        "{\"a\":[1 2]}",
        "{\"a\":[,1]}",
        "{\"a\":[1,]}",
        "\xef\xbb\xbf{}",
        "{\"a\":\"",
        "{1:2}",
        "{\"a\":1e+}",
        "{\"a\":0x1}",
        "{\"a\":NaN}",
        "[]",
        "1",
        "\"a\"",
        "{} true",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        check(NULL, bad[i], ERR_SYNTAX, NULL, NULL);
        check("items", bad[i], ERR_SYNTAX, NULL, NULL);
    }
}

static void test_what_is_no_list(void **state)
{
    static const char *const bad[] = {
        "{}{}",
        "{\"items\":[1]}",
        "{\"items\":[[]]}",
        "{\"items\":[\"a\"]}",
        "{\"items\":[{}],\"items\":[{}]}",
        "{\"items\":[{} {}]}",
        "{\"items\":[{},]}",
        "{\"items\":[{}]",
        "[{\"items\":[]}]",
        " ",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check("items", bad[i], ERR_SYNTAX, NULL, NULL);
    check_one("items", "", 1, 1, ERR_SYNTAX, NULL, NULL);
}

static char *repeat(const char *begin, char c, size_t n, const char *end)
{
    char *middle = mem_alloc(n + 1);
    memset(middle, c, n);
    middle[n] = '\0';
    char *text = mem_printf("%s%s%s", begin, middle, end);
    mem_free(middle);
    return text;
}

static void test_sizes(void **state)
{
    char *fits = repeat("{\"a\":\"", 'x', SMALL_ITEM - 8, "\"}");
    char *large = repeat("{\"a\":\"", 'x', SMALL_ITEM - 7, "\"}");
    char *rest = repeat("{\"items\":[],\"a\":\"", 'x', SMALL_ITEM, "\"}");
    char *items = mem_printf("%s\n", fits);
    check(NULL, fits, ERR_OK, items, NULL);
    check(NULL, large, ERR_LIMIT, NULL, NULL);
    check("items", rest, ERR_LIMIT, NULL, NULL);
    mem_free(fits);
    mem_free(large);
    mem_free(rest);
    mem_free(items);
}

static void test_depth(void **state)
{
    for (size_t depth = 127; depth <= 128; depth++) {
        char *open = repeat("{\"a\":", '[', depth, ""), *text = repeat(open, ']', depth, "}");
        struct got g = {.e = ERR_OK};
        buf_init(&g.items);
        struct json_items *j = json_items_create(&(struct json_items_config){0}, on_item, &g);
        assert_int_equal(json_items_feed(j, slice_from_cstr(text)),
                         depth == 127 ? ERR_OK : ERR_SYNTAX);
        json_items_destroy(j);
        buf_dispose(&g.items);
        mem_free(open);
        mem_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_list_first_and_spaced),
        cmocka_unit_test(test_list_without_items),
        cmocka_unit_test(test_status_of_an_error),
        cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_what_is_no_json),
        cmocka_unit_test(test_what_is_no_list),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
