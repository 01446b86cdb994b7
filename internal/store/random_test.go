package store_test

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

// mirror is what a store must hold, in plain maps. Times and ids are the
// store's choice, and are taken from its answers.
type mirror struct {
	projects map[int64]record.Project
	models   map[int64]record.Model
	runs     map[record.RunID]record.Run
	points   map[record.RunID]map[string][]record.Point // as they were logged
}

func newMirror() *mirror {
	return &mirror{
		projects: map[int64]record.Project{0: {Name: "Default"}},
		models:   map[int64]record.Model{0: {Name: "Default"}},
		runs:     map[record.RunID]record.Run{},
		points:   map[record.RunID]map[string][]record.Point{},
	}
}

func (w *mirror) projectLive(key int64) bool {
	p, there := w.projects[key]
	return there && p.Deleted == 0
}

func (w *mirror) modelLive(key int64) bool {
	m, there := w.models[key]
	return there && m.Deleted == 0 && w.projectLive(m.Project)
}

func (w *mirror) runLive(id record.RunID) bool {
	r, there := w.runs[id]
	return there && r.Deleted == 0 && w.modelLive(r.Model)
}

func (w *mirror) fullName(m record.Model) string {
	return record.FullName(w.projects[m.Project], m.Name)
}

// taken returns the live model that has the full name which m has or would have.
func (w *mirror) taken(m record.Model) (record.Model, bool) {
	for _, other := range w.models {
		if w.modelLive(other.Key) && w.fullName(other) == w.fullName(m) {
			return other, true
		}
	}
	return record.Model{}, false
}

func (w *mirror) liveProjects() []record.Project {
	return sorted(w.projects, func(p record.Project) bool {
		holds := p.Key != 0
		for _, m := range w.models {
			holds = holds || m.Project == 0 && w.listed(m)
		}
		return p.Deleted == 0 && holds
	}, func(a, b record.Project) int { return cmp.Compare(a.Key, b.Key) })
}

// listed reports whether a list of models shows m: the default model only once
// it holds a run.
func (w *mirror) listed(m record.Model) bool {
	holds := m.Key != 0
	for _, r := range w.runs {
		holds = holds || r.Model == 0 && r.Deleted == 0
	}
	return holds && w.modelLive(m.Key)
}

func (w *mirror) liveModels(which func(record.Model) bool) []record.Model {
	return sorted(w.models, func(m record.Model) bool { return w.listed(m) && which(m) },
		func(a, b record.Model) int { return cmp.Compare(a.Key, b.Key) })
}

func (w *mirror) liveRuns(which func(record.Run) bool, byModel bool) []record.Run {
	return sorted(w.runs, func(r record.Run) bool { return w.runLive(r.ID) && which(r) },
		func(a, b record.Run) int {
			if c := cmp.Compare(a.Model, b.Model); byModel && c != 0 {
				return c
			}
			return cmp.Compare(a.Key(), b.Key())
		})
}

func sorted[K comparable, V any](all map[K]V, which func(V) bool, compare func(a, b V) int) []V {
	return slices.SortedFunc(func(yield func(V) bool) {
		for _, v := range all {
			if which(v) && !yield(v) {
				return
			}
		}
	}, compare)
}

// machine does the same to a store and to its mirror.
type machine struct {
	s *store.Store
	w *mirror
	t testing.TB // whose context the calls get
}

// Few names, so that they meet; some make full names ambiguous.
var (
	someName  = rapid.SampledFrom([]string{"a", "b", "a/b", "b/a", "a/b/a", "Default"})
	someKey   = rapid.SampledFrom([]string{"k", "l", "m"})
	someText  = rapid.SampledFrom([]string{"", "text", "ä 😀"})
	someValue = rapid.SampledFrom([]string{"0.5", "0.10", "1", "-3.0", "1e+20", "12345678901234567890", "true", `"text"`, "[1]", "[" + strings.Repeat("1,", 12<<10) + "1]"})
)

func (x *machine) aProject(t *rapid.T) int64 {
	return someOf(t, "project", slices.Sorted(maps.Keys(x.w.projects)), 77)
}

