package store_test

import (
	"fmt"
	"strings"
	"testing"

	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

func TestCreateModelGivesTheLiveOneOfThatName(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		p, other := storetest.Project(t, s, "p"), storetest.Project(t, s, "other")
		m := must(s.CreateModel(ctx, record.Model{Project: p.Key, Name: "m", Description: ptr("first")}, storetest.By))(t)
		same(t, m, record.Model{Key: m.Key, Project: p.Key, Name: "m", Description: ptr("first"), Created: m.Created})
		same(t, must(s.CreateModel(ctx, record.Model{Project: p.Key, Name: "m"}, storetest.By))(t), m)
		same(t, must(s.Model(ctx, m.Key))(t), m)
		if m.Key <= 0 || m.Key >= 1<<53 {
			t.Errorf("its key is %d, which JavaScript cannot read", m.Key)
		}
		if namesake := model(t, s, other.Key, "m"); namesake.Key == m.Key {
			t.Error("two projects share a model")
		}
	})
}

func TestModelThatIsNotThereIsNotFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		_, err := s.Model(ctx, 4711)
		refused(t, record.NotFound, err)
		if !strings.Contains(err.Error(), "4711") {
			t.Errorf("%v does not name the id", err)
		}
		_, err = s.ModelsNamed(ctx, "nobody", -1, 10)
		refused(t, record.NotFound, err)
		_, err = s.DescribeModel(ctx, 4711, nil, storetest.By)
		refused(t, record.NotFound, err)
		_, err = s.DeleteModel(ctx, 4711, storetest.By)
		refused(t, record.NotFound, err)
		_, err = s.RestoreModel(ctx, 4711, storetest.By)
		refused(t, record.NotFound, err)
		_, err = s.CreateRun(ctx, record.Run{Model: 4711, Name: "r"})
		refused(t, record.NotFound, err)
		_, _, err = s.Runs(ctx, ofModel(4711), store.FirstRun, 10, nil)
		refused(t, record.NotFound, err)
	})
}

func TestAmbiguousFullNameIsRefused(t *testing.T) {
	type place struct{ project, model string }
	for _, pair := range [][2]place{
		{{"a/b", "c"}, {"a", "b/c"}},
		{{"Default", "P/M"}, {"P", "M"}},
		{{"Default", "P/M/N"}, {"P/M", "N"}},
	} {
		for _, order := range [][2]place{pair, {pair[1], pair[0]}} {
			t.Run(strings.ReplaceAll(fmt.Sprint(order), "/", "|"), func(t *testing.T) {
				storetest.Each(t, func(t *testing.T, s *store.Store) {
					ctx := t.Context()
					one, two := storetest.Project(t, s, order[0].project), storetest.Project(t, s, order[1].project)
					first := model(t, s, one.Key, order[0].model)
					second := record.Model{Project: two.Key, Name: order[1].model}
					_, err := s.CreateModel(ctx, second, storetest.By)
					refused(t, record.Conflict, err)
					for _, id := range []string{record.ModelID(first.Key), record.ProjectID(one.Key)} {
						if !strings.Contains(err.Error(), id) {
							t.Errorf("%v does not name %s", err, id)
						}
					}
					same(t, must(s.Models(ctx, -1, 10))(t), []record.Model{first})

					// Once the first is gone the name is free, and the first refused.
					must(s.DeleteModel(ctx, first.Key, storetest.By))(t)
					made := must(s.CreateModel(ctx, second, storetest.By))(t)
					_, err = s.RestoreModel(ctx, first.Key, storetest.By)
					refused(t, record.Conflict, err)
					same(t, must(s.Models(ctx, -1, 10))(t), []record.Model{made})
				})
			})
		}
	}
}

func TestModelsArePagedInTheOrderInWhichTheyWereMade(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		var all, ofP, named []record.Model
		var p record.Project
		for i := range 9 {
			p = storetest.Project(t, s, fmt.Sprint("p", i%3))
			m := model(t, s, p.Key, fmt.Sprint("m", i/3))
			all = append(all, m)
			if i%3 == 2 {
				ofP = append(ofP, m)
			}
			if i/3 == 1 {
				named = append(named, m)
			}
		}
		for _, limit := range []int{1, 2, 7, 100} {
			for name, list := range map[string]struct {
				want []record.Model
				page func(after int64) ([]record.Model, error)
			}{
				"all":        {all, func(after int64) ([]record.Model, error) { return s.Models(ctx, after, limit) }},
				"of project": {ofP, func(after int64) ([]record.Model, error) { return s.ModelsOfProject(ctx, p.Key, after, limit) }},
				"named":      {named, func(after int64) ([]record.Model, error) { return s.ModelsNamed(ctx, "m1", after, limit) }},
			} {
				var got []record.Model
				for after := int64(-1); ; after = got[len(got)-1].Key {
					page := must(list.page(after))(t)
					if len(page) > limit {
						t.Fatalf("%s: a page of at most %d has %d", name, limit, len(page))
					}
					if got = append(got, page...); len(page) == 0 {
						break
					}
				}
				same(t, got, list.want)
			}
		}
	})
}
