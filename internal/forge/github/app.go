package github

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/rest"
	"github.com/tugops/tug/internal/outbound"
)

// App logs in as an installation of a GitHub App: a JWT of the App's key is
// exchanged for a token of one hour that is good for one repository, and again
// before it runs out. It is safe for concurrent use.
type App struct {
	id    string
	key   *rsa.PrivateKey
	at    forge.Repository
	api   *rest.Client // with the JWT
	clock forge.Clock
	mu    sync.Mutex
	token string
	until time.Time
	rules map[string]string
}

var _ rest.Login = (*App)(nil)

// String implements fmt.Stringer without the key and the token.
func (a *App) String() string { return "GitHub App " + a.id }

// GoString implements fmt.GoStringer without the key and the token.
func (a *App) GoString() string { return a.String() }

// LogValue implements slog.LogValuer without the key and the token.
func (a *App) LogValue() slog.Value { return slog.StringValue(a.String()) }

// MarshalText implements encoding.TextMarshaler without the key and the token.
func (a *App) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// refreshBefore is how long before its end a token is replaced.
const refreshBefore = 5 * time.Minute

// NewApp reads the private key (PEM) of an App. id is its App ID or client ID.
func NewApp(id string, key []byte, at forge.Repository, h *outbound.Client, r forge.Retry) (*App, error) {
	parsed, err := parseKey(key)
	if err != nil {
		return nil, err
	}
	a := &App{id: id, key: parsed, at: at, clock: r.Clock}
	if a.clock == nil {
		a.clock = forge.SystemClock{}
	}
	a.api = client(at.Web, h, jwt{a}, r)
	return a, nil
}

func parseKey(data []byte) (*rsa.PrivateKey, error) {
	bad := fault.New(fault.Invalid, "the key of the GitHub App is no RSA private key").Hint("use the .pem file that GitHub made for the App")
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, bad
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*rsa.PrivateKey)
	if err != nil || !ok {
		return nil, bad
	}
	return key, nil
}

// jwt is the App's own login.
type jwt struct{ app *App }

// Proof implements rest.Login.
func (j jwt) Proof(context.Context) (rest.Proof, error) {
	text, err := j.app.sign(j.app.clock.Now())
	return rest.Bearer(text, "the key of GitHub App "+j.app.id), err
}

// sign makes a JWT that is good for nine minutes, and from a minute ago: clocks
// differ.
func (a *App) sign(now time.Time) (string, error) {
	claims, err := json.Marshal(map[string]any{"iat": now.Add(-time.Minute).Unix(), "exp": now.Add(9 * time.Minute).Unix(), "iss": a.id})
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, a.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// Proof implements rest.Login with a token of the installation.
func (a *App) Proof(ctx context.Context) (rest.Proof, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token == "" || !a.clock.Now().Add(refreshBefore).Before(a.until) {
		if err := a.refresh(ctx); err != nil {
			return rest.Proof{}, err
		}
	}
	return rest.Bearer(a.token, "GitHub App "+a.id), nil
}

func (a *App) refresh(ctx context.Context) error {
	var installation struct {
		ID int64 `json:"id"`
	}
	path := "/repos/" + url.PathEscape(a.at.Owner()) + "/" + url.PathEscape(a.at.Name()) + "/installation"
	if _, err := a.api.Get(ctx, path, nil, &installation); err != nil {
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.Denied, "GitHub App %s is not installed on %s: %w", a.id, a.at.Path, err).Hint("install it there, or give its repository access")
		}
		return err
	}
	var made struct {
		Token       string            `json:"token"`
		ExpiresAt   time.Time         `json:"expires_at"`
		Permissions map[string]string `json:"permissions"`
	}
	call := rest.Call{Method: http.MethodPost, Path: "/app/installations/" + strconv.FormatInt(installation.ID, 10) + "/access_tokens", Body: map[string]any{"repositories": []string{a.at.Name()}}}
	if _, err := a.api.Do(ctx, call, &made); err != nil {
		return err
	}
	if made.Token == "" || made.ExpiresAt.IsZero() {
		return fault.New(fault.Unavailable, "GitHub App %s: the answer holds no token", a.id)
	}
	a.token, a.until, a.rules = made.Token, made.ExpiresAt, made.Permissions
	return nil
}

// identity is the login that the App writes as.
func (a *App) identity(ctx context.Context) (string, error) {
	var app struct {
		Slug string `json:"slug"`
	}
	if _, err := a.api.Get(ctx, "/app", nil, &app); err != nil || app.Slug == "" {
		return "", err
	}
	return app.Slug + "[bot]", nil
}

// rights are those that the token was given.
func (a *App) rights(ctx context.Context, p forge.Permissions) (forge.Permissions, error) {
	if _, err := a.Proof(ctx); err != nil {
		return p, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	right := func(name string) forge.Right {
		switch a.rules[name] {
		case "write", "admin":
			return forge.Write
		case "read":
			return forge.Read
		}
		return forge.None
	}
	p.Code, p.PullRequests, p.Statuses = right("contents"), right("pull_requests"), right("statuses")
	p.Admin, p.Everywhere = forge.Of(right("administration") == forge.Write), forge.No
	for name, level := range a.rules {
		p.Scopes = append(p.Scopes, name+":"+level)
	}
	slices.Sort(p.Scopes)
	return p, nil
}