func (x *machine) aModel(t *rapid.T) int64 {
	return someOf(t, "model", slices.Sorted(maps.Keys(x.w.models)), 77)
}

// someOf is one of the records, the newest ones as often as all others, and
// now and then one that is not there.
func someOf[K any](t *rapid.T, what string, keys []K, nobody K) K {
	all := append(slices.Clone(keys), nobody)
	for range len(keys) {
		all = append(all, keys[max(0, len(keys)-3):]...)
	}
	return rapid.SampledFrom(all).Draw(t, what)
}

func (x *machine) aRun(t *rapid.T) record.RunID {
	ids := slices.SortedFunc(maps.Keys(x.w.runs), func(a, b record.RunID) int { return slices.Compare(a[:], b[:]) })
	return someOf(t, "run", ids, record.RunID{7})
}

func (x *machine) aDescription(t *rapid.T) *string {
	return rapid.Ptr(someText, true).Draw(t, "description")
}

// refusedOr reports whether the operation may go on: want is the kind of error
// that it must have, 0 for none.
func refusedOr(t *rapid.T, want record.Kind, err error) bool {
	t.Helper()
	if want == 0 {
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		return true
	}
	if err == nil || record.KindOf(err) != want {
		t.Fatalf("got the error %v, want one of kind %d", err, want)
	}
	return false
}

func unless(live bool) record.Kind {
	if live {
		return 0
	}
	return record.NotFound
}

func (x *machine) CreateProject(t *rapid.T) {
	p := record.Project{Name: someName.Draw(t, "name"), Description: x.aDescription(t)}
	got, err := x.s.CreateProject(x.t.Context(), p, storetest.By)
	refusedOr(t, 0, err)
	for _, there := range x.w.projects {
		if there.Name == p.Name && there.Deleted == 0 {
			same(t, got, there)
			return
		}
	}
	if _, old := x.w.projects[got.Key]; old {
		t.Fatalf("the id %d was used before", got.Key)
	}
	p.Key, p.Created = got.Key, got.Created
	same(t, got, p)
	x.w.projects[p.Key] = p
}

func (x *machine) CreateModel(t *rapid.T) {
	m := record.Model{Project: x.aProject(t), Name: someName.Draw(t, "name"), Description: x.aDescription(t)}
	got, err := x.s.CreateModel(x.t.Context(), m, storetest.By)
	if !refusedOr(t, func() record.Kind {
		if !x.w.projectLive(m.Project) {
			return record.NotFound
		}
		if there, taken := x.w.taken(m); taken && there.Project != m.Project {
			return record.Conflict
		}
		return 0
	}(), err) {
		return
	}
	if there, taken := x.w.taken(m); taken {
		same(t, got, there)
		return
	}
	if _, old := x.w.models[got.Key]; old {
		t.Fatalf("the id %d was used before", got.Key)
	}
	m.Key, m.Created = got.Key, got.Created
	same(t, got, m)
	x.w.models[m.Key] = m
}

func (x *machine) DescribeProject(t *rapid.T) {
	key, text := x.aProject(t), x.aDescription(t)
	got, err := x.s.DescribeProject(x.t.Context(), key, text, storetest.By)
	if refusedOr(t, unless(x.w.projectLive(key)), err) {
		p := x.w.projects[key]
		p.Description = text
		same(t, got, p)
		x.w.projects[key] = p
	}
}

func (x *machine) DescribeModel(t *rapid.T) {
	key, text := x.aModel(t), x.aDescription(t)
	got, err := x.s.DescribeModel(x.t.Context(), key, text, storetest.By)
	if refusedOr(t, unless(x.w.modelLive(key)), err) {
		m := x.w.models[key]
		m.Description = text
		same(t, got, m)
		x.w.models[key] = m
	}
}

func (x *machine) DeleteProject(t *rapid.T) {
	key := x.aProject(t)
	got, err := x.s.DeleteProject(x.t.Context(), key, storetest.By)
	want := unless(x.w.projectLive(key))
	if key == 0 {
		want = record.Conflict
	}
	if refusedOr(t, want, err) {
		p := x.w.projects[key]
		p.Deleted = got.Deleted
		same(t, got, p)
		x.w.projects[key] = p
	}
}

