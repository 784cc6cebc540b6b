package github_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/contract"
	"github.com/tugops/tug/internal/forge/github"
	"github.com/tugops/tug/internal/outbound"
)

// appServer checks JWTs as GitHub does and gives tokens for an hour.
type appServer struct {
	key    *rsa.PublicKey
	clock  *contract.Clock
	given  int
	world  *contract.World
	next   http.Handler
	absent bool
}

func (s *appServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	proof := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch path := strings.TrimPrefix(r.URL.Path, "/api/v3"); {
	case path == "/user":
		contract.JSON(w, 403, object{"message": "Resource not accessible by integration"})
	case path == "/app", strings.HasSuffix(path, "/installation"), strings.HasPrefix(path, "/app/"):
		if err := s.check(proof); err != nil {
			contract.JSON(w, 401, object{"message": "A JSON web token could not be decoded: " + err.Error()})
			return
		}
		s.app(w, path)
	default:
		s.next.ServeHTTP(w, r)
	}
}

func (s *appServer) app(w http.ResponseWriter, path string) {
	switch {
	case path == "/app":
		contract.JSON(w, 200, object{"id": 1, "slug": "tug-promoter", "name": "tug promoter"})
	case path == "/repos/acme/config/installation" && !s.absent:
		contract.JSON(w, 200, object{"id": 42, "app_slug": "tug-promoter"})
	case path == "/app/installations/42/access_tokens":
		s.given++
		token := fmt.Sprintf("ghs_%s%d", contract.Canary, s.given)
		s.world.Lock()
		s.world.Users = map[string]contract.User{token: {Name: "tug-promoter[bot]", Write: true}} // older ones run out
		s.world.Unlock()
		contract.JSON(w, 201, object{"token": token, "expires_at": s.clock.Now().Add(time.Hour).Format(time.RFC3339),
			"permissions": object{"contents": "write", "pull_requests": "write", "statuses": "read", "metadata": "read"}, "repository_selection": "selected"})
	default:
		contract.JSON(w, 404, object{"message": "Not Found"})
	}
}

func (s *appServer) check(text string) error {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return fmt.Errorf("%d parts", len(parts))
	}
	var claims struct {
		IssuedAt int64  `json:"iat"`
		Expires  int64  `json:"exp"`
		Issuer   string `json:"iss"`
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &claims); err != nil {
		return err
	}
	now := s.clock.Now().Unix()
	if claims.Issuer != "4711" || claims.IssuedAt > now || claims.Expires <= now || claims.Expires > now+600 {
		return fmt.Errorf("claims %+v at %d", claims, now)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return rsa.VerifyPKCS1v15(s.key, crypto.SHA256, sum[:], signature)
}

func TestApp(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	data := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	clock, world := &contract.Clock{}, contract.NewWorld("acme/config")
	behind := &appServer{key: &key.PublicKey, clock: clock, world: world, next: newFake(world)}
	server := httptest.NewServer(behind)
	defer server.Close()
	at := forge.Repository{Web: server.URL, Path: "acme/config"}
	h, retry := outbound.New(outbound.Policy{}, nil), forge.Retry{Clock: clock}
	app, err := github.NewApp("4711", data, at, h, retry)
	if err != nil {
		t.Fatal(err)
	}
	f := github.New(github.Options{Repository: at, HTTP: h, Login: app, Retry: retry})
	target := world.Target()
	target.Branch(t, "promote/prod/shop")
	p, err := f.OpenPullRequest(t.Context(), forge.NewPullRequest{Title: "x", Head: "promote/prod/shop", Base: "main"})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"one", "two"} {
		if _, err := f.UpsertComment(t.Context(), p.Number, forge.Comment{Name: "preview", Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	if got := target.Comments(t, p.Number); len(got) != 1 || behind.given != 1 {
		t.Errorf("comments %q with %d tokens", got, behind.given)
	}
	may, err := f.Permissions(t.Context())
	if err != nil || may.Identity != "tug-promoter[bot]" || may.Code != forge.Write || may.Statuses != forge.Read || may.Admin != forge.No || may.Everywhere != forge.No {
		t.Errorf("permissions: %+v, %v", may, err)
	}
	if err := clock.Wait(t.Context(), 56*time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, err := f.PullRequest(t.Context(), p.Number); err != nil || behind.given != 2 {
		t.Errorf("after an hour: %v with %d tokens", err, behind.given)
	}
	behind.absent = true
	if err := clock.Wait(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := f.PullRequest(t.Context(), p.Number); !fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), "not installed") {
		t.Errorf("not installed: %v", err)
	}
	if shown := fmt.Sprintf("%v %+v", app, f); strings.Contains(shown, contract.Canary) {
		t.Errorf("the token is shown: %s", shown)
	}
	for _, bad := range []string{"", "hello", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte("x")}))} {
		if _, err := github.NewApp("1", []byte(bad), at, h, retry); !fault.Is(err, fault.Invalid) {
			t.Errorf("key %q: %v", bad, err)
		}
	}
}
