package store_test

import (
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

// large makes a run of more than 32 KiB, which the first schema kept in rows.
func large(r record.Run) record.Run {
	r.Params = append([]record.Param{{Key: "a large one", Value: `"` + strings.Repeat("x", 33<<10) + `"`}}, r.Params...)
	return r
}

// sizes are a small run and a large one.
var sizes = map[string]func(record.Run) record.Run{
	"small": func(r record.Run) record.Run { return r },
	"large": large,
}

// eachSize is storetest.Each with a run of each size.
func eachSize(t *testing.T, test func(t *testing.T, s *store.Store, size func(record.Run) record.Run)) {
	t.Helper()
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, s *store.Store) { test(t, s, size) })
		})
	}
}

func TestCreatedRunIsFinishedAndReadBackWhole(t *testing.T) {
	eachSize(t, func(t *testing.T, s *store.Store, size func(record.Run) record.Run) {
		ctx := t.Context()
		m := storetest.Model(t, s, "m")
		r := *must(s.CreateRun(ctx, size(storetest.FullRun(m.Key, "r"))))(t)
		want := size(storetest.FullRun(m.Key, "r"))
		want.ID, want.Created = r.ID, r.Created
		want.Status, want.Start, want.End = record.Finished, r.Created, r.Created
		want.Metrics[0].Time = r.Created
		same(t, r, want)
		if age := time.Since(time.UnixMilli(r.Created)); age < 0 || age > time.Minute {
			t.Errorf("it was created %v ago", age)
		}
		same(t, *must(s.Run(ctx, r.ID))(t), r)
		same(t, *must(s.RunNamed(ctx, "r"))(t), r)
		same(t, pages(t, s, store.RunSet{}, 1), []record.Run{r})
		same(t, must(s.RunPlace(ctx, r.ID))(t), store.RunCursor{Model: m.Key, Run: r.Key()})
	})
}

func TestListsOfARunAreInOrder(t *testing.T) {
	eachSize(t, func(t *testing.T, s *store.Store, size func(record.Run) record.Run) {
		keys := []string{"b", "a", "ä", "Z", "a b", "😀", "a\x01"}
		r := size(record.Run{Name: "r"})
		for _, k := range keys {
			r.Params = append(r.Params, record.Param{Key: k, Value: "1"})
			r.Metrics = append(r.Metrics, record.Metric{Key: k})
			r.Evaluations = append(r.Evaluations, record.Evaluation{Key: k + "!", Value: "[]"})
			r.Artifacts = append(r.Artifacts, record.ArtifactRef{Key: k, Value: `""`})
			for _, role := range []record.Role{record.RoleValidation, record.RoleTest} {
				r.Datasets = append(r.Datasets, record.TextDataset(role, k))
			}
		}
		made := must(s.CreateRun(t.Context(), r))(t)
		got := must(s.Run(t.Context(), made.ID))(t)
		same(t, *got, *made)
		for i := range keys[1:] {
			if got.Params[i].Key >= got.Params[i+1].Key || got.Metrics[i].Key >= got.Metrics[i+1].Key ||
				got.Evaluations[i].Key >= got.Evaluations[i+1].Key || got.Artifacts[i].Key >= got.Artifacts[i+1].Key {
				t.Fatalf("it is out of order: %+v", got)
			}
		}
		for i := range got.Datasets[1:] {
			if a, b := got.Datasets[i], got.Datasets[i+1]; a.Role > b.Role || a.Role == b.Role && a.Name >= b.Name {
				t.Fatalf("its datasets are out of order: %+v", got.Datasets)
			}
		}
	})
}

// Datasets that differ in one field only are different uses, in every role.
func TestEveryUseOfADatasetIsKept(t *testing.T) {
	eachSize(t, func(t *testing.T, s *store.Store, size func(record.Run) record.Run) {
		r := size(record.Run{Name: "r"})
		for _, d := range []record.Dataset{
			{Name: "n"}, {Name: "n", Digest: "2"}, {Name: "n", Digest: "1"}, {Name: "n", SourceType: "1"},
			{Name: "n", Source: "1"}, {Name: "n", Schema: "1"}, {Name: "n", Profile: "1"}, {Name: "n1"}, {},
		} {
			r.Datasets = append(r.Datasets,
				record.DatasetUse{Dataset: d, Role: record.RoleTraining, Context: "train"},
				record.DatasetUse{Dataset: d, Role: record.RoleTest, Context: "test"},
				record.DatasetUse{Dataset: d, Context: "mine"})
		}
		made := must(s.CreateRun(t.Context(), r))(t)
		if n := len(made.Datasets); n != len(r.Datasets) {
			t.Fatalf("%d uses were kept of %d", n, len(r.Datasets))
		}
		same(t, *must(s.Run(t.Context(), made.ID))(t), *made)
	})
}

func TestRunNamedIsTheNewestLiveOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		m, n := storetest.Model(t, s, "m"), storetest.Model(t, s, "n")
		first, middle, last := newRun(t, s, m.Key, "r"), newRun(t, s, n.Key, "r"), newRun(t, s, m.Key, "r")
		newRun(t, s, m.Key, "r ")
		newRun(t, s, m.Key, "R")
		named := func(want record.Run) {
			t.Helper()
			same(t, *must(s.RunNamed(ctx, "r"))(t), want)
		}
		named(last)
		must(s.DeleteRun(ctx, last.ID, storetest.By))(t)
		named(middle)
		must(s.DeleteModel(ctx, n.Key, storetest.By))(t)
		named(first)
		must(s.DeleteProject(ctx, m.Project, storetest.By))(t)
		_, err := s.RunNamed(ctx, "r")
		refused(t, record.NotFound, err)
		must(s.RestoreModel(ctx, n.Key, storetest.By))(t)
		named(middle)
	})
}

// twin is an id with the key of another id.
func twin(id record.RunID) record.RunID {
	id[15] ^= 1
	return id
}

func TestRunThatIsNotThereIsNotFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		r := newRun(t, s, record.DefaultModel, "r")
		if twin(r.ID).Key() != r.Key() {
			t.Fatal("the twin has another key")
		}
		for name, id := range map[string]record.RunID{"zero": {}, "foreign": {1, 2, 3}, "another with the same key": twin(r.ID)} {
			for call, err := range map[string]error{
				"Run":            second(s.Run(ctx, id)),
				"RunPlace":       second(s.RunPlace(ctx, id)),
				"AddEvaluations": second(s.AddEvaluations(ctx, id, nil, []record.Evaluation{{Key: "k", Value: "[]"}})),
				"AddArtifacts":   second(s.AddArtifacts(ctx, id, []record.ArtifactRef{{Key: "k", Value: `""`}})),
				"DeleteRun":      second(s.DeleteRun(ctx, id, storetest.By)),
				"RestoreRun":     second(s.RestoreRun(ctx, id, storetest.By)),
			} {
				if record.KindOf(err) != record.NotFound || err != nil && !strings.Contains(err.Error(), id.String()) {
					t.Errorf("%s of an id (%s): got the error %v, want a NotFound that names it", call, name, err)
				}
			}
		}
		_, err := s.RunNamed(ctx, "nobody")
		refused(t, record.NotFound, err)
		same(t, *must(s.Run(ctx, r.ID))(t), r)

		must(s.DeleteRun(ctx, r.ID, storetest.By))(t)
		_, err = s.RestoreRun(ctx, twin(r.ID), storetest.By)
		refused(t, record.NotFound, err)
	})
}

func TestRunPlaceIsKnownOfADeletedRun(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		m := storetest.Model(t, s, "m")
		r := newRun(t, s, m.Key, "r")
		want := store.RunCursor{Model: m.Key, Run: r.Key()}
		must(s.DeleteRun(t.Context(), r.ID, storetest.By))(t)
		same(t, must(s.RunPlace(t.Context(), r.ID))(t), want)
		must(s.DeleteProject(t.Context(), m.Project, storetest.By))(t)
		same(t, must(s.RunPlace(t.Context(), r.ID))(t), want)
	})
}

func TestIDsOfRunsAreOrderedByTime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var last record.RunID
		for i := range 50 {
			r := newRun(t, s, record.DefaultModel, "r")
			if binary.BigEndian.Uint64(r.ID[:8]) <= binary.BigEndian.Uint64(last[:8]) {
				t.Fatalf("run %d: %s does not follow %s", i, r.ID, last)
			}
			last = r.ID
		}
	})
}

// What no text may be, and the longest that it may be.
func badTexts(limit int) map[string]string {
	return map[string]string{
		"one too long":    strings.Repeat("x", limit+1),
		"wide, too long":  strings.Repeat("😀", limit+1),
		"NUL":             "a\x00b",
		"invalid UTF-8":   "a\xffb",
		"half a rune":     "a\xf0\x9f",
		"surrogate":       "a\xed\xa0\x80",
		"overlong coding": "a\xc0\x80",
	}
}

