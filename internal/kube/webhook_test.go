package kube_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

// Real admission webhooks: one refuses, one is away.
func TestAdmissionWebhooks(t *testing.T) {
	t.Parallel()
	c := kubetest.Client(t)
	server := httptest.NewTLSServer(http.HandlerFunc(admit))
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	tests := []struct {
		name, url string
		kind      fault.Kind
		parts     []string
	}{
		{"denies", server.URL + "/deny", fault.Invalid, []string{"refused by admission webhook denies.tug.test: no such luck", "policy"}},
		{"fails", "https://" + freePort(t), fault.Unavailable, []string{"admission webhook fails.tug.test does not answer", "connection refused"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ns := kubetest.Namespace(t)
			hook := apply(t, c, parse(t, "", fmt.Sprintf(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: %[1]s}
webhooks:
- name: %[2]s.tug.test
  admissionReviewVersions: [v1]
  sideEffects: None
  clientConfig: {url: "%[3]s", caBundle: "%[4]s"}
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [secrets]}]
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[1]s}}`,
				ns, test.name, test.url, base64.StdEncoding.EncodeToString(ca))))
			t.Cleanup(func() { kubetest.As(t, "cleanup").Drop(hook.Ref()) })
			var err error
			kubetest.Eventually(t, waitLong, "the webhook is called", func() bool {
				o := parse(t, ns, `{apiVersion: v1, kind: Secret, metadata: {name: `+kubetest.Name(t)+`}, stringData: {k: "hunter2-swordfish"}}`)
				_, err = c.Apply(t.Context(), o, object.Write{Force: true, DryRun: true})
				return err != nil
			})
			wantFault(t, err, test.kind, test.parts...)
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the value is in %q", err)
			}
		})
	}
}

func admit(w http.ResponseWriter, r *http.Request) {
	var review struct {
		Request struct{ UID string }
	}
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":%q,"allowed":%t,"status":{"message":"no such luck for value: \"hunter2-swordfish\""}}}`,
		review.Request.UID, r.URL.Path == "/allow")
}
