/* What the list of subscribers writes down of each data plane, for /debug/subscribers: who it is,
 * how far it is, and for how long it has been behind.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/json_write.h"
#include "lib/base/mem.h"
#include "tests/sim/plane_bed.h"
#include "tests/unit/lib/base/cmocka_base.h"

#define SERVICE(name, ip)                                                              \
    "{apiVersion: v1, kind: Service, metadata: {namespace: a, name: " name "}, spec: " \
    "{clusterIP: " ip ", ports: [{name: http, port: 80}]}}\n---\n"
#define ID(account) "spiffe://" PLANE_DOMAIN "/ns/a/sa/" account

static struct plane_bed bed;
static struct plane plane;

static void open_plane(const char *yaml, bool needs_pod)
{
    plane_bed_open(&bed, yaml, needs_pod);
    plane_connect(&plane, &bed, ID("app"), clock_wall_ms() + PLANE_LIFE_MS);
}

static void close_plane(void)
{
    plane_disconnect(&plane);
    plane_bed_close(&bed);
}

static void expect(const char *text)
{
    struct json_write w;
    struct buf out;
    size_t len;
    buf_init(&out);
    json_write_init(&w, &out);
    subscriber_list_write(bed.subscribers, &w);
    char *got = buf_take_text(&out, &len);
    if (!strstr(got, text))
        fail_msg("no %s in %.*s", text, (int)len, got);
    mem_free(got);
}

static void nobody(void **state)
{
    plane_bed_open(&bed, SERVICE("one", "10.0.0.1"), false);
    expect("[]");
    plane_bed_close(&bed);
}

static void who_it_is(void **state)
{
    open_plane(SERVICE("one", "10.0.0.1") SERVICE("two", "10.0.0.2"), false);
    expect("{\"namespace\":\"a\",\"serviceAccount\":\"app\",");
    expect("\"state\":\"new\",\"serial\":0,\"resources\":0,\"addresses\":0,");
    plane_hello(&plane, "p-1", "", "10.0.0.1:80");
    plane_ask(&plane, "10.0.0.2:80", NULL);
    expect("\"pod\":\"p-1\",\"gateway\":\"\",");
    expect("\"state\":\"behind\",\"serial\":1,\"resources\":0,\"addresses\":2,\"behindMs\":0}");
    plane_bed_advance(&bed, 1500);
    expect("\"behindMs\":1500}");
    plane_ack(&plane);
    plane_ack(&plane);
    expect("\"state\":\"current\",\"serial\":2,");
    expect("\"addresses\":2,\"behindMs\":0}");
    plane_bed_advance(&bed, 1500);
    expect("\"behindMs\":0}");
    close_plane();
}

static void what_it_refused(void **state)
{
    open_plane(SERVICE("one", "10.0.0.1"), false);
    plane_hello(&plane, "p-1", "", "10.0.0.1:80");
    plane_nack(&plane, "not with me");
    expect("\"state\":\"refused\",\"serial\":1,\"resources\":0,");
    close_plane();
}

static void who_may_not_be_served_yet(void **state)
{
    open_plane(SERVICE("one", "10.0.0.1"), true);
    plane_hello(&plane, "p-1", "", "10.0.0.1:80");
    expect("\"state\":\"waiting\",\"serial\":0,");
    close_plane();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody),
        cmocka_unit_test(who_it_is),
        cmocka_unit_test(what_it_refused),
        cmocka_unit_test(who_may_not_be_served_yet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
