package helm

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"text/template"

	"github.com/tugops/tug/internal/render"
)

// addCertificates replaces the functions that make certificates. sprig's own
// certificate type is private, so its functions are called by reflection and
// templates see render.Certificate, with the same two fields.
func (r *random) addCertificates(f template.FuncMap) {
	f["genCA"] = func(cn string, days int) (render.Certificate, error) {
		return r.certificate("genCA", cn, days)
	}
	f["genCAWithKey"] = func(cn string, days int, key string) (render.Certificate, error) {
		return r.certificate("genCAWithKey", cn, days, key)
	}
	f["genSelfSignedCert"] = func(cn string, ips, dns []any, days int) (render.Certificate, error) {
		return r.certificate("genSelfSignedCert", cn, ips, dns, days)
	}
	f["genSelfSignedCertWithKey"] = func(cn string, ips, dns []any, days int, key string) (render.Certificate, error) {
		return r.certificate("genSelfSignedCertWithKey", cn, ips, dns, days, key)
	}
	f["genSignedCert"] = func(cn string, ips, dns []any, days int, ca render.Certificate) (render.Certificate, error) {
		return r.certificate("genSignedCert", cn, ips, dns, days, ca)
	}
	f["genSignedCertWithKey"] = func(cn string, ips, dns []any, days int, ca render.Certificate, key string) (render.Certificate, error) {
		return r.certificate("genSignedCertWithKey", cn, ips, dns, days, ca, key)
	}
	f["buildCustomCert"] = r.buildCustomCert
}

func (r *random) certificate(name string, args ...any) (render.Certificate, error) {
	text, err := r.value(name, []string{digest(args...)}, func() (string, error) {
		made, err := r.callSprig(name, args...)
		if err != nil {
			return "", err
		}
		return made.Encode()
	})
	if err != nil {
		return render.Certificate{}, err
	}
	return render.DecodeCertificate(text)
}

// buildCustomCert takes a certificate and key that exist. It is replaced only
// because its result must be of our type, and to let placeholders pass.
func (r *random) buildCustomCert(cert, key string) (render.Certificate, error) {
	certText, err := base64.StdEncoding.DecodeString(cert)
	if err == nil && render.IsPlaceholderPEM(string(certText)) {
		keyText, err := base64.StdEncoding.DecodeString(key)
		return render.Certificate{Cert: string(certText), Key: string(keyText)}, err
	}
	return r.callSprig("buildCustomCert", cert, key)
}

// callSprig calls one of sprig's certificate functions.
func (r *random) callSprig(name string, args ...any) (render.Certificate, error) {
	f := reflect.ValueOf(r.sprig[name])
	in := make([]reflect.Value, len(args))
	for i, a := range args {
		want := f.Type().In(i)
		v := reflect.ValueOf(a)
		if c, ok := a.(render.Certificate); ok {
			v = reflect.New(want).Elem()
			v.FieldByName("Cert").SetString(c.Cert)
			v.FieldByName("Key").SetString(c.Key)
		}
		if !v.IsValid() || !v.Type().AssignableTo(want) {
			return render.Certificate{}, fmt.Errorf("%s: argument %d is %T, not %s", name, i+1, a, want)
		}
		in[i] = v
	}
	out := f.Call(in)
	if err, _ := out[1].Interface().(error); err != nil {
		return render.Certificate{}, err
	}
	return render.Certificate{
		Cert: out[0].FieldByName("Cert").String(),
		Key:  out[0].FieldByName("Key").String(),
	}, nil
}
