/* The chain of those who have authorization alone. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/filter_conf.h"

#include "filters/prepare.h"
#include "sidecar/filters/authz.h"

const struct filter_chain *filter_conf_authz(struct part *p, const struct authz *authz)
{
    struct filter_entry entry = {.filter = &filter_authz, .conf = authz};
    const struct filter_chain *chain;
    return filter_chain_make(&p->arena, &entry, authz ? 1 : 0, &chain) ? NULL : chain;
}
