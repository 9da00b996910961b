/* An identity (lib/identity/identity.c) in the test's hand: the request to the CA and the watches
 * of files are fakes, which take the places of identity_request.c and lib/io/watch.c; the clock is
 * the loop's. One identity at a time. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/identity/identity.h"
#include "lib/identity/identity_request.h"
#include "tests/unit/lib/io/folder.h"

struct loop;
struct pki;

enum { HOUR_MS = 3600000 };

extern struct loop *loop;
extern struct folder dir;
extern struct pki pki; /* who signs what identity_bed_answer answers */
extern struct identity *identity;
extern struct identity_config config;

/* What the identity did. */
struct identity_seen {
    unsigned requests, used, closed;
    bool by_certificate;  /* the last request */
    const char *by_roots; /* of it; NULL: what the file says */
    enum err refuse;      /* what `use` says */
    enum err cannot_open;
};
extern struct identity_seen seen;

struct identity_request {
    identity_request_fn done;
    void *owner;
};

extern struct identity_request *open_request;

/* Fixtures: with certd and a token; with files of somebody else. */
int identity_bed_set_up(void **state);
int identity_bed_set_up_files(void **state);
int identity_bed_tear_down(void **state);

void identity_bed_begin(void);
struct identity_state identity_bed_state(void);
struct identity_material identity_bed_material(const char *id);
/* The CA answers with a certificate for that identity, good for an hour; or says no. */
void identity_bed_answer(const char *id);
void identity_bed_refuse(enum err e);
/* Every watch says that something changed. */
void identity_bed_touch_files(void);
/* Key and certificate for that identity, where config says. */
void identity_bed_put_files(const char *id);
/* Of another CA, which is `pki` until it is restored. */
void identity_bed_replace_ca(struct pki *before);
void identity_bed_restore_ca(struct pki *before);
