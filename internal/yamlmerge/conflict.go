package yamlmerge

// Kind says what two sides disagree about.
type Kind string

// The kinds of conflicts in YAML.
const (
	// Value was changed to different values.
	Value Kind = "value"
	// DeletedTheirs was deleted upstream and changed here.
	DeletedTheirs Kind = "deleted upstream, changed here"
	// DeletedOurs was deleted here and changed upstream.
	DeletedOurs Kind = "deleted here, changed upstream"
	// Added was added on both sides, differently.
	Added Kind = "added on both sides"
	// List has items without keys that were changed in the same place.
	List Kind = "list"
	// Order of the items of a list was changed on both sides, differently.
	Order Kind = "order"
)

// Conflict is one place where ours and theirs differ from the origin and from
// each other. The values are YAML; empty where a side has nothing.
type Conflict struct {
	Kind Kind `json:"kind"`
	// Path is that of the field, like spec.containers[name=app].image.
	Path string `json:"path,omitempty"`
	// Line is that of our version in its document, from 1; 0 when we have none.
	Line                 int `json:"line,omitempty"`
	Origin, Ours, Theirs string
}

// Side is what to take at a conflict.
type Side int

// The sides. With None the result has our version there.
const (
	None Side = iota
	PreferOurs
	PreferTheirs
)
