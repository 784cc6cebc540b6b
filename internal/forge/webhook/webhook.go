// Package webhook checks and reads what forges and registries send when
// something happened. It opens no port: a server gives it headers and body.
//
// A request counts when its proof fits the secret (compared in constant time,
// over the bytes as they came) and it was not seen before. What it says is a
// hint and nothing more: who acts on it reads the state again. There is no way
// to accept requests without a secret.
package webhook

import (
	"io"
	"net/http"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
)

// Scheme is how a sender proves itself.
type Scheme string

// The schemes, and where the proof is.
const (
	// GitHub: X-Hub-Signature-256, HMAC-SHA256 of the body.
	GitHub Scheme = "github"
	// Gitea and Forgejo: X-Gitea-Signature, X-Forgejo-Signature or GitHub's, the
	// same.
	Gitea Scheme = "gitea"
	// GitLab: X-Gitlab-Token is the secret itself.
	GitLab Scheme = "gitlab"
	// Standard Webhooks, GitLab's since 2026: webhook-signature, HMAC-SHA256
	// of id, time and body; the time has to be near.
	Standard Scheme = "standard"
	// Bitbucket Cloud and Data Center: X-Hub-Signature, HMAC-SHA256.
	Bitbucket Scheme = "bitbucket"
	// Azure DevOps: basic authentication; the secret is user:password.
	Azure Scheme = "azure"
	// Harbor: Authorization is the secret itself.
	Harbor Scheme = "harbor"
	// Nexus: X-Nexus-Webhook-Signature, HMAC-SHA1.
	Nexus Scheme = "nexus"
	// Generic: X-Signature, HMAC-SHA256, hexadecimal, sha256= before it or not.
	Generic Scheme = "generic"
)

// Schemes are all of them.
func Schemes() []Scheme {
	return []Scheme{GitHub, Gitea, GitLab, Standard, Bitbucket, Azure, Harbor, Nexus, Generic}
}

// BodyLimit is the largest body that is read, in bytes.
const BodyLimit = 5 << 20

// shortest is what a secret must have: shorter ones are guessed.
const shortest = 16

// Receiver accepts the requests of one sender. It is safe for concurrent use.
type Receiver struct {
	scheme Scheme
	secret []byte
	seen   *Seen
	clock  forge.Clock
	window time.Duration
}

// New makes a receiver. seen may be shared among receivers.
func New(scheme Scheme, secret string, seen *Seen, clock forge.Clock) (*Receiver, error) {
	known := false
	for _, s := range Schemes() {
		known = known || s == scheme
	}
	if !known {
		return nil, fault.New(fault.Usage, "webhook scheme %q is not known", scheme)
	}
	if len(secret) < shortest {
		return nil, fault.New(fault.Invalid, "the secret of %s webhooks has fewer than %d characters", scheme, shortest).
			Hint("make one with: openssl rand -hex 32")
	}
	key := []byte(secret)
	if scheme == Standard {
		var err error
		if key, err = standardKey(secret); err != nil {
			return nil, err
		}
	}
	return &Receiver{scheme: scheme, secret: key, seen: seen, clock: clock, window: 5 * time.Minute}, nil
}

// String implements fmt.Stringer without the secret.
func (r *Receiver) String() string { return "receiver of " + string(r.scheme) + " webhooks" }

// GoString implements fmt.GoStringer without the secret.
func (r *Receiver) GoString() string { return r.String() }

// Delivery is a request that counts.
type Delivery struct {
	// ID is the sender's; empty where it has none.
	ID    string
	Hints []Hint

	keys []key
}

// Receive checks and reads a request. Denied: the proof does not fit. Exists:
// it was received before. Invalid: it is too large or cannot be read.
func (r *Receiver) Receive(header http.Header, body io.Reader) (Delivery, error) {
	data, err := io.ReadAll(io.LimitReader(body, BodyLimit+1))
	if err != nil {
		return Delivery{}, fault.New(fault.Invalid, "webhook of %s: the body breaks off", r.scheme)
	}
	if len(data) > BodyLimit {
		return Delivery{}, fault.New(fault.Invalid, "webhook of %s: the body is larger than %d MiB", r.scheme, BodyLimit>>20)
	}
	if err := r.verify(header, data); err != nil {
		return Delivery{}, err
	}
	hints, err := Parse(r.scheme, header, data)
	if err != nil {
		return Delivery{}, err
	}
	d := Delivery{ID: deliveryID(r.scheme, header, data), Hints: hints}
	d.keys = r.keys(d.ID, data)
	if !r.seen.add(d.keys) {
		return Delivery{}, fault.New(fault.Exists, "webhook of %s: delivery %q was received before", r.scheme, printable(d.ID, 100))
	}
	return d, nil
}

// Forget lets a delivery be received again, as the sender will try when it is
// told that acting on it failed.
func (r *Receiver) Forget(d Delivery) { r.seen.remove(d.keys) }
