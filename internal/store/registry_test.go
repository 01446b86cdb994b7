package store_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

var byTest = record.Cause{By: storetest.By}

// registered makes a registered model of the default project.
func registered(t testing.TB, s *store.Store, name string) record.RegisteredModel {
	t.Helper()
	return must(s.CreateRegisteredModel(t.Context(), store.NewRegisteredModel{Name: name}, byTest))(t)
}

// version makes the next version of a registered model.
func version(t testing.TB, s *store.Store, full string) record.ModelVersion {
	t.Helper()
	return must(s.CreateModelVersion(t.Context(), store.NewModelVersion{ModelVersion: record.ModelVersion{FullName: full, Source: "s3://b/m", Origin: "s3://b/m"}}, byTest))(t)
}

// noTime is a registered model without what the store's clock says.
func noTime(m record.RegisteredModel) record.RegisteredModel {
	m.Created, m.Updated = 0, 0
	m.Aliases = slices.Clone(m.Aliases)
	for i := range m.Aliases {
		m.Aliases[i].Since = 0
	}
	m.Latest = slices.Clone(m.Latest)
	for i := range m.Latest {
		m.Latest[i].Created, m.Latest[i].Updated = 0, 0
	}
	return m
}

func TestEveryFieldOfTheRegistryIsKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		m := filled[record.RegisteredModel](t)
		made := must(s.CreateRegisteredModel(ctx, store.NewRegisteredModel{Name: m.Name, Description: m.Description, Tags: m.Tags}, byTest))(t)
		same(t, noTime(made), record.RegisteredModel{Key: made.Key, Name: m.Name, FullName: m.Name, Description: m.Description, Tags: m.Tags})

		v := filled[record.ModelVersion](t)
		v.FullName, v.Stage = m.Name, record.StageNone
		created := must(s.CreateModelVersion(ctx, store.NewModelVersion{ModelVersion: v}, byTest))(t)
		// The store's choice: the keys, the number, the times.
		v.Key, v.Model, v.Project, v.Name, v.Version = created.Key, made.Key, 0, m.Name, 1
		v.Created, v.Updated, v.Deleted = created.Created, created.Updated, 0
		ok(t, s.SetAlias(ctx, m.Name, "a", 1, record.Cause{By: "ann", Reason: "why"}))
		v.Aliases = []string{"a"}
		same(t, must(s.ModelVersion(ctx, m.Name, 1))(t), v)
		same(t, must(s.AliasedVersion(ctx, m.Name, "a"))(t), v)
		same(t, must(s.LatestVersions(ctx, m.Name, nil))(t), []record.ModelVersion{v})

		v.Aliases = nil
		got := must(s.RegisteredModel(ctx, m.Name))(t)
		same(t, got.Latest, []record.ModelVersion{v})
		same(t, noTime(got).Aliases, []record.Alias{{Name: "a", Version: 1, Interval: record.Interval{Cause: record.Cause{By: "ann", Reason: "why"}}}})
		same(t, got.Versions, int64(1))
		same(t, must(s.SearchModelVersions(ctx, store.RegistrySearch{Limit: 10}))(t).Versions, []record.ModelVersion{v})
		same(t, must(s.SearchRegisteredModels(ctx, store.RegistrySearch{Limit: 10}))(t).Models, []record.RegisteredModel{got})
	})
}

