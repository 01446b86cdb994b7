package record_test

import (
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/quick"

	"modeldb/internal/record"
)

var nan = math.NaN()

func TestLatestPointHasTheGreatestStepThenTimeThenValue(t *testing.T) {
	// In order: each is after all before it.
	points := []record.Point{
		{Step: math.MinInt64, Time: math.MaxInt64, Value: math.Inf(1)},
		{Step: -1, Time: 9, Value: 9},
		{Step: 0, Time: math.MinInt64, Value: 0},
		{Step: 0, Time: -1, Value: 9},
		{Step: 0, Time: 0, Value: nan},
		{Step: 0, Time: 0, Value: math.Inf(-1)},
		{Step: 0, Time: 0, Value: -1},
		{Step: 0, Time: 0, Value: 0},
		{Step: 0, Time: 0, Value: math.SmallestNonzeroFloat64},
		{Step: 0, Time: 0, Value: math.Inf(1)},
		{Step: 0, Time: 1, Value: nan},
		{Step: 1, Time: 0, Value: nan},
		{Step: math.MaxInt64, Time: math.MinInt64, Value: nan},
		{Step: math.MaxInt64, Time: math.MaxInt64, Value: 0},
	}
	for i, p := range points {
		for j, q := range points {
			if p.After(q) != (i > j) {
				t.Errorf("%+v after %+v: got %v", p, q, p.After(q))
			}
		}
	}
	if zero, minus := (record.Point{}), (record.Point{Value: math.Copysign(0, -1)}); zero.After(minus) || minus.After(zero) {
		t.Error("the zeros are not equal")
	}
}

func TestNextPointIsTheLatest(t *testing.T) {
	const first, last = math.MinInt64, math.MaxInt64
	for _, c := range []struct {
		p    record.Point
		now  int64
		want record.Point
	}{
		{record.Point{Step: 3, Time: 5}, 9, record.Point{Step: 3, Time: 9}},
		{record.Point{Step: 3, Time: 9}, 9, record.Point{Step: 3, Time: 10}},
		{record.Point{Step: 3, Time: 20}, 9, record.Point{Step: 3, Time: 21}},
		{record.Point{Step: first, Time: first}, first, record.Point{Step: first, Time: first + 1}},
		{record.Point{Step: 3, Time: last - 1}, last, record.Point{Step: 3, Time: last}},
		{record.Point{Step: 3, Time: last}, 9, record.Point{Step: 4, Time: 9}},
		{record.Point{Step: last - 1, Time: last}, 9, record.Point{Step: last, Time: 9}},
		{record.Point{Step: last, Time: 5}, 9, record.Point{Step: last, Time: 9}},
	} {
		for _, value := range []float64{0, -1, nan, math.Inf(-1)} {
			c.p.Value = math.Inf(1)
			got, err := c.p.Next(c.now, value)
			ok(t, err)
			c.want.Value = value
			if got.Compare(c.want) != 0 || !got.After(c.p) {
				t.Errorf("after %+v at %d comes %+v, want %+v", c.p, c.now, got, c.want)
			}
		}
	}
	_, err := record.Point{Step: last, Time: last}.Next(9, 1)
	refused(t, record.Conflict, err)
	if err := quick.Check(func(p record.Point, now int64, value float64) bool {
		next, err := p.Next(now, value)
		return err == nil && next.After(p) && next.Value == value
	}, nil); err != nil {
		t.Error(err)
	}
}

func TestRoleIsRecognisedInAClientsWords(t *testing.T) {
	for role, words := range map[record.Role]string{
		record.RoleTraining:   "training,train,Train,TRAINING, train ,fit",
		record.RoleValidation: "validation,valid,val,dev,tune,eval,Eval,VAL",
		record.RoleTest:       "test,testing,Test,holdout,evaluation",
		record.RoleOther:      ",other,trains,pretraining,test2,train test,validating,ｔｅｓｔ",
	} {
		for word := range strings.SplitSeq(words, ",") {
			if got := record.RoleOf(word); got != role {
				t.Errorf("%q is the role %q, want %q", word, got, role)
			}
		}
	}
	for _, role := range []record.Role{record.RoleTraining, record.RoleValidation, record.RoleTest} {
		if record.RoleOf(string(role)) != role {
			t.Errorf("%q is not its own role", role)
		}
	}
}

func TestAddressIsTheSourceOrThePlainAddressInsideIt(t *testing.T) {
	for source, want := range map[string]string{
		"":                                     "",
		"s3://bucket/a":                        "s3://bucket/a",
		"[1]":                                  "[1]",
		`{"uri": "s3://a"}`:                    "s3://a",
		`{"url": "https://a", "path": "b"}`:    "https://a",
		`{"path": "/data/a.csv"}`:              "/data/a.csv",
		`{"uri": "", "path": "b"}`:             "b",
		`{"uri": 1, "url": null, "path": "b"}`: "b",
		`{"tags": {"uri": "x"}}`:               "name",
		`{"uri": ["a"]}`:                       "name",
		`{}`:                                   "name",
		`{`:                                    "name",
		`{"uri": "a"} more`:                    "name",
	} {
		d := record.Dataset{Name: "name", Source: source}
		if got := d.Address(); got != want {
			t.Errorf("the address of %s is %q, want %q", source, got, want)
		}
	}
}

