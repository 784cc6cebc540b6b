package snapshot

import (
	"crypto/sha256"
	"encoding/hex"
)

// Content is the hash of the objects as they are to run. It says nothing of
// where they come from: two commits that render to the same have one content.
func (s *Snapshot) Content() string {
	h := sha256.New()
	for _, o := range s.Objects {
		h.Write([]byte(o.Ref().String() + "\x00" + o.Hash() + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
