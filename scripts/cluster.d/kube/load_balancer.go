// The address giver: every Service of type LoadBalancer gets an address of one range for as long as
// it lives; kube-proxy serves the address itself. An address that was asked for by
// spec.loadBalancerIP is given when it is in the range and free; else the Service stays pending.
// SPDX-License-Identifier: GPL-3.0-or-later
package main

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"time"

	"github.com/spf13/cobra"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// A freed address rests, so that a late client of its last owner cannot reach the next.
const rest = time.Minute

type giver struct {
	client      kubernetes.Interface
	first, last netip.Addr
	next        netip.Addr
	freed       map[netip.Addr]time.Time
	held        map[netip.Addr]bool
}

func newLoadBalancerCommand() *cobra.Command {
	var kubeconfig, first, last string
	command := &cobra.Command{Use: "load-balancer", SilenceUsage: true,
		RunE: func(c *cobra.Command, _ []string) error {
			return serveAddresses(c.Context(), kubeconfig, first, last)
		}}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "how to reach the API server")
	command.Flags().StringVar(&first, "first", "", "first address of the range")
	command.Flags().StringVar(&last, "last", "", "last address of the range")
	return command
}

func serveAddresses(ctx context.Context, kubeconfig, first, last string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 100, 200
	g := &giver{freed: map[netip.Addr]time.Time{}, held: map[netip.Addr]bool{}}
	if g.client, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	if g.first, err = netip.ParseAddr(first); err != nil {
		return err
	}
	if g.last, err = netip.ParseAddr(last); err != nil {
		return err
	}
	g.next = g.first
	changed := make(chan struct{}, 1)
	wake := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	factory := informers.NewSharedInformerFactory(g.client, 0)
	services := factory.Core().V1().Services().Informer()
	if _, err := services.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { wake() }, UpdateFunc: func(any, any) { wake() },
		DeleteFunc: func(any) { wake() }}); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	cache.WaitForCacheSync(ctx.Done(), services.HasSynced)
	wake()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
			if !g.settle(ctx, services.GetStore().List()) {
				time.AfterFunc(time.Second, wake)
			}
		}
	}
}

// settle gives what is due; false when something must be tried again.
func (g *giver) settle(ctx context.Context, services []any) bool {
	used, waiting := map[netip.Addr]bool{}, []*core.Service{}
	for _, item := range services {
		s := item.(*core.Service)
		if s.Spec.Type != core.ServiceTypeLoadBalancer {
			continue
		}
		for _, given := range s.Status.LoadBalancer.Ingress {
			if ip, err := netip.ParseAddr(given.IP); err == nil {
				used[ip] = true
			}
		}
		if len(s.Status.LoadBalancer.Ingress) == 0 && s.DeletionTimestamp == nil {
			waiting = append(waiting, s)
		}
	}
	for ip := range g.held {
		if !used[ip] {
			g.freed[ip] = time.Now()
		}
	}
	g.held = used
	done := true
	for _, s := range waiting {
		ip, err := g.choose(s.Spec.LoadBalancerIP)
		if err == nil {
			g.held[ip] = true
			err = g.give(ctx, s, ip)
		}
		if err != nil {
			log.Printf("%s/%s: %v", s.Namespace, s.Name, err)
			done = done && s.Spec.LoadBalancerIP != ""
		}
	}
	return done
}

func (g *giver) choose(wanted string) (netip.Addr, error) {
	if wanted != "" {
		ip, err := netip.ParseAddr(wanted)
		if err != nil || g.held[ip] || ip.Compare(g.first) < 0 || ip.As4()[2] != g.first.As4()[2] {
			return netip.Addr{}, fmt.Errorf("the address %s is not to be had", wanted)
		}
		return ip, nil
	}
	for tried := 0; tried < 1024; tried++ {
		ip := g.next
		if g.next = ip.Next(); g.next.Compare(g.last) > 0 {
			g.next = g.first
		}
		if !g.held[ip] && time.Since(g.freed[ip]) > rest {
			return ip, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("every address from %s to %s is taken", g.first, g.last)
}

func (g *giver) give(ctx context.Context, s *core.Service, ip netip.Addr) error {
	fresh, err := g.client.CoreV1().Services(s.Namespace).Get(ctx, s.Name, meta.GetOptions{})
	if err != nil || len(fresh.Status.LoadBalancer.Ingress) > 0 {
		return err
	}
	mode := core.LoadBalancerIPModeVIP
	fresh.Status.LoadBalancer.Ingress = []core.LoadBalancerIngress{{IP: ip.String(), IPMode: &mode}}
	_, err = g.client.CoreV1().Services(s.Namespace).UpdateStatus(ctx, fresh, meta.UpdateOptions{})
	return err
}
