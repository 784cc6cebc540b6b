package service

import (
	"strconv"
	"strings"

	"github.com/tugops/tug/internal/notify"
)

// discordBody is an embed: a title of 256 characters, a text of 4,096 and 25
// fields of 1,024 (docs.discord.com/developers/resources/webhook). Nobody is
// mentioned, whatever the text says.
func discordBody(m notify.Message) any {
	var fields list
	for _, f := range m.Rows[:min(len(m.Rows), 25)] {
		fields = append(fields, block{"name": f.Name, "value": clip(discordText(f.Value), 1024), "inline": len(f.Value) < 40})
	}
	number, err := strconv.ParseInt(colour(m), 16, 32)
	if err != nil {
		number = 0
	}
	embed := block{"title": clip(discordText(m.Title), 256), "color": number, "timestamp": m.Fact.Time.UTC().Format("2006-01-02T15:04:05Z")}
	if m.Text != "" {
		embed["description"] = clip(discordText(m.Text), 4096)
	}
	if fields != nil {
		embed["fields"] = fields
	}
	return block{"embeds": list{embed}, "allowed_mentions": block{"parse": list{}}}
}

func discordText(text string) string { return escape(text, "\\*_~`|>[]#") }

// doubled puts an empty line between lines.
func doubled(text string) string { return strings.ReplaceAll(text, "\n", "\n\n") }
