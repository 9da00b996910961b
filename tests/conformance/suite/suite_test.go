// The Gateway API's own conformance suite as a test program; tests/conformance/run builds and runs
// it. SPDX-License-Identifier: GPL-3.0-or-later
package conformance

import (
	"testing"

	"sigs.k8s.io/gateway-api/conformance"
	// The suite's gRPC tests load its message types by name.
	_ "sigs.k8s.io/gateway-api/conformance/echo-basic/grpcechoserver"
)

func TestConformance(t *testing.T) { conformance.RunConformance(t) }
