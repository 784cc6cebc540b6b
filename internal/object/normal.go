package object

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"

	"github.com/tugops/tug/internal/fault"
)

// Normalize brings o into the form that is hashed, recorded and applied
// (cluster-semantics.md 1.1): stringData becomes data; nulls, status and what
// only a server sets in metadata are dropped.
func (o *Object) Normalize() error {
	if o.IsSecret() {
		if err := o.foldStringData(); err != nil {
			return err
		}
	}
	delete(o.Fields, "status")
	dropNulls(o.Fields)
	for _, key := range []string{"creationTimestamp", "managedFields", "resourceVersion", "uid", "generation", "selfLink"} {
		delete(o.Meta(), key)
	}
	return nil
}

// IsSecret reports whether o is a core Secret.
func (o *Object) IsSecret() bool {
	gvk := o.GVK()
	return gvk.Group == "" && gvk.Kind == "Secret"
}

func (o *Object) foldStringData() error {
	raw, ok := o.Fields["stringData"]
	delete(o.Fields, "stringData")
	if !ok || raw == nil {
		return nil
	}
	plain, ok := raw.(map[string]any)
	if !ok {
		return o.invalid("stringData is %s where a map is needed", describe(raw))
	}
	data, ok := o.Fields["data"].(map[string]any)
	if !ok {
		data = map[string]any{}
	}
	for key, value := range plain {
		if value == nil {
			value = ""
		}
		text, ok := value.(string)
		if !ok {
			return o.invalid("stringData.%s is %s where text is needed", key, describe(value)).Hint("put the value in quotes")
		}
		data[key] = base64.StdEncoding.EncodeToString([]byte(text))
	}
	o.Fields["data"] = data
	return nil
}

func (o *Object) invalid(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "%s: %s: %s", o.Source, o.Ref(), fmt.Sprintf(format, args...))
}

// dropNulls removes map entries that are null; lists keep theirs, since their
// length means something.
func dropNulls(v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, item := range v {
			if item == nil {
				delete(v, k)
				continue
			}
			dropNulls(item)
		}
	case []any:
		for _, item := range v {
			dropNulls(item)
		}
	}
}

// Hash is the identity of the content of o: 32 hex digits of the SHA-256 of
// its JSON with sorted keys. Call it on the normal form.
func (o *Object) Hash() string {
	data, err := appendJSON(make([]byte, 0, 2048), o.Fields)
	if err != nil {
		// Fields hold JSON shapes only; anything else is a bug upstream that
		// must never hash like something valid.
		data = []byte("unhashable: " + err.Error())
	}
	return shortSum(data)
}

func shortSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}