func TestRegisteredModelThatIsNotThereIsNotFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		registered(t, s, "m")
		for _, name := range []string{"nobody", "", "a\x00b", strings.Repeat("x", 5000), "\xff"} {
			refused(t, record.NotFound, second(s.RegisteredModel(ctx, name)))
			refused(t, record.NotFound, second(s.ModelVersion(ctx, name, 1)))
			refused(t, record.NotFound, second(s.LatestVersions(ctx, name, nil)))
			refused(t, record.NotFound, second(s.AliasedVersion(ctx, name, "a")))
			refused(t, record.NotFound, second(s.AliasAt(ctx, name, "a", 5)))
			refused(t, record.NotFound, second(s.RollBackAlias(ctx, name, "a", byTest)))
			refused(t, record.NotFound, second(s.DescribeRegisteredModel(ctx, name, "d", byTest)))
			refused(t, record.NotFound, second(s.RenameRegisteredModel(ctx, name, "n", byTest)))
			refused(t, record.NotFound, s.DeleteRegisteredModel(ctx, name, byTest))
			refused(t, record.NotFound, s.SetRegisteredModelTag(ctx, name, record.Tag{Key: "k"}))
			refused(t, record.NotFound, s.DeleteRegisteredModelTag(ctx, name, "k"))
			refused(t, record.NotFound, s.SetAlias(ctx, name, "a", 1, byTest))
			refused(t, record.NotFound, s.DeleteAlias(ctx, name, "a", byTest))
			refused(t, record.NotFound, second(s.CreateModelVersion(ctx, store.NewModelVersion{ModelVersion: record.ModelVersion{FullName: name}}, byTest)))
			_, _, err := s.Releases(ctx, name)
			refused(t, record.NotFound, err)
		}
		for _, number := range []int64{0, 1, -1, 1 << 62} {
			refused(t, record.NotFound, second(s.ModelVersion(ctx, "m", number)))
			refused(t, record.NotFound, second(s.DescribeModelVersion(ctx, "m", number, nil, byTest)))
			refused(t, record.NotFound, second(s.MoveStage(ctx, "m", number, record.StageStaging, false, byTest)))
			refused(t, record.NotFound, s.DeleteModelVersion(ctx, "m", number, byTest))
			refused(t, record.NotFound, s.SetAlias(ctx, "m", "a", number, byTest))
			refused(t, record.NotFound, s.SetModelVersionTag(ctx, "m", number, record.Tag{Key: "k"}))
			refused(t, record.NotFound, s.DeleteModelVersionTag(ctx, "m", number, "k"))
		}
		refused(t, record.NotFound, second(s.AliasedVersion(ctx, "m", "latest")))
	})
}

func TestNameOfARegisteredModelIsTakenUntilItIsDeleted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		old := registered(t, s, "m")
		version(t, s, "m")
		version(t, s, "m")
		refused(t, record.Conflict, second(s.CreateRegisteredModel(ctx, store.NewRegisteredModel{Name: "m"}, byTest)))
		registered(t, s, "n")
		refused(t, record.Conflict, second(s.RenameRegisteredModel(ctx, "n", "m", byTest)))
		ok(t, s.DeleteRegisteredModel(ctx, "m", byTest))
		refused(t, record.NotFound, second(s.ModelVersion(ctx, "m", 1)))
		made := registered(t, s, "m")
		if made.Key == old.Key {
			t.Error("the new one has the key of the old one")
		}
		same(t, version(t, s, "m").Version, int64(1))
		same(t, must(s.SearchModelVersions(ctx, store.RegistrySearch{Limit: 10}))(t).Versions[0].Model, made.Key)
	})
}

func TestRenamedRegisteredModelKeepsAllThatItHas(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		registered(t, s, "m")
		version(t, s, "m")
		ok(t, s.SetAlias(ctx, "m", "a", 1, byTest))
		ok(t, s.SetRegisteredModelTag(ctx, "m", record.Tag{Key: "k", Value: "v"}))
		before := must(s.RegisteredModel(ctx, "m"))(t)
		after := must(s.RenameRegisteredModel(ctx, "m", "n", byTest))(t)
		same(t, after, must(s.RegisteredModel(ctx, "n"))(t))
		refused(t, record.NotFound, second(s.RegisteredModel(ctx, "m")))
		before.Name, before.FullName, before.Latest[0].Name, before.Latest[0].FullName = "n", "n", "n", "n"
		same(t, noTime(after), noTime(before))
		same(t, must(s.AliasedVersion(ctx, "n", "a"))(t).Version, int64(1))
		registered(t, s, "m") // its old name is free
	})
}

