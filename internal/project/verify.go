package project

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Check is one thing that must hold after a deploy: exactly one of HTTP, TCP
// and Job.
type Check struct {
	HTTP     string `yaml:"http" rule:"filled" doc:"URL that must answer with a status of 200 to 299, or the one that is named. Templates like {{.env}} are filled in."`
	TCP      string `yaml:"tcp" rule:"filled" doc:"HOST:PORT that must take a connection. Templates like {{.env}} are filled in."`
	Job      string `yaml:"job" rule:"filled" doc:"File with one Job that must complete. It is run after everything is ready, each time that something changed. Templates like {{.env}} are filled in."`
	Status   int    `yaml:"status" rule:"positive" doc:"Status that HTTP must answer with."`
	Contains string `yaml:"contains" rule:"filled" doc:"Text that must stand in the answer of HTTP."`
	Within   string `yaml:"within" rule:"duration" doc:"How long it is tried again until it holds, for example 90s. Default: 1m."`
}

// checkVerify demands one kind of every check, and what belongs to it.
func (p *Project) checkVerify(name string, a App) Problems {
	var ps Problems
	report := func(i int, hint, format string, args ...any) {
		ps = append(ps, Problem{At: p.at("apps", name, "verify", i), Text: fmt.Sprintf(format, args...), Hint: hint})
	}
	for i, c := range a.Verify {
		var kinds []string
		for _, k := range []struct{ key, value string }{{"http", c.HTTP}, {"tcp", c.TCP}, {"job", c.Job}} {
			if k.value != "" {
				kinds = append(kinds, k.key)
			}
		}
		switch {
		case len(kinds) == 0:
			report(i, "write http: URL, tcp: HOST:PORT or job: FILE", "a check says nothing")
		case len(kinds) > 1:
			report(i, "make a check of each", "a check has both %s", strings.Join(kinds, " and "))
		case c.HTTP == "" && (c.Status != 0 || c.Contains != ""):
			report(i, "remove status and contains, or check http", "only http has a status and an answer")
		case c.Job != "" && c.Within != "":
			report(i, "set activeDeadlineSeconds in the Job", "a Job has a deadline of its own")
		}
	}
	return ps
}

// verify fills in the checks of an app.
func (r *resolver) verify(list []Check, name string) {
	for i, c := range list {
		at := func(key string) Position { return r.p.at("apps", name, "verify", i, key) }
		switch {
		case c.HTTP != "":
			text, ok := r.filled(c.HTTP, at("http"))
			if u, err := url.Parse(text); ok && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil) {
				r.report(at("http"), "for example https://shop.example.com/healthz, without credentials", "%q is no URL to ask", text)
			}
			c.HTTP = text
		case c.TCP != "":
			c.TCP, _ = r.filled(c.TCP, at("tcp"))
			if host, port, ok := strings.Cut(c.TCP, ":"); c.TCP != "" && (!ok || host == "" || port == "") && !strings.HasPrefix(c.TCP, "[") {
				r.report(at("tcp"), "for example shop.shop.svc:5432", "%q is no HOST:PORT", c.TCP)
			}
		case c.Job != "":
			file, ok := r.resolve(c.Job, at("job"))
			if ok && r.exists(file, at("job"), "job") {
				c.Job = file
			}
		}
		r.s.Verify = append(r.s.Verify, c)
	}
}

// filled fills templates in a text that is no path.
func (r *resolver) filled(text string, at Position) (string, bool) {
	filled, missing := r.s.fill(text)
	if missing != "" {
		r.report(at, "give it to the environment", "{{.%s}} has no value for app %q", missing, r.s.App)
		return "", false
	}
	return filled, true
}

// checkDuration says what is wrong with a duration.
func checkDuration(text string) (wrong, hint string) {
	if d, err := time.ParseDuration(text); err != nil || d <= 0 {
		return fmt.Sprintf("%q is no duration", text), "write a number and a unit: 90s or 2m"
	}
	return "", ""
}
