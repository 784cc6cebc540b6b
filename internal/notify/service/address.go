package service

import (
	"net"
	"net/url"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// address checks a URL that messages are sent to. What tells a secret travels
// protected: plain HTTP is for this machine and for the cluster's own services.
func address(service, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, fault.New(fault.Invalid, "%s: the address is no URL", service).Hint("it begins with https://")
	}
	if u.User != nil {
		return nil, fault.New(fault.Invalid, "%s: the address has a user or password in it", service).
			Hint("webhook addresses carry their secret in the path")
	}
	if u.Scheme == "http" && !near(u.Hostname()) {
		return nil, fault.New(fault.Invalid, "%s: %s is reached by plain http, and the message would be readable on its way", service, u.Host).
			Hint("use https://; http is for localhost and for names that end in .svc or .cluster.local")
	}
	return u, nil
}

// near reports whether a host is this machine or a service of the cluster.
func near(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".svc") || strings.HasSuffix(host, ".cluster.local")
}

// base is the address of a service with an API: the usual one when empty.
func base(service, text, usual string) (string, error) {
	if text == "" {
		return usual, nil
	}
	u, err := address(service, text)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(u.String(), "/"), nil
}
