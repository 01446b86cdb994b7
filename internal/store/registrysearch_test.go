package store_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"modeldb/internal/filter"
	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

// found are the names and numbers of a whole search, page by page.
func found(t testing.TB, s *store.Store, q store.RegistrySearch) (all []string) {
	t.Helper()
	for {
		page := must(s.SearchModelVersions(t.Context(), q))(t)
		if len(page.Versions) > q.Limit || page.Next != "" && len(page.Versions) < q.Limit {
			t.Fatalf("a page of %d has %d versions", q.Limit, len(page.Versions))
		}
		for _, v := range page.Versions {
			all = append(all, fmt.Sprint(v.FullName, v.Version))
		}
		if q.Token = page.Next; q.Token == "" {
			return all
		}
	}
}

func TestVersionsAreFoundInOrderAndInPages(t *testing.T) {
	for _, e := range storetest.Engines() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			var tick atomic.Int64
			s, _ := storetest.Open(t, e, store.Options{Now: func() time.Time { return time.UnixMilli(1_800_000_000_000 + tick.Load()/3) }})
			ctx := t.Context()
			for _, name := range []string{"b", "a", "c"} {
				registered(t, s, name)
				for i := range 4 {
					tick.Add(1)
					must(s.CreateModelVersion(ctx, store.NewModelVersion{ModelVersion: record.ModelVersion{
						FullName: name, Source: "s3://" + name, Run: fmt.Sprint("run", i%2), Tags: []record.Tag{{Key: "n", Value: fmt.Sprint(i)}},
					}}, byTest))(t)
				}
			}
			ok(t, s.DeleteModelVersion(ctx, "a", 2, byTest))
			tick.Add(3)
			must(s.DescribeModelVersion(ctx, "b", 1, ptr("d"), byTest))(t)

			for _, x := range []struct{ filter, order, want string }{
				{"", "", "b1 c4 c3 c2 c1 a4 a3 a1 b4 b3 b2"},
				{"", "name", "a4 a3 a1 b4 b3 b2 b1 c4 c3 c2 c1"},
				{"", "name DESC, version_number", "c1 c2 c3 c4 b1 b2 b3 b4 a1 a3 a4"},
				{"", "version_number", "a1 b1 c1 b2 c2 a3 b3 c3 a4 b4 c4"},
				{"", "version_number DESC, name DESC", "c4 b4 a4 c3 b3 a3 c2 b2 c1 b1 a1"},
				{"name = 'b'", "", "b1 b4 b3 b2"},
				{"name = 'b'", "creation_timestamp", "b2 b1 b4 b3"},
				{"name IN ('c', 'a', 'c', 'nobody')", "version_number", "a1 c1 c2 a3 c3 a4 c4"},
				{"name = 'nobody'", "", ""},
				{"name LIKE '_' AND name != 'b'", "name", "a4 a3 a1 c4 c3 c2 c1"},
				{"run_id = 'run1'", "name", "a4 b4 b2 c4 c2"},
				{"run_id = 'run1' AND name = 'b'", "name", "b4 b2"},
				{"run_id IN ('run1', 'run0') AND version_number > 3", "name", "a4 b4 c4"},
				{"source_path = 's3://c'", "name", "c4 c3 c2 c1"},
				{"tags.n = '0'", "name", "a1 b1 c1"},
				{"tags.n != '0' AND version_number <= 3", "name", "a3 b3 b2 c3 c2"},
				{"name = 'a' OR version_number = 1", "name", "a4 a3 a1 b1 c1"},
				{"tags.n = '0' AND NOT tags.n = '1' AND tags.n = '0' AND NOT tags.none = 'x' AND name != 'b'", "name", "a1 c1"},
				{"NOT (tags.n = '0' AND name = 'a') AND version_number = 1", "name", "b1 c1"},
				{"NOT tags.n = '3' AND name = 'c'", "version_number", "c1 c2 c3"},
			} {
				expr, err := filter.Parse(filter.ModelVersions, x.filter)
				ok(t, err)
				var clauses []string
				if x.order != "" {
					clauses = strings.Split(x.order, ", ")
				}
				order, err := filter.ParseOrder(filter.ModelVersions, clauses)
				ok(t, err)
				for _, limit := range []int{1, 2, 3, 100} {
					if got := strings.Join(found(t, s, store.RegistrySearch{Filter: expr, Order: order, Limit: limit}), " "); got != x.want {
						t.Errorf("%q by %q in pages of %d:\n got %s\nwant %s", x.filter, x.order, limit, got, x.want)
					}
				}
			}
		})
	}
}

