/* Tests of the table of failures.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/fail.h"

#include "tests/unit/sidecar/cmocka_sidecar.h"

static void test_rows(void **state)
{
    const struct fail_info *f = fail_info(FAIL_CONNECT_FAILED);
    assert_slice(f->label, "connect_failed");
    assert_slice(f->flag, "UF");
    assert_int_equal(f->http_status, 503);
    assert_int_equal(f->grpc_status, 14);
    assert_slice(fail_info(FAIL_AUTHZ_DENIED)->label, "authz_denied");
    assert_slice(fail_info(FAIL_NONE)->flag, "-");
}

static void test_every_row_is_usable(void **state)
{
    for (unsigned i = FAIL_NONE + 1; i < fail_total(); i++) {
        const struct fail_info *f = fail_info((enum fail)i);
        assert_in_range(f->http_status, 400, 599);
        assert_in_range(f->grpc_status, 1, 16);
        assert_int_equal(fail_of(f), i);
        assert_true(f->flag.len > 0 && f->text.len > 0 && f->label.len > 0);
        assert_int_equal(strlen(f->label.ptr), f->label.len);
        assert_int_equal(strlen(f->flag.ptr), f->flag.len);
        assert_int_equal(strlen(f->text.ptr), f->text.len);
        for (size_t at = 0; at < f->label.len; at++)
            assert_true(f->label.ptr[at] == '_' ||
                        (f->label.ptr[at] >= 'a' && f->label.ptr[at] <= 'z'));
        for (unsigned j = FAIL_NONE; j < i; j++)
            assert_false(slice_eq(f->label, fail_info((enum fail)j)->label));
    }
}

static void test_out_of_range_is_internal(void **state)
{
    assert_ptr_equal(fail_info((enum fail)fail_total()), fail_info(FAIL_INTERNAL));
    assert_int_equal(fail_of(&(struct fail_info){.http_status = 500}), FAIL_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_every_row_is_usable),
        cmocka_unit_test(test_out_of_range_is_internal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
