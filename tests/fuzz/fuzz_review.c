/* Fuzz target: any bytes as the API server's answer on a token, and on a pod. What is taken for a
 * proof names somebody in the form that names have.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <stdlib.h>

#include "certd/review_answer.h"
#include "lib/base/mem.h"
#include "lib/tls/spiffe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice body = slice_of(data, size);
    struct review_caller caller, known = {(char *)"shop", (char *)"a", (char *)"a-1", (char *)"u"};
    char why[REVIEW_DETAIL_MAX] = "";
    struct addr peer = {.family = 4, .ip = {10, 0, 0, 7}};
    if (review_answer_read(body, "weft-certd", &caller, why) == ERR_OK) {
        struct spiffe_id id;
        char *text = mem_printf("spiffe://cluster.local/ns/%s/sa/%s", caller.namespace_name,
                                caller.service_account);
        if (spiffe_parse(slice_from_cstr(text), &id) ||
            !slice_eq_cstr(id.ns, caller.namespace_name) ||
            !slice_eq_cstr(id.sa, caller.service_account) || !caller.pod_uid[0])
            abort();
        mem_free(text);
        review_answer_dispose(&caller);
    } else if (!why[0]) {
        abort();
    }
    why[0] = 0;
    if (review_answer_check_pod(body, &known, &peer, why) && !why[0])
        abort();
    return 0;
}
