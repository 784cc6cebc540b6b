// Package archtest keeps the architecture: its table lists every package and
// what it may import, and its test fails on anything else. A new edge is a
// reviewed change to this table.
package archtest

// Rule says what one package may import. Test files may import more: they are
// checked against Test as well.
type Rule struct {
	// Imports are packages of this module, without "internal/".
	Imports []string
	// Libraries are import path prefixes of other modules. The standard
	// library is always allowed, but for what fences says.
	Libraries []string
}

const (
	apimachinery = "k8s.io/apimachinery/"
	clientGo     = "k8s.io/client-go/"
	k8sAPI       = "k8s.io/api/"
)

// Table is the architecture. Layers from the words up; imports go down only.
func Table() map[string]Rule {
	return map[string]Rule{
		// Words: pure.
		"fault":   {},
		"object":  {Imports: []string{"fault"}, Libraries: []string{apimachinery, "go.yaml.in/yaml/v3"}},
		"event":   {Imports: []string{"object"}},
		"project": {Imports: []string{"fault", "object"}, Libraries: []string{"go.yaml.in/yaml/v3"}},

		// Adapters: each fences one outside world.
		"git":      {Imports: []string{"fault"}, Libraries: []string{"github.com/go-git/", "golang.org/x/crypto/ssh", "github.com/Masterminds/semver/v3", "github.com/ProtonMail/go-crypto/openpgp"}},
		"outbound": {Imports: []string{"fault"}, Libraries: []string{"github.com/jdx/go-netrc", "go.yaml.in/yaml/v3"}},
		"registry": {Imports: []string{"fault", "outbound"}, Libraries: []string{"github.com/google/go-containerregistry/", "gocloud.dev/", "go.yaml.in/yaml/v3"}},
		"forge":    {Imports: []string{"fault"}},
		// One shape for each forge: words, JSON calls, no library.
		"forge/rest":    {Imports: []string{"fault", "forge", "outbound"}},
		"forge/gitea":   {Imports: []string{"fault", "forge", "forge/rest", "outbound"}},
		"forge/github":  {Imports: []string{"fault", "forge", "forge/rest", "outbound"}},
		"forge/webhook": {Imports: []string{"fault", "forge"}},
		"forge/gitlab":  {Imports: []string{"fault", "forge", "forge/rest", "outbound"}},
		"kube":          {Imports: []string{"fault", "object"}, Libraries: []string{apimachinery, clientGo, "k8s.io/klog/v2", "golang.org/x/sync/"}},

		// Engines: one step each, interfaces instead of adapters.
		"render":           {Imports: []string{"fault", "object"}},
		"render/helm":      {Imports: []string{"fault", "object", "render"}, Libraries: []string{"helm.sh/helm/v4/", "github.com/Masterminds/sprig/v3", "github.com/santhosh-tekuri/jsonschema/v6", "go.yaml.in/yaml/v3"}},
		"render/krm":       {Imports: []string{"fault", "object", "render"}, Libraries: []string{"go.starlark.net/", "sigs.k8s.io/yaml"}},
		"render/kustomize": {Imports: []string{"fault", "object", "render", "render/krm"}, Libraries: []string{"sigs.k8s.io/kustomize/", "sigs.k8s.io/yaml", "go.yaml.in/yaml/v3"}},
		// strvals is the grammar of --set, in which targetPath of a HelmRelease is
		// written; charts themselves are rendered by render/helm.
		"render/flux":  {Imports: []string{"fault", "object", "render"}, Libraries: []string{"github.com/fluxcd/", "helm.sh/helm/v4/pkg/strvals", apimachinery, "sigs.k8s.io/yaml", "go.yaml.in/yaml/v3"}},
		"program":      {Imports: []string{"fault", "render"}},
		"render/ytt":   {Imports: []string{"fault", "object", "render"}},
		"render/plain": {Imports: []string{"fault", "object", "render"}},
		"imagelock":    {Imports: []string{"fault", "object"}, Libraries: []string{"go.yaml.in/yaml/v2", "go.yaml.in/yaml/v3", "sigs.k8s.io/yaml", "github.com/blang/semver/v4", "golang.org/x/sync/"}},
		"readset":      {},
		"rendercache":  {Imports: []string{"readset"}, Libraries: []string{"github.com/klauspost/compress/"}},
		"secret":       {Imports: []string{"fault", "object"}, Libraries: []string{"github.com/getsops/sops/v3/", "filippo.io/age", "github.com/ProtonMail/go-crypto/", "golang.org/x/crypto/ssh", "google.golang.org/grpc", "go.yaml.in/yaml/v3"}},
		"scaffold":     {},
		"textmerge":    {},
		"verify":       {Imports: []string{"fault"}},
		"yamledit":     {Imports: []string{"fault"}, Libraries: []string{"go.yaml.in/yaml/v3"}},
		"yamlmerge":    {Imports: []string{"textmerge", "yamledit"}, Libraries: []string{"go.yaml.in/yaml/v3"}},
		"source":       {Imports: []string{"fault", "object", "render"}, Libraries: []string{"github.com/Masterminds/semver/v3", "go.yaml.in/yaml/v3"}},
		"credential":   {},
		"health":       {Imports: []string{"object"}, Libraries: []string{apimachinery, "github.com/fluxcd/cli-utils/pkg/kstatus/"}},
		"inventory":    {Imports: []string{"fault", "object"}, Libraries: []string{apimachinery, "github.com/klauspost/compress/"}},
		"plan":         {Imports: []string{"fault", "inventory", "object"}, Libraries: []string{apimachinery}},
		"apply":        {Imports: []string{"event", "fault", "health", "inventory", "object", "plan"}, Libraries: []string{apimachinery}},

		"notify":         {Imports: []string{"event", "object"}},
		"notify/service": {Imports: []string{"event", "fault", "notify", "object"}},

		"check/problem":  {},
		"check/schema":   {Imports: []string{"check/problem", "fault", "object"}, Libraries: []string{apimachinery, "github.com/klauspost/compress/", "k8s.io/apiextensions-apiserver/", "k8s.io/apiserver/pkg/apis/cel"}},
		"check/workload": {Imports: []string{"check/problem", "object"}, Libraries: []string{apimachinery, k8sAPI}},
		"check/score":    {Imports: []string{"check/problem", "check/workload", "object"}, Libraries: []string{apimachinery, k8sAPI}},
		"check":          {Imports: []string{"check/problem", "check/schema", "check/score", "check/workload", "fault", "imagelock", "object"}, Libraries: []string{apimachinery, k8sAPI, "github.com/bmatcuk/doublestar/v4", "go.yaml.in/yaml/v3"}},
		"check/report":   {Imports: []string{"check", "check/problem"}},

		// One registry protocol library, which registry and the makers of images
		// share: an image is a value of its types.
		"build/image":      {Imports: []string{"fault", "program"}, Libraries: []string{"github.com/google/go-containerregistry/pkg/v1", "golang.org/x/crypto/x509roots/fallback/bundle"}},
		"build/dockerfile": {Imports: []string{"build/image", "fault", "program"}, Libraries: []string{"github.com/google/go-containerregistry/pkg/v1"}},
		"build/chart":      {Imports: []string{"fault", "yamledit"}, Libraries: []string{"go.yaml.in/yaml/v3", "helm.sh/helm/v4/pkg/ignore"}},

		// Use cases.
		"build":     {Imports: []string{"build/chart", "build/dockerfile", "build/image", "event", "fault", "imagelock", "project"}, Libraries: []string{"github.com/Masterminds/semver/v3", "github.com/google/go-containerregistry/pkg/v1"}},
		"snapshot":  {Imports: []string{"fault", "imagelock", "object", "project", "readset", "render", "rendercache"}},
		"preview":   {Imports: []string{"object", "plan"}},
		"deploy":    {Imports: []string{"apply", "event", "fault", "health", "inventory", "object", "plan", "snapshot"}, Libraries: []string{apimachinery, "golang.org/x/sync/"}},
		"promote":   {Imports: []string{"fault", "forge", "git", "imagelock", "yamledit"}, Libraries: []string{"github.com/Masterminds/semver/v3", "go.yaml.in/yaml/v3"}},
		"vendoring": {Imports: []string{"fault", "textmerge", "yamlmerge"}, Libraries: []string{"go.yaml.in/yaml/v3"}},

		// Drivers.
		"agent":   {Imports: []string{"deploy", "event", "fault", "inventory", "object", "plan", "snapshot"}, Libraries: []string{apimachinery, "go.yaml.in/yaml/v3"}},
		"metrics": {Imports: []string{"event", "notify"}},
		"api":     {Imports: []string{"event", "fault", "forge/webhook", "object"}},

		// Shell.
		"cli": {
			Imports: []string{
				"agent",
				"build",
				"build/chart",
				"build/dockerfile",
				"build/image",
				"check",
				"check/problem",
				"check/report",
				"check/schema",
				"credential",
				"deploy",
				"event",
				"fault",
				"forge",
				"forge/gitea",
				"forge/github",
				"forge/gitlab",
				"forge/rest",
				"git",
				"health",
				"imagelock",
				"inventory",
				"kube",
				"notify",
				"notify/service",
				"object",
				"outbound",
				"plan",
				"preview",
				"program",
				"project",
				"promote",
				"registry",
				"render",
				"render/flux",
				"render/helm",
				"render/krm",
				"render/kustomize",
				"render/plain",
				"render/ytt",
				"rendercache",
				"scaffold",
				"secret",
				"snapshot",
				"source",
				"textmerge",
				"verify",
				"vendoring",
			},
			Libraries: []string{"github.com/spf13/", "charm.land/lipgloss/v2", "golang.org/x/sync/", "golang.org/x/term"},
		},
		"cmd/tug": {Imports: []string{"cli"}},

		// For tests only.
		"archtest":          {},
		"render/rendertest": {Imports: []string{"fault", "object", "render"}},
		"corpustest":        {},
		"forge/contract":    {Imports: []string{"fault", "forge"}, Libraries: []string{"github.com/google/go-cmp/"}},
		"forgetest":         {Imports: []string{"gittest"}},
		"gittest":           {},
		"notify/notifytest": {Imports: []string{"event", "notify", "object"}},
		"kubetest":          {Imports: []string{"kube", "object"}, Libraries: []string{apimachinery, clientGo, k8sAPI, "sigs.k8s.io/yaml"}},
		"registrytest":      {Libraries: []string{"github.com/google/go-containerregistry/"}},
	}
}

