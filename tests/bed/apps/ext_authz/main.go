// An authorizer that speaks Envoy's ext_authz v3 with Envoy's own messages. What it answers, the
// header x-ask of the request says: allow, deny, slow, or nothing (denied). With allow, what it was
// shown is the header x-shown of the request that goes on, as JSON.
// SPDX-License-Identifier: GPL-3.0-or-later
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"net"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	kind "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

type server struct {
	auth.UnimplementedAuthorizationServer
}

func option(name, value string) *core.HeaderValueOption {
	return &core.HeaderValueOption{Header: &core.HeaderValue{Key: name, Value: value}}
}

func allow(request *auth.CheckRequest) *auth.CheckResponse {
	a := request.GetAttributes()
	http := a.GetRequest().GetHttp()
	shown, _ := json.Marshal(map[string]any{
		"method": http.GetMethod(), "path": http.GetPath(), "host": http.GetHost(),
		"scheme": http.GetScheme(), "protocol": http.GetProtocol(), "body": http.GetBody(),
		"principal": a.GetSource().GetPrincipal(),
		"address":   a.GetSource().GetAddress().GetSocketAddress().GetAddress(),
		"context":   a.GetContextExtensions(), "seconds": a.GetRequest().GetTime().GetSeconds(),
		"partial": http.GetHeaders()["x-envoy-auth-partial-body"],
	})
	return &auth.CheckResponse{
		Status: &status.Status{Code: int32(codes.OK)},
		HttpResponse: &auth.CheckResponse_OkResponse{OkResponse: &auth.OkHttpResponse{
			Headers:              []*core.HeaderValueOption{option("x-user", "ann"), option("x-shown", string(shown))},
			HeadersToRemove:      []string{"x-ask"},
			ResponseHeadersToAdd: []*core.HeaderValueOption{option("x-checked", "yes")},
			QueryParametersToSet: []*core.QueryParameter{{Key: "by", Value: "ann"}},
		}},
	}
}

func deny() *auth.CheckResponse {
	return &auth.CheckResponse{
		Status: &status.Status{Code: int32(codes.PermissionDenied)},
		HttpResponse: &auth.CheckResponse_DeniedResponse{DeniedResponse: &auth.DeniedHttpResponse{
			Status:  &kind.HttpStatus{Code: kind.StatusCode_Unauthorized},
			Headers: []*core.HeaderValueOption{option("www-authenticate", "Bearer")},
			Body:    "who are you?",
		}},
	}
}

func (server) Check(_ context.Context, r *auth.CheckRequest) (*auth.CheckResponse, error) {
	switch r.GetAttributes().GetRequest().GetHttp().GetHeaders()["x-ask"] {
	case "allow":
		return allow(r), nil
	case "slow":
		time.Sleep(5 * time.Second)
		return allow(r), nil
	default:
		return deny(), nil
	}
}

func main() {
	port := flag.String("port", "9191", "where to listen")
	flag.Parse()
	listener, err := net.Listen("tcp", ":"+*port)
	if err != nil {
		log.Fatal(err)
	}
	s := grpc.NewServer()
	auth.RegisterAuthorizationServer(s, server{})
	log.Print("ready")
	log.Fatal(s.Serve(listener))
}
