package cli

import "charm.land/lipgloss/v2"

// style colours words, or leaves them alone where colours are off.
type style struct{ on bool }

func (e *Env) style(tty bool) style { return style{on: e.colour(tty)} }

func (s style) paint(text, colour string, bold bool) string {
	if !s.on || text == "" {
		return text
	}
	return lipgloss.NewStyle().Foreground(lipgloss.Color(colour)).Bold(bold).Render(text)
}

func (s style) good(text string) string { return s.paint(text, "2", false) }
func (s style) bad(text string) string  { return s.paint(text, "1", true) }
func (s style) note(text string) string { return s.paint(text, "3", false) }
func (s style) dim(text string) string  { return s.paint(text, "8", false) }
func (s style) head(text string) string {
	if !s.on {
		return text
	}
	return lipgloss.NewStyle().Bold(true).Render(text)
}
