// The asking side: a number of requests, or requests for a time, and one line of JSON that counts
// what came back. Every request that was not answered is counted, with its reason.
// SPDX-License-Identifier: GPL-3.0-or-later
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// tally is the line that is printed.
type tally struct {
	sync.Mutex
	Requests int                 `json:"requests"`
	Failed   int                 `json:"failed"` // no answer, or 5xx
	Statuses map[string]int      `json:"statuses"`
	Versions map[string]int      `json:"versions"` // what JSON answers say of themselves
	Errors   map[string]int      `json:"errors"`
	Slowest  float64             `json:"slowest_ms"`
	Headers  map[string][]string `json:"headers"` // of the last answer
	Body     string              `json:"body"`    // its beginning
}

type caller struct {
	client  *http.Client
	method  string
	url     string
	body    string
	headers []string
	tally   tally
}

type repeated []string

func (r *repeated) String() string     { return strings.Join(*r, ", ") }
func (r *repeated) Set(v string) error { *r = append(*r, v); return nil }

func call(args []string) int {
	c := &caller{tally: tally{Statuses: map[string]int{}, Versions: map[string]int{},
		Errors: map[string]int{}}}
	flags := flag.NewFlagSet("call", flag.ExitOnError)
	count := flags.Int("n", 1, "requests in all; 0: until --for is over or a signal comes")
	parallel := flags.Int("c", 1, "at a time")
	period := flags.Duration("for", 0, "no new requests after this time")
	pause := flags.Duration("pause", 0, "between the requests of one line")
	timeout := flags.Duration("timeout", 10*time.Second, "for each")
	h2 := flags.Bool("h2c", false, "speak HTTP/2 without TLS")
	fresh := flags.Bool("fresh", false, "a new connection for each")
	flags.StringVar(&c.method, "X", "GET", "method")
	flags.StringVar(&c.body, "d", "", "body")
	flags.Var((*repeated)(&c.headers), "H", "\"name: value\"; Host is a header too (may be repeated)")
	_ = flags.Parse(args)
	if flags.NArg() != 1 {
		flags.Usage()
		return 2
	}
	c.url = flags.Arg(0)
	transport := &http.Transport{DisableKeepAlives: *fresh, MaxIdleConnsPerHost: *parallel,
		DisableCompression: true}
	if *h2 {
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetUnencryptedHTTP2(true)
	}
	c.client = &http.Client{Transport: transport, Timeout: *timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if *period > 0 {
		ctx, cancel = context.WithTimeout(ctx, *period)
		defer cancel()
	}
	c.run(ctx, *count, *parallel, *pause)
	_ = json.NewEncoder(os.Stdout).Encode(&c.tally)
	if c.tally.Failed > 0 {
		return 1
	}
	return 0
}

func (c *caller) run(ctx context.Context, count, parallel int, pause time.Duration) {
	turns := make(chan struct{})
	var lines sync.WaitGroup
	for range parallel {
		lines.Add(1)
		go func() {
			defer lines.Done()
			for range turns {
				c.once()
				time.Sleep(pause)
			}
		}()
	}
	for i := 0; count == 0 || i < count; i++ {
		select {
		case turns <- struct{}{}:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(turns)
	lines.Wait()
}

func (c *caller) once() {
	request, err := http.NewRequest(c.method, c.url, strings.NewReader(c.body))
	if err != nil {
		c.note(nil, nil, err, 0)
		return
	}
	for _, header := range c.headers {
		name, value, _ := strings.Cut(header, ":")
		value = strings.TrimSpace(value)
		if strings.EqualFold(name, "host") {
			request.Host = value
		} else {
			request.Header.Add(name, value)
		}
	}
	began := time.Now()
	response, err := c.client.Do(request)
	if err != nil {
		c.note(nil, nil, err, time.Since(began))
		return
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	c.note(response, body, err, time.Since(began))
}

func (c *caller) note(response *http.Response, body []byte, err error, took time.Duration) {
	t := &c.tally
	t.Lock()
	defer t.Unlock()
	t.Requests++
	t.Slowest = max(t.Slowest, float64(took.Microseconds())/1000)
	if err != nil {
		t.Failed++
		t.Errors[err.Error()]++
		return
	}
	t.Statuses[fmt.Sprint(response.StatusCode)]++
	if response.StatusCode >= 500 {
		t.Failed++
	}
	var said answer
	if json.Unmarshal(body, &said) == nil && said.Name != "" {
		t.Versions[said.Name+" "+said.Version]++
	}
	t.Headers, t.Body = response.Header, string(body[:min(len(body), 4096)])
}
