package webhook

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what Nexus signs with; HMAC with it still holds
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tugops/tug/internal/fault"
)

// verify checks the proof of a request.
func (r *Receiver) verify(h http.Header, body []byte) error {
	fits := false
	switch r.scheme {
	case GitHub:
		fits = r.signed(sha256.New, one(h, "X-Hub-Signature-256"), "sha256=", body)
	case Gitea:
		fits = r.signed(sha256.New, cmp.Or(one(h, "X-Gitea-Signature"), one(h, "X-Forgejo-Signature")), "", body) ||
			r.signed(sha256.New, one(h, "X-Hub-Signature-256"), "sha256=", body)
	case Bitbucket:
		fits = r.signed(sha256.New, one(h, "X-Hub-Signature"), "sha256=", body)
	case Nexus:
		fits = r.signed(sha1.New, one(h, "X-Nexus-Webhook-Signature"), "", body)
	case Generic:
		text := one(h, "X-Signature")
		if strings.HasPrefix(text, "sha256=") {
			fits = r.signed(sha256.New, text, "sha256=", body)
		} else {
			fits = r.signed(sha256.New, text, "", body)
		}
	case GitLab:
		fits = r.same(one(h, "X-Gitlab-Token"))
	case Harbor:
		fits = r.same(one(h, "Authorization"))
	case Azure:
		text, basic := strings.CutPrefix(one(h, "Authorization"), "Basic ")
		pair, err := base64.StdEncoding.DecodeString(text)
		fits = basic && err == nil && r.same(string(pair))
	case Standard:
		return r.standard(h, body)
	}
	if !fits {
		return r.denied()
	}
	return nil
}

// denied says the same whatever is wrong: it goes to whoever sent it.
func (r *Receiver) denied() error {
	return fault.New(fault.Denied, "webhook of %s: it is not signed with the secret", r.scheme)
}

// one is the value of a header that is there once: several are a trick.
func one(h http.Header, name string) string {
	if v := h.Values(name); len(v) == 1 {
		return v[0]
	}
	return ""
}

// signed checks a hexadecimal HMAC of the body.
func (r *Receiver) signed(algorithm func() hash.Hash, text, prefix string, body []byte) bool {
	text, ok := strings.CutPrefix(text, prefix)
	got, err := hex.DecodeString(text)
	mac := hmac.New(algorithm, r.secret)
	_, _ = mac.Write(body)
	return ok && err == nil && hmac.Equal(mac.Sum(nil), got)
}

// same compares a text with the secret; hashes, so that not even the length
// can be measured.
func (r *Receiver) same(text string) bool {
	a, b := sha256.Sum256([]byte(text)), sha256.Sum256(r.secret)
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// standardKey reads "whsec_" and base64; other secrets are the key themselves.
func standardKey(secret string) ([]byte, error) {
	text, encoded := strings.CutPrefix(secret, "whsec_")
	if !encoded {
		return []byte(secret), nil
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) < shortest {
		return nil, fault.New(fault.Invalid, "the secret of standard webhooks is not whsec_ and at least %d bytes in base64", shortest)
	}
	return key, nil
}

// standard checks id, time and body; several signatures are those of an old and
// a new secret.
func (r *Receiver) standard(h http.Header, body []byte) error {
	id, stamp := one(h, "Webhook-Id"), one(h, "Webhook-Timestamp")
	mac := hmac.New(sha256.New, r.secret)
	_, _ = mac.Write([]byte(id + "." + stamp + "."))
	_, _ = mac.Write(body)
	want, fits := mac.Sum(nil), false
	for text := range strings.FieldsSeq(one(h, "Webhook-Signature")) {
		encoded, v1 := strings.CutPrefix(text, "v1,")
		got, err := base64.StdEncoding.DecodeString(encoded)
		if v1 && err == nil && hmac.Equal(want, got) {
			fits = true
		}
	}
	if !fits || id == "" {
		return r.denied()
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return r.denied()
	}
	if off := r.clock.Now().Sub(time.Unix(seconds, 0)); off > r.window || off < -r.window {
		return fault.New(fault.Denied, "webhook of %s: its time is more than %s from now", r.scheme, r.window).
			Hint("it is a replay, or one of the two clocks is wrong")
	}
	return nil
}
