package cli

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/secret"
)

// secretGenerateOptions are those of tug secret generate.
type secretGenerateOptions struct {
	files  []string
	rotate bool
	only   []string
	rule   ruleFlags
	keys   keyFlags
}

func newSecretGenerateCommand(env *Env) *cobra.Command {
	var o secretGenerateOptions
	cmd := &cobra.Command{
		Use: "generate FILE...", Short: "Generate the Secrets that secretgen objects ask for, encrypted",
		Long: `Reads Password, Certificate, RSAKey and SSHKey of secretgen.k14s.io and makes
their Secrets here, instead of leaving that to secretgen-controller in the
cluster. Each is written to NAME.secret.yaml beside FILE, encrypted by the rules
of .sops.yaml (its values only, where the rules do not say more); a certificate
is signed by the CA that its caRef names, from the same files or beside them.

What is there stays: a Secret that was generated is made anew with --rotate only.
One whose object changed since says so. Nothing else of tug needs this command:
without it the objects are rendered like any other and the cluster generates.

Credentials: none for a first time; the private key of a CA's file to sign with
it, and of a Secret's file to make it anew.`,
		Example: `  tug secret generate k8s/prod/passwords.yaml
  tug secret generate k8s/prod/*.yaml --rotate --only db-password`,
		Args: someFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files = args
			return runSecretGenerate(cmd.Context(), env, o)
		},
	}
	o.rule.flags(cmd)
	o.keys.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.rotate, "rotate", false, "make Secrets anew that are there already")
	f.StringArrayVar(&o.only, "only", nil, "only the object with this `NAME` (repeatable)")
	return cmd
}

func runSecretGenerate(ctx context.Context, env *Env, o secretGenerateOptions) error {
	var all []secret.Generator
	for _, file := range o.files {
		data, err := readSecretFile(file)
		if err != nil {
			return err
		}
		list, err := secret.Generators(file, data)
		if err != nil {
			return err
		}
		all = append(all, list...)
	}
	if len(all) == 0 {
		return fault.New(fault.NotFound, "no Password, Certificate, RSAKey or SSHKey of secretgen.k14s.io in %s", strings.Join(o.files, ", "))
	}
	ordered, err := secret.InOrder(all)
	if err != nil {
		return err
	}
	g := &generating{env: env, options: o, made: map[string][]byte{}}
	return g.run(ctx, ordered)
}

// generating makes Secrets; nothing is written before all are made.
type generating struct {
	env     *Env
	options secretGenerateOptions
	made    map[string][]byte // text in the clear, by file
	write   []generatedFile
	results []secretResult
}

type generatedFile struct {
	name string
	data []byte
}

func (g *generating) run(ctx context.Context, list []secret.Generator) error {
	owner := map[string]secret.Generator{}
	for _, gen := range list {
		file := generatedName(gen.Source.File, gen.Name)
		if other, ok := owner[file]; ok {
			return fault.New(fault.Invalid, "%s: %s %s and %s %s (%s) would both be written to %s", gen.Source, gen.Kind, gen.Name, other.Kind, other.Name, other.Source, file).
				Hint("put them into folders of their own")
		}
		owner[file] = gen
		if err := g.one(ctx, gen, file); err != nil {
			return err
		}
	}
	for _, f := range g.write {
		if err := rewrite(f.name, f.data); err != nil {
			return err
		}
	}
	return g.env.tell(g.results)
}

// generatedName is where the Secret of an object goes.
func generatedName(file, name string) string {
	return filepath.Join(filepath.Dir(file), strings.NewReplacer("/", "-", "\\", "-").Replace(name)+".secret.yaml")
}

func (g *generating) one(ctx context.Context, gen secret.Generator, file string) error {
	old, err := readGiven(file)
	exists := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Invalid, "%s: %w", file, reason(err))
	}
	if exists && !secret.Encrypted(file, old) {
		return fault.New(fault.Exists, "%s is there, and not encrypted", file).Hint("encrypt it (tug secret encrypt %s) or remove it", file)
	}
	wanted := len(g.options.only) == 0
	for _, name := range g.options.only {
		wanted = wanted || name == gen.Name
	}
	if !wanted {
		return nil
	}
	var ca secret.CertificateKey
	if name := gen.CA(); name != "" {
		if ca, err = g.ca(ctx, gen, generatedName(gen.Source.File, name)); err != nil {
			if !exists || g.options.rotate {
				return err
			}
			ca = secret.CertificateKey{} // whether it changed cannot be told
		}
	}
	if exists && !g.options.rotate {
		g.keep(gen, file, old, ca)
		return nil
	}
	return g.make(ctx, gen, file, old, ca)
}

// keep says what is with a Secret that is there.
func (g *generating) keep(gen secret.Generator, file string, old []byte, ca secret.CertificateKey) {
	r := secretResult{File: file, Status: "is there"}
	was, known := secret.GeneratedFrom(file, old)
	if known && (gen.CA() == "" || ca.Certificate != "") {
		if now := gen.Inputs(ca.Certificate); was != now {
			r.Status = "is there, but " + gen.Kind + " " + gen.Name + " changed since (" + strings.Join(secret.ChangedInputs(was, now), ", ") + ")"
			g.env.warn(file + ": generated from another " + gen.Kind + "; make it anew with --rotate --only " + gen.Name)
		}
	}
	g.results = append(g.results, r)
}

func (g *generating) make(ctx context.Context, gen secret.Generator, file string, old []byte, ca secret.CertificateKey) error {
	plain, err := gen.Generate(time.Now(), ca)
	if err != nil {
		return err
	}
	rule, err := g.env.rule(file, g.options.rule)
	if err != nil {
		return err
	}
	done, err := secret.Encrypt(ctx, file, plain, rule.ForSecrets(), old, g.env.keys(g.options.keys))
	if err != nil {
		return err
	}
	g.made[file] = plain
	g.write = append(g.write, generatedFile{file, done.Data})
	status := "generated"
	if old != nil {
		status = "made anew"
	}
	g.results = append(g.results, secretResult{File: file, Status: status, Recipients: rule.Names()})
	return nil
}

// ca is the CA that signs, made just now or decrypted from its file.
func (g *generating) ca(ctx context.Context, gen secret.Generator, file string) (secret.CertificateKey, error) {
	if plain, ok := g.made[file]; ok {
		return secret.ReadCA(file, plain)
	}
	data, err := readGiven(file)
	if err != nil {
		return secret.CertificateKey{}, fault.New(fault.NotFound, "%s: %s %s needs its CA in %s: %w", gen.Source, gen.Kind, gen.Name, file, reason(err)).
			Hint("name the file of the CA's object too, so that it is generated first")
	}
	plain, err := secret.Decrypt(ctx, file, data, g.env.keys(g.options.keys))
	if err != nil {
		return secret.CertificateKey{}, err
	}
	return secret.ReadCA(file, plain.Data)
}