func (x *machine) DeleteModel(t *rapid.T) {
	key := x.aModel(t)
	got, err := x.s.DeleteModel(x.t.Context(), key, storetest.By)
	want := unless(x.w.modelLive(key))
	if key == 0 {
		want = record.Conflict
	}
	if refusedOr(t, want, err) {
		m := x.w.models[key]
		m.Deleted = got.Deleted
		same(t, got, m)
		x.w.models[key] = m
	}
}

func (x *machine) RestoreProject(t *rapid.T) {
	key := x.aProject(t)
	got, err := x.s.RestoreProject(x.t.Context(), key, storetest.By)
	p, there := x.w.projects[key]
	if !refusedOr(t, func() record.Kind {
		if !there {
			return record.NotFound
		}
		if p.Deleted == 0 {
			return 0
		}
		for _, other := range x.w.projects {
			if other.Name == p.Name && other.Deleted == 0 {
				return record.Conflict
			}
		}
		for _, m := range x.w.models {
			if _, taken := x.w.taken(m); m.Project == key && m.Deleted == 0 && taken {
				return record.Conflict
			}
		}
		return 0
	}(), err) {
		return
	}
	p.Deleted = 0
	same(t, got, p)
	x.w.projects[key] = p
}

func (x *machine) RestoreModel(t *rapid.T) {
	key := x.aModel(t)
	got, err := x.s.RestoreModel(x.t.Context(), key, storetest.By)
	m, there := x.w.models[key]
	if !refusedOr(t, func() record.Kind {
		if !there || !x.w.projectLive(m.Project) {
			return record.NotFound
		}
		if _, taken := x.w.taken(m); m.Deleted != 0 && taken {
			return record.Conflict
		}
		return 0
	}(), err) {
		return
	}
	m.Deleted = 0
	same(t, got, m)
	x.w.models[key] = m
}

func someMembers(t *rapid.T) []record.Member {
	all := rapid.MapOfN(someKey, someValue, 0, 3).Draw(t, "members")
	var members []record.Member
	for _, key := range slices.Sorted(maps.Keys(all)) {
		members = append(members, record.Member{Key: key, Value: all[key]})
	}
	return members
}

func (x *machine) CreateRun(t *rapid.T) {
	r := record.Run{Model: x.aModel(t), Name: someName.Draw(t, "name"), Given: record.Given(rapid.Int64Range(0, 7).Draw(t, "given"))}
	for _, m := range someMembers(t) {
		r.Params = append(r.Params, record.Param(m))
	}
	for _, m := range someMembers(t) {
		r.Artifacts = append(r.Artifacts, record.ArtifactRef(m))
	}
	for _, role := range []record.Role{record.RoleTest, record.RoleTraining} {
		if text := someText.Draw(t, "dataset"); text != "" {
			r.Datasets = append(r.Datasets, record.TextDataset(role, text))
		}
	}
	var err error
	if r.Metrics, r.Evaluations, err = record.SplitEvaluations(someMembers(t)); err != nil {
		t.Fatal(err)
	}
	got, err := x.s.CreateRun(x.t.Context(), clone(&r))
	if !refusedOr(t, unless(x.w.modelLive(r.Model)), err) {
		return
	}
	if _, old := x.w.runs[got.ID]; old {
		t.Fatalf("the id %s was used before", got.ID)
	}
	r.ID, r.Status, r.Created, r.Start, r.End = got.ID, record.Finished, got.Created, got.Created, got.Created
	for i := range r.Metrics {
		r.Metrics[i].Time = r.Created
	}
	same(t, *got, r)
	x.w.runs[r.ID] = r
	x.w.points[r.ID] = map[string][]record.Point{}
	for _, m := range r.Metrics {
		x.w.points[r.ID][m.Key] = []record.Point{m.Point}
	}
}

