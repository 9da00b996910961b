/* Which sockets in a pod count as the app's: tables by hand, and the kernel's own.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sidecar/control/app_sockets.h"

#define TITLE                                                                                     \
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout " \
    "inode\n"
#define ROW(state, inode)                                                                     \
    "   0: 0100007F:1F90 00000000:0000 " state " 00000000:00000000 00:00000000 00000000  1000 " \
    "       0 " inode " 1 0000000000000000 100 0 0 10 0\n"

static void test_tables(void **state)
{
    static const uint64_t own[] = {40, 50, 60};
    static const struct {
        const char *table;
        bool found;
    } cases[] = {
        {TITLE, false},
        {TITLE ROW("0A", "51"), true},
        {TITLE ROW("0A", "40") ROW("01", "60"), false},
        {TITLE ROW("0A", "40") ROW("01", "61"), true},
        {TITLE ROW("02", "7"), true},
        {TITLE ROW("08", "7"), true},
        {TITLE ROW("06", "7"), false}, /* TIME_WAIT */
        {TITLE ROW("04", "0"), false}, /* an end of somebody who is gone */
        {TITLE "what no kernel says\n", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        FILE *table = fmemopen((void *)cases[i].table, strlen(cases[i].table), "r");
        assert_int_equal(app_sockets_in_table(table, own, 3), cases[i].found);
        fclose(table);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
