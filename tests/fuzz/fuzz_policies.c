/* Fuzz target: any bytes as policies. What is accepted compiles, for a sidecar and for a gateway,
 * to equal bytes each time, and a data plane takes it: what the checker lets through must never be
 * refused later. A refusal says why.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "policies/compile/compile.h"
#include "policies/compile/config_text.h"
#include "sidecar/config/snapshot.h"

typedef Weft__Config__V1__Configuration configuration;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_snapshot(const configuration *c)
{
    struct snapshot_builder *builder = snapshot_builder_create();
    struct snapshot *snapshot = NULL;
    char detail[256] = "";
    if (snapshot_build(builder, c, &snapshot, detail)) {
        fprintf(stderr, "refused by the data plane: %s\n", detail);
        abort();
    }
    snapshot_unref(snapshot);
    snapshot_builder_destroy(builder);
}

static void check_target(const struct policy_set *set, const struct compile_target *target)
{
    struct diag_list notes;
    struct buf text;
    diag_list_init(&notes);
    buf_init(&text);
    configuration *first = compile_configuration(set, target, &notes);
    configuration *again = compile_configuration(set, target, NULL);
    size_t len = weft__config__v1__configuration__get_packed_size(first);
    uint8_t *a = mem_alloc(len + 1), *b = mem_alloc(len + 1);
    bool same = weft__config__v1__configuration__get_packed_size(again) == len;
    weft__config__v1__configuration__pack(first, a);
    if (same)
        weft__config__v1__configuration__pack(again, b);
    if (!same || notes.errors || memcmp(a, b, len) != 0)
        abort();
    config_text_write(first, &text);
    check_snapshot(first);
    mem_free(a);
    mem_free(b);
    buf_dispose(&text);
    compile_free(first);
    compile_free(again);
    diag_list_dispose(&notes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct compile_target sidecar = {.namespace_name = {"shop", 4},
                                                  .workload = {"frontend-a", 10}};
    static const struct compile_target gateway = {.namespace_name = {"shop", 4},
                                                  .gateway = {"front-door", 10}};
    static const struct compile_target ingress = {.namespace_name = {"weft-system", 11},
                                                  .gateway = {"weft-ingress", 12}};
    struct policy_set *set = policy_set_create();
    struct diag_list diags;
    diag_list_init(&diags);
    enum err e = policy_set_add_text(set, SLICE("fuzz"), slice_of(data, size), &diags);
    if (!e)
        e = policy_set_finish(set, &diags);
    if ((e != ERR_OK) != (diags.errors > 0))
        abort();
    if (!e) {
        check_target(set, &sidecar);
        check_target(set, &gateway);
        check_target(set, &ingress);
    }
    LIST_FOREACH(node, &diags.items)
    diag_format(&diags, container_of(node, struct diag, node));
    diag_list_dispose(&diags);
    policy_set_destroy(set);
    return 0;
}
