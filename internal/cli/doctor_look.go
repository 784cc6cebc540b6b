package cli

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tugops/tug/internal/credential"
	"github.com/tugops/tug/internal/deploy"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/program"
	"github.com/tugops/tug/internal/project"
)

// doctorTimeout bounds what one cluster may take to answer.
const doctorTimeout = 15 * time.Second

// examine looks at everything, one thing after the other.
func (e *Env) examine(ctx context.Context, in input) []diagnosis {
	found := e.examineCredentials()
	found = append(found, examineTools()...)
	src, err := e.openProject(in)
	switch {
	case fault.Is(err, fault.Invalid):
		return append(found, failed("project", err))
	case err != nil:
		return append(found, diagnose("project", verdictNote, "%v", err).hint("run it in a config repository, or give a PATH or -C"))
	}
	found = append(found, projectDiagnosis(src.project))
	names := slices.Sorted(maps.Keys(src.project.Environments))
	if in.Env != "" {
		names = []string{in.Env}
	}
	if len(names) == 0 {
		names = []string{""}
	}
	for _, name := range names {
		one := in
		one.Env = name
		found = append(found, e.examineCluster(ctx, src, one)...)
	}
	return found
}

func projectDiagnosis(p *project.Project) diagnosis {
	if p.File == "" {
		return diagnose("project", verdictOK, "one app, without a tug.yaml")
	}
	return diagnose("project", verdictOK, "%s: %s in %s", p.File, plural(len(p.Apps), "app"), plural(len(p.Environments), "environment"))
}

// examineCredentials lists what there is, and whose it is.
func (e *Env) examineCredentials() []diagnosis {
	var all []diagnosis
	for _, f := range credential.Look(e.credentialWorld()) {
		var rows []string
		for _, r := range credential.Rows() {
			if slices.Contains(r.Accepts, f.Kind) {
				rows = append(rows, r.Name)
			}
		}
		all = append(all, diagnose("credentials", verdictOK, "%s in %s, for: %s", f.Kind, f.Where, strings.Join(rows, ", ")))
	}
	if len(all) == 0 {
		return []diagnosis{diagnose("credentials", verdictNote, "none found: tug can render, check and compare what needs no key")}
	}
	// One identity that could do everything is what the table is against.
	var alone []string
	for _, r := range credential.Rows() {
		if len(r.Foreign(credential.Look(e.credentialWorld()))) == 0 {
			alone = append(alone, r.Name)
		}
	}
	if len(alone) == 0 {
		all = append(all, diagnose("credentials", verdictBroad, "they are of several pipelines: no command would start with --strict").
			hint("on a person's machine that is usual; in a pipeline give each its own"))
	}
	return all
}

// tools are programs that some commands run, and what for.
func tools() [][2]string {
	return [][2]string{
		{"buildah", "Dockerfiles in tug build"}, {"buildctl", "Dockerfiles in tug build"}, {"docker", "Dockerfiles in tug build"}, {"podman", "Dockerfiles in tug build"},
		{"go", "Go programs in tug build"}, {"gpg", "PGP keys of encrypted files"}, {"ytt", "ytt steps"},
	}
}

func examineTools() []diagnosis {
	var have, lack []string
	var runner program.Runner
	for _, tool := range tools() {
		if runner.Look(tool[0]) != "" {
			have = append(have, tool[0]+" ("+tool[1]+")")
		} else {
			lack = append(lack, tool[0]+" ("+tool[1]+")")
		}
	}
	var all []diagnosis
	if len(have) > 0 {
		all = append(all, diagnose("tools", verdictOK, "found: %s", strings.Join(have, ", ")))
	}
	if len(lack) > 0 {
		all = append(all, diagnose("tools", verdictNote, "not found, needed only for what is in brackets: %s", strings.Join(lack, ", ")))
	}
	return all
}

// examineCluster tries the cluster of one environment.
func (e *Env) examineCluster(ctx context.Context, src *source, in input) []diagnosis {
	env := src.project.Environments[in.Env]
	about := strings.TrimSpace("cluster " + cmp.Or(in.Env, env.Cluster))
	if !e.mayReachCluster() {
		return []diagnosis{diagnose(about, verdictNote, "no kubeconfig: only commands that need no cluster work").hint("name one with --kubeconfig or KUBECONFIG")}
	}
	client, err := e.connect(env.Cluster)
	if err != nil {
		return []diagnosis{failed(about, err)}
	}
	ctx, stop := context.WithTimeout(ctx, doctorTimeout)
	defer stop()
	version, err := client.Version(ctx)
	if err != nil {
		return []diagnosis{failed(about, err)}
	}
	all := []diagnosis{diagnose(about, verdictOK, "Kubernetes %s at %s, as %s", version, client.Host(), cmp.Or(client.Identity(ctx), "(the cluster does not say)"))}
	if want := env.Kubernetes; want != "" && !strings.HasPrefix(strings.TrimPrefix(version, "v")+".", want+".") {
		all = append(all, diagnose(about, verdictNote, "the environment is rendered for Kubernetes %s, the cluster runs %s", want, version).
			hint("set environments.%s.kubernetes in %s", in.Env, src.project.File))
	}
	return append(all, e.examineRights(ctx, client, src, in, about)...)
}

// mayReachCluster reports whether anything here leads to a cluster.
func (e *Env) mayReachCluster() bool {
	return e.Global.Kubeconfig != "" || slices.ContainsFunc(credential.Look(e.credentialWorld()), func(f credential.Found) bool {
		return f.Kind == credential.Cluster
	})
}

// examineRights asks for what every deploy needs, and for far too much.
func (e *Env) examineRights(ctx context.Context, client *kube.Client, src *source, in input, about string) (all []diagnosis) {
	specs, err := src.places(in)
	if err != nil {
		return []diagnosis{failed(about, err)}
	}
	seen := map[string]bool{}
	for _, spec := range specs {
		namespace := cmp.Or(spec.Namespace, in.Namespace, client.Namespace())
		if seen[namespace] {
			continue
		}
		seen[namespace] = true
		denied, err := client.Denied(ctx, deploy.RecordAccess(namespace))
		if err != nil {
			return append(all, failed(about, err))
		}
		if len(denied) == 0 {
			all = append(all, diagnose(about, verdictOK, "namespace %s: the record and the Lease can be written", namespace))
			continue
		}
		d := diagnose(about, verdictMissing, "namespace %s: not allowed to %s", namespace, accessesText(denied))
		all = append(all, d.hint("docs/permissions.md has the Role that a pipeline needs; \"tug plan\" names what else an app takes"))
	}
	everything := object.Access{Verb: "*", Group: "*", Resource: "*"}
	if denied, err := client.Denied(ctx, []object.Access{everything}); err == nil && len(denied) == 0 {
		all = append(all, diagnose(about, verdictBroad, "may do everything in the cluster").
			hint("a Role in the apps' namespaces is enough for namespaced objects: docs/permissions.md"))
	}
	return all
}

func accessesText(list []object.Access) string {
	words := make([]string, 0, len(list))
	for _, a := range list {
		words = append(words, a.Verb+" "+a.Resource)
	}
	return strings.Join(words, ", ")
}