func TestNumbersOfVersionsAreNeverGivenTwice(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		registered(t, s, "m")
		for want := int64(1); want < 4; want++ {
			same(t, version(t, s, "m").Version, want)
		}
		ok(t, s.DeleteModelVersion(ctx, "m", 3, byTest))
		same(t, version(t, s, "m").Version, int64(4))

		const creators, each = 16, 10
		var made [creators][]int64
		together(t, func(i int) error {
			if i >= creators {
				return nil
			}
			for range each {
				v, err := s.CreateModelVersion(ctx, store.NewModelVersion{ModelVersion: record.ModelVersion{FullName: "m"}}, byTest)
				if err != nil {
					return err
				}
				made[i] = append(made[i], v.Version)
			}
			return nil
		})
		var all []int64
		for _, some := range made {
			if !slices.IsSorted(some) {
				t.Errorf("one creator got %v", some)
			}
			all = append(all, some...)
		}
		slices.Sort(all)
		for i, number := range all {
			if number != int64(i)+5 {
				t.Fatalf("the numbers are %v", all)
			}
		}
	})
}

func TestAliasesOfADeletedVersionEndWithIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		registered(t, s, "m")
		version(t, s, "m")
		version(t, s, "m")
		ok(t, s.SetAlias(ctx, "m", "a", 1, byTest))
		ok(t, s.SetAlias(ctx, "m", "b", 2, byTest))
		must(s.MoveStage(ctx, "m", 1, record.StageStaging, false, byTest))(t)
		ok(t, s.DeleteModelVersion(ctx, "m", 1, byTest))
		refused(t, record.NotFound, second(s.AliasedVersion(ctx, "m", "a")))
		same(t, must(s.AliasedVersion(ctx, "m", "b"))(t).Version, int64(2))
		aliases, stages, err := s.Releases(ctx, "m")
		ok(t, err)
		same(t, []bool{aliases[0].Until != 0, aliases[1].Until != 0, stages[0].Until != 0}, []bool{true, false, true})
		refused(t, record.NotFound, second(s.RollBackAlias(ctx, "m", "a", byTest))) // that version is gone

		ok(t, s.DeleteRegisteredModel(ctx, "m", byTest)) // the check of the database looks at the rest
	})
}

func TestAliasMeantWhatItDidAtEachTime(t *testing.T) {
	for _, e := range storetest.Engines() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			var now atomic.Int64
			s, _ := storetest.Open(t, e, store.Options{Now: func() time.Time { return time.UnixMilli(1_800_000_000_000 + now.Load()) }})
			ctx := t.Context()
			registered(t, s, "m")
			for range 3 {
				version(t, s, "m")
			}
			at := func(ms int64) int64 { return 1_800_000_000_000 + ms }
			now.Store(10)
			ok(t, s.SetAlias(ctx, "m", "live", 1, record.Cause{By: "ann", Reason: "first"}))
			now.Store(20)
			ok(t, s.SetAlias(ctx, "m", "live", 2, record.Cause{By: "bob", Reason: "better"}))
			now.Store(25)
			ok(t, s.SetAlias(ctx, "m", "live", 2, record.Cause{By: "bob"})) // changes nothing
			now.Store(30)
			ok(t, s.DeleteAlias(ctx, "m", "live", byTest))
			ok(t, s.DeleteAlias(ctx, "m", "live", byTest))
			now.Store(40)
			ok(t, s.SetAlias(ctx, "m", "live", 3, byTest))

			for _, x := range []struct{ at, want int64 }{{9, 0}, {10, 1}, {19, 1}, {20, 2}, {29, 2}, {30, 0}, {39, 0}, {40, 3}, {400, 3}} {
				then, err := s.AliasAt(ctx, "m", "live", at(x.at))
				if x.want == 0 {
					refused(t, record.NotFound, err)
					continue
				}
				ok(t, err)
				same(t, then.Version, x.want)
			}
			aliases, _, err := s.Releases(ctx, "m")
			ok(t, err)
			same(t, aliases, []record.Alias{
				{Name: "live", Version: 1, Interval: record.Interval{Since: at(10), Until: at(20), Cause: record.Cause{By: "ann", Reason: "first"}}},
				{Name: "live", Version: 2, Interval: record.Interval{Since: at(20), Until: at(30), Cause: record.Cause{By: "bob", Reason: "better"}}},
				{Name: "live", Version: 3, Interval: record.Interval{Since: at(40), Cause: byTest}},
			})
			same(t, must(s.RollBackAlias(ctx, "m", "live", byTest))(t).Version, int64(2))
			same(t, must(s.AliasedVersion(ctx, "m", "live"))(t).Version, int64(2))
			refused(t, record.NotFound, second(s.RollBackAlias(ctx, "m", "never", byTest)))
		})
	}
}

