package project

// Notify says who hears of what happens to the apps: channels, and routes that
// lead to them.
type Notify struct {
	Channels  map[string]Channel `yaml:"channels" doc:"Places where messages go, by name."`
	Routes    []Route            `yaml:"routes" doc:"Which events go to which channels. An event takes every route that fits."`
	Templates map[string]Wording `yaml:"templates" doc:"Words of messages by event; default stands for all others."`
}

// Channel is one place where messages go. Addresses and tokens are never in the
// file: it names where they are.
type Channel struct {
	Type      string             `yaml:"type" rule:"required" enum:"slack|teams|discord|mattermost|telegram|matrix|email|pagerduty|webhook|commit-status|kubernetes-events" doc:"The service."`
	URL       Secret             `yaml:"url" doc:"Address of the webhook, which is a secret (slack, teams, discord, mattermost, webhook)."`
	Token     Secret             `yaml:"token" doc:"Token of the bot or user (telegram, matrix), routing key (pagerduty)."`
	Signing   Secret             `yaml:"signing" doc:"Key that messages are signed with (webhook), 16 bytes or more."`
	User      Secret             `yaml:"user" doc:"User name at the mail server (email)."`
	Password  Secret             `yaml:"password" doc:"Password at the mail server (email)."`
	Server    string             `yaml:"server" rule:"filled" doc:"Mail server as host:port (email); address of the service where it is not the usual one (telegram, matrix, pagerduty)."`
	Room      string             `yaml:"room" rule:"filled" doc:"Room (matrix, like !abc:example.com) or chat (telegram, like -100123) to write in."`
	From      string             `yaml:"from" rule:"filled" doc:"Sender (email)."`
	To        []string           `yaml:"to" rule:"filled" doc:"Recipients (email)."`
	PerMinute int                `yaml:"perMinute" rule:"positive" doc:"Messages that the channel takes in a minute. Default: 20."`
	Templates map[string]Wording `yaml:"templates" doc:"Words of messages in this channel, before the common ones."`
}

// Route is which events go to which channels. Every condition that is given
// must hold.
type Route struct {
	To           []string `yaml:"to" rule:"required" doc:"Names of channels."`
	Apps         []string `yaml:"apps" rule:"filled" doc:"Names of apps, as patterns: shop-*."`
	Environments []string `yaml:"environments" rule:"filled" doc:"Names of environments, as patterns: prod-*."`
	Events       []string `yaml:"events" enum:"deployed|failed|blocked|drift-detected|drift-healed|fighting|degraded|recovered|rolled-back|quarantined|pruned|deleted|suspended|resumed|source-failed|source-ready|left-out|test" doc:"Events; all when left out."`
	Severity     string   `yaml:"severity" enum:"info|warning|error" doc:"The least severity. Default: info."`
}

// Wording are the words of a message.
type Wording struct {
	Title string `yaml:"title" rule:"filled" doc:"One line. Placeholders like {{.name}} are filled in."`
	Text  string `yaml:"text" rule:"filled" doc:"Any lines. One whose placeholders are all empty is left out."`
	Rows  string `yaml:"rows" enum:"shown|hidden" doc:"Whether the rows below the text (app, environment, commit and so on) are shown. Default: shown."`
}

// RowsHidden is the value of rows that leaves them out.
const RowsHidden = "hidden"

// DefaultWording is the key of the words for every other event.
const DefaultWording = "default"

// EventKinds are the events that routes and templates can name, in order.
func EventKinds() []string { return fieldEnum[Route]("events") }

// ChannelTypes are the services that a channel can lead to.
func ChannelTypes() []string { return fieldEnum[Channel]("type") }

// Placeholders are the names that words can use.
func Placeholders() []string {
	return []string{
		"app", "by", "cause", "changes", "cluster", "commit", "env", "event", "fields", "identity", "manager", "message", "name",
		"namespace", "object", "plan", "ref", "release", "repository", "severity", "subject", "time", "took",
	}
}
