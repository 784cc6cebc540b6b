package api

import (
	"fmt"
	"net/http"
)

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if err := s.config.Ready(); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, "not ready:", err)
		return
	}
	fmt.Fprintln(w, "ok")
}

// Probes answers the kubelet and Prometheus, on a port of their own without
// tokens: /healthz, /readyz and /metrics. Metrics name apps: the port is for
// the cluster alone, see the NetworkPolicy.
func (s *Server) Probes(metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", metrics)
	return mux
}
