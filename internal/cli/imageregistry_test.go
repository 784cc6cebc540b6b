package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/registry"
)

func TestRegistryLogins(t *testing.T) {
	t.Parallel()
	read := func(vars ...string) (registry.HostLogins, error) {
		env := &Env{Environ: func() []string { return vars }}
		return env.registryLogins()
	}
	got, err := read("PATH=/bin", "KBLD_REGISTRY_HOSTNAME=r.example", "KBLD_REGISTRY_USERNAME=ci", "KBLD_REGISTRY_PASSWORD=a=b",
		"KBLD_REGISTRY_HOSTNAME_0=docker.io", "KBLD_REGISTRY_IDENTITY_TOKEN_0=t", "KBLD_REGISTRY_HOSTNAME_B=tug.example", "KBLD_REGISTRY_USERNAME_B=kbld",
		"TUG_REGISTRY_HOSTNAME_1=tug.example", "TUG_REGISTRY_REGISTRY_TOKEN_1=r")
	want := registry.HostLogins{
		"r.example": {User: "ci", Password: "a=b"}, "index.docker.io": {IdentityToken: "t"}, "tug.example": {RegistryToken: "r"},
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(d, err)
	}
	for _, c := range []struct{ vars, part string }{
		{"KBLD_REGISTRY_HOST=x", "KBLD_REGISTRY_HOST: no such setting"},
		{"TUG_REGISTRY_PASSWORDS=x", "TUG_REGISTRY_PASSWORDS: no such setting"},
		{"KBLD_REGISTRY_HOSTNAME=a b", `KBLD_REGISTRY_HOSTNAME: "a b" is no host`},
		{"TUG_REGISTRY_PASSWORD_2=canary-5T", "TUG_REGISTRY_HOSTNAME_2 is not set"},
	} {
		_, err := read(c.vars)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.part) || len(fault.HintsOf(err)) == 0 {
			t.Errorf("%s: %v", c.vars, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
	if none, err := (&Env{}).registryLogins(); len(none) > 0 || err != nil {
		t.Errorf("of no environment: %v, %v", none, err)
	}
}
