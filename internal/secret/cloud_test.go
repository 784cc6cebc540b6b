package secret

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// AWS KMS and Google Cloud KMS are the library's: it reads the environment of
// the process, so these tests set it. The servers answer as the services'
// documentation says.
func TestAWSKMS(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in map[string]any
		_ = json.NewDecoder(r.Body).Decode(&in)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		out := map[string]any{"KeyId": in["KeyId"]}
		switch {
		case !strings.Contains(r.Header.Get("Authorization"), "Credential=RIGHT/"):
			w.WriteHeader(http.StatusBadRequest)
			out = map[string]any{"__type": "AccessDeniedException", "message": "not authorized to perform kms"}
		case r.Header.Get("X-Amz-Target") == "TrentService.Encrypt":
			out["CiphertextBlob"] = in["Plaintext"]
		case r.Header.Get("X-Amz-Target") == "TrentService.Decrypt":
			out["Plaintext"] = in["CiphertextBlob"]
		}
		_ = json.NewEncoder(w).Encode(out)
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_KMS", server.URL)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_ACCESS_KEY_ID", "RIGHT")
	const arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
	rule, err := FindRule("s.yaml", RuleOptions{Recipients: Recipients{KMS: arn}})
	if err != nil {
		t.Fatal(err)
	}
	e, err := Encrypt(t.Context(), "s.yaml", []byte("a: one\n"), rule, nil, Keys{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Decrypt(t.Context(), "s.yaml", e.Data, Keys{}); err != nil || string(got.Data) != "a: one\n" {
		t.Errorf("%q, %v", got.Data, err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "WRONG")
	if _, err := Decrypt(t.Context(), "s.yaml", e.Data, Keys{}); err == nil || !strings.Contains(err.Error(), "AWS KMS "+arn) {
		t.Errorf("without permission: %v", err)
	}
}

func TestGoogleCloudKMS(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in map[string]any
		_ = json.NewDecoder(r.Body).Decode(&in)
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Header.Get("Authorization") != "Bearer right":
			w.WriteHeader(http.StatusForbidden)
		case strings.HasSuffix(r.URL.Path, ":encrypt"):
			_ = json.NewEncoder(w).Encode(map[string]any{"name": "k", "ciphertext": in["plaintext"]})
		case strings.HasSuffix(r.URL.Path, ":decrypt"):
			_ = json.NewEncoder(w).Encode(map[string]any{"plaintext": in["ciphertext"]})
		}
	}))
	t.Cleanup(server.Close)
	t.Setenv("SOPS_GCP_KMS_ENDPOINT", server.URL)
	t.Setenv("SOPS_GCP_KMS_CLIENT_TYPE", "rest")
	t.Setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "right")
	const id = "projects/p/locations/global/keyRings/r/cryptoKeys/k"
	rule, err := FindRule("s.yaml", RuleOptions{Recipients: Recipients{GCPKMS: id}})
	if err != nil {
		t.Fatal(err)
	}
	e, err := Encrypt(t.Context(), "s.yaml", []byte("a: one\n"), rule, nil, Keys{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Decrypt(t.Context(), "s.yaml", e.Data, Keys{}); err != nil || string(got.Data) != "a: one\n" {
		t.Errorf("%q, %v", got.Data, err)
	}
	t.Setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "wrong")
	if _, err := Decrypt(t.Context(), "s.yaml", e.Data, Keys{}); err == nil || !strings.Contains(err.Error(), "Google Cloud KMS "+id) {
		t.Errorf("without permission: %v", err)
	}
}