// put sets what is under a key of a list that is ordered by key.
func put[T any](list []T, one T, key func(T) string) []T {
	list = slices.DeleteFunc(slices.Clone(list), func(t T) bool { return key(t) == key(one) })
	list = append(list, one)
	slices.SortFunc(list, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	return list
}

func (x *machine) AddEvaluations(t *rapid.T) {
	id := x.aRun(t)
	metrics, rest, err := record.SplitEvaluations(someMembers(t))
	if err != nil {
		t.Fatal(err)
	}
	got, err := x.s.AddEvaluations(x.t.Context(), id, metrics, rest)
	if !refusedOr(t, unless(x.w.runLive(id)), err) {
		return
	}
	r := x.w.runs[id]
	r.Given |= record.GivenEvaluations
	for _, m := range metrics {
		for _, now := range got.Metrics {
			if now.Key == m.Key {
				m.Step, m.Time = now.Step, now.Time // the store's choice, if it is later
			}
		}
		for _, was := range r.Metrics {
			if was.Key == m.Key && !m.After(was.Point) {
				t.Fatalf("%+v came after %+v", m, was)
			}
		}
		x.w.points[id][m.Key] = append(x.w.points[id][m.Key], m.Point)
		r.Metrics = put(r.Metrics, m, func(m record.Metric) string { return m.Key })
		r.Evaluations = slices.DeleteFunc(slices.Clone(r.Evaluations), func(e record.Evaluation) bool { return e.Key == m.Key })
	}
	for _, e := range rest {
		r.Evaluations = put(r.Evaluations, e, func(e record.Evaluation) string { return e.Key })
	}
	same(t, *got, r)
	x.w.runs[id] = r
}

func (x *machine) AddArtifacts(t *rapid.T) {
	id := x.aRun(t)
	var refs []record.ArtifactRef
	for _, m := range someMembers(t) {
		refs = append(refs, record.ArtifactRef(m))
	}
	got, err := x.s.AddArtifacts(x.t.Context(), id, refs)
	if !refusedOr(t, unless(x.w.runLive(id)), err) {
		return
	}
	r := x.w.runs[id]
	r.Given |= record.GivenArtifacts
	for _, a := range refs {
		r.Artifacts = put(r.Artifacts, a, func(a record.ArtifactRef) string { return a.Key })
	}
	same(t, *got, r)
	x.w.runs[id] = r
}

func (x *machine) DeleteRun(t *rapid.T) {
	id := x.aRun(t)
	got, err := x.s.DeleteRun(x.t.Context(), id, storetest.By)
	if refusedOr(t, unless(x.w.runLive(id)), err) {
		r := x.w.runs[id]
		r.Deleted = got.Deleted
		same(t, *got, r)
		x.w.runs[id] = r
	}
}

func (x *machine) RestoreRun(t *rapid.T) {
	id := x.aRun(t)
	got, err := x.s.RestoreRun(x.t.Context(), id, storetest.By)
	r, there := x.w.runs[id]
	if refusedOr(t, unless(there && x.w.modelLive(r.Model)), err) {
		r.Deleted = 0
		same(t, *got, r)
		x.w.runs[id] = r
	}
}

// Check compares everything that can be read.
func (x *machine) Check(t *rapid.T) {
	ctx, s, w := x.t.Context(), x.s, x.w
	limit := rapid.SampledFrom([]int{1, 2, 7}).Draw(t, "limit")
	same(t, cursorPages(t, limit, func(p record.Project) int64 { return p.Key },
		func(after int64) ([]record.Project, error) { return s.Projects(ctx, after, limit) }), w.liveProjects())
	modelPages := func(read func(after int64) ([]record.Model, error)) []record.Model {
		return cursorPages(t, limit, func(m record.Model) int64 { return m.Key }, read)
	}
	all := w.liveModels(func(record.Model) bool { return true })
	same(t, modelPages(func(after int64) ([]record.Model, error) { return s.Models(ctx, after, limit) }), all)
	for _, name := range []string{"a", "a/b", "Default"} {
		named := w.liveModels(func(m record.Model) bool { return m.Name == name })
		if got, err := s.ModelsNamed(ctx, name, -1, 100); refusedOr(t, unless(len(named) > 0), err) {
			same(t, got, named)
		}
		p, err := s.ProjectByName(ctx, name)
		live := slices.Collect(maps.Values(w.projects))
		live = slices.DeleteFunc(live, func(p record.Project) bool { return p.Deleted != 0 || p.Name != name })
		if refusedOr(t, unless(len(live) > 0), err) {
			same(t, p, live[0])
		}
		r, err := s.RunNamed(ctx, name)
		runs := w.liveRuns(func(r record.Run) bool { return r.Name == name }, false)
		if refusedOr(t, unless(len(runs) > 0), err) {
			same(t, *r, runs[len(runs)-1])
		}
	}
	x.checkHistories(t)
	same(t, runPages(t, x, store.RunSet{}, limit), w.liveRuns(func(record.Run) bool { return true }, false))
	for key := range w.projects {
		p, err := s.Project(ctx, key)
		if refusedOr(t, unless(w.projectLive(key)), err) {
			same(t, p, w.projects[key])
			same(t, modelPages(func(after int64) ([]record.Model, error) { return s.ModelsOfProject(ctx, key, after, limit) }),
				w.liveModels(func(m record.Model) bool { return m.Project == key }))
			same(t, runPages(t, x, ofProject(key), limit), w.liveRuns(func(r record.Run) bool { return w.models[r.Model].Project == key }, true))
		}
	}
	for key := range w.models {
		m, err := s.Model(ctx, key)
		if refusedOr(t, unless(w.modelLive(key)), err) {
			same(t, m, w.models[key])
			same(t, runPages(t, x, ofModel(key), limit), w.liveRuns(func(r record.Run) bool { return r.Model == key }, true))
		}
	}
	for id := range w.runs {
		r, err := s.Run(ctx, id)
		if refusedOr(t, unless(w.runLive(id)), err) {
			same(t, *r, w.runs[id])
		}
	}
}

func cursorPages[T any](t *rapid.T, limit int, key func(T) int64, read func(after int64) ([]T, error)) (all []T) {
	for after := int64(-1); ; after = key(all[len(all)-1]) {
		page, err := read(after)
		if refusedOr(t, 0, err); len(page) > limit {
			t.Fatalf("a page of at most %d has %d", limit, len(page))
		}
		if all = append(all, page...); len(page) < limit {
			return all
		}
	}
}

func runPages(t *rapid.T, x *machine, of store.RunSet, limit int) (all []record.Run) {
	for after, done := store.FirstRun, false; !done; {
		var err error
		after, done, err = x.s.Runs(x.t.Context(), of, after, limit, func(r *record.Run) bool {
			all = append(all, clone(r))
			return true
		})
		refusedOr(t, 0, err)
	}
	return all
}

// Whatever is done to a store, in any order, it gives the answers of plain
// maps. Rapid shrinks a sequence that fails; go test -rapid.checks=N does N
// sequences.
func TestStoreIsLikeMapsInMemory(t *testing.T) {
	for _, e := range storetest.Engines() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			n, failed := 0, false
			rapid.Check(t, func(rt *rapid.T) {
				// To make a database takes PostgreSQL its time.
				if n++; e.Name != "sqlite" && n > 4 && !failed {
					return
				}
				failed = true
				sequence(t, rt, e)
				failed = false
			})
		})
	}
}

// sequence does one random sequence on an empty store.
func sequence(t *testing.T, rt *rapid.T, e storetest.Engine) {
	database := e.Database(t)
	s, err := store.Open(t.Context(), database, store.Options{Now: ticking(), Partitions: e.Partitions})
	ok(t, err)
	defer s.Close()
	x := &machine{s: s, w: newMirror(), t: t}
	x.w.projects[0] = must(s.Project(t.Context(), 0))(t)
	x.w.models[0] = must(s.Model(t.Context(), 0))(t)
	for range 3 { // to begin with
		x.CreateProject(rt)
		x.CreateModel(rt)
		x.CreateRun(rt)
	}
	rt.Repeat(rapid.StateMachineActions(x))
	_, err = store.Check(t.Context(), database, nil, func(fault string) { rt.Errorf("fault: %s", fault) })
	ok(t, err)
}
