/* What the references of a RequestAuthentication lead to: what is compiled and what status says are
 * both read from here. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/compile/material.h"
#include "policies/kinds/request_authentication.h"

/* The first jwksUri that leads nowhere: *why says it, behind its path. */
enum material_fault request_auth_check(const struct policy_set *set,
                                       const struct request_authentication *o, struct arena *arena,
                                       struct slice *why);
