// The cluster's DNS: CoreDNS with the few plug-ins that a cluster of one node needs.
// SPDX-License-Identifier: GPL-3.0-or-later
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/template"
)

func main() {
	dnsserver.Directives = []string{
		"health", "ready", "errors", "cache", "template", "loadbalance", "kubernetes"}
	coremain.Run()
}
