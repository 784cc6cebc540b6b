package service

import (
	"bytes"
	"mime"
	"mime/quotedprintable"
	"strings"
	"time"

	"github.com/tugops/tug/internal/notify"
)

// letter is a message as e-mail (RFC 5322): plain text. Letters about the same
// trouble refer to each other, so that they are shown as one thread.
func (e *email) letter(m notify.Message) []byte {
	var to []string
	for _, a := range e.to {
		to = append(to, a.String())
	}
	_, domain, _ := strings.Cut(e.from.Address, "@")
	var b bytes.Buffer
	for _, h := range [][2]string{
		{"Date", m.Fact.Time.UTC().Format(time.RFC1123Z)},
		{"From", e.from.String()},
		{"To", strings.Join(to, ", ")},
		{"Subject", mime.QEncoding.Encode("utf-8", m.Title)},
		{"Message-ID", "<" + m.ID + "@" + domain + ">"},
		{"References", "<" + threadID(m) + "@" + domain + ">"},
		{"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	} {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(strings.ReplaceAll(m.Plain(), "\n", "\r\n") + "\r\n"))
	_ = w.Close() // a buffer takes everything
	return b.Bytes()
}

// threadID is made of the trouble, in the characters that an ID may have.
func threadID(m notify.Message) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '.'
	}, m.Trouble)
}
