/* See identity_bed.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/identity_bed.h"

#include <stdio.h>
#include <sys/stat.h>

#include "lib/base/mem.h"
#include "lib/identity/identity_request.h"
#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "lib/io/watch.h"
#include "tests/sim/fake_clock.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/pki.h"

struct loop *loop;
struct folder dir;
struct pki pki;
struct identity *identity;
struct identity_config config;
struct identity_seen seen;

/* ---- instead of identity_request.c ---- */

struct identity_request *open_request;

enum err identity_request_open(struct loop *l, const struct identity_config *c,
                               const char *spiffe_id, const char *roots,
                               const struct identity_material *current, identity_request_fn done,
                               void *owner, struct identity_request **out,
                               char detail[TLS_DETAIL_MAX])
{
    assert_null(open_request); /* one at a time */
    seen.by_roots = roots;
    assert_string_equal(spiffe_id, PKI_CLIENT_ID);
    seen.requests++;
    seen.by_certificate = current != NULL;
    snprintf(detail, TLS_DETAIL_MAX, "the test says no");
    if (seen.cannot_open)
        return seen.cannot_open;
    open_request = mem_zalloc(sizeof *open_request);
    *open_request = (struct identity_request){done, owner};
    *out = open_request;
    return ERR_OK;
}

void identity_request_close(struct identity_request *r)
{
    assert_ptr_equal(r, open_request);
    open_request = NULL;
    mem_free(r);
}

/* ---- instead of watch.c ---- */

struct watch {
    watch_fn changed;
    void *owner;
};

static struct watch *watches[2];

enum err watch_open(struct loop *l, const char *path, watch_fn changed, void *owner,
                    struct watch **out)
{
    *out = mem_zalloc(sizeof **out);
    **out = (struct watch){changed, owner};
    watches[watches[0] != NULL] = *out;
    return ERR_OK;
}

void watch_close(struct watch *w)
{
    for (int i = 0; i < 2; i++)
        if (watches[i] == w)
            watches[i] = NULL;
    mem_free(w);
}

void identity_bed_touch_files(void)
{
    for (int i = 0; i < 2; i++)
        if (watches[i])
            watches[i]->changed(watches[i]->owner);
    assert_true(loop_sim_turn(loop));
}

/* ---- the test ---- */

static enum err use(void *owner, const char *spiffe_id, const struct identity_material *m,
                    char detail[TLS_DETAIL_MAX])
{
    assert_string_equal(spiffe_id, PKI_CLIENT_ID);
    snprintf(detail, TLS_DETAIL_MAX, "the owner says no");
    if (!seen.refuse)
        seen.used++;
    return seen.refuse;
}

int identity_bed_set_up(void **state)
{
    static char roots[100], token[100];
    assert_int_equal(tls_lib_init(), ERR_OK);
    memset(&seen, 0, sizeof seen);
    loop = loop_sim_create(1000);
    fake_clock_follow(loop);
    pki_init(&pki);
    folder_init(&dir);
    folder_put(&dir, "roots.pem", pki.root);
    folder_put(&dir, "token", "a.b.c");
    snprintf(roots, sizeof roots, "%s", folder_at(&dir, "roots.pem"));
    snprintf(token, sizeof token, "%s", folder_at(&dir, "token"));
    config = (struct identity_config){.trust_domain = PKI_DOMAIN,
                                      .namespace_name = "shop",
                                      .service_account = "frontend",
                                      .certd_address = "certd:15012",
                                      .trust_bundle_file = roots,
                                      .token_file = token,
                                      .use = use};
    return 0;
}

int identity_bed_tear_down(void **state)
{
    if (identity)
        identity_close(identity);
    identity = NULL;
    assert_null(open_request);
    assert_null(watches[0]);
    assert_null(watches[1]);
    folder_dispose(&dir);
    pki_dispose(&pki);
    fake_clock_follow(NULL);
    loop_destroy(loop);
    return 0;
}

void identity_bed_begin(void)
{
    assert_int_equal(identity_open(loop, &config, &identity), ERR_OK);
    loop_sim_advance(loop, 10);
}

struct identity_material identity_bed_material(const char *id)
{
    struct pki_leaf leaf = pki_svid(&pki, id);
    return (struct identity_material){
        .key_pem = leaf.key, .chain_pem = leaf.chain, .roots_pem = mem_strdup(pki.root)};
}

/* The CA answers with a certificate for that identity, good for an hour. */
void identity_bed_answer(const char *id)
{
    struct identity_material m = identity_bed_material(id);
    assert_non_null(open_request);
    open_request->done(open_request->owner, ERR_OK, &m, "");
    assert_true(loop_sim_turn(loop));
}

void identity_bed_refuse(enum err e)
{
    assert_non_null(open_request);
    open_request->done(open_request->owner, e, NULL, "the CA says no");
    assert_true(loop_sim_turn(loop));
}

struct identity_state identity_bed_state(void)
{
    struct identity_state state;
    identity_read(identity, &state);
    return state;
}

void identity_bed_put_files(const char *id)
{
    struct identity_material m = identity_bed_material(id);
    folder_put(&dir, "cert.pem", m.chain_pem);
    folder_put(&dir, "own.pem", m.key_pem);
    chmod(folder_at(&dir, "own.pem"), 0600);
    identity_material_dispose(&m);
}

int identity_bed_set_up_files(void **state)
{
    static char cert[100], key[100];
    identity_bed_set_up(state);
    snprintf(cert, sizeof cert, "%s", folder_at(&dir, "cert.pem"));
    snprintf(key, sizeof key, "%s", folder_at(&dir, "own.pem"));
    config.cert_file = cert;
    config.key_file = key;
    config.certd_address = NULL;
    identity_bed_put_files(PKI_CLIENT_ID);
    return 0;
}

/* Of another CA, which this one is from now on: what `answer` is signed by. */
void identity_bed_replace_ca(struct pki *before)
{
    *before = pki;
    pki_init(&pki);
}

void identity_bed_restore_ca(struct pki *before)
{
    pki_dispose(&pki);
    pki = *before;
}
