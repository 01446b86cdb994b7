package store_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"zombiezen.com/go/sqlite"

	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

// A faultKind is one way in which a call to the database goes wrong.
type faultKind struct {
	name string
	// call takes the place of the call.
	call func(f *faults, name string, do func() error) error
	// unknown: an operation that fails may have been kept.
	unknown bool
	// unavailable: an operation that fails says that the database is away.
	unavailable bool
	engine      string // on which it can happen; empty: on all
	// tries is how often an operation is tried afterwards until it works.
	tries int
}

var errFault = errors.New("a fault made by the test")

var faultKinds = []faultKind{
	{name: "unavailable before the call", tries: 1, unavailable: true,
		call: func(*faults, string, func() error) error { return record.Unavailable.Wrap(errFault, "away") }},
	{name: "unknown error before the call", tries: 1,
		call: func(*faults, string, func() error) error { return errFault }},
	{name: "full", tries: 1,
		call: func(*faults, string, func() error) error { return record.Full.Wrap(errFault, "full") }},
	{name: "answer lost", tries: 1, unknown: true, unavailable: true,
		call: func(_ *faults, _ string, do func() error) error {
			return errors.Join(do(), record.Unavailable.Wrap(errFault, "lost"))
		}},
	{name: "unknown error after the call", tries: 1,
		call: func(_ *faults, name string, do func() error) error {
			if name == "commit" { // has kept nothing when it returns an unknown error
				return errFault
			}
			return errors.Join(do(), errFault)
		}},
	{name: "to be done again", tries: 1,
		call: func(f *faults, _ string, do func() error) error {
			if f.engine == "sqlite" {
				return sqlite.ResultBusy.ToError()
			}
			return &pgconn.PgError{Code: "40001", Message: "made by the test"}
		}},
	{name: "cancelled", tries: 1,
		call: func(f *faults, _ string, do func() error) error { f.cancel(); return do() }},
	{name: "late", tries: 1,
		call: func(f *faults, _ string, do func() error) error {
			time.AfterFunc(time.Millisecond, f.cancel)
			time.Sleep(3 * time.Millisecond)
			return do()
		}},
	{name: "connections ended before the call", tries: 20, unavailable: true, engine: "postgres",
		call: func(f *faults, _ string, do func() error) error { f.endConnections(); return do() }},
	{name: "connections ended after the call", tries: 20, unavailable: true, engine: "postgres",
		call: func(f *faults, _ string, do func() error) error { err := do(); f.endConnections(); return err }},
}

// faults stands around the calls to the database and lets one go wrong.
type faults struct {
	kind           faultKind
	engine         string
	cancel         func()
	endConnections func()

	mu    sync.Mutex // guards what follows
	armed bool       // calls are counted
	left  int        // calls until the fault; negative: it has happened
	hit   string     // the call that went wrong
}

func (f *faults) around(name string, do func() error) error {
	f.mu.Lock()
	now := false
	if f.armed {
		now = f.left == 0
		f.left--
		if now {
			f.hit = name
		}
	}
	f.mu.Unlock()
	if now {
		return f.kind.call(f, name, do)
	}
	return do()
}

func (f *faults) arm(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = on
}

// scene is what the operations work on. Its records are told from those of
// other scenes by their names.
type scene struct {
	s            *store.Store
	tag          string
	project      int64
	model        int64
	small, large record.RunID
}

func (sc *scene) named(name string) string { return name + "-" + sc.tag }

// creates is how many steps make the records that the others change.
const creates = 4

// step is one operation.
type step struct {
	name string
	do   func(context.Context, *scene) error
	// reads: after the commit, the operation reads what it returns. If that
	// fails, the caller gets an error for a change that was made.
	reads bool
}

