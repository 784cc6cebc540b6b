package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// settingsTemplate is Gitea's app.ini for a forge that only this machine
// reaches: no mail, no background jobs, nothing fetched, quick password hashes
// (every password is random), webhooks to loopback allowed.
const settingsTemplate = `APP_NAME = lab
RUN_MODE = prod
WORK_PATH = {{.Data}}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = {{.Root}}

[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {{.Port}}
ROOT_URL = http://127.0.0.1:{{.Port}}/
STATIC_ROOT_PATH = {{.Static}}
APP_DATA_PATH = {{.Data}}
DISABLE_SSH = true
OFFLINE_MODE = true
LFS_START_SERVER = false
GRACEFUL_HAMMER_TIME = 1s
PER_WRITE_TIMEOUT = 60s

[database]
DB_TYPE = sqlite3
PATH = {{.Data}}/gitea.db
SQLITE_JOURNAL_MODE = WAL
SQLITE_TIMEOUT = 20000
DB_RETRIES = 1

[security]
INSTALL_LOCK = true
SECRET_KEY = {{.Secrets.Key}}
INTERNAL_TOKEN = {{.Secrets.Internal}}
PASSWORD_HASH_ALGO = pbkdf2$1000$50
SUCCESSFUL_TOKENS_CACHE_SIZE = 1000

[oauth2]
JWT_SIGNING_ALGORITHM = HS256
JWT_SECRET = {{.Secrets.Signing}}

[service]
DISABLE_REGISTRATION = true

[repository]
ROOT = {{.Data}}/repositories
DEFAULT_BRANCH = main

[webhook]
ALLOWED_HOST_LIST = loopback
DELIVER_TIMEOUT = 10

[queue]
TYPE = channel

[indexer]
ISSUE_INDEXER_TYPE = db
REPO_INDEXER_ENABLED = false

[session]
PROVIDER = memory

[actions]
ENABLED = false

[cron]
ENABLED = false

[picture]
DISABLE_GRAVATAR = true

[log]
MODE = console
LEVEL = Info
ROOT_PATH = {{.Data}}/log
logger.router.MODE = console
`

// writeSettings writes app.ini; it depends on the port.
func (f Folder) writeSettings(p Program, s State) error {
	if strings.ContainsAny(string(f)+p.Static, "\n`;#") {
		return fmt.Errorf("forge folder %q: not a path for app.ini", string(f))
	}
	var text strings.Builder
	err := template.Must(template.New("app.ini").Parse(settingsTemplate)).Execute(&text, struct {
		State
		Data, Static string
		Root         bool
	}{s, f.data(), p.Static, os.Geteuid() == 0})
	if err != nil {
		return fmt.Errorf("app.ini: %w", err)
	}
	if err := os.MkdirAll(f.data(), 0o700); err != nil {
		return fmt.Errorf("forge folder: %w", err)
	}
	return os.WriteFile(f.settings(), []byte(text.String()), 0o600)
}

// Program is the Gitea to run.
type Program struct {
	Gitea  string // the executable
	Static string // the folder with its templates and options
}

// Beside finds Gitea where build.sh puts it: in the folder of labforge.
func Beside(labforge string) Program {
	folder := filepath.Dir(labforge)
	return Program{Gitea: filepath.Join(folder, "gitea"), Static: filepath.Join(folder, "static")}
}

func (p Program) check() error {
	for _, path := range []string{p.Gitea, filepath.Join(p.Static, "templates")} {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("gitea beside labforge: %w (lab/forge/build.sh builds it)", err)
		}
	}
	return nil
}
