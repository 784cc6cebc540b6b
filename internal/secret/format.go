package secret

import (
	"bytes"
	"path"
	"strings"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/config"
	"github.com/getsops/sops/v3/stores/dotenv"
	"github.com/getsops/sops/v3/stores/ini"
	"github.com/getsops/sops/v3/stores/json"
	"github.com/getsops/sops/v3/stores/yaml"
)

// Format is a file format of SOPS.
type Format string

// The formats.
const (
	YAML   Format = "yaml"
	JSON   Format = "json"
	Dotenv Format = "dotenv"
	INI    Format = "ini"
	Binary Format = "binary"
)

// FormatOf is the format of a file: by its extension, as sops does it, and for
// other extensions by where the content keeps its metadata.
func FormatOf(name string, data []byte) Format {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml":
		return YAML
	case ".json":
		return JSON
	case ".env":
		return Dotenv
	case ".ini":
		return INI
	}
	if !suspicious(data) || bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return Binary
	}
	for line := range bytes.Lines(data) {
		switch {
		case bytes.HasPrefix(line, []byte("sops:")):
			return YAML
		case bytes.HasPrefix(line, []byte("sops_mac=")):
			return Dotenv
		case bytes.HasPrefix(line, []byte("[sops]")):
			return INI
		}
	}
	return Binary
}

// suspicious is a cheap test that every SOPS file passes: it has an encrypted
// MAC and a time.
func suspicious(data []byte) bool {
	return bytes.Contains(data, []byte("ENC[AES256_GCM,")) &&
		bytes.Contains(data, []byte("sops")) && bytes.Contains(data, []byte("lastmodified"))
}

// store reads and writes a format.
func (f Format) store(l layout) sops.Store {
	tabs := l.indent
	if tabs == 0 {
		tabs = -1
	}
	switch f {
	case YAML:
		return yaml.NewStore(&config.YAMLStoreConfig{Indent: l.indent})
	case JSON:
		return json.NewStore(&config.JSONStoreConfig{Indent: tabs})
	case Dotenv:
		return dotenv.NewStore(&config.DotenvStoreConfig{})
	case INI:
		return ini.NewStore(&config.INIStoreConfig{})
	}
	return json.NewBinaryStore(&config.JSONBinaryStoreConfig{Indent: tabs})
}
