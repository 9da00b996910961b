/* Tests of the intrusive list. * Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/list.h"

#include "tests/unit/lib/base/cmocka_base.h"

struct item {
    int number;
    struct list link;
};

static struct item items[4];

static int numbers(struct list *head)
{
    int all = 0;
    LIST_FOREACH(node, head)
    all = all * 10 + container_of(node, struct item, link)->number;
    return all;
}

static int setup(void **state)
{
    for (int i = 0; i < 4; i++) {
        items[i].number = i + 1;
        list_init(&items[i].link);
    }
    return 0;
}

static void test_link_and_unlink(void **state)
{
    struct list head;
    list_init(&head);
    assert_true(list_is_empty(&head));
    list_link_last(&head, &items[0].link);
    list_link_last(&head, &items[1].link);
    list_link_first(&head, &items[2].link);
    list_link_before(&items[1].link, &items[3].link);
    assert_int_equal(numbers(&head), 3142);
    list_unlink(&items[0].link);
    list_unlink(&items[0].link);
    assert_false(list_is_linked(&items[0].link));
    assert_true(list_is_linked(&items[1].link));
    assert_int_equal(numbers(&head), 342);
}

static void test_take_first(void **state)
{
    struct list head;
    list_init(&head);
    list_link_last(&head, &items[0].link);
    list_link_last(&head, &items[1].link);
    assert_true(list_take_first(&head) == &items[0].link);
    assert_false(list_is_linked(&items[0].link));
    assert_true(list_take_first(&head) == &items[1].link);
    assert_null(list_take_first(&head));
}

static void test_splice(void **state)
{
    struct list a, b;
    list_init(&a);
    list_init(&b);
    list_splice_last(&a, &b);
    assert_true(list_is_empty(&a));
    list_link_last(&a, &items[0].link);
    list_link_last(&b, &items[1].link);
    list_link_last(&b, &items[2].link);
    list_splice_last(&a, &b);
    assert_int_equal(numbers(&a), 123);
    assert_true(list_is_empty(&b));
}

static void test_foreach_safe(void **state)
{
    struct list head;
    list_init(&head);
    for (int i = 0; i < 4; i++)
        list_link_last(&head, &items[i].link);
    LIST_FOREACH_SAFE(node, after, &head)
    {
        if (container_of(node, struct item, link)->number % 2)
            list_unlink(node);
    }
    assert_int_equal(numbers(&head), 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_link_and_unlink, setup),
        cmocka_unit_test_setup(test_take_first, setup),
        cmocka_unit_test_setup(test_splice, setup),
        cmocka_unit_test_setup(test_foreach_safe, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
