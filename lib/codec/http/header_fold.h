/* Field names that another server takes for one and the same. CGI, WSGI, Rack, PHP and lighttpd
 * hand fields to apps as variables: letters in one case, everything else an underscore. So
 * "x_forwarded_for" and "x.forwarded.for" arrive there as "x-forwarded-for". Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/codec/http/message.h"

/* Does the name, in lower case, hold anything but letters, digits and hyphens? Only such a name can
 * be mistaken for one that holds nothing else. */
bool header_fold_is_odd(struct slice name);
/* Are the two, in lower case, one name to a server that folds them? Equal names are. */
bool header_fold_eq(struct slice a, struct slice b);
/* Does the folded name begin with the folded prefix? */
bool header_fold_starts_with(struct slice name, struct slice prefix);
/* The well-known name that it is once folded; HEADER_OTHER: none. */
enum header_id header_fold_id(struct slice name);

enum header_fold_rule {
    HEADER_FOLD_PASS,
    HEADER_FOLD_DROP,   /* a field that only a proxy or a connection may say, in another spelling */
    HEADER_FOLD_REFUSE, /* a field that frames messages, in another spelling */
};
/* What is to become of a field whose name is odd, whoever sends it. */
enum header_fold_rule header_fold_judge(struct slice name);
