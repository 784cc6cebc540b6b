package secret

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/ProtonMail/go-crypto/openpgp"
	pgparmor "github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/getsops/sops/v3/keyservice"
	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc"

	"github.com/tugops/tug/internal/fault"
)

// A key source is tested with all there is to do with it: encrypt for it,
// decrypt, set, and be told that it is missing.
func testSource(t *testing.T, r Recipients, keys, without Keys, name string) {
	t.Helper()
	rule, err := FindRule(filepath.Join(t.TempDir(), "s.yaml"), RuleOptions{Recipients: r})
	if err != nil {
		t.Fatal(err)
	}
	e, err := Encrypt(t.Context(), "s.yaml", []byte("a: canary-one\nb: two\n"), rule, nil, keys)
	if err != nil {
		t.Fatalf("encrypt: %v %v", err, fault.HintsOf(err))
	}
	plain, err := Decrypt(t.Context(), "s.yaml", e.Data, keys)
	if err != nil {
		t.Fatalf("decrypt: %v %v", err, fault.HintsOf(err))
	}
	if string(plain.Data) != "a: canary-one\nb: two\n" {
		t.Errorf("got %q", plain.Data)
	}
	next, err := open(t, "s.yaml", e.Data, keys).Set(Path{"b"}, "three", false)
	if err != nil {
		t.Fatal(err)
	}
	if removed, _ := changed(e.Data, next); strings.Contains(keysOf(removed), "a") && keysOf(removed) != "b mac" && keysOf(removed) != "b lastmodified mac" {
		t.Errorf("changed: %s", keysOf(removed))
	}
	_, err = Decrypt(t.Context(), "s.yaml", e.Data, without)
	if !fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), name) {
		t.Errorf("without the key: %v, want a mention of %s", err, name)
	}
	if text := strings.Join(fault.HintsOf(err), "\n"); strings.Contains(text, "canary") {
		t.Errorf("hints: %s", text)
	}
}

func write(t *testing.T, file string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestAgeKeysFromEveryPlace(t *testing.T) {
	t.Parallel()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	both := []byte("# keys\n\n" + other.String() + "\n" + id.String() + "\n")
	file := write(t, filepath.Join(dir, "keys"), both)
	write(t, filepath.Join(dir, "home/.config/sops/age/keys.txt"), both)
	write(t, filepath.Join(dir, "xdg/sops/age/keys.txt"), both)
	recipient := Recipients{Age: id.Recipient().String()}
	for name, vars := range map[string]map[string]string{
		"SOPS_AGE_KEY":      {"SOPS_AGE_KEY": other.String() + " " + id.String()},
		"SOPS_AGE_KEY_FILE": {"SOPS_AGE_KEY_FILE": file},
		"default file":      {"HOME": filepath.Join(dir, "home")},
		"XDG_CONFIG_HOME":   {"XDG_CONFIG_HOME": filepath.Join(dir, "xdg")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testSource(t, recipient, Keys{Getenv: env(vars)}, Keys{Getenv: env(map[string]string{"SOPS_AGE_KEY": other.String()})}, "age "+id.Recipient().String())
		})
	}
}

func TestAgeKeysWithAPassphrase(t *testing.T) {
	t.Parallel()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	scrypt, err := age.NewScryptRecipient("open sesame")
	if err != nil {
		t.Fatal(err)
	}
	scrypt.SetWorkFactor(10)
	var text bytes.Buffer
	armored := armor.NewWriter(&text)
	w, err := age.Encrypt(armored, scrypt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(id.String() + "\n")); err != nil || w.Close() != nil || armored.Close() != nil {
		t.Fatal("write the keys", err)
	}
	file := write(t, filepath.Join(t.TempDir(), "keys.age"), text.Bytes())
	vars := env(map[string]string{"SOPS_AGE_KEY_FILE": file})
	asks := Keys{Getenv: vars, Ask: func(string) ([]byte, error) { return []byte("open sesame"), nil }}
	testSource(t, Recipients{Age: id.Recipient().String()}, asks, Keys{Getenv: vars}, "age "+id.Recipient().String())
}

