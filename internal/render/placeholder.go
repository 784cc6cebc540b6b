package render

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strconv"
	"strings"
)

// placeholderText starts the content of every placeholder in PEM form.
const placeholderText = "tug placeholder for "

// Placeholders gives stand-ins that depend on the key alone, for commands that
// only show a render. They have the form of the real value (length, alphabet,
// range, PEM), so that templates which process them go on working, and the
// word "tugrandom" or "tug placeholder" wherever it fits.
func Placeholders() Generator {
	return func(key string, _ func() (string, error)) (string, error) {
		c, err := ParseCall(key)
		if err != nil {
			return "", err
		}
		return c.placeholder()
	}
}

func (c Call) placeholder() (string, error) {
	switch c.Function {
	case "now":
		return "", nil
	case "randAlphaNum", "randAscii", "shuffle":
		return fill("tugrandom", strconv.Itoa(c.N), c.number(0)), nil
	case "randAlpha":
		return fill("tugrandom", letters(c.N), c.number(0)), nil
	case "randNumeric":
		return fill("1000000000", strconv.Itoa(c.N), c.number(0)), nil
	case "randBytes":
		return base64.StdEncoding.EncodeToString([]byte(fill("tugrandom", strconv.Itoa(c.N), c.number(0)))), nil
	case "randInt":
		return c.integer()
	case "uuidv4":
		return fmt.Sprintf("00000000-0000-4000-8000-%012d", c.N), nil
	case "bcrypt":
		return c.bcrypt(), nil
	case "htpasswd":
		return c.arg(0) + ":" + c.bcrypt(), nil
	case "encryptAES":
		return base64.StdEncoding.EncodeToString([]byte(placeholderText + c.Key())), nil
	case "genPrivateKey":
		return c.pem(keyHeader(c.arg(0))), nil
	default:
		return Certificate{Cert: c.pem("CERTIFICATE"), Key: c.pem("RSA PRIVATE KEY")}.Encode()
	}
}

// IsPlaceholderPEM reports whether text is a certificate or key that
// Placeholders made up.
func IsPlaceholderPEM(text string) bool {
	block, _ := pem.Decode([]byte(text))
	return block != nil && strings.HasPrefix(string(block.Bytes), placeholderText)
}

func (c Call) pem(header string) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: header, Bytes: []byte(placeholderText + c.Key())}))
}

func keyHeader(kind string) string {
	switch kind {
	case "dsa":
		return "DSA PRIVATE KEY"
	case "ecdsa":
		return "EC PRIVATE KEY"
	case "ed25519":
		return "PRIVATE KEY"
	}
	return "RSA PRIVATE KEY"
}

// bcrypt has the 60 characters of a hash, which no password matches.
func (c Call) bcrypt() string {
	return "$2a$10$" + fill("tugrandom", strconv.Itoa(c.N), 53)
}

// integer lies in [min, max), as randInt's result does.
func (c Call) integer() (string, error) {
	low, high := c.number(0), c.number(1)
	if high <= low {
		return "", fmt.Errorf("randInt %d %d: the second number must be larger", low, high)
	}
	return strconv.Itoa(low + (c.N-1)%(high-low)), nil
}

func (c Call) arg(i int) string {
	if i < len(c.Args) {
		return c.Args[i]
	}
	return ""
}

func (c Call) number(i int) int {
	n, err := strconv.Atoi(c.arg(i))
	if err != nil {
		return 0
	}
	return n
}

// maxFill bounds a placeholder, whatever length a template asks for.
const maxFill = 1 << 20

// fill repeats word to n characters, of which the last ones are id.
func fill(word, id string, n int) string {
	n = min(n, maxFill)
	if n <= 0 {
		return ""
	}
	if len(id) >= n {
		return id[len(id)-n:]
	}
	head := strings.Repeat(word, n/len(word)+1)
	return head[:n-len(id)] + id
}

// letters writes n in capital letters: 1 is A, 27 is AA.
func letters(n int) string {
	var s string
	for ; n > 0; n = (n - 1) / 26 {
		s = string(rune('A'+(n-1)%26)) + s
	}
	return s
}
