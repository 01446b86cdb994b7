package record

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestNamesOfRegisteredModels(t *testing.T) {
	for _, name := range []string{"m", "a.b", ".hidden", "a%2fb", "a#?b", " a ", "a@b", "имя", "a\nb", strings.Repeat("x", 300)} {
		if err := CheckRegisteredName("name", name); err != nil {
			t.Errorf("%q is refused: %v", name, err)
		}
	}
	for _, name := range []string{"", "  ", "\t\n", "a/b", "a:b", ".", "..", "..a"} {
		if err := CheckRegisteredName("name", name); KindOf(err) != Invalid {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestAliases(t *testing.T) {
	for _, alias := range []string{"a", "1", "a-b_c", "имя", "v", "v1x", "vv1", "latest1", strings.Repeat("x", 255)} {
		if err := CheckNewAlias(alias); err != nil {
			t.Errorf("%q is refused: %v", alias, err)
		}
	}
	for _, alias := range []string{"", "a b", "a.b", "a/b", "a\n", "\xff", "\x00", strings.Repeat("x", 256), strings.Repeat("я", 256)} {
		if err := CheckAlias(alias); KindOf(err) != Invalid {
			t.Errorf("%q: %v", alias, err)
		}
	}
	for _, alias := range []string{"latest", "LaTest", "v1", "V12", "v٣"} {
		if CheckAlias(alias) != nil || KindOf(CheckNewAlias(alias)) != Invalid {
			t.Errorf("%q can be set", alias)
		}
	}
}

func TestNumbersOfVersions(t *testing.T) {
	for text, want := range map[string]int64{"1": 1, " 7 ": 7, "007": 7, "+3": 3, "-1": -1, "0": 0, "1" + strings.Repeat("0", 30): 0} {
		if got, err := ParseVersion(text); got != want || err != nil {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "abc", "1.0", "1e3", "--1", "0x1", "1 2", "latest"} {
		if _, err := ParseVersion(text); KindOf(err) != Invalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestStages(t *testing.T) {
	for i, name := range stages {
		if got, err := ParseStage(strings.ToUpper(name)); got != Stage(i) || err != nil || got.String() != name {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := ParseStage("nowhere"); KindOf(err) != Invalid || Stage(7).String() != "unknown" {
		t.Error("a stage that there is not is taken")
	}
}

func TestRegisteredModelsOfOtherProjectsStandBeforeAPoint(t *testing.T) {
	odd := Project{Key: 5, Name: "Team A"}
	for _, x := range []struct {
		p    Project
		want string
	}{{Project{}, "m"}, {Project{Key: 5, Name: "team-a"}, "team-a.m"}, {odd, ProjectID(5) + ".m"}} {
		if got := RegisteredFullName(x.p, "m"); got != x.want {
			t.Errorf("got %s, want %s", got, x.want)
		}
	}
}

func TestListOfVersionsGrows(t *testing.T) {
	list := ""
	for i := range 3 {
		list = AppendVersion(list, `a "b"`, int64(i))
	}
	var all []struct {
		Name    string
		Version int64
	}
	if err := json.Unmarshal([]byte(list), &all); err != nil || len(all) != 3 || all[2].Version != 2 || all[0].Name != `a "b"` {
		t.Errorf("%s: %v", list, err)
	}
	for _, odd := range []string{"x", "[]", `{"a": 1}`, "[1", `[` + strings.Repeat("1,", MaxTag) + `1]`} {
		if got := AppendVersion(odd, "m", 1); got != `[{"name": "m", "version": 1}]` {
			t.Errorf("after %.20s: %s", odd, got)
		}
	}
}

func TestPromptsAreTold(t *testing.T) {
	if IsPrompt(nil) || IsPrompt([]Tag{{PromptTag, "false"}}) || IsPrompt([]Tag{{PromptTag, "true"}, {PromptTag, "no"}}) {
		t.Error("a model is a prompt")
	}
	if !IsPrompt([]Tag{{"a", "b"}, {PromptTag, "True"}}) {
		t.Error("a prompt is none")
	}
}