func TestPagesStayRightWhileVersionsAreAdded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		registered(t, s, "m")
		for range 5 {
			version(t, s, "m")
		}
		order, err := filter.ParseOrder(filter.ModelVersions, []string{"version_number DESC"})
		ok(t, err)
		q := store.RegistrySearch{Order: order, Limit: 2}
		var numbers []int64
		for {
			page := must(s.SearchModelVersions(ctx, q))(t)
			for _, v := range page.Versions {
				numbers = append(numbers, v.Version)
			}
			if q.Token = page.Next; q.Token == "" {
				break
			}
			version(t, s, "m")
			ok(t, s.DeleteModelVersion(ctx, "m", numbers[len(numbers)-1], byTest)) // the page's last one
		}
		same(t, numbers, []int64{5, 4, 3, 2, 1})

		first := must(s.SearchModelVersions(ctx, store.RegistrySearch{Limit: 2}))(t)
		for _, token := range []string{"x", first.Next + "AA", first.Next[:len(first.Next)-4]} {
			refused(t, record.Invalid, second(s.SearchModelVersions(ctx, store.RegistrySearch{Limit: 2, Token: token})))
		}
		refused(t, record.Invalid, second(s.SearchModelVersions(ctx, store.RegistrySearch{Limit: 2, Order: order, Token: first.Next})))
		refused(t, record.Invalid, second(s.SearchRegisteredModels(ctx, store.RegistrySearch{Limit: 2, Token: first.Next})))
	})
}

func TestRegisteredModelsAreFoundInOrderAndInPages(t *testing.T) {
	eachTicking(t, func(t *testing.T, s *store.Store, _ string) {
		ctx := t.Context()
		for i, name := range []string{"d", "B", "a", "c"} {
			must(s.CreateRegisteredModel(ctx, store.NewRegisteredModel{Name: name, Tags: []record.Tag{{Key: "n", Value: fmt.Sprint(i % 2)}}}, byTest))(t)
		}
		version(t, s, "B")
		for _, x := range []struct{ filter, order, want string }{
			{"", "", "B a c d"},
			{"", "name DESC", "d c a B"},
			{"", "timestamp DESC", "B c a d"},
			{"tags.n = '1'", "", "B c"},
			{"name IN ('d', 'a')", "", "a d"},
			{"name ILIKE 'b'", "", "B"},
			{"name = 'a'", "timestamp", "a"},
		} {
			expr, err := filter.Parse(filter.RegisteredModels, x.filter)
			ok(t, err)
			var clauses []string
			if x.order != "" {
				clauses = []string{x.order}
			}
			order, err := filter.ParseOrder(filter.RegisteredModels, clauses)
			ok(t, err)
			for _, limit := range []int{1, 2, 100} {
				q := store.RegistrySearch{Filter: expr, Order: order, Limit: limit}
				var names []string
				for {
					page := must(s.SearchRegisteredModels(ctx, q))(t)
					for _, m := range page.Models {
						names = append(names, m.Name)
						if m.Name == "B" && len(m.Latest) != 1 {
							t.Errorf("B has the latest versions %v", m.Latest)
						}
					}
					if q.Token = page.Next; q.Token == "" {
						break
					}
				}
				if got := strings.Join(names, " "); got != x.want {
					t.Errorf("%q by %q in pages of %d: got %s, want %s", x.filter, x.order, limit, got, x.want)
				}
			}
		}
	})
}
