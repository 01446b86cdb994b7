package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Settings are all settings of the program. Flags, environment, --help and the
// table in the documentation come from this one struct.
type Settings struct {
	Host         string   `env:"HOST" default:"127.0.0.1" help:"Address to listen on."`
	Port         int      `env:"PORT" default:"8000" help:"Port to listen on; 0 takes a free one."`
	AllowOpen    bool     `env:"MODELDB_ALLOW_OPEN" help:"Listen beyond this machine, although there is no access control yet: whoever reaches the port can read and write everything."`
	AllowedHosts []string `env:"ALLOWED_HOSTS" placeholder:"NAME,..." help:"Names besides localhost under which browsers and clients reach the server; *.example.com stands for all names below."`

	Data             string        `env:"MODELDB_DATA" default:"modeldb-data" type:"path" help:"Folder of the records and files; made on the first start."`
	Files            string        `env:"MODELDB_FILES" type:"path" placeholder:"FOLDER" help:"Folder of the files that clients log. Default: files in the data folder."`
	KeepDeleted      time.Duration `env:"MODELDB_KEEP_DELETED" default:"0s" help:"How long the bytes of deleted and replaced files stay: longer than a backup takes, if one is made while the server runs."`
	Database         string        `env:"MODELDB_DATABASE" placeholder:"FILE|URL" help:"SQLite file, or address of a PostgreSQL database (postgres://user:password@host:5432/name). Default: modeldb.db in the data folder."`
	PostgresServer   string        `env:"POSTGRES_SERVER" help:"Host of a PostgreSQL database, when --database is not given; with the four settings below."`
	PostgresPort     int           `env:"POSTGRES_PORT" default:"5432" help:"Its port."`
	PostgresUser     string        `env:"POSTGRES_USER" help:"Its user."`
	PostgresPassword string        `env:"POSTGRES_PASSWORD" help:"Its password; better given by the environment."`
	PostgresDB       string        `env:"POSTGRES_DB" name:"postgres-db" help:"Its name."`

	APITitle       string `env:"API_TITLE" name:"api-title" default:"Model_DB_Service" help:"Title of the API's documents."`
	APIDescription string `env:"API_DESCRIPTION" name:"api-description" default:"The record of projects, models and experiments." help:"Description in the API's documents, in Markdown."`
	APIVersion     string `env:"API_VERSION" name:"api-version" default:"0.1" help:"Version of the API; 0.1 has its paths under /v0.1/api."`

	LogLevel  string `env:"LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"Least level that is logged: debug (each request), info, warn or error."`
	LogFormat string `env:"LOG_FORMAT" default:"auto" enum:"auto,text,json" help:"auto, text or json; auto is text on a terminal, else JSON."`
	BodyLimit int64  `env:"BODY_LIMIT" default:"16777216" help:"Largest body of a request, in bytes."`
}

// Validate refuses values that the program cannot work with, before anything
// is opened; kong calls it.
func (s *Settings) Validate() error {
	if s.Port < 0 || s.Port > 65535 {
		return fmt.Errorf("PORT (--port) is %d; it must be from 0 to 65535", s.Port)
	}
	if s.KeepDeleted < 0 {
		return fmt.Errorf("MODELDB_KEEP_DELETED (--keep-deleted) is %v; it must not be less than 0", s.KeepDeleted)
	}
	if s.BodyLimit < 1024 {
		return fmt.Errorf("BODY_LIMIT (--body-limit) is %d; it must be at least 1024 bytes", s.BodyLimit)
	}
	if s.APIVersion == "" || url.PathEscape(s.APIVersion) != s.APIVersion {
		return fmt.Errorf("API_VERSION (--api-version) is %q; it must be a text that can stand in a path, such as 0.1", s.APIVersion)
	}
	return nil
}

// checkOpen refuses to listen beyond this machine unless that is asked for.
func (s *Settings) checkOpen() error {
	ip := net.ParseIP(s.Host)
	if s.AllowOpen || s.Host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("HOST (--host) is %q: other machines could read and write everything, as there is no access control yet; "+
		"set --allow-open (MODELDB_ALLOW_OPEN=true) if that is wanted, or leave HOST at 127.0.0.1", s.Host)
}

// database is the one that is meant: the one given, else the PostgreSQL
// server that the first service's variables name, else a file in the data folder.
func (s *Settings) database() string {
	switch {
	case s.Database != "":
		return s.Database
	case s.PostgresServer != "":
		u := url.URL{
			Scheme: "postgres",
			Host:   net.JoinHostPort(s.PostgresServer, strconv.Itoa(s.PostgresPort)),
			Path:   "/" + s.PostgresDB,
		}
		if s.PostgresUser != "" {
			u.User = url.UserPassword(s.PostgresUser, s.PostgresPassword)
		}
		return u.String()
	}
	return filepath.Join(s.Data, "modeldb.db")
}

// files is the folder of the files.
func (s *Settings) files() string {
	if s.Files != "" {
		return s.Files
	}
	return filepath.Join(s.Data, "files")
}

// logger logs to w in the form that the settings ask for.
func (s *Settings) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		panic(err) // the levels that the setting allows are slog's
	}
	options := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "text" || s.LogFormat == "auto" && isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
