/* Namespace (core/v1): its labels decide which Gateways its routes may use.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"

#define NAMESPACE_ROOT "weft-system" /* policies without a selector there are mesh-wide */

struct namespace
{
    struct object object;
};