// TestOnly are packages that only tests may import.
func TestOnly() []string {
	return []string{"archtest", "corpustest", "forge/contract", "forgetest", "render/rendertest", "gittest", "kubetest", "notify/notifytest", "registrytest"}
}

// Fence is a use of the standard library that only some packages may make.
type Fence struct {
	// Symbol is "package path.Name" or a package path for all of it.
	Symbol string
	// Allowed are packages; tests are not checked.
	Allowed []string
	Why     string
}

// Fences are the behaviour rules.
func Fences() []Fence {
	return []Fence{
		{"os.Exit", []string{"cmd/tug"}, "nothing below main ends the process, so that defers run"},
		{"os.Stdout", []string{"cli", "cmd/tug"}, "only cli prints"},
		{"os.Stderr", []string{"cli", "cmd/tug"}, "only cli prints"},
		{"os.Stdin", []string{"cli", "cmd/tug"}, "only cli reads what a person types"},
		{"os.Getenv", []string{"cli", "cmd/tug"}, "the environment is an input of cli, passed on as values"},
		{"os.LookupEnv", []string{"cli", "cmd/tug"}, "the environment is an input of cli, passed on as values"},
		{"fmt.Print", []string{"cli"}, "only cli prints"},
		{"fmt.Println", []string{"cli"}, "only cli prints"},
		{"fmt.Printf", []string{"cli"}, "only cli prints"},
		{"context.Background", []string{"cli", "cmd/tug"}, "work is bounded by its caller"},
		{"context.TODO", nil, "work is bounded by its caller"},
		{"os/exec.Command", nil, "no shell, no tools"},
		{"os/exec.CommandContext", []string{"program"}, "no shell, no tools; what a person switched on runs through program"},
		{"net/http.DefaultClient", nil, "every client has its own limits"},
		{"time.Sleep", nil, "wait for the condition, with a deadline"},
	}
}
