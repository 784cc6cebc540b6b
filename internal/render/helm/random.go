package helm

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"

	"github.com/Masterminds/sprig/v3"

	"github.com/tugops/tug/internal/render"
)

// random holds the template functions that Helm's would answer differently
// from call to call or from machine to machine. One value serves one render:
// templates run one after the other, in a fixed order, so numbering the calls
// identifies them.
type random struct {
	sprig    template.FuncMap
	generate render.Generator
	time     time.Time
	calls    map[string]int // function and arguments -> calls so far
	used     map[string]int // function -> calls so far
	lookups  int
}

func newRandom(r render.Request) *random {
	generate := r.Generate
	if generate == nil {
		generate = render.Placeholders()
	}
	return &random{
		sprig:    sprig.TxtFuncMap(),
		generate: generate,
		time:     r.Time,
		calls:    map[string]int{},
		used:     map[string]int{},
	}
}

// funcs is what replaces Helm's functions. Signatures equal sprig's, because
// the template engine converts arguments by them.
func (r *random) funcs() template.FuncMap {
	f := template.FuncMap{
		"randAlphaNum":  r.text("randAlphaNum"),
		"randAlpha":     r.text("randAlpha"),
		"randNumeric":   r.text("randNumeric"),
		"randAscii":     r.text("randAscii"),
		"randBytes":     r.randBytes,
		"randInt":       r.randInt,
		"shuffle":       r.shuffle,
		"uuidv4":        r.uuidv4,
		"bcrypt":        r.bcrypt,
		"htpasswd":      r.htpasswd,
		"encryptAES":    r.encryptAES,
		"genPrivateKey": r.genPrivateKey,
		"keys":          sortedKeys,
		"values":        sortedValues,
		"getHostByName": func(string) string { return "" },
		"lookup": func(string, string, string, string) (map[string]any, error) {
			r.lookups++
			return map[string]any{}, nil
		},
	}
	addBounded(f, r.sprig)
	r.addCertificates(f)
	r.addDates(f)
	return f
}

// value asks the generator for the value of one call.
func (r *random) value(function string, args []string, fresh func() (string, error)) (string, error) {
	c := render.Call{Function: function, Args: args, N: 1}
	same := c.Key()
	r.calls[same]++
	r.used[function]++
	c.N = r.calls[same]
	return r.generate(c.Key(), fresh)
}

func (r *random) text(name string) func(int) (string, error) {
	return func(count int) (string, error) {
		if count > maxRandom {
			return "", fmt.Errorf("%s: %d characters are more than %d", name, count, maxRandom)
		}
		return r.value(name, []string{strconv.Itoa(count)}, func() (string, error) {
			return r.sprig[name].(func(int) string)(count), nil
		})
	}
}

func (r *random) randBytes(count int) (string, error) {
	if count > maxRandom {
		return "", fmt.Errorf("randBytes: %d bytes are more than %d", count, maxRandom)
	}
	return r.value("randBytes", []string{strconv.Itoa(count)}, func() (string, error) {
		return r.sprig["randBytes"].(func(int) (string, error))(count)
	})
}

func (r *random) randInt(low, high int) (int, error) {
	if high <= low {
		return 0, errors.New("randInt: the second number must be larger than the first")
	}
	text, err := r.value("randInt", []string{strconv.Itoa(low), strconv.Itoa(high)}, func() (string, error) {
		return strconv.Itoa(r.sprig["randInt"].(func(int, int) int)(low, high)), nil
	})
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

func (r *random) shuffle(text string) (string, error) {
	args := []string{strconv.Itoa(utf8.RuneCountInString(text)), digest(text)}
	return r.value("shuffle", args, func() (string, error) {
		return r.sprig["shuffle"].(func(string) string)(text), nil
	})
}

func (r *random) uuidv4() (string, error) {
	return r.value("uuidv4", nil, func() (string, error) {
		return r.sprig["uuidv4"].(func() string)(), nil
	})
}

func (r *random) bcrypt(password string) (string, error) {
	return r.value("bcrypt", []string{slowDigest(password)}, func() (string, error) {
		return r.sprig["bcrypt"].(func(string) string)(password), nil
	})
}

func (r *random) htpasswd(user, password string) (string, error) {
	make := r.sprig["htpasswd"].(func(string, string) string)
	if strings.Contains(user, ":") {
		return make(user, password), nil
	}
	return r.value("htpasswd", []string{plain(user), slowDigest(password)}, func() (string, error) {
		return make(user, password), nil
	})
}

func (r *random) encryptAES(password, text string) (string, error) {
	encrypt := r.sprig["encryptAES"].(func(string, string) (string, error))
	if text == "" {
		return encrypt(password, text)
	}
	return r.value("encryptAES", []string{slowDigest(password + "\x00" + text)}, func() (string, error) {
		return encrypt(password, text)
	})
}

func (r *random) genPrivateKey(kind string) (string, error) {
	generate := r.sprig["genPrivateKey"].(func(string) string)
	switch kind {
	case "", "rsa", "dsa", "ecdsa", "ed25519":
	default:
		return generate(kind), nil // says that the type is unknown
	}
	return r.value("genPrivateKey", []string{kind}, func() (string, error) { return generate(kind), nil })
}

// digest stands for arguments in a key.
func digest(args ...any) string {
	data, err := json.Marshal(args)
	if err != nil {
		data = []byte(err.Error())
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// slowRounds makes guessing from a key as slow as from the bcrypt hash beside
// it: keys are kept with the release, and a template stores only the hash of
// such passwords.
const slowRounds = 150_000

func slowDigest(password string) string {
	sum, err := pbkdf2.Key(sha256.New, password, []byte("tug random key"), slowRounds, 8)
	if err != nil {
		return digest(err.Error())
	}
	return hex.EncodeToString(sum)
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9._@-]{1,64}$`)

// plain keeps arguments that are words and hashes the others.
func plain(arg string) string {
	if plainWord.MatchString(arg) {
		return arg
	}
	return digest(arg)
}
