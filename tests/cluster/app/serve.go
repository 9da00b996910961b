// The serving side: HTTP/1, HTTP/2 without TLS, gRPC's health service, and a port that echoes bytes.
// SPDX-License-Identifier: GPL-3.0-or-later
package main

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

type server struct {
	name, version, pod string
	failRate           float64
	delay              time.Duration
	healthy            atomic.Bool
	served             atomic.Int64
}

// answer is what every request gets back.
type answer struct {
	Name    string              `json:"name"`
	Version string              `json:"version"`
	Pod     string              `json:"pod"`
	Method  string              `json:"method"`
	Path    string              `json:"path"`
	Host    string              `json:"host"`
	Proto   string              `json:"proto"`
	From    string              `json:"from"`
	Headers map[string][]string `json:"headers"`
	Bytes   int64               `json:"bytes"`
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func serve(args []string) int {
	s := &server{}
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	listen := flags.String("listen", env("APP_LISTEN", ":8080"), "address, or several with commas")
	echo := flags.String("echo", env("APP_ECHO", ""), "address of a port that sends back every byte")
	flags.StringVar(&s.name, "name", env("APP_NAME", "app"), "what the answers say")
	flags.StringVar(&s.version, "version", env("APP_VERSION", "v1"), "what the answers say")
	flags.Float64Var(&s.failRate, "fail-rate", 0, "this share of answers is 503 (0 to 1)")
	flags.DurationVar(&s.delay, "delay", 0, "before every answer")
	grace := flags.Duration("grace", 10*time.Second, "for requests under way when told to stop")
	_ = flags.Parse(args)
	s.pod, _ = os.Hostname()
	s.healthy.Store(true)

	mux := http.NewServeMux()
	mux.HandleFunc("/", s.reply)
	mux.HandleFunc("/healthz", s.health)
	mux.HandleFunc("/health/{state}", s.setHealth)
	mux.HandleFunc("/metrics", s.metrics)
	mux.HandleFunc("/status/{code}", s.status)
	mux.HandleFunc("/delay/{duration}", s.sleep)
	mux.HandleFunc("/grpc.health.v1.Health/Check", s.grpcHealth)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	web := &http.Server{Handler: mux, Protocols: protocols}
	failed := make(chan error, 8)
	for _, at := range strings.Split(*listen, ",") {
		socket, err := net.Listen("tcp", at)
		if err != nil {
			log.Print(err)
			return 1
		}
		go func() { failed <- web.Serve(socket) }()
	}
	if *echo != "" {
		go func() { failed <- echoBytes(*echo) }()
	}
	log.Printf("%s %s serves on %s", s.name, s.version, *listen)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	select {
	case err := <-failed:
		log.Print(err)
		return 1
	case <-stop:
	}
	ctx, cancel := context.WithTimeout(context.Background(), *grace)
	defer cancel()
	_ = web.Shutdown(ctx)
	return 0
}

func (s *server) reply(w http.ResponseWriter, r *http.Request) {
	s.served.Add(1)
	time.Sleep(s.delay)
	size, _ := io.Copy(io.Discard, r.Body)
	code := http.StatusOK
	if rand.Float64() < s.failRate {
		code = http.StatusServiceUnavailable
	}
	w.Header().Set("content-type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(answer{s.name, s.version, s.pod, r.Method, r.URL.RequestURI(),
		r.Host, r.Proto, r.RemoteAddr, r.Header, size})
}

func (s *server) health(w http.ResponseWriter, _ *http.Request) {
	if !s.healthy.Load() {
		http.Error(w, "told to be unhealthy", http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}

// setHealth: /health/bad and /health/good, so that a test can see a probe fail.
func (s *server) setHealth(w http.ResponseWriter, r *http.Request) {
	s.healthy.Store(r.PathValue("state") != "bad")
	_, _ = io.WriteString(w, r.PathValue("state")+"\n")
}

func (s *server) metrics(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "# TYPE app_requests_total counter\napp_requests_total "+
		strconv.FormatInt(s.served.Load(), 10)+"\n")
}

func (s *server) status(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(r.PathValue("code"))
	if err != nil || code < 200 || code > 599 {
		code = http.StatusBadRequest
	}
	w.WriteHeader(code)
}

func (s *server) sleep(w http.ResponseWriter, r *http.Request) {
	if d, err := time.ParseDuration(r.PathValue("duration")); err == nil {
		select {
		case <-time.After(d):
		case <-r.Context().Done():
		}
	}
	s.reply(w, r)
}

// grpcHealth answers SERVING or NOT_SERVING; one message is small enough to be written by hand.
func (s *server) grpcHealth(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("content-type", "application/grpc")
	w.Header().Set("trailer", "grpc-status")
	state := byte(1)
	if !s.healthy.Load() {
		state = 2
	}
	_, _ = w.Write([]byte{0, 0, 0, 0, 2, 8, state})
	w.Header().Set("grpc-status", "0")
}

func echoBytes(at string) error {
	socket, err := net.Listen("tcp", at)
	if err != nil {
		return err
	}
	for {
		c, err := socket.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			_, _ = io.Copy(c, c)
		}()
	}
}