func TestBadKeysAreProblemsThatQuoteNothing(t *testing.T) {
	t.Parallel()
	recipient, _ := newAge(t)
	rule, err := FindRule("s.yaml", RuleOptions{Recipients: Recipients{Age: recipient}})
	if err != nil {
		t.Fatal(err)
	}
	e, err := Encrypt(t.Context(), "s.yaml", []byte("a: b\n"), rule, nil, Keys{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	keys := Keys{Getenv: env(map[string]string{
		"SOPS_AGE_KEY": "AGE-SECRET-KEY-1CANARY", "SOPS_AGE_KEY_FILE": filepath.Join(dir, "nothing"),
		"SOPS_AGE_SSH_PRIVATE_KEY_FILE": write(t, filepath.Join(dir, "ssh"), []byte("CANARY")),
	})}
	_, err = Decrypt(t.Context(), "s.yaml", e.Data, keys)
	text := strings.Join(fault.HintsOf(err), "\n")
	for _, want := range []string{"SOPS_AGE_KEY: line 1 is no age key", "SOPS_AGE_KEY_FILE", "no SSH key"} {
		if !strings.Contains(text, want) {
			t.Errorf("hints lack %q:\n%s", want, text)
		}
	}
	if strings.Contains(text+err.Error(), "CANARY") {
		t.Errorf("a key in %v\n%s", err, text)
	}
}

func TestSSHKeys(t *testing.T) {
	t.Parallel()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]any{"ed25519": ed, "rsa": rsaKey} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signer, err := ssh.NewSignerFromKey(key)
			if err != nil {
				t.Fatal(err)
			}
			recipient := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
			dir := t.TempDir()
			block, err := ssh.MarshalPrivateKey(key, "")
			if err != nil {
				t.Fatal(err)
			}
			locked, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("open sesame"))
			if err != nil {
				t.Fatal(err)
			}
			file := write(t, filepath.Join(dir, "key"), pem.EncodeToMemory(block))
			write(t, filepath.Join(dir, "home/.ssh/id_"+name), pem.EncodeToMemory(block))
			lockedFile := write(t, filepath.Join(dir, "locked"), pem.EncodeToMemory(locked))
			for _, k := range []Keys{
				{Getenv: env(map[string]string{"SOPS_AGE_SSH_PRIVATE_KEY_FILE": file})},
				{Getenv: env(map[string]string{"HOME": filepath.Join(dir, "home")})},
				{Getenv: env(map[string]string{"SOPS_AGE_SSH_PRIVATE_KEY_FILE": lockedFile}), Ask: func(string) ([]byte, error) { return []byte("open sesame"), nil }},
			} {
				testSource(t, Recipients{Age: recipient}, k, Keys{Getenv: env(map[string]string{"SOPS_AGE_SSH_PRIVATE_KEY_FILE": lockedFile})}, "age ssh-")
			}
		})
	}
}