func TestTextsOverTheirLimitsAreRefusedAndNothingIsKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		m := storetest.Model(t, s, "m")
		r := newRun(t, s, m.Key, "r")
		create := func(change func(*record.Run)) error {
			r := record.Run{Model: m.Key, Name: "r"}
			change(&r)
			return second(s.CreateRun(ctx, r))
		}
		for field, c := range map[string]struct {
			limit int
			empty bool // is allowed
			do    func(text string) error
		}{
			"project_name": {record.MaxName, false, func(x string) error { return second(s.CreateProject(ctx, record.Project{Name: x}, "")) }},
			"project description": {record.MaxDescription, true, func(x string) error {
				return second(s.CreateProject(ctx, record.Project{Name: "x", Description: &x}, ""))
			}},
			"describe project":  {record.MaxDescription, true, func(x string) error { return second(s.DescribeProject(ctx, m.Project, &x, "")) }},
			"model_name":        {record.MaxName, false, func(x string) error { return second(s.CreateModel(ctx, record.Model{Project: m.Project, Name: x}, "")) }},
			"model description": {record.MaxDescription, true, func(x string) error { return second(s.CreateModel(ctx, record.Model{Name: "x", Description: &x}, "")) }},
			"describe model":    {record.MaxDescription, true, func(x string) error { return second(s.DescribeModel(ctx, m.Key, &x, "")) }},
			"model_version_id":  {record.MaxName, false, func(x string) error { return create(func(r *record.Run) { r.Name = x }) }},
			"parameters": {record.MaxKey, false, func(x string) error {
				return create(func(r *record.Run) { r.Params = []record.Param{{Key: x, Value: "1"}} })
			}},
			"dataset": {record.MaxDataset, true, func(x string) error {
				return create(func(r *record.Run) { r.Datasets = []record.DatasetUse{record.TextDataset(record.RoleTest, x)} })
			}},
			"metrics": {record.MaxKey, false, func(x string) error { return create(func(r *record.Run) { r.Metrics = []record.Metric{{Key: x}} }) }},
			"evaluations": {record.MaxKey, false, func(x string) error {
				return create(func(r *record.Run) { r.Evaluations = []record.Evaluation{{Key: x, Value: "[]"}} })
			}},
			"artifacts": {record.MaxKey, false, func(x string) error {
				return create(func(r *record.Run) { r.Artifacts = []record.ArtifactRef{{Key: x, Value: "1"}} })
			}},
			"add metrics": {record.MaxKey, false, func(x string) error { return second(s.AddEvaluations(ctx, r.ID, []record.Metric{{Key: x}}, nil)) }},
			"add evaluations": {record.MaxKey, false, func(x string) error {
				return second(s.AddEvaluations(ctx, r.ID, nil, []record.Evaluation{{Key: x, Value: "[]"}}))
			}},
			"add artifacts": {record.MaxKey, false, func(x string) error {
				return second(s.AddArtifacts(ctx, r.ID, []record.ArtifactRef{{Key: x, Value: "1"}}))
			}},
		} {
			before := dump(t, s)
			for name, bad := range badTexts(c.limit) {
				if err := c.do(bad); record.KindOf(err) != record.Invalid {
					t.Errorf("%s, %s: got the error %v, want Invalid", field, name, err)
				}
			}
			if !c.empty {
				refused(t, record.Invalid, c.do(""))
			}
			if after := dump(t, s); after != before {
				t.Errorf("%s: something of a refused text was kept", field)
			}
			if c.empty {
				ok(t, c.do(""))
			}
			for name, good := range map[string]string{"longest": strings.Repeat("x", c.limit), "longest and wide": wide(c.limit)} {
				if err := c.do(good); err != nil {
					t.Errorf("%s, %s: %.300v", field, name, err)
				}
			}
		}
	})
}

// wide is a text of so many characters of 4 bytes, which do not compress well.
func wide(n int) string {
	var b strings.Builder
	for range n {
		b.WriteRune(0x20000 + rand.Int32N(0xa000))
	}
	return b.String()
}

// dump is all that can be read, as text.
func dump(t testing.TB, s *store.Store) string {
	t.Helper()
	text, err := json.Marshal([]any{
		must(s.Projects(t.Context(), -1, 1000))(t),
		must(s.Models(t.Context(), -1, 1000))(t),
		pages(t, s, store.RunSet{}, 1000),
	})
	ok(t, err)
	return string(text)
}

// The longest keys in all lists at once fit into the indexes of every engine.
func TestLongestKeysFitInEveryTable(t *testing.T) {
	eachSize(t, func(t *testing.T, s *store.Store, size func(record.Run) record.Run) {
		p := storetest.Project(t, s, wide(record.MaxName))
		m := model(t, s, p.Key, wide(record.MaxName))
		r := size(record.Run{Model: m.Key, Name: wide(record.MaxName)})
		key := wide(record.MaxKey)
		r.Params = append(r.Params, record.Param{Key: key, Value: "1"})
		r.Metrics = []record.Metric{{Key: key}}
		r.Evaluations = []record.Evaluation{{Key: key, Value: "[]"}}
		r.Artifacts = []record.ArtifactRef{{Key: key, Value: "1"}}
		r.Datasets = []record.DatasetUse{record.TextDataset(record.RoleTest, wide(record.MaxDataset))}
		made := must(s.CreateRun(t.Context(), r))(t)
		same(t, *must(s.RunNamed(t.Context(), r.Name))(t), *made)
		same(t, must(s.ModelsNamed(t.Context(), m.Name, -1, 2))(t), []record.Model{m})
	})
}
