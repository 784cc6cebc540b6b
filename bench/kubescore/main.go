// Command kubescore prints the verdicts of kube-score on the objects on stdin,
// one JSON object per line. It is a module of its own: kube-score does not
// build with the Kubernetes libraries that tug uses.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/zegl/kube-score/config"
	"github.com/zegl/kube-score/domain"
	"github.com/zegl/kube-score/parser"
	"github.com/zegl/kube-score/score"
	"github.com/zegl/kube-score/score/checks"
)

// verdict is one line of output.
type verdict struct {
	Kind, APIVersion, Namespace, Name string
	Check, Grade                      string
}

type stdin struct{ io.Reader }

func (stdin) Name() string { return "stdin" }

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "kubescore:", err)
		os.Exit(1)
	}
}

func run() error {
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	p, err := parser.New(nil)
	if err != nil {
		return err
	}
	objects, err := p.ParseFiles([]domain.NamedReader{stdin{bytes.NewReader(data)}})
	if err != nil {
		return err
	}
	c := &config.RunConfiguration{
		EnabledOptionalTests: map[string]struct{}{}, UseIgnoreChecksAnnotation: true, UseOptionalChecksAnnotation: true,
		KubernetesVersion: config.Semver{Major: 1, Minor: 36}, MinReplicasDeployment: 2, MinReplicasHPA: 2,
	}
	all := score.RegisterAllChecks(objects, &checks.Config{}, c)
	for _, check := range all.All() {
		c.EnabledOptionalTests[check.ID] = struct{}{}
	}
	card, err := score.Score(objects, all, c)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	for _, o := range *card {
		for _, t := range o.Checks {
			grade := "SKIPPED"
			if !t.Skipped {
				grade = t.Grade.String()
			}
			v := verdict{o.TypeMeta.Kind, o.TypeMeta.APIVersion, o.ObjectMeta.Namespace, o.ObjectMeta.Name, t.Check.ID, grade}
			if err := out.Encode(v); err != nil {
				return err
			}
		}
	}
	return nil
}