var steps = []step{
	{name: "CreateProject", do: func(ctx context.Context, sc *scene) error {
		_, err := sc.s.CreateProject(ctx, record.Project{Name: sc.named("project")}, storetest.By)
		return err
	}},
	{name: "CreateModel", do: func(ctx context.Context, sc *scene) error {
		_, err := sc.s.CreateModel(ctx, record.Model{Project: sc.project, Name: sc.named("model")}, storetest.By)
		return err
	}},
	{name: "CreateRun small", do: func(ctx context.Context, sc *scene) error {
		_, err := sc.s.CreateRun(ctx, sc.run("small", 1))
		return err
	}},
	{name: "CreateRun large", do: func(ctx context.Context, sc *scene) error {
		_, err := sc.s.CreateRun(ctx, sc.run("large", 40<<10))
		return err
	}},
	{name: "AddEvaluations small", do: func(ctx context.Context, sc *scene) error { return sc.addEvaluations(ctx, sc.small, 1) }},
	{name: "AddEvaluations large", do: func(ctx context.Context, sc *scene) error { return sc.addEvaluations(ctx, sc.large, 1) }},
	{name: "AddArtifacts small", do: func(ctx context.Context, sc *scene) error { return sc.addArtifacts(ctx, sc.small) }},
	{name: "AddArtifacts large", do: func(ctx context.Context, sc *scene) error { return sc.addArtifacts(ctx, sc.large) }},
	{name: "DescribeProject", do: func(ctx context.Context, sc *scene) error {
		text := "of the project"
		_, err := sc.s.DescribeProject(ctx, sc.project, &text, storetest.By)
		return err
	}},
	{name: "DescribeModel", do: func(ctx context.Context, sc *scene) error {
		text := "of the model"
		_, err := sc.s.DescribeModel(ctx, sc.model, &text, storetest.By)
		return err
	}},
	{name: "CreateRegisteredModel", do: func(ctx context.Context, sc *scene) error {
		_, err := sc.s.CreateRegisteredModel(ctx, store.NewRegisteredModel{Project: &sc.project, Name: "m", Tags: []record.Tag{{Key: "k", Value: "v"}}}, byTest)
		return err
	}},
	{name: "CreateModelVersion", do: func(ctx context.Context, sc *scene) error {
		_, err := sc.s.CreateModelVersion(ctx, store.NewModelVersion{ModelVersion: record.ModelVersion{FullName: sc.registered(), Tags: []record.Tag{{Key: "k", Value: "v"}}}}, byTest)
		return err
	}},
	{name: "SetAlias", do: func(ctx context.Context, sc *scene) error {
		return sc.s.SetAlias(ctx, sc.registered(), "a", 1, byTest)
	}},
	{name: "MoveStage", do: func(ctx context.Context, sc *scene) error {
		_, err := sc.s.MoveStage(ctx, sc.registered(), 1, record.StageProduction, true, byTest)
		return err
	}},
	{name: "DeleteModelVersion", do: func(ctx context.Context, sc *scene) error {
		return sc.s.DeleteModelVersion(ctx, sc.registered(), 1, byTest)
	}},
	{name: "DeleteRegisteredModel", do: func(ctx context.Context, sc *scene) error {
		return sc.s.DeleteRegisteredModel(ctx, sc.registered(), byTest)
	}},
	{name: "DeleteRun small", do: func(ctx context.Context, sc *scene) error {
		_, err := sc.s.DeleteRun(ctx, sc.small, storetest.By)
		return err
	}},
	{name: "RestoreRun small", reads: true, do: func(ctx context.Context, sc *scene) error {
		_, err := sc.s.RestoreRun(ctx, sc.small, storetest.By)
		return err
	}},
	{name: "AddEvaluations that make a small run large", do: func(ctx context.Context, sc *scene) error {
		return sc.addEvaluations(ctx, sc.small, 40<<10)
	}},
	{name: "DeleteRun large", do: func(ctx context.Context, sc *scene) error {
		_, err := sc.s.DeleteRun(ctx, sc.large, storetest.By)
		return err
	}},
	{name: "RestoreRun large", reads: true, do: func(ctx context.Context, sc *scene) error {
		_, err := sc.s.RestoreRun(ctx, sc.large, storetest.By)
		return err
	}},
	{name: "DeleteModel", do: func(ctx context.Context, sc *scene) error {
		_, err := sc.s.DeleteModel(ctx, sc.model, storetest.By)
		return err
	}},
	{name: "RestoreModel", do: func(ctx context.Context, sc *scene) error {
		_, err := sc.s.RestoreModel(ctx, sc.model, storetest.By)
		return err
	}},
	{name: "DeleteProject", do: func(ctx context.Context, sc *scene) error {
		_, err := sc.s.DeleteProject(ctx, sc.project, storetest.By)
		return err
	}},
	{name: "RestoreProject", do: func(ctx context.Context, sc *scene) error {
		_, err := sc.s.RestoreProject(ctx, sc.project, storetest.By)
		return err
	}},
}

