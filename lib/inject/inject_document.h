/* Sidecars for the pods of any document that people keep in files: a Pod, whatever makes pods of a
 * template, a List of them. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/inject/inject.h"

/* object: "Deployment shop/frontend". */
typedef void (*inject_document_fn)(void *owner, struct slice object,
                                   const struct inject_result *result);

/* What all documents of one call share. */
struct inject_files {
    const struct inject_config *config;
    struct slice fallback;    /* the namespace of objects that name none */
    struct doc_list settings; /* where Namespaces, LimitRanges and the MeshConfig are looked for */
};

/* The document with sidecars, in the arena; the same one when nothing is to be done. `each` is
 * called for every pod or template in it. */
const struct doc *inject_document(const struct inject_files *files, const struct doc *d,
                                  struct arena *arena, inject_document_fn each, void *owner);