func TestTextOfADatasetIsGivenBackAsItCame(t *testing.T) {
	for _, text := range []string{"", "s3://a", `{"uri": "s3://a"}`, "{", "a; b", " "} {
		r := record.Run{Datasets: []record.DatasetUse{record.TextDataset(record.RoleTest, text)}}
		if got, there := r.DatasetText(record.RoleTest); !there || got != text {
			t.Errorf("%q came back as %v", text, got)
		}
		if got, there := r.DatasetText(record.RoleTraining); there {
			t.Errorf("another role has the text %q", got)
		}
	}
	r := record.Run{Datasets: []record.DatasetUse{
		{Dataset: record.Dataset{Name: "n", SourceType: "s3", Source: `{"uri": "s3://a"}`}, Role: record.RoleTest},
		record.TextDataset(record.RoleTraining, "no"),
		{Dataset: record.Dataset{Name: "n", SourceType: "code", Source: `{"tags": {}}`}, Role: record.RoleTest},
	}}
	if got, there := r.DatasetText(record.RoleTest); !there || got != "s3://a; n" {
		t.Errorf("several came back as %v", got)
	}
}

func TestFullNameHasTheProjectExceptTheDefaultOne(t *testing.T) {
	if got := record.FullName(record.Project{Key: 0, Name: "Default"}, "m/n"); got != "m/n" {
		t.Errorf("got %q", got)
	}
	if got := record.FullName(record.Project{Key: 1, Name: "p/q"}, "m"); got != "p/q/m" {
		t.Errorf("got %q", got)
	}
}

func TestKindsAreAllThereAndKeptThroughWrapping(t *testing.T) {
	kinds := record.Kinds()
	if len(kinds) != 10 || kinds[0] != record.Internal || kinds[9] != record.Damaged {
		t.Errorf("got %v", kinds)
	}
	cause := strconv.ErrRange
	for _, k := range kinds {
		err := k.Wrap(cause, "text")
		if record.KindOf(err) != k || err.Error() != "text: "+cause.Error() {
			t.Errorf("kind %d: got %v", k, err)
		}
		if got := k.Errorf("field", "no %d", 1); !reflect.DeepEqual(got, error(&record.Error{Kind: k, Field: "field", Text: "no 1"})) {
			t.Errorf("kind %d: got %#v", k, got)
		}
	}
	if record.KindOf(cause) != record.Internal {
		t.Error("an error without a kind is not internal")
	}
}

func TestTextsAreCheckedToTheCharacter(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		ok    bool
	}{
		{"", 0, true}, {"a", 0, false}, {"aaa", 3, true}, {"aaaa", 3, false},
		{"ééé", 3, true}, {"éééé", 3, false}, {"😀😀😀", 3, true}, {"😀😀😀😀", 3, false}, {"e\u0301e", 3, true},
		{"a\x00", 3, false}, {"\x00", 3, false}, {"\xff", 3, false}, {"\xed\xa0\x80", 3, false}, {"\xc0\x80", 3, false}, {"\ufffd", 1, true}, {"\x7f\u200b\u202e", 3, true},
	} {
		err := record.CheckText("field", c.text, c.limit)
		if (err == nil) != c.ok || err != nil && record.KindOf(err) != record.Invalid {
			t.Errorf("%q of at most %d: got the error %v", c.text, c.limit, err)
		}
	}
	for what, check := range map[string]func(text string) error{
		"name": func(text string) error { return record.CheckName("field", text) },
		"key":  func(text string) error { return record.CheckKey("field", text) },
	} {
		limit := map[string]int{"name": record.MaxName, "key": record.MaxKey}[what]
		for _, char := range []string{"a", "é", "😀"} {
			ok(t, check(char))
			ok(t, check(strings.Repeat(char, limit)))
			refused(t, record.Invalid, check(strings.Repeat(char, limit+1)))
			refused(t, record.Invalid, check(strings.Repeat(char, limit-1)+"\x00"))
			refused(t, record.Invalid, check(strings.Repeat(char, limit-1)+"\xff"))
		}
		refused(t, record.Invalid, check(""))
	}
}

// A refusal is for a person to read: it does not repeat a body of 16 MiB.
func TestRefusalOfAnyTextIsShort(t *testing.T) {
	for _, text := range []string{strings.Repeat("a", 1<<20), strings.Repeat("😀", 1<<18), "\x00" + strings.Repeat("a", 1<<20), strings.Repeat("a", 1<<20) + "\xff"} {
		for what, err := range map[string]error{
			"text": record.CheckText("field", text, 10),
			"name": record.CheckName("field", text),
			"key":  record.CheckKey("field", text),
			"id":   second(record.ParseRunID(text)),
			"evaluation": func() error {
				_, _, err := record.SplitEvaluations([]record.Member{{Key: text, Value: "1e999"}})
				return err
			}(),
			"number": second(record.Number("field", "1"+strings.Repeat("0", 1<<20))),
		} {
			e, is := err.(*record.Error)
			if !is || len(e.Text) > 2000 || len(e.Field) > 2000 {
				t.Errorf("%s: the refusal has %d bytes, want at most 2000 in the text and in the field", what, len(err.Error()))
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestRunThatGoesOnIsStaleAfterAnHourOfSilence(t *testing.T) {
	const now, hour = 10_000_000_000, 60 * 60 * 1000
	for _, c := range []struct {
		status record.Status
		active int64
		want   string
	}{
		{record.Running, now, "running"}, {record.Running, now - hour, "running"}, {record.Running, now - hour - 1, "stale"},
		{record.Scheduled, now - 1, "scheduled"}, {record.Scheduled, 0, "stale"},
		{record.Finished, 0, "finished"}, {record.Failed, 0, "failed"}, {record.Killed, 0, "killed"},
	} {
		r := record.Run{Status: c.status, Active: c.active}
		if got := r.State(now); got != c.want {
			t.Errorf("%v, last written to %d ms ago: got %s, want %s", c.status, now-c.active, got, c.want)
		}
	}
}
