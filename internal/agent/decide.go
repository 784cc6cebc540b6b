package agent

import "time"

// Action is what is to be done about one app now.
type Action string

// The actions.
const (
	Nothing Action = ""
	// Look renders the wanted commit, if its inputs changed.
	Look Action = "look"
	// Adopt notes that the wanted commit asks for what is deployed already.
	Adopt Action = "adopt"
	// Sync plans and deploys what was rendered; or deletes an app that is gone.
	Sync Action = "sync"
	// Stop ends the work that is under way.
	Stop Action = "stop"
)

// Reasons for doing nothing, for people.
const (
	settled    = "as the commit says"
	working    = "is being deployed"
	healing    = "drift is being put back"
	looking    = "is being rendered"
	suspended  = "suspended"
	unknown    = "its record was not read yet"
	quarantine = "quarantined: it failed and was rolled back"
	depends    = "waits for the apps it depends on"
	closed     = "waits for a window"
	pausing    = "failed, is tried again"
	consenting = "waits for consent"
	undeclared = "is not declared any more"
)

// State is what is known of one app. Everything that happens changes it, and
// decide says what follows.
type State struct {
	// Commit is what the repository wants; Wanted is false for an app that no
	// repository declares. Gone says that it may be deleted.
	Commit string
	Wanted bool
	Gone   bool

	// Healing says that drift is being put back: deploys come after it.
	Healing bool

	// Known says that the record was looked at, Suspended what it says.
	Known, Suspended bool
	// Forced asks to go over everything once more: somebody asked for it.
	Forced bool

	// Looked is the commit that was rendered last, Name what that gave and
	// LookFailed that it gave an error. LookRetry is when to try again.
	Looked, Name string
	LookFailed   bool
	LookRetry    time.Time
	Looking      bool

	// Done is the commit that the cluster is at, DoneName what was deployed.
	Done, DoneName string

	// Running says that work is under way, for what, and whether it was told to
	// stop.
	Running              bool
	RunCommit, RunName   string
	RunPrunes, RunToStop bool

	// Failed is the name of what failed last, and Retry when to try again.
	// Blocked is the name of what needs consent, Quarantined of what was rolled
	// back.
	Failures            int
	Failed              string
	Retry               time.Time
	Blocked, Quarantine string
}

// Around is what else the decision about an app depends on.
type Around struct {
	Now time.Time
	// Ready says that the apps that it depends on are deployed.
	Ready bool
	// Open says that new commits may be deployed now; else Opens is when.
	Open  bool
	Opens time.Time
}

// Decision is what to do, or why nothing, and when to decide again if nothing
// happens until then (zero: never).
type Decision struct {
	Action Action
	Why    string
	Again  time.Time
}

// decide is the whole of the agent's mind about deploying one app.
func decide(s State, w Around) Decision {
	switch {
	case s.Running:
		return s.whileRunning(w)
	case !s.Known:
		return Decision{Why: unknown}
	case s.Suspended:
		return Decision{Why: suspended}
	case s.Healing:
		return Decision{Why: healing}
	case s.Gone:
		return s.whenGone(w)
	case !s.Wanted:
		return Decision{Why: undeclared}
	case s.Looking:
		return Decision{Why: looking}
	case s.Looked != s.Commit || s.LookFailed:
		return s.look(w)
	case s.Forced:
		return s.sync(w)
	case s.Done == s.Commit:
		return Decision{Why: settled}
	case s.Name != "" && s.Name == s.DoneName:
		return Decision{Action: Adopt}
	}
	return s.sync(w)
}

// whileRunning looks at a newer commit beside the work, and stops the work
// only when the commit asks for something else.
func (s State) whileRunning(w Around) Decision {
	busy := Decision{Why: working}
	switch {
	case s.RunToStop:
		return busy
	case s.Suspended, !s.Wanted && !s.RunPrunes, s.Wanted && s.RunPrunes:
		return Decision{Action: Stop}
	case s.Commit == s.RunCommit || s.RunPrunes || s.Looking:
		return busy
	case s.Looked != s.Commit || s.LookFailed:
		return s.look(w)
	case s.Name == "" || s.Name != s.RunName:
		return Decision{Action: Stop}
	}
	return busy
}

// look renders the wanted commit; one that failed is tried again later.
func (s State) look(w Around) Decision {
	if s.LookFailed && s.Looked == s.Commit && !s.Forced && w.Now.Before(s.LookRetry) {
		return Decision{Why: pausing, Again: s.LookRetry}
	}
	return Decision{Action: Look}
}

// whenGone deletes an app that left the project, with consent or without as
// the plan says.
func (s State) whenGone(w Around) Decision {
	if !s.Forced && w.Now.Before(s.Retry) {
		return Decision{Why: consenting, Again: s.Retry}
	}
	return Decision{Action: Sync}
}

// sync deploys, unless something stands in the way.
func (s State) sync(w Around) Decision {
	same := func(name string) bool { return name != "" && name == s.key() }
	switch {
	case same(s.Quarantine) && !s.Forced:
		return Decision{Why: quarantine}
	case !w.Ready:
		return Decision{Why: depends}
	case !w.Open && !s.Forced:
		return Decision{Why: closed, Again: w.Opens}
	case w.Now.Before(s.Retry) && !s.Forced && same(s.Blocked):
		return Decision{Why: consenting, Again: s.Retry}
	case w.Now.Before(s.Retry) && !s.Forced && same(s.Failed):
		return Decision{Why: pausing, Again: s.Retry}
	}
	return Decision{Action: Sync}
}

// key names what was rendered: by its content where that is known, else by its
// commit.
func (s State) key() string {
	if s.Name != "" {
		return s.Name
	}
	return "commit " + s.Looked
}
