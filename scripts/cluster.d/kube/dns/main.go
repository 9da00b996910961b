// The cluster's DNS: CoreDNS with the few plug-ins that a cluster of one node needs, and
// the three that the conformance suite's manifests name.
// SPDX-License-Identifier: GPL-3.0-or-later
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/template"
	_ "github.com/coredns/coredns/plugin/whoami"
)

func main() {
	dnsserver.Directives = []string{
		"health", "ready", "errors", "log", "cache", "template", "loadbalance", "kubernetes",
		"forward", "whoami"}
	coremain.Run()
}
