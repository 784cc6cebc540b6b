package secret

import (
	"context"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"filippo.io/age"
	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/getsops/sops/v3/logging"
)

// Keys says where private keys are found. Nothing is read before a file needs
// it, and then once.
type Keys struct {
	// Getenv reads the environment of the person or job; nil is an empty one.
	// The variables are those of sops: SOPS_AGE_KEY, SOPS_AGE_KEY_FILE,
	// SOPS_AGE_KEY_CMD, SOPS_AGE_SSH_PRIVATE_KEY_FILE,
	// SOPS_AGE_SSH_PRIVATE_KEY_CMD, SOPS_GPG_EXEC, SOPS_DECRYPTION_ORDER,
	// SOPS_HC_VAULT_ALLOWLIST, GNUPGHOME, VAULT_ADDR, VAULT_TOKEN, HOME,
	// XDG_CONFIG_HOME; and one of tug: TUG_PGP_KEY_FILE.
	Getenv func(string) string
	// Services are addresses of sops key services, unix:///path or
	// tcp://host:port, that are asked after the keys at hand; those of
	// SOPS_KEYSERVICE when empty.
	Services []string
	// Remote leaves out the keys at hand: only Services are asked. So does
	// SOPS_ENABLE_LOCAL_KEYSERVICE=false.
	Remote bool
	// Ask asks a person for the passphrase of a key; nil means that nobody is
	// there, and keys with a passphrase are not used.
	Ask func(prompt string) ([]byte, error)
	// Timeout of one call to a key service or cloud; 30 seconds when zero.
	Timeout time.Duration
}

func (k Keys) env(name string) string {
	if k.Getenv == nil {
		return ""
	}
	return k.Getenv(name)
}

// configFolder is where sops keeps the file of age keys.
func (k Keys) configFolder() string {
	if dir := k.env("XDG_CONFIG_HOME"); dir != "" {
		return dir
	}
	home := k.env("HOME")
	switch {
	case runtime.GOOS == "windows":
		return k.env("AppData")
	case home == "":
		return ""
	case runtime.GOOS == "darwin":
		return filepath.Join(home, "Library", "Application Support")
	}
	return filepath.Join(home, ".config")
}

// ring holds the private keys once they are read.
type ring struct {
	keys Keys

	ageOnce    sync.Once
	identities []age.Identity
	places     []string // where no age key was, for errors
	problems   []string // of places that have no usable one

	pgpOnce sync.Once
	pgp     openpgp.EntityList
}

func newRing(k Keys) *ring {
	if k.Timeout == 0 {
		k.Timeout = 30 * time.Second
	}
	if services := k.env("SOPS_KEYSERVICE"); services != "" && len(k.Services) == 0 {
		k.Services = strings.Split(services, ",")
	}
	if local, err := strconv.ParseBool(k.env("SOPS_ENABLE_LOCAL_KEYSERVICE")); err == nil && !local {
		k.Remote = true
	}
	logging.SetLevel(0) // panics only: the library logs comments it cannot decrypt
	return &ring{keys: k}
}

func (r *ring) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, r.keys.Timeout)
}

// order is the order in which kinds of keys are tried.
func (r *ring) order() []string {
	text := r.keys.env("SOPS_DECRYPTION_ORDER")
	if text == "" {
		return nil
	}
	list := strings.Split(text, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}