func TestStagesMoveAndAreRemembered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		registered(t, s, "m")
		for range 4 {
			version(t, s, "m")
		}
		why := record.Cause{By: "ann", Reason: "tested"}
		move := func(number int64, to record.Stage, archive bool) {
			t.Helper()
			same(t, must(s.MoveStage(ctx, "m", number, to, archive, why))(t).Stage, to)
		}
		move(1, record.StageProduction, false)
		move(2, record.StageProduction, false)
		move(3, record.StageStaging, true)
		latest := func(stages ...record.Stage) (all []string) {
			for _, v := range must(s.LatestVersions(ctx, "m", stages))(t) {
				all = append(all, fmt.Sprint(v.Version, " ", v.Stage))
			}
			return all
		}
		same(t, latest(), []string{"2 Production", "3 Staging", "4 None"}) // by the lowest version of each stage
		same(t, latest(record.StageProduction, record.StageArchived), []string{"2 Production"})
		move(3, record.StageProduction, true)
		same(t, latest(), []string{"2 Archived", "3 Production", "4 None"})
		move(3, record.StageProduction, true) // once more changes nothing

		_, stages, err := s.Releases(ctx, "m")
		ok(t, err)
		var held []string
		for _, h := range stages {
			same(t, h.Cause, why)
			held = append(held, fmt.Sprint(h.Version, " ", h.Stage, " ", h.Until != 0))
		}
		same(t, held, []string{"1 Production true", "2 Production true", "3 Staging true", "1 Archived false", "2 Archived false", "3 Production false"})
	})
}

func TestRegisteredModelsAreOfProjects(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		p, odd := storetest.Project(t, s, "team-a"), storetest.Project(t, s, "Team A")
		create := func(project *int64, name string) record.RegisteredModel {
			t.Helper()
			return must(s.CreateRegisteredModel(ctx, store.NewRegisteredModel{Project: project, Name: name}, byTest))(t)
		}
		create(nil, "m")
		same(t, create(&p.Key, "m").FullName, "team-a.m")
		same(t, create(&odd.Key, "m").FullName, record.ProjectID(odd.Key)+".m")
		dotted := create(nil, "team-a.n.o")
		same(t, []any{dotted.Project, dotted.Name}, []any{p.Key, "n.o"})
		same(t, create(nil, "bert.base").Project, record.DefaultProject)
		later := storetest.Project(t, s, "bert")
		refused(t, record.Conflict, second(s.CreateRegisteredModel(ctx, store.NewRegisteredModel{Project: &later.Key, Name: "base"}, byTest)))
		refused(t, record.Conflict, second(s.RenameRegisteredModel(ctx, "m", "team-a.x", byTest)))
		refused(t, record.Conflict, second(s.RenameRegisteredModel(ctx, "team-a.m", "bert.x", byTest)))
		same(t, must(s.RenameRegisteredModel(ctx, "team-a.m", "team-a.x", byTest))(t).Name, "x")

		version(t, s, "team-a.x")
		found := func(project *record.Project) (models, versions int) {
			q := store.RegistrySearch{Project: project, Limit: 100}
			return len(must(s.SearchRegisteredModels(ctx, q))(t).Models), len(must(s.SearchModelVersions(ctx, q))(t).Versions)
		}
		counts := func(project *record.Project, wantModels, wantVersions int) {
			t.Helper()
			models, versions := found(project)
			same(t, []int{models, versions}, []int{wantModels, wantVersions})
		}
		counts(nil, 5, 1)
		counts(&p, 2, 1)
		counts(&odd, 1, 0)

		// They go out of sight with their project, and come back with it.
		must(s.DeleteProject(ctx, p.Key, storetest.By))(t)
		counts(nil, 3, 0)
		refused(t, record.NotFound, second(s.ModelVersion(ctx, "team-a.x", 1)))
		taken := registered(t, s, "team-a.x")
		refused(t, record.Conflict, second(s.RestoreProject(ctx, p.Key, storetest.By)))
		ok(t, s.DeleteRegisteredModel(ctx, taken.FullName, byTest))
		must(s.RestoreProject(ctx, p.Key, storetest.By))(t)
		counts(nil, 5, 1)
	})
}

