package credential

import "slices"

// Row is what one identity may hold: a line of the table in design.md
// section 7.
type Row struct {
	// Name is the identity: "code pipeline".
	Name string `json:"name"`
	// Accepts are the kinds that its commands use.
	Accepts []Kind `json:"accepts"`
	// Commands are its commands, as typed after "tug".
	Commands []string `json:"commands"`
}

// Rows is the table. Commands that are in no row work on files of a person, and
// take what there is.
func Rows() []Row {
	return []Row{
		{Name: "code pipeline", Accepts: []Kind{Registry, Cloud}, Commands: []string{"build"}},
		{Name: "promotion", Accepts: []Kind{Registry, Cloud, Forge}, Commands: []string{"promote", "rollback --pr"}},
		{Name: "preview", Accepts: []Kind{Registry, Cloud, Forge}, Commands: []string{"check", "diff"}},
		{
			Name: "push deploy", Accepts: []Kind{Registry, Cloud, Cluster, SecretKeys},
			Commands: []string{"render", "plan", "deploy", "status", "tree", "history", "logs", "rollback", "delete", "adopt", "suspend", "resume", "reconcile"},
		},
		{Name: "agent", Accepts: []Kind{Registry, Cloud, Cluster, SecretKeys}, Commands: []string{"agent run"}},
	}
}

// RowOf is the row of a command.
func RowOf(command string) (Row, bool) {
	for _, r := range Rows() {
		if slices.Contains(r.Commands, command) {
			return r, true
		}
	}
	return Row{}, false
}

// With is the row with one more kind, for a flag that needs it.
func (r Row) With(k Kind) Row {
	r.Accepts = append(slices.Clone(r.Accepts), k)
	return r
}

// Foreign are those of found that the row does not accept.
func (r Row) Foreign(found []Found) []Found {
	var foreign []Found
	for _, f := range found {
		if !slices.Contains(r.Accepts, f.Kind) {
			foreign = append(foreign, f)
		}
	}
	return foreign
}
