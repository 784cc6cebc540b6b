package secret

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"regexp"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/ssh"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// CertificateKey is the certificate and private key of a CA, as PEM.
type CertificateKey struct{ Certificate, PrivateKey string }

// ReadCA reads the Secret of a CA in the clear.
func ReadCA(name string, plain []byte) (CertificateKey, error) {
	docs, err := object.ReadDocuments(name, plain)
	if err != nil || len(docs) == 0 {
		return CertificateKey{}, fault.New(fault.Invalid, "%s: %w", name, errNoCA)
	}
	value := func(key string) string {
		if text, _ := docs[0].Fields["stringData"].(map[string]any); text[key] != nil {
			s, _ := text[key].(string)
			return s
		}
		data, _ := docs[0].Fields["data"].(map[string]any)
		encoded, _ := data[key].(string)
		s, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return ""
		}
		return string(s)
	}
	ca := CertificateKey{value("crt.pem"), value("key.pem")}
	if ca.Certificate == "" || ca.PrivateKey == "" {
		return ca, fault.New(fault.Invalid, "%s: %w", name, errNoCA).
			Hint("secretgen needs these two keys: leave the secretTemplate of a CA as it is")
	}
	return ca, nil
}

// Generate makes the Secret, as YAML in the clear: the same keys, types and
// sizes as secretgen-controller's. ca is needed where CA says so.
func (g Generator) Generate(now time.Time, ca CertificateKey) ([]byte, error) {
	values, kind, keys, err := g.values(now, ca)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s: %s %s: %w", g.Source, g.Kind, g.Name, err)
	}
	template := secretTemplate{Type: kind, StringData: keys}
	notes, labels := maps.Clone(g.notes), maps.Clone(g.labels)
	if own := g.spec.SecretTemplate; own != nil {
		maps.Copy(notes, own.Metadata.Annotations)
		maps.Copy(labels, own.Metadata.Labels)
		if own.Type != "" {
			template.Type = own.Type
		}
		if len(own.StringData) > 0 {
			template.StringData = own.StringData
		}
	}
	notes[InputsAnnotation] = g.Inputs(ca.Certificate)
	data := map[string]string{}
	for key, text := range template.StringData {
		data[key] = expand(text, values)
	}
	return secretYAML(g.Name, g.Namespace, template.Type, labels, notes, data)
}

// values are the variables of the kind, the type of its Secret and its keys.
func (g Generator) values(now time.Time, ca CertificateKey) (values map[string]string, kind string, keys map[string]string, err error) {
	switch g.Kind {
	case "Password":
		value, err := g.spec.password()
		return map[string]string{"value": value}, "kubernetes.io/basic-auth", map[string]string{"password": "$(value)"}, err
	case "Certificate":
		made, err := g.spec.certificate(now, ca)
		return map[string]string{"certificate": made.Certificate, "privateKey": made.PrivateKey}, "Opaque",
			map[string]string{"crt.pem": "$(certificate)", "key.pem": "$(privateKey)"}, err
	case "RSAKey":
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, "", nil, err
		}
		public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		return map[string]string{"publicKey": pemText("PUBLIC KEY", public), "privateKey": rsaPEM(key)}, "Opaque",
			map[string]string{"pub.pem": "$(publicKey)", "key.pem": "$(privateKey)"}, err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, "", nil, err
	}
	public, err := ssh.NewPublicKey(&key.PublicKey)
	if err != nil {
		return nil, "", nil, err
	}
	return map[string]string{"privateKey": rsaPEM(key), "authorizedKey": string(ssh.MarshalAuthorizedKey(public))}, "kubernetes.io/ssh-auth",
		map[string]string{"ssh-privatekey": "$(privateKey)", "ssh-authorizedkey": "$(authorizedKey)"}, nil
}

// password has at least the characters asked for, in random places.
func (s generatorSpec) password() (string, error) {
	const lower, upper, digits = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
	symbols := s.SymbolCharSet
	if symbols == "" {
		symbols = "!@#$%&*;.:"
	}
	var out []byte
	add := func(n int, set string) error {
		for range n {
			i, err := random(len(set))
			if err != nil {
				return err
			}
			out = append(out, set[i])
		}
		return nil
	}
	rest := s.length() - s.Symbols - s.Digits - s.UppercaseLetters - s.LowercaseLetters
	for _, part := range []struct {
		n   int
		set string
	}{{s.Symbols, symbols}, {s.Digits, digits}, {s.UppercaseLetters, upper}, {s.LowercaseLetters, lower}, {max(rest, 0), lower + upper + digits}} {
		if err := add(part.n, part.set); err != nil {
			return "", err
		}
	}
	for i := len(out) - 1; i > 0; i-- {
		j, err := random(i + 1)
		if err != nil {
			return "", err
		}
		out[i], out[j] = out[j], out[i]
	}
	return string(out), nil
}