var someNumber = regexp.MustCompile(`registered model \d+`)

func TestEachChangeOfTheRegistryAppendsItsEvent(t *testing.T) {
	eachTicking(t, func(t *testing.T, s *store.Store, database string) {
		ctx := t.Context()
		seen := 0
		appended := func(want ...string) {
			t.Helper()
			all := events(t, database)
			for i, e := range all {
				all[i] = someNumber.ReplaceAllString(e, "M")
			}
			same(t, all[seen:], want)
			seen = len(all)
		}
		why := record.Cause{By: "ann", Reason: "why"}
		must(s.CreateRegisteredModel(ctx, store.NewRegisteredModel{Name: "m", Description: "d"}, why))(t)
		appended(`ann created M  {"reason":"why","description":"d","name":"m","project_id":"000000000000"}`)
		refused(t, record.Conflict, second(s.CreateRegisteredModel(ctx, store.NewRegisteredModel{Name: "m"}, why)))
		must(s.DescribeRegisteredModel(ctx, "m", "e", byTest))(t)
		appended(`test described M {"description":"d"} {"description":"e"}`)
		version(t, s, "m")
		appended(`test version created M  {"run_id":"","source":"s3://b/m","version":"1"}`)
		version(t, s, "m")
		appended(`test version created M  {"run_id":"","source":"s3://b/m","version":"2"}`)
		must(s.DescribeModelVersion(ctx, "m", 1, ptr("x"), byTest))(t)
		appended(`test version described M {"description":null,"version":"1"} {"description":"x","version":"1"}`)
		ok(t, s.SetAlias(ctx, "m", "a", 1, why))
		appended(`ann alias moved M {"alias":"a","version":null} {"reason":"why","alias":"a","version":"1"}`)
		ok(t, s.SetAlias(ctx, "m", "a", 1, why))
		appended()
		ok(t, s.SetAlias(ctx, "m", "a", 2, byTest))
		appended(`test alias moved M {"alias":"a","version":"1"} {"alias":"a","version":"2"}`)
		must(s.MoveStage(ctx, "m", 1, record.StageProduction, false, byTest))(t)
		appended(`test stage moved M {"stage":"None","version":"1"} {"stage":"Production","version":"1"}`)
		must(s.MoveStage(ctx, "m", 2, record.StageProduction, true, byTest))(t)
		appended(`test stage moved M {"stage":"Production","version":"1"} {"stage":"Archived","version":"1"}`,
			`test stage moved M {"stage":"None","version":"2"} {"stage":"Production","version":"2"}`)
		must(s.RenameRegisteredModel(ctx, "m", "n", byTest))(t)
		appended(`test renamed M {"name":"m"} {"name":"n"}`)
		ok(t, s.DeleteModelVersion(ctx, "n", 2, byTest))
		appended(`test alias moved M {"alias":"a","version":"2"} {"alias":"a","version":null}`,
			`test version deleted M {"source":"s3://b/m","stage":"Production","version":"2"} `)
		ok(t, s.SetAlias(ctx, "n", "b", 1, byTest))
		appended(`test alias moved M {"alias":"b","version":null} {"alias":"b","version":"1"}`)
		ok(t, s.DeleteRegisteredModel(ctx, "n", why))
		appended(`ann alias moved M {"alias":"b","version":"1"} {"reason":"why","alias":"b","version":null}`,
			`ann deleted M {"name":"n"} {"reason":"why"}`)
	})
}

