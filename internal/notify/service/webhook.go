package service

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/notify"
)

// webhook posts facts as JSON, signed as Standard Webhooks says
// (github.com/standard-webhooks/standard-webhooks), for which there are
// libraries in most languages.
type webhook struct {
	caller
	url string
	key []byte // nil when messages are not signed
}

var _ notify.Notifier = (*webhook)(nil)

// minKey is the shortest key that signs, in bytes.
const minKey = 16

func newWebhook(c caller, s Settings) (*webhook, error) {
	if _, err := address(c.name, s.URL.value); err != nil {
		return nil, err
	}
	w := &webhook{caller: c, url: s.URL.value}
	if s.Signing.Empty() {
		return w, nil
	}
	w.key = []byte(s.Signing.value)
	if coded, ok := strings.CutPrefix(s.Signing.value, "whsec_"); ok {
		key, err := base64.StdEncoding.DecodeString(coded)
		if err != nil {
			return nil, fault.New(fault.Invalid, "%s: the signing key begins with whsec_ and is no base64 after that", c.name)
		}
		w.key = key
	}
	if len(w.key) < minKey {
		return nil, fault.New(fault.Invalid, "%s: the signing key has %d bytes, at least %d are needed", c.name, len(w.key), minKey).
			Hint("make one with: openssl rand -hex 32")
	}
	return w, nil
}

// payload is the fact with the words that were made of it.
type payload struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Text  string `json:"text,omitempty"`
	// Trouble is the same for a fact that something is wrong and for the one
	// that it is over; Phase says which it is.
	Trouble string       `json:"trouble"`
	Phase   notify.Phase `json:"phase"`
	event.Fact
}

// Send implements notify.Notifier.
func (w *webhook) Send(ctx context.Context, m notify.Message) error {
	data, err := encode(payload{m.ID, m.Title, m.Text, m.Trouble, m.Phase, m.Fact})
	if err != nil {
		return fault.New(fault.Invalid, "%s: the message cannot be encoded", w.name)
	}
	at := strconv.FormatInt(w.deps.Now().Unix(), 10)
	header := map[string]string{"webhook-id": m.ID, "webhook-timestamp": at}
	if w.key != nil {
		header["webhook-signature"] = "v1," + Sign(w.key, m.ID, at, data)
	}
	a, err := w.sendBytes(ctx, request{url: w.url, header: header}, data)
	if err != nil {
		return err
	}
	if a.code/100 == http.StatusOK/100 {
		return nil
	}
	return w.refused(a, nil)
}

// Sign is the signature of a body: base64 of the HMAC-SHA256 of ID, time and
// body with dots between them.
func Sign(key []byte, id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