// registered is the full name of the scene's registered model.
func (sc *scene) registered() string {
	return record.RegisteredFullName(record.Project{Key: sc.project, Name: sc.named("project")}, "m")
}

// run is a run whose names of metrics and datasets nobody has used before.
func (sc *scene) run(name string, size int) record.Run {
	r := storetest.FullRun(sc.model, sc.named(name))
	r.Metrics = append(r.Metrics, record.Metric{Key: sc.named("loss-" + name), Point: record.Point{Value: 1}})
	r.Datasets = append(r.Datasets, record.TextDataset(record.RoleValidation, sc.named("data-"+name)))
	r.Params = append(r.Params, record.Param{Key: "text", Value: `"` + strings.Repeat("x", size) + `"`})
	return r
}

func (sc *scene) addEvaluations(ctx context.Context, id record.RunID, size int) error {
	metrics := []record.Metric{
		{Key: "accuracy", Point: record.Point{Value: float64(size)}},
		{Key: sc.named(fmt.Sprint("new-", id == sc.small, size)), Point: record.Point{Value: 2}},
	}
	_, err := sc.s.AddEvaluations(ctx, id, metrics,
		[]record.Evaluation{{Key: fmt.Sprint("text", size), Value: `"` + strings.Repeat("y", size) + `"`}})
	return err
}

func (sc *scene) addArtifacts(ctx context.Context, id record.RunID) error {
	_, err := sc.s.AddArtifacts(ctx, id, []record.ArtifactRef{{Key: "more", Value: `"s3://more"`}})
	return err
}

// look returns all that is there of a scene as one text that is equal for
// equal scenes, and notes the keys.
func (sc *scene) look(ctx context.Context) (string, error) {
	var b strings.Builder
	p, err := sc.s.ProjectByName(ctx, sc.named("project"))
	if record.KindOf(err) == record.NotFound {
		return "nothing", nil
	}
	if err != nil {
		return "", err
	}
	sc.project = p.Key
	models, err := sc.s.ModelsOfProject(ctx, p.Key, -1, 10)
	if err != nil {
		return "", err
	}
	describe := func(name string, description *string) {
		fmt.Fprintf(&b, "%s", name)
		if description != nil {
			fmt.Fprintf(&b, " (%s)", *description)
		}
		b.WriteString("\n")
	}
	describe(p.Name, p.Description)
	registry, err := sc.s.SearchRegisteredModels(ctx, store.RegistrySearch{Project: &p, Limit: 10})
	if err != nil {
		return "", err
	}
	for _, m := range registry.Models {
		fmt.Fprintf(&b, "registered %s %d %v", m.Name, m.Versions, m.Tags)
		for _, a := range m.Aliases {
			fmt.Fprintf(&b, " %s=%d", a.Name, a.Version)
		}
		for _, v := range m.Latest {
			fmt.Fprintf(&b, " version %d %s %v", v.Version, v.Stage, v.Tags)
		}
		b.WriteString("\n")
	}
	for _, m := range models {
		sc.model = m.Key
		describe(m.Name, m.Description)
		after := store.FirstRun
		var runs []record.Run
		for done := false; !done; {
			after, done, err = sc.s.Runs(ctx, store.RunSet{Model: &m.Key}, after, 10, func(r *record.Run) bool {
				copied := *r
				copied.Params, copied.Datasets = slices.Clone(r.Params), slices.Clone(r.Datasets)
				copied.Metrics, copied.Evaluations, copied.Artifacts = slices.Clone(r.Metrics), slices.Clone(r.Evaluations), slices.Clone(r.Artifacts)
				runs = append(runs, copied)
				return true
			})
			if err != nil {
				return "", err
			}
		}
		for _, r := range runs {
			switch r.Name {
			case sc.named("small"):
				sc.small = r.ID
			case sc.named("large"):
				sc.large = r.ID
			}
			fmt.Fprintf(&b, "%s %d %d params %v datasets %v", r.Name, r.Status, r.Given, r.Params, r.Datasets)
			for _, m := range r.Metrics {
				fmt.Fprintf(&b, " %s=%v at %d", m.Key, m.Value, m.Step)
			}
			fmt.Fprintf(&b, " evaluations %v artifacts %v\n", r.Evaluations, r.Artifacts)
		}
	}
	return strings.ReplaceAll(b.String(), sc.tag, "#"), nil
}