func TestReplayedEventsGiveThePresentAliases(t *testing.T) {
	e := storetest.Engines()[0]
	rapid.Check(t, func(r *rapid.T) {
		s, _ := storetest.Open(t, e, store.Options{})
		ctx := t.Context()
		m := registered(t, s, "m")
		for range 3 {
			version(t, s, "m")
		}
		for range rapid.IntRange(1, 20).Draw(r, "changes") {
			alias, number := rapid.SampledFrom([]string{"a", "b"}).Draw(r, "alias"), rapid.Int64Range(1, 3).Draw(r, "version")
			var err error
			switch rapid.IntRange(0, 9).Draw(r, "change") {
			case 0:
				err = s.DeleteModelVersion(ctx, "m", number, byTest)
			case 1, 2:
				err = s.DeleteAlias(ctx, "m", alias, byTest)
			case 3:
				err = second(s.RollBackAlias(ctx, "m", alias, byTest))
			default:
				err = s.SetAlias(ctx, "m", alias, number, byTest)
			}
			if err != nil && record.KindOf(err) != record.NotFound {
				r.Fatal(err)
			}
		}
		replayed, present := map[string]string{}, map[string]string{}
		for after, more := int64(-1), true; more; {
			page := must(s.EventsOf(ctx, store.RegisteredObject, m.Key, after, 5))(t)
			for _, event := range page {
				after = event.Key
				var now struct {
					Alias   string
					Version *string
				}
				if event.Kind != record.AliasMoved {
					continue
				}
				ok(t, json.Unmarshal([]byte(event.After), &now))
				if delete(replayed, now.Alias); now.Version != nil {
					replayed[now.Alias] = *now.Version
				}
			}
			more = len(page) == 5
		}
		for _, a := range must(s.RegisteredModel(ctx, "m"))(t).Aliases {
			present[a.Name] = fmt.Sprint(a.Version)
		}
		if !maps.Equal(replayed, present) {
			r.Fatalf("replayed %v, present %v", replayed, present)
		}
	})
}

func TestEventsAreReadInPagesFromATimeOn(t *testing.T) {
	eachTicking(t, func(t *testing.T, s *store.Store, database string) {
		ctx := t.Context()
		var began int64
		for i := range 7 {
			if p := storetest.Project(t, s, fmt.Sprint(i)); i == 2 {
				began = p.Created
			}
		}
		m := registered(t, s, "m")
		version(t, s, "m")
		var kinds []string
		for after := record.FirstSequence(began) - 1; ; {
			page := must(s.Events(ctx, after, 2))(t)
			for _, e := range page {
				after = e.Key
				kinds = append(kinds, string(e.Kind)+" "+e.Object)
			}
			if len(page) < 2 {
				break
			}
		}
		project, made := "created project", "created registered model"
		same(t, kinds, []string{project, project, project, project, project, made, "version created registered model"})
		of := must(s.EventsOf(ctx, store.RegisteredObject, m.Key, -1, 10))(t)
		same(t, of[0], record.Event{Key: of[0].Key, Time: m.Created, By: storetest.By, Kind: record.Created, Object: store.RegisteredObject, ID: m.Key,
			After: `{"description":"","name":"m","project_id":"000000000000"}`})
		same(t, len(of), 2)
	})
}

func TestLoggedModelListsItsVersions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		registered(t, s, "m")
		l, _, err := s.AddLoggedModel(ctx, record.LoggedModel{Name: "l"})
		ok(t, err)
		create := func(id string) error {
			return second(s.CreateModelVersion(ctx, store.NewModelVersion{ModelVersion: record.ModelVersion{FullName: "m", LoggedModel: id}, List: "m"}, byTest))
		}
		ok(t, create(l.ID))
		ok(t, create(l.ID))
		l, _, err = s.LoggedModel(ctx, l.ID)
		ok(t, err)
		same(t, l.Tags, []record.Tag{{Key: record.VersionsTag, Value: `[{"name": "m", "version": 1}, {"name": "m", "version": 2}]`}})
		refused(t, record.NotFound, create("m-00000000000000000000000000000000"))
		same(t, version(t, s, "m").Version, int64(3)) // the refused one took no number
	})
}
