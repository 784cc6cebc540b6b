package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge/contract"
	"github.com/tugops/tug/internal/forge/webhook"
)

const secret = "c4n4ry-of-webhooks:0123456789"

const whsec = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=" // 32 digits

func sign(algorithm func() hash.Hash, key, text string) []byte {
	mac := hmac.New(algorithm, []byte(key))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func standard(id string, at time.Time, body string) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(whsec, "whsec_"))
	text := base64.StdEncoding.EncodeToString(sign(sha256.New, string(key), id+"."+stamp+"."+body))
	return header("Webhook-Id", id, "Webhook-Timestamp", stamp, "Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString([]byte("of an older secret"))+" v1,"+text)
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// proofs are requests as each sender makes them.
func proofs(body, id string, now time.Time) map[webhook.Scheme]http.Header {
	sum := hex.EncodeToString(sign(sha256.New, secret, body))
	return map[webhook.Scheme]http.Header{
		webhook.GitHub:    header("X-Hub-Signature-256", "sha256="+sum, "X-GitHub-Delivery", id, "X-GitHub-Event", "push"),
		webhook.Gitea:     header("X-Gitea-Signature", sum, "X-Gitea-Delivery", id, "X-Gitea-Event", "push"),
		webhook.GitLab:    header("X-Gitlab-Token", secret, "Idempotency-Key", id),
		webhook.Standard:  standard(id, now, body),
		webhook.Bitbucket: header("X-Hub-Signature", "sha256="+sum, "X-Request-UUID", id, "X-Event-Key", "repo:push"),
		webhook.Azure:     header("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(secret))),
		webhook.Harbor:    header("Authorization", secret),
		webhook.Nexus:     header("X-Nexus-Webhook-Signature", hex.EncodeToString(sign(sha1.New, secret, body)), "X-Nexus-Webhook-Delivery", id),
		webhook.Generic:   header("X-Signature", "sha256="+sum, "X-Delivery", id),
	}
}

func receiver(t *testing.T, s webhook.Scheme, clock *contract.Clock, size int) *webhook.Receiver {
	t.Helper()
	own := secret
	if s == webhook.Standard {
		own = whsec
	}
	r, err := webhook.New(s, own, webhook.NewSeen(size, time.Hour, clock), clock)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestProofs(t *testing.T) {
	t.Parallel()
	const body = `{"ref":"refs/heads/main"}`
	for _, s := range webhook.Schemes() {
		t.Run(string(s), func(t *testing.T) {
			t.Parallel()
			clock := &contract.Clock{}
			good := proofs(body, "d-1", clock.Now())[s]
			r := receiver(t, s, clock, 100)
			refused := func(what string, h http.Header, body string) {
				t.Helper()
				_, err := r.Receive(h, strings.NewReader(body))
				if !fault.Is(err, fault.Denied) {
					t.Errorf("%s: %v", what, err)
				}
				if err != nil && strings.Contains(err.Error(), "c4n4ry") {
					t.Errorf("%s shows the secret: %v", what, err)
				}
			}
			refused("nothing", http.Header{}, body)
			for name, other := range proofs(body, "d-1", clock.Now()) {
				if name != s && !(s == webhook.Gitea && name == webhook.GitHub) {
					refused("the proof of "+string(name), other, body)
				}
			}
			plain := s == webhook.GitLab || s == webhook.Azure || s == webhook.Harbor
			if !plain {
				refused("another body", good, body+" ")
			}
			for key, values := range good {
				if key == "Authorization" || strings.Contains(key, "Signature") || strings.Contains(key, "Token") {
					twice := good.Clone()
					twice[key] = []string{values[0], values[0]}
					refused("twice", twice, body)
					cut := good.Clone()
					cut.Set(key, values[0][:len(values[0])-4])
					refused("cut", cut, body)
				}
			}
			d, err := r.Receive(good, strings.NewReader(body))
			if err != nil || len(d.Hints) != 1 {
				t.Fatalf("good: %+v, %v", d, err)
			}
			if _, err := r.Receive(good, strings.NewReader(body)); !fault.Is(err, fault.Exists) {
				t.Errorf("replay: %v", err)
			}
			r.Forget(d)
			if _, err := r.Receive(good, strings.NewReader(body)); err != nil {
				t.Errorf("after it was forgotten: %v", err)
			}
			if shown := fmt.Sprintf("%v %+v %#v", r, r, r); strings.Contains(shown, "c4n4ry") || strings.Contains(shown, "0123456789") {
				t.Errorf("the secret is shown: %s", shown)
			}
		})
	}
}

// A signed body under another id is a replay all the same.
func TestReplayUnderAnotherID(t *testing.T) {
	t.Parallel()
	for _, s := range []webhook.Scheme{webhook.GitHub, webhook.Gitea, webhook.Bitbucket, webhook.Nexus} {
		clock := &contract.Clock{}
		r := receiver(t, s, clock, 100)
		for i, want := range []bool{true, false} {
			_, err := r.Receive(proofs(`{}`, fmt.Sprint("d-", i), clock.Now())[s], strings.NewReader(`{}`))
			if (err == nil) != want {
				t.Errorf("%s %d: %v", s, i, err)
			}
		}
	}
}

func TestTimeWindow(t *testing.T) {
	t.Parallel()
	clock := &contract.Clock{}
	r := receiver(t, webhook.Standard, clock, 100)
	for off, want := range map[time.Duration]bool{-6 * time.Minute: false, -4 * time.Minute: true, 4 * time.Minute: true, 6 * time.Minute: false} {
		_, err := r.Receive(standard("d"+off.String(), clock.Now().Add(off), `{}`), strings.NewReader(`{}`))
		if (err == nil) != want || err != nil && !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v", off, err)
		}
	}
	h := standard("d", clock.Now(), `{}`)
	h.Set("Webhook-Timestamp", "soon")
	if _, err := r.Receive(h, strings.NewReader(`{}`)); !fault.Is(err, fault.Denied) {
		t.Errorf("no time: %v", err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	clock := &contract.Clock{}
	r := receiver(t, webhook.Standard, clock, 3)
	send := func(id string) error {
		_, err := r.Receive(standard(id, clock.Now(), `{}`), strings.NewReader(`{}`))
		return err
	}
	for _, id := range []string{"a", "b", "c", "d"} {
		if err := send(id); err != nil {
			t.Fatal(err)
		}
	}
	if err := send("b"); !fault.Is(err, fault.Exists) {
		t.Errorf("b is remembered: %v", err)
	}
	if err := send("a"); err != nil {
		t.Errorf("a made room: %v", err)
	}
	if err := clock.Wait(t.Context(), 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := send("d"); err != nil {
		t.Errorf("after the time: %v", err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	clock := &contract.Clock{}
	r := receiver(t, webhook.GitLab, clock, 100)
	large := bytes.Repeat([]byte("a"), webhook.BodyLimit+1)
	for name, body := range map[string][]byte{"large": large, "no JSON": []byte("hello"), "deep": []byte(strings.Repeat("[", 20_000)), "empty": nil} {
		if _, err := r.Receive(header("X-Gitlab-Token", secret), bytes.NewReader(body)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []struct {
		scheme webhook.Scheme
		secret string
	}{{webhook.GitHub, ""}, {webhook.GitHub, "short"}, {"dockerhub", secret}, {webhook.Standard, "whsec_c2hvcnQ="}, {webhook.Standard, "whsec_%%%%%%%%%%%%%"}} {
		if _, err := webhook.New(bad.scheme, bad.secret, nil, clock); err == nil {
			t.Errorf("%s with %q is accepted", bad.scheme, bad.secret)
		}
	}
}
