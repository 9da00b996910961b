/* Consumers, as the filters that authenticate look them up: by what a request shows, among those of
 * the namespaces that the filter accepts. A directory is made on the control thread, is immutable,
 * and is part of the configuration that an exchange holds (x->consumers).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/slice.h"

struct consumer;
struct filter_chain;
struct filter_exchange;

enum credential_type {
#define CREDENTIAL(symbol, stem, name) CREDENTIAL_##symbol,
#include "filters/caller/credential.def"
#undef CREDENTIAL
    CREDENTIAL_COUNT
};

/* "keyAuth". */
const char *credential_name(enum credential_type type);
/* CREDENTIAL_COUNT: there is no such type in this version. */
enum credential_type credential_find(struct slice name);

/* What it is found by, and what is compared then, depends on its type:
 *
 *   keyAuth    lookup: SHA-256 of the key, 32 bytes. secret: none
 *   basicAuth  lookup: user name. secret: hash of the password, "$2b$…", "$argon2id$…"
 *   hmacAuth   lookup: user name. secret: the shared secret
 *   jwt        lookup: `iss`. secret: the shared secret, or a public key in PEM. algorithm: "RS256"
 *   awsSigV4Auth  lookup: the access key's id. secret: its secret
 *   mtlsAuth   lookup: a name of the client's certificate. secret: none
 *
 * lookup and secret must appear in no log, dump, header or message. */
struct consumer_credential {
    const struct consumer *consumer;
    struct slice lookup, secret, algorithm;
    struct slice id; /* which of the consumer's it is; may be shown: "mobile-key/key", "ann" */
    enum credential_type type;
};

struct consumer {
    struct slice id; /* "shop/mobile-app" */
    struct slice username, custom_id;
    const struct slice *groups;
    const struct consumer_credential *credentials;
    const struct filter_chain *chain; /* filters of its own, behind authentication; NULL: none */
    uint32_t group_count, credential_count;
    int64_t created; /* seconds since 1970; of two that show the same, the older counts */
};

/* The namespace that a consumer lies in. */
struct slice consumer_namespace(const struct consumer *c);

/* ---- whom a filter accepts ---- */

/* What a filter's `consumerNamespaces` (lib/schema/schema_ref.h) comes to: its own namespace goes
 * first, and so nobody in another one can take a name away that is used there. */
struct consumer_scope {
    const struct slice *namespaces;
    uint32_t count;
    bool is_all; /* and all others behind these */
};

/* From the reference's value, "shop,billing" or "shop,*". What nobody has filled in accepts nobody.
 */
struct consumer_scope consumer_scope_read(struct arena *arena, struct slice value);

/* ---- the directory ---- */

/* Immutable; the consumers are whoever's that made it. */
struct consumer_directory {
    const struct consumer_credential **credentials; /* open addressing, at most half full */
    const struct consumer **consumers;              /* the same, by id */
    uint64_t credential_mask, consumer_mask;
    uint32_t count; /* of consumers */
};

/* In one block; mem_free it. */
struct consumer_directory *consumer_directory_create(const struct consumer *const *consumers,
                                                     size_t count);
/* NULL: nobody in that scope has it. In a namespace that comes first in the scope; of several in
 * the others (is_all), the oldest. directory may be NULL. */
const struct consumer_credential *consumer_find(const struct consumer_directory *directory,
                                                enum credential_type type,
                                                const struct consumer_scope *scope,
                                                struct slice lookup);
/* Some credential of that type and scope, always the same for the same lookup, which nobody has:
 * for an answer that takes as long as if somebody had. NULL: there is none. */
const struct consumer_credential *consumer_find_other(const struct consumer_directory *directory,
                                                      enum credential_type type,
                                                      const struct consumer_scope *scope,
                                                      struct slice lookup);
/* By name, "mobile-app", in the scope. */
const struct consumer *consumer_find_named(const struct consumer_directory *directory,
                                           const struct consumer_scope *scope, struct slice name);

/* ---- what the backend is told (consumer_headers.c) ---- */

/* Removes what a client says of consumers itself (X-Consumer-ID and so on), under any spelling.
 * Each filter that authenticates does so, whatever comes of it. */
void consumer_headers_drop(struct filter_exchange *x);
/* What x->caller says, after that: X-Consumer-ID, -Username, -Custom-ID and -Groups,
 * X-Credential-Identifier, X-Anonymous-Consumer. */
void consumer_headers_say(struct filter_exchange *x);
/* It is authenticated: sets x->caller, and tells the backend. method: the filter. */
void consumer_accept(struct filter_exchange *x, const char *method,
                     const struct consumer_credential *credential);
/* The same of one that was found by name. */
void consumer_accept_named(struct filter_exchange *x, const char *method,
                           const struct consumer *consumer);
/* Nobody is authenticated, and that is allowed: as that consumer, with X-Anonymous-Consumer. */
void consumer_accept_anonymous(struct filter_exchange *x, const char *method,
                               const struct consumer *consumer);
