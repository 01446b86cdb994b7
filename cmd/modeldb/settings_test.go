package main

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestEverySettingIsInTheReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for field := range reflect.TypeFor[Settings]().Fields() {
		env := field.Tag.Get("env")
		if env == "" || field.Tag.Get("help") == "" {
			t.Errorf("%s has no environment name or no help", field.Name)
		}
		if !strings.Contains(string(text), "`"+env+"`") {
			t.Errorf("README.md does not name the setting %s", env)
		}
	}
}

func TestListeningBeyondThisMachineMustBeAskedFor(t *testing.T) {
	for _, test := range []struct {
		host string
		open bool
		ok   bool
	}{
		{"127.0.0.1", false, true},
		{"127.8.8.8", false, true},
		{"::1", false, true},
		{"localhost", false, true},
		{"0.0.0.0", false, false},
		{"::", false, false},
		{"", false, false},
		{"192.168.1.2", false, false},
		{"example.com", false, false},
		{"0.0.0.0", true, true},
	} {
		err := (&Settings{Host: test.host, AllowOpen: test.open}).checkOpen()
		if (err == nil) != test.ok {
			t.Errorf("host %q, allow-open %v: %v", test.host, test.open, err)
		}
		if err != nil && !strings.Contains(err.Error(), "--allow-open") {
			t.Errorf("host %q: %q does not name the flag", test.host, err)
		}
	}
}

func TestDatabaseIsTheOneThatIsMeant(t *testing.T) {
	postgres := Settings{Data: "d", PostgresServer: "db", PostgresPort: 5433, PostgresUser: "u", PostgresPassword: "p@/:", PostgresDB: "name"}
	given := postgres
	given.Database = "postgres://other/x"
	for _, test := range []struct {
		settings Settings
		want     string
	}{
		{Settings{Data: "d"}, "d/modeldb.db"},
		{Settings{Data: "d", Database: "x.db"}, "x.db"},
		{postgres, "postgres://u:p%40%2F%3A@db:5433/name"},
		{given, "postgres://other/x"},
	} {
		if got := test.settings.database(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}
