package store_test

import (
	"fmt"
	"reflect"
	"testing"

	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

// fill sets every field of v, at any depth, to a value that no other field
// has. A field that is added to a record is filled, too, so that a column that
// was forgotten fails the tests below.
func fill(t testing.TB, v reflect.Value, n *int) {
	t.Helper()
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint("text ", *n))
	case reflect.Bool: // what is read, not kept
	case reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Float64:
		v.SetFloat(float64(*n) + 0.25)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(t, v.Index(i), n)
		}
	case reflect.Array:
		for i := range v.Len() {
			v.Index(i).SetUint(uint64(*n + i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), n)
		}
	default:
		t.Fatalf("fill knows no %s", v.Type())
	}
}

func filled[T any](t testing.TB) (v T) {
	t.Helper()
	n := 100
	fill(t, reflect.ValueOf(&v).Elem(), &n)
	return v
}

func TestEveryFieldOfAProjectAndAModelIsKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		p := filled[record.Project](t)
		p.Deleted = 0 // a new one is live
		made := must(s.CreateProject(ctx, p, storetest.By))(t)
		p.Key, p.Created = made.Key, made.Created // the store's choice
		same(t, made, p)
		same(t, must(s.Project(ctx, p.Key))(t), p)
		same(t, must(s.Projects(ctx, -1, 1))(t)[0], p)

		m := filled[record.Model](t)
		m.Deleted, m.Project = 0, p.Key
		madeModel, tags := must(s.CreateModel(ctx, m, storetest.By))(t), m.Tags
		m.Key, m.Created = madeModel.Key, madeModel.Created
		same(t, madeModel, m)
		same(t, must(s.AnyModel(ctx, m.Key))(t), m)
		same(t, must(s.AnyModel(ctx, m.Key))(t).Tags, tags)
		m.Tags = nil // the Model DB API has none
		same(t, must(s.Model(ctx, m.Key))(t), m)
		same(t, must(s.Models(ctx, -1, 1))(t)[0], m)
	})
}

func TestEveryFieldOfARunIsKept(t *testing.T) {
	eachSize(t, func(t *testing.T, s *store.Store, size func(record.Run) record.Run) {
		ctx := t.Context()
		r := size(filled[record.Run](t))
		r.Model = storetest.Model(t, s, "m").Key
		r.Deleted = 0 // a new one is live
		made := *must(s.CreateRun(ctx, r))(t)
		// The store's choice: the id, the times, and the point of each metric.
		r.ID, r.Status = made.ID, record.Finished
		r.Created, r.Start, r.End = made.Created, made.Created, made.Created
		for i := range r.Metrics {
			r.Metrics[i].Point = record.Point{Time: made.Created, Value: r.Metrics[i].Value}
		}
		same(t, made, r)
		same(t, *must(s.Run(ctx, r.ID))(t), r)
		same(t, *must(s.RunNamed(ctx, r.Name))(t), r)
		for _, of := range []store.RunSet{{}, ofModel(r.Model)} {
			same(t, pages(t, s, of, 7), []record.Run{r})
		}
		// And so through a change, a deletion and a restore.
		r.Given |= record.GivenArtifacts
		same(t, *must(s.AddArtifacts(ctx, r.ID, nil))(t), r)
		must(s.DeleteRun(ctx, r.ID, storetest.By))(t)
		same(t, *must(s.RestoreRun(ctx, r.ID, storetest.By))(t), r)
	})
}
