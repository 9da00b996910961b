//go:build programs

// The suite's backends, named so that the module file keeps them.
// SPDX-License-Identifier: GPL-3.0-or-later
package conformance

import _ "sigs.k8s.io/gateway-api/conformance/echo-basic"