func TestPGPKeys(t *testing.T) {
	t.Parallel()
	entity, err := openpgp.NewEntity("tug", "test", "tug@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	fingerprint := strings.ToUpper(hex.EncodeToString(entity.PrimaryKey.Fingerprint))
	var raw, text bytes.Buffer
	if err := entity.SerializePrivate(&raw, nil); err != nil {
		t.Fatal(err)
	}
	w, err := pgparmor.Encode(&text, openpgp.PrivateKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(raw.Bytes()); err != nil || w.Close() != nil {
		t.Fatal("write the key", err)
	}
	dir := t.TempDir()
	armored := write(t, filepath.Join(dir, "key.asc"), text.Bytes())
	write(t, filepath.Join(dir, "gnupg/secring.gpg"), raw.Bytes())
	none := write(t, filepath.Join(dir, "none/keep"), nil)
	nobody := Keys{Getenv: env(map[string]string{"GNUPGHOME": filepath.Dir(none)})}
	for _, vars := range []map[string]string{
		{"TUG_PGP_KEY_FILE": armored, "GNUPGHOME": filepath.Dir(none)}, {"GNUPGHOME": filepath.Join(dir, "gnupg")},
	} {
		testSource(t, Recipients{PGP: fingerprint}, Keys{Getenv: env(vars)}, nobody, "PGP "+fingerprint)
	}
}

// A real key service of sops, over a socket: keys that this process does not
// have.
func TestKeyService(t *testing.T) {
	t.Parallel()
	recipient, keys := newAge(t)
	for _, network := range []string{"unix", "tcp"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			address := "127.0.0.1:0"
			if network == "unix" {
				address = filepath.Join(t.TempDir(), "s")
			}
			listener, err := (&net.ListenConfig{}).Listen(t.Context(), network, address)
			if err != nil {
				t.Fatal(err)
			}
			server := grpc.NewServer()
			keyservice.RegisterKeyServiceServer(server, ageService{keys})
			go func() { _ = server.Serve(listener) }()
			t.Cleanup(server.Stop)
			url := network + "://" + listener.Addr().String()
			remote := Keys{Services: []string{url}}
			testSource(t, Recipients{Age: recipient}, remote, Keys{}, "age "+recipient)
			testSource(t, Recipients{Age: recipient}, Keys{Getenv: env(map[string]string{"SOPS_KEYSERVICE": url, "SOPS_ENABLE_LOCAL_KEYSERVICE": "false"})}, Keys{}, "age "+recipient)
			testSource(t, Recipients{Age: recipient}, Keys{Services: []string{url}, Remote: true}, Keys{Services: []string{"unix:///nowhere"}, Remote: true}, "age "+recipient)
		})
	}
	for _, bad := range []string{"nowhere", "http://x", "unix://"} {
		data := sopsEncrypt(t, YAML, "a: b\n", metaNone(), recipient)
		if _, err := Decrypt(t.Context(), "s.yaml", data, Keys{Services: []string{bad}}); !fault.Is(err, fault.Usage) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// ageService answers with the keys of another person.
type ageService struct{ keys Keys }

func (s ageService) Decrypt(ctx context.Context, r *keyservice.DecryptRequest) (*keyservice.DecryptResponse, error) {
	return (&atHand{ring: newRing(s.keys), ctx: ctx}).Decrypt(ctx, r)
}

func (s ageService) Encrypt(ctx context.Context, r *keyservice.EncryptRequest) (*keyservice.EncryptResponse, error) {
	return (&atHand{ring: newRing(s.keys), ctx: ctx}).Encrypt(ctx, r)
}

// Vault's transit API as its documentation gives it: the ciphertext is opaque
// to the client.
func TestVault(t *testing.T) {
	t.Parallel()
	var tokens []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tokens = append(tokens, r.Header.Get("X-Vault-Token"))
		var in map[string]string
		_ = json.NewDecoder(r.Body).Decode(&in)
		out := map[string]any{}
		switch {
		case r.Header.Get("X-Vault-Token") != "right":
			w.WriteHeader(http.StatusForbidden)
			out["errors"] = []string{"permission denied"}
		case r.URL.Path == "/v1/transit/encrypt/key":
			out["data"] = map[string]any{"ciphertext": "vault:v1:" + in["plaintext"]}
		case r.URL.Path == "/v1/transit/decrypt/key":
			plain := strings.TrimPrefix(in["ciphertext"], "vault:v1:")
			if _, err := base64.StdEncoding.DecodeString(plain); err != nil {
				w.WriteHeader(http.StatusBadRequest)
			}
			out["data"] = map[string]any{"plaintext": plain}
		default:
			w.WriteHeader(http.StatusNotFound)
		}
		_ = json.NewEncoder(w).Encode(out)
	}))
	t.Cleanup(server.Close)
	uri := server.URL + "/v1/transit/keys/key"
	right := Keys{Getenv: env(map[string]string{"VAULT_ADDR": server.URL, "VAULT_TOKEN": "right"})}
	wrong := Keys{Getenv: env(map[string]string{"VAULT_ADDR": server.URL, "VAULT_TOKEN": "wrong"})}
	testSource(t, Recipients{Vault: uri}, right, wrong, "Vault "+uri)

	// The token goes to no server that only the file names.
	tokens = nil
	elsewhere := Keys{Getenv: env(map[string]string{"VAULT_ADDR": "https://vault.example.com", "VAULT_TOKEN": "right"})}
	rule, err := FindRule("s.yaml", RuleOptions{Recipients: Recipients{Vault: uri}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Encrypt(t.Context(), "s.yaml", []byte("a: b\n"), rule, nil, elsewhere)
	if !fault.Is(err, fault.Denied) || len(tokens) > 0 || !strings.Contains(err.Error(), "VAULT_ADDR") {
		t.Errorf("%v; tokens sent: %v", err, tokens)
	}
}

func TestCloudKeysAreNamed(t *testing.T) {
	t.Parallel()
	recipient, _ := newAge(t)
	base := string(sopsEncrypt(t, YAML, "a: b\n", metaNone(), recipient))
	for list, name := range map[string]string{
		"kms:\n        - arn: arn:aws:kms:us-east-1:1:key/k\n          created_at: \"2020-01-02T03:04:05Z\"\n          enc: AAAA\n          aws_profile: \"\"\n":                     "AWS KMS arn:aws:kms:us-east-1:1:key/k",
		"gcp_kms:\n        - resource_id: projects/p/locations/l/keyRings/r/cryptoKeys/k\n          created_at: \"2020-01-02T03:04:05Z\"\n          enc: AAAA\n":                     "Google Cloud KMS projects/p",
		"azure_kv:\n        - vault_url: https://v.vault.azure.net\n          name: k\n          version: v1\n          created_at: \"2020-01-02T03:04:05Z\"\n          enc: AAAA\n": "Azure Key Vault https://v.vault.azure.net/keys/k/v1",
	} {
		data := strings.Replace(base, "    age:\n", "    "+list+"    age:\n", 1)
		names, err := RecipientsOf("s.yaml", []byte(data))
		if err != nil || !strings.Contains(strings.Join(names, " "), name) {
			t.Errorf("%v, %v: want %s", names, err, name)
		}
	}
}
