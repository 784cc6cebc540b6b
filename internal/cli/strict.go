package cli

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/credential"
	"github.com/tugops/tug/internal/fault"
)

// credentialWorld is what this process can see of credentials.
func (e *Env) credentialWorld() credential.World {
	return credential.World{
		Getenv: e.Getenv,
		Read: func(path string) []byte {
			data, err := os.ReadFile(path)
			if err != nil {
				return nil // one that cannot be read cannot be used either
			}
			return data
		},
		List: func(path string) []string {
			entries, err := os.ReadDir(path)
			if err != nil {
				return nil
			}
			names := make([]string, 0, len(entries))
			for _, entry := range entries {
				names = append(names, entry.Name())
			}
			return names
		},
	}
}

// checkStrict refuses to start a command that could use credentials which are
// not of its row, with --strict or TUG_STRICT=true.
func (e *Env) checkStrict(cmd *cobra.Command) error {
	if !e.Global.Strict && !e.allowed("TUG_STRICT") {
		return nil
	}
	row, ok := rowOf(cmd)
	if !ok {
		return nil
	}
	found := credential.Look(e.credentialWorld())
	if e.Global.Kubeconfig != "" {
		found = append(found, credential.Found{Kind: credential.Cluster, Where: "--kubeconfig"})
	}
	foreign := row.Foreign(found)
	if len(foreign) == 0 {
		return nil
	}
	names := make([]string, 0, len(foreign))
	for _, f := range foreign {
		names = append(names, f.Where+" ("+string(f.Kind)+")")
	}
	return fault.New(fault.Denied, "--strict: %s belongs to the %s, and must not see %s", cmd.CommandPath(), row.Name, strings.Join(names, ", ")).
		Hint("give each pipeline its own credentials only; \"tug doctor\" lists who may have what").
		Hint("for one command: env -u NAME tug …, or another HOME")
}

// rowOf is the row of a command with the flags that widen it.
func rowOf(cmd *cobra.Command) (credential.Row, bool) {
	name := strings.TrimPrefix(cmd.CommandPath(), "tug ")
	set := func(flag string) bool {
		f := cmd.Flags().Lookup(flag)
		return f != nil && f.Value.String() == "true"
	}
	if name == "rollback" && set("pr") {
		name = "rollback --pr"
	}
	row, ok := credential.RowOf(name)
	if ok && (set("cluster") || set("live")) {
		row = row.With(credential.Cluster)
	}
	return row, ok
}
