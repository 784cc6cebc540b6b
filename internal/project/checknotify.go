package project

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// channelKeys are the keys that a type of channel needs and those that it
// knows beside them. Each knows perMinute and templates.
func channelKeys(typ string) (needed, known []string) {
	switch typ {
	case "slack", "teams", "discord", "mattermost":
		return []string{"url"}, nil
	case "telegram":
		return []string{"token", "room"}, []string{"server"}
	case "matrix":
		return []string{"token", "room", "server"}, nil
	case "email":
		return []string{"server", "from", "to"}, []string{"user", "password"}
	case "pagerduty":
		return []string{"token"}, []string{"server"}
	case "webhook":
		return []string{"url"}, []string{"signing"}
	}
	return nil, nil
}

// checkNotify finds keys that do not go with the type of a channel, and names
// that do not exist.
func (p *Project) checkNotify() Problems {
	var ps Problems
	for _, name := range slices.Sorted(maps.Keys(p.Notify.Channels)) {
		ps = append(ps, p.checkChannel(name)...)
	}
	for i, r := range p.Notify.Routes {
		ps = append(ps, p.checkRoute(i, r)...)
	}
	return append(ps, p.checkWordings(p.Notify.Templates, "notify", "templates")...)
}

func (p *Project) checkChannel(name string) Problems {
	c := p.Notify.Channels[name]
	ps := p.checkWordings(c.Templates, "notify", "channels", name, "templates")
	if !slices.Contains(ChannelTypes(), c.Type) {
		return ps // reported already
	}
	needed, known := channelKeys(c.Type)
	for _, key := range needed {
		if p.source.locate("notify", "channels", name, key) == nil {
			ps = append(ps, Problem{At: p.keyAt("notify", "channels", name), Text: fmt.Sprintf("channel %q of type %s has no %s", name, c.Type, key), Hint: "add " + key})
		}
	}
	for _, key := range []string{"url", "token", "signing", "user", "password", "server", "room", "from", "to"} {
		if slices.Contains(needed, key) || slices.Contains(known, key) || p.source.locate("notify", "channels", name, key) == nil {
			continue
		}
		ps = append(ps, Problem{
			At: p.keyAt("notify", "channels", name, key), Text: fmt.Sprintf("a channel of type %s has no use for %s", c.Type, key),
			Hint: "remove it; " + c.Type + " knows " + strings.Join(append(slices.Concat(needed, known), "perMinute", "templates"), ", "),
		})
	}
	if c.User.Given() != c.Password.Given() {
		ps = append(ps, Problem{At: p.keyAt("notify", "channels", name), Text: fmt.Sprintf("channel %q has one of user and password", name), Hint: "give both or none"})
	}
	return ps
}

func (p *Project) checkRoute(i int, r Route) Problems {
	var ps Problems
	if len(r.To) == 0 && p.source.locate("notify", "routes", i, "to") != nil {
		ps = append(ps, Problem{At: p.at("notify", "routes", i, "to"), Text: "a route leads nowhere", Hint: "name a channel"})
	}
	for j, name := range r.To {
		if _, ok := p.Notify.Channels[name]; !ok {
			ps = append(ps, Problem{
				At: p.at("notify", "routes", i, "to", j), Text: fmt.Sprintf("channel %q does not exist", name),
				Hint: didYouMean(name, slices.Collect(maps.Keys(p.Notify.Channels)), "channels: "),
			})
		}
	}
	for key, patterns := range map[string][]string{"apps": r.Apps, "environments": r.Environments} {
		for j, pattern := range patterns {
			if _, err := path.Match(pattern, ""); err != nil {
				ps = append(ps, Problem{At: p.at("notify", "routes", i, key, j), Text: fmt.Sprintf("%q is not a pattern", pattern), Hint: "* stands for any text, ? for one character, [ab] for one of them"})
			}
		}
	}
	return ps
}

// checkWordings checks the events and placeholders of templates.
func (p *Project) checkWordings(words map[string]Wording, trail ...any) Problems {
	var ps Problems
	for _, kind := range slices.Sorted(maps.Keys(words)) {
		if kind != DefaultWording && !slices.Contains(EventKinds(), kind) {
			ps = append(ps, Problem{
				At: p.keyAt(append(slices.Clone(trail), kind)...), Text: fmt.Sprintf("event %q is not known", kind),
				Hint: didYouMean(kind, append(EventKinds(), DefaultWording), "events: "),
			})
		}
		for key, text := range map[string]string{"title": words[kind].Title, "text": words[kind].Text} {
			if wrong, hint := checkWords(text); wrong != "" {
				ps = append(ps, Problem{At: p.at(append(slices.Clone(trail), kind, key)...), Text: wrong, Hint: hint})
			}
		}
	}
	return ps
}

var wordExp = regexp.MustCompile(`\{\{\s*\.([A-Za-z]*)\s*\}\}`)

// checkWords says what is wrong with the placeholders in a text.
func checkWords(text string) (wrong, hint string) {
	for _, found := range wordExp.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(Placeholders(), found[1]) {
			return fmt.Sprintf("{{.%s}} is not known", found[1]), didYouMean(found[1], Placeholders(), "known: ")
		}
	}
	rest := wordExp.ReplaceAllString(text, "")
	if strings.Contains(rest, "{{") || strings.Contains(rest, "}}") {
		return "braces without a name", "only placeholders like {{.name}} are filled in: there are no conditions and loops"
	}
	return "", ""
}
