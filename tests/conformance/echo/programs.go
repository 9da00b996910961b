//go:build programs

// The backends of the suite's mesh tests, named so that the module file keeps them.
// SPDX-License-Identifier: GPL-3.0-or-later
package echo

import (
	_ "istio.io/istio/pkg/test/echo/cmd/client"
	_ "istio.io/istio/pkg/test/echo/cmd/server"
)
