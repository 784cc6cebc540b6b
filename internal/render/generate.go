package render

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Generator gives the values of template functions whose result differs from
// call to call (randAlphaNum, genCA, uuidv4, now, ...).
//
// key identifies the call by function, arguments and its number among equal
// calls (Call.Key); fresh makes a new value. What is returned ends up in the
// render. Certificates travel as the JSON of a Certificate, times as RFC 3339;
// an empty time stands for Request.Time.
type Generator func(key string, fresh func() (string, error)) (string, error)

// Call is one call of a random template function.
type Call struct {
	Function string
	// Args are the arguments as text. Anything that is long or could be
	// confidential is given as a hash.
	Args []string
	// N counts calls with the same function and arguments, from 1.
	N int
}

// Key is the text form of c: "randAlphaNum(16)#1".
func (c Call) Key() string {
	return c.Function + "(" + strings.Join(c.Args, ",") + ")#" + strconv.Itoa(c.N)
}

var keyForm = regexp.MustCompile(`^([A-Za-z0-9_]+)\(([^()]*)\)#([0-9]+)$`)

// ParseCall reads what Key wrote.
func ParseCall(key string) (Call, error) {
	m := keyForm.FindStringSubmatch(key)
	if m == nil {
		return Call{}, fmt.Errorf("key %q of a random function has not the form function(args)#n", key)
	}
	n, err := strconv.Atoi(m[3])
	if err != nil {
		return Call{}, fmt.Errorf("key %q of a random function: %w", key, err)
	}
	c := Call{Function: m[1], N: n}
	if m[2] != "" {
		c.Args = strings.Split(m[2], ",")
	}
	return c, nil
}

// Certificate is the value of genCA and its siblings, as templates see it.
type Certificate struct {
	Cert string
	Key  string
}

// Encode is the text form of c that generators keep.
func (c Certificate) Encode() (string, error) {
	data, err := json.Marshal(c)
	return string(data), err
}

// DecodeCertificate reads what Encode wrote.
func DecodeCertificate(text string) (Certificate, error) {
	var c Certificate
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return c, fmt.Errorf("decode a generated certificate: %w", err)
	}
	return c, nil
}

// Fresh makes every value anew, as Helm does.
func Fresh() Generator {
	return func(_ string, fresh func() (string, error)) (string, error) { return fresh() }
}

// Recorded gives the value that previous holds for a call, else a fresh one.
// Every value that was given is written to into, which must not be nil and is
// what the release keeps. A recorded certificate is replaced when two thirds
// of its lifetime are over, since no one else would ever renew it.
//
// One generator serves one app. When an app has several charts, equal calls of
// the later ones are told apart by their order.
func Recorded(previous, into map[string]string) Generator {
	return recorded(previous, into, time.Now)
}

func recorded(previous, into map[string]string, now func() time.Time) Generator {
	given := map[string]int{}
	return func(key string, fresh func() (string, error)) (string, error) {
		if given[key]++; given[key] > 1 {
			key += "/" + strconv.Itoa(given[key])
		}
		if value, ok := previous[key]; ok && !aged(value, now()) {
			into[key] = value
			return value, nil
		}
		value, err := fresh()
		if err != nil {
			return "", err
		}
		into[key] = value
		return value, nil
	}
}

// aged reports whether value is a certificate in the last third of its life.
func aged(value string, now time.Time) bool {
	if !strings.HasPrefix(value, "{") {
		return false
	}
	c, err := DecodeCertificate(value)
	if err != nil {
		return false
	}
	block, _ := pem.Decode([]byte(c.Cert))
	if block == nil {
		return false
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return false
	}
	life := cert.NotAfter.Sub(cert.NotBefore)
	return now.After(cert.NotBefore.Add(life / 3 * 2))
}