func random(n int) (int, error) {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		return 0, err
	}
	return int(i.Int64()), nil
}

// certificate makes a key and signs its certificate: with ca, or itself.
func (s generatorSpec) certificate(now time.Time, ca CertificateKey) (CertificateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		return CertificateKey{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return CertificateKey{}, err
	}
	cert := s.template(now)
	cert.SerialNumber = serial
	id := sha1.Sum(key.N.Bytes())
	cert.SubjectKeyId = id[:]
	parent, signer := cert, key
	if s.CARef != nil {
		if parent, signer, err = ca.parse(); err != nil {
			return CertificateKey{}, err
		}
		if !parent.IsCA {
			return CertificateKey{}, fmt.Errorf("%s is no CA", s.CARef.Name)
		}
	}
	cert.AuthorityKeyId = parent.SubjectKeyId
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, signer)
	if err != nil {
		return CertificateKey{}, fmt.Errorf("sign: %w", err)
	}
	return CertificateKey{pemText("CERTIFICATE", der), rsaPEM(key)}, nil
}

func (s generatorSpec) template(now time.Time) *x509.Certificate {
	organization, days := s.Organization, s.Duration
	if organization == "" {
		organization = "secretgen"
	}
	if days == 0 {
		days = 365
	}
	cert := &x509.Certificate{
		Subject:   pkix.Name{Country: []string{"USA"}, Organization: []string{organization}, CommonName: s.CommonName},
		NotBefore: now, NotAfter: now.AddDate(0, 0, int(days)),
		BasicConstraintsValid: true, IsCA: s.IsCA,
	}
	if s.IsCA {
		cert.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
		return cert
	}
	cert.KeyUsage = x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature
	if len(s.ExtendedKeyUsage) == 0 || slices.Contains(s.ExtendedKeyUsage, "server_auth") {
		cert.ExtKeyUsage = append(cert.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	if slices.Contains(s.ExtendedKeyUsage, "client_auth") {
		cert.ExtKeyUsage = append(cert.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	for _, name := range s.AlternativeNames {
		if ip := net.ParseIP(name); ip != nil {
			cert.IPAddresses = append(cert.IPAddresses, ip)
		} else {
			cert.DNSNames = append(cert.DNSNames, name)
		}
	}
	return cert
}

// parse reads a CA; its errors quote nothing.
func (c CertificateKey) parse() (*x509.Certificate, *rsa.PrivateKey, error) {
	certBlock, _ := pem.Decode([]byte(c.Certificate))
	keyBlock, _ := pem.Decode([]byte(c.PrivateKey))
	if certBlock == nil || keyBlock == nil {
		return nil, nil, errNoCA
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("the certificate of its CA: %w", errNoCA)
	}
	key, err := x509.ParsePKCS1PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("the private key of its CA is no RSA key: %w", errNoCA)
	}
	return cert, key, nil
}

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func rsaPEM(key *rsa.PrivateKey) string {
	return pemText("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
}

var variable = regexp.MustCompile(`\$\$|\$\([A-Za-z_.-][A-Za-z0-9_.-]*\)`)

// expand puts values in place of $(name), as Kubernetes does: $$ is a dollar,
// and a name that nobody knows stays.
func expand(text string, values map[string]string) string {
	return variable.ReplaceAllStringFunc(text, func(found string) string {
		if found == "$$" {
			return "$"
		}
		if v, ok := values[found[2:len(found)-1]]; ok {
			return v
		}
		return found
	})
}

// secretYAML writes a Secret in the order in which people write it.
func secretYAML(name, namespace, kind string, labels, notes, data map[string]string) ([]byte, error) {
	type metadata struct {
		Name        string            `yaml:"name"`
		Namespace   string            `yaml:"namespace,omitempty"`
		Labels      map[string]string `yaml:"labels,omitempty"`
		Annotations map[string]string `yaml:"annotations,omitempty"`
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	err := enc.Encode(struct {
		APIVersion string            `yaml:"apiVersion"`
		Kind       string            `yaml:"kind"`
		Metadata   metadata          `yaml:"metadata"`
		Type       string            `yaml:"type"`
		StringData map[string]string `yaml:"stringData"`
	}{"v1", "Secret", metadata{name, namespace, labels, notes}, kind, data})
	if err != nil {
		return nil, err
	}
	return out.Bytes(), enc.Close()
}