// Whichever call to the database fails, and however it does: an operation
// returns; what it reports is true; nothing half is left; and the next one works.
func TestEveryCallToTheDatabaseMayFail(t *testing.T) {
	for _, e := range storetest.Engines() {
		for _, kind := range faultKinds {
			if kind.engine != "" && kind.engine != e.Name || e.Partitions > 0 && !kind.unknown {
				continue
			}
			t.Run(e.Name+"/"+kind.name, func(t *testing.T) {
				t.Parallel()
				f := &faults{kind: kind, cancel: func() {}}
				s, database := storetest.Open(t, e, store.Options{Around: f.around})
				f.engine = s.Engine()
				if kind.engine == "postgres" {
					f.endConnections = connectionEnder(t, database)
				}
				f.left = math.MaxInt
				states := []string{"nothing"}
				(&play{f: f, sc: &scene{s: s, tag: "tag00000"}, states: &states}).run(t)
				stride := 1
				if testing.Short() {
					stride = 7
				}
				k := 0
				for ; ; k += stride {
					f.left, f.hit = k, ""
					p := &play{f: f, sc: &scene{s: s, tag: fmt.Sprintf("tag%05d", k+1)}, states: &states}
					p.run(t)
					if t.Failed() {
						t.Fatalf("the call %d, %s, went wrong", k, f.hit)
					}
					if f.left >= 0 {
						break // the scene has fewer calls
					}
				}
				t.Logf("%d calls", k)
				if k < 40 {
					t.Errorf("only %d calls were seen", k)
				}
			})
		}
	}
}

// play is one run of all steps, in which one call goes wrong.
type play struct {
	f      *faults
	sc     *scene
	states *[]string // how a scene looks after each step; the first play writes them
}

func (p *play) run(t *testing.T) {
	t.Helper()
	for i, st := range steps {
		before := (*p.states)[i]
		err := p.do(t, st)
		if t.Failed() {
			return
		}
		first := i+1 == len(*p.states)
		if !first && p.f.left >= 0 && i >= creates {
			continue // no fault yet
		}
		state := p.look(t)
		if first {
			if err != nil {
				t.Fatalf("%s: %v", st.name, err)
			}
			if state == before {
				t.Fatalf("%s has changed nothing", st.name)
			}
			*p.states = append(*p.states, state)
			continue
		}
		after := (*p.states)[i+1]
		if err == nil {
			if state != after {
				t.Fatalf("%s returned success, but there is\n%.1500s\ninstead of\n%.1500s", st.name, state, after)
			}
			if p.f.left < -20 {
				return // well after the fault: the rest has been seen
			}
			continue
		}
		if kind := record.KindOf(err); p.f.kind.unavailable && kind != record.Unavailable {
			t.Errorf("%s: the error is of the kind %d, not Unavailable: %v", st.name, kind, err)
		}
		switch {
		case state == before:
		case state == after && (p.f.kind.unknown || st.reads):
			continue
		case state == after:
			t.Fatalf("%s returned an error, but has been kept: %v", st.name, err)
		default:
			t.Fatalf("%s returned %v, and has left\n%.1500s\nbefore there was\n%.1500s", st.name, err, state, before)
		}
		for try := range p.f.kind.tries {
			if err = p.do(t, st); err == nil {
				break
			}
			if try+1 == p.f.kind.tries {
				t.Fatalf("%s does not work after the fault: %v", st.name, err)
			}
		}
		if state := p.look(t); state != after {
			t.Fatalf("%s was done again, and there is\n%.1500s\ninstead of\n%.1500s", st.name, state, after)
		}
	}
}

// do does a step with the fault armed. It must return.
func (p *play) do(t *testing.T, st step) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p.f.cancel = cancel
	p.f.arm(true)
	defer p.f.arm(false)
	done := make(chan error, 1)
	go func() { done <- st.do(ctx, p.sc) }()
	select {
	case err := <-done:
		return err
	case <-time.After(20 * time.Second):
		t.Fatalf("%s hangs after the fault in %s", st.name, p.f.hit)
		return nil
	}
}

// look reads without faults; connections that were ended show first.
func (p *play) look(t *testing.T) string {
	t.Helper()
	for try := 1; ; try++ {
		state, err := p.sc.look(t.Context())
		if err == nil {
			return state
		}
		if try >= p.f.kind.tries || record.KindOf(err) != record.Unavailable {
			t.Fatalf("read after the fault: %v", err)
		}
	}
}

