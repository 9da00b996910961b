/* Reads what `iptables-save -t nat` says: which of our chains exist, their rules, and every rule
 * of somebody else's chains that leads into ours. Pure; views into the text. Must not know what
 * our rules should be.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/slice.h"

enum redirect_chain {
    REDIRECT_CHAIN_INBOUND,     /* WEFT_INBOUND, from PREROUTING */
    REDIRECT_CHAIN_OUTPUT,      /* WEFT_OUTPUT, from OUTPUT */
    REDIRECT_CHAIN_REDIRECT,    /* WEFT_REDIRECT, to the outbound port */
    REDIRECT_CHAIN_IN_REDIRECT, /* WEFT_IN_REDIRECT, to the inbound port */
    REDIRECT_CHAIN_COUNT,
};

const char *redirect_state_chain_name(enum redirect_chain chain);
bool redirect_state_has_chain(struct slice saved, enum redirect_chain chain);
/* Takes the next "-A <chain> …" line off *rest; false when there is none. */
bool redirect_state_next_rule(struct slice *rest, enum redirect_chain chain, struct slice *line);
/* Takes the next "-A <other chain> … -j <one of ours>" line off *rest. */
bool redirect_state_next_jump(struct slice *rest, struct slice *line);
