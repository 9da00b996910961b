/* From the messages of config.proto to what route/match.h evaluates. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/config/part.h"
#include "sidecar/config/snapshot.h"

/* NULL becomes MATCH_ANY. */
MUST_USE enum err match_conf_string(const struct part_build *b,
                                    const Weft__Config__V1__StringMatch *from,
                                    struct string_match *to);
MUST_USE enum err match_conf_strings(const struct part_build *b,
                                     Weft__Config__V1__StringMatch *const *from, size_t count,
                                     const struct string_match **to);
enum match_subject { MATCH_CONF_HEADERS, MATCH_CONF_QUERY };
MUST_USE enum err match_conf_claims(const struct part_build *b,
                                    Weft__Config__V1__ClaimMatch *const *from, size_t count,
                                    const struct claim_match **to);
MUST_USE enum err match_conf_named(const struct part_build *b, enum match_subject subject,
                                   Weft__Config__V1__NamedMatch *const *from, size_t count,
                                   const struct named_match **to);