// connectionEnder returns a function that ends all other connections to a
// PostgreSQL database.
func connectionEnder(t *testing.T, database string) func() {
	t.Helper()
	address, _, _ := strings.Cut(database, "?")
	c, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return func() {
		const sql = `
			select count(pg_terminate_backend(pid))
			from pg_stat_activity
			where datname = current_database()
			  and pid <> pg_backend_pid()`
		for n := 1; n > 0; {
			if err := c.QueryRow(context.Background(), sql).Scan(&n); err != nil {
				t.Error(err)
				return
			}
		}
	}
}

// A write that fails does not take others with it that share its commit.
func TestBadWriteFailsAlone(t *testing.T) {
	for _, e := range storetest.Engines() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			var gate atomic.Pointer[chan struct{}]
			blocked := make(chan struct{}, 1)
			s, _ := storetest.Open(t, e, store.Options{Around: func(name string, do func() error) error {
				if g := gate.Load(); g != nil && name == "begin" {
					select {
					case blocked <- struct{}{}:
					default:
					}
					<-*g
				}
				return do()
			}})
			model := storetest.Model(t, s, "model").Key
			target := storetest.Run(t, s, model, "target").ID
			nowhere := storetest.Run(t, s, model, "deleted").ID
			if _, err := s.DeleteRun(t.Context(), nowhere, storetest.By); err != nil {
				t.Fatal(err)
			}
			bad := map[string]func() error{
				"run that is deleted": func() error {
					_, err := s.AddArtifacts(t.Context(), nowhere, []record.ArtifactRef{{Key: "a", Value: "1"}})
					return err
				},
				"model that is not there": func() error {
					_, err := s.CreateRun(t.Context(), storetest.FullRun(77, "bad"))
					return err
				},
				"project that is not there": func() error {
					_, err := s.RestoreProject(t.Context(), 99, storetest.By)
					return err
				},
			}
			if s.Engine() == "postgres" {
				bad["text that the database refuses"] = func() error {
					r := storetest.FullRun(model, "bad")
					r.Datasets[0].Role = "\x00" // in a row, and not checked: doors know the roles
					_, err := s.CreateRun(t.Context(), r)
					return err
				}
			}
			for name, write := range bad {
				t.Run(name, func(t *testing.T) {
					g := make(chan struct{})
					gate.Store(&g)
					errs := make([]error, 21)
					var wg sync.WaitGroup
					wg.Go(func() { // keeps the committer busy
						_, errs[0] = s.CreateProject(t.Context(), record.Project{Name: "gate " + name}, storetest.By)
					})
					<-blocked
					for i := 1; i < len(errs); i++ {
						wg.Go(func() {
							if i == 10 {
								errs[i] = write()
								return
							}
							switch i % 3 {
							case 0:
								_, errs[i] = s.AddArtifacts(t.Context(), target, []record.ArtifactRef{{Key: fmt.Sprint(name, i), Value: "1"}})
							case 1:
								_, errs[i] = s.CreateRun(t.Context(), storetest.FullRun(model, fmt.Sprint(name, i)))
							default:
								_, errs[i] = s.CreateProject(t.Context(), record.Project{Name: fmt.Sprint(name, i%2)}, storetest.By)
							}
						})
					}
					time.Sleep(30 * time.Millisecond) // all are in the queue
					gate.Store(nil)
					close(g)
					wg.Wait()
					for i, err := range errs {
						if (err != nil) != (i == 10) {
							t.Errorf("write %d: %v", i, err)
						}
					}
					r, err := s.Run(t.Context(), target)
					if err != nil {
						t.Fatal(err)
					}
					for i := 1; i < len(errs); i++ {
						if i == 10 {
							continue
						}
						switch i % 3 {
						case 0:
							if !slices.Contains(r.Artifacts, record.ArtifactRef{Key: fmt.Sprint(name, i), Value: "1"}) {
								t.Errorf("write %d is lost", i)
							}
						case 1:
							if _, err := s.RunNamed(t.Context(), fmt.Sprint(name, i)); err != nil {
								t.Errorf("write %d: %v", i, err)
							}
						}
					}
					if _, err := s.RunNamed(t.Context(), "bad"); record.KindOf(err) != record.NotFound {
						t.Errorf("the bad write was kept: %v", err)
					}
				})
			}
		})
	}
}
