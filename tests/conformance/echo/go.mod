module weft/conformance/echo

go 1.26.0

require istio.io/istio v0.0.0-20260827124520-eed52ebb66ad

// the pseudo-version that istio names is not served; this later one is
replace github.com/envoyproxy/go-control-plane/envoy => github.com/envoyproxy/go-control-plane/envoy v1.37.1-0.20260729145720-a2d8c7492908
replace istio.io/api => istio.io/api v1.31.1
replace istio.io/client-go => istio.io/client-go v1.31.1
