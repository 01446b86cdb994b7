package store_test

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"testing"

	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

// oldTail is a body of metric_tail in the first schema.
func oldTail(points map[int64][]record.Point) []byte {
	body := []byte{1}
	for metric := int64(1); metric < 9; metric++ {
		var group []byte
		for _, p := range points[metric] {
			group = binary.AppendVarint(group, p.Step)
			group = binary.AppendVarint(group, p.Time)
			group = binary.LittleEndian.AppendUint64(group, math.Float64bits(p.Value))
		}
		if group != nil {
			body = binary.AppendUvarint(body, uint64(metric))
			body = binary.AppendUvarint(body, uint64(len(group)))
			body = append(body, group...)
		}
	}
	return body
}

// oldPacked is a packed run of the first schema with one parameter, one
// metric, and nothing else.
func oldPacked(t *testing.T) []byte {
	t.Helper()
	body := []byte{1, 1, 1, 'p', 1, '7', 0, 1, 1, 'm', 2, 4}
	body = binary.LittleEndian.AppendUint64(body, math.Float64bits(0.5))
	body = append(body, 0, 0)
	return binary.LittleEndian.AppendUint32(body, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
}

// The first schema had runs in rows, and points under the numbers of their
// metrics.
func TestDatabaseOfTheFirstSchemaIsOpenedWithAllThatItHas(t *testing.T) {
	ids := []record.RunID{}
	for _, text := range []string{"019ab0de5f0070008b1e4d0f9a3c2b11", "019ab0de5f0070018b1e4d0f9a3c2b11"} {
		id, err := record.ParseRunID(text)
		ok(t, err)
		ids = append(ids, id)
	}
	for _, e := range storetest.Engines() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			database := e.Database(t)
			ok(t, store.Migrate(t.Context(), database, 1, e.Partitions, func(exec func(string, ...any) error) error {
				for _, row := range []struct {
					sql  string
					args []any
				}{
					{`insert into project (key, name, created) values (7, 'p', 1)`, nil},
					{`insert into model (key, project, name, full_name, created) values (8, 7, 'm', 'p/m', 2)`, nil},
					{`insert into model (key, project, name, full_name, created, deleted) values (9, 7, 'n', null, 2, 3)`, nil},
					{`insert into metric_key (key, name) values (1, 'm')`, nil},
					{`insert into metric_key (key, name) values (2, 'nan')`, nil},
					{`insert into dataset (key, hash, name, digest, source_type, source, schema, profile) values (1, $1, 'd', '', '', 'd', '', '')`, []any{make([]byte, 32)}},
					{`insert into run (key, id, model, name, status, user_name, started, ended, created, given, packed) values ($1, $2, 8, 'packed', 3, '', 5, 6, 5, 1, $3)`, []any{ids[0].Key(), ids[0][:], oldPacked(t)}},
					{`insert into metric_tail (run, seq, n, body) values ($1, 1, 1, $2)`, []any{ids[0].Key(), oldTail(map[int64][]record.Point{1: {{Step: 1, Time: 2, Value: 0.5}}})}},
					{`insert into run (key, id, model, name, status, user_name, started, ended, created, given) values ($1, $2, 8, 'in rows', 3, '', 5, 6, 5, 7)`, []any{ids[1].Key(), ids[1][:]}},
					{`insert into param (run, key, value) values ($1, 'q', '"x"')`, []any{ids[1].Key()}},
					{`insert into evaluation (run, key, value) values ($1, 'e', '[1]')`, []any{ids[1].Key()}},
					{`insert into artifact_ref (run, key, value) values ($1, 'a', '"b"')`, []any{ids[1].Key()}},
					{`insert into dataset_use (run, dataset, context, role) values ($1, 1, 'test', 'test')`, []any{ids[1].Key()}},
					{`insert into latest_metric (run, metric, step, time, value) values ($1, 1, 3, 3, 1.5)`, []any{ids[1].Key()}},
					{`insert into latest_metric (run, metric, step, time, value) values ($1, 2, 0, 1, null)`, []any{ids[1].Key()}},
					{`insert into metric_tail (run, seq, n, body) values ($1, 1, 2, $2)`, []any{ids[1].Key(), oldTail(map[int64][]record.Point{1: {{Step: 3, Time: 3, Value: 1.5}}, 2: {{Time: 1, Value: math.NaN()}}})}},
					{`insert into metric_tail (run, seq, n, body) values ($1, 2, 1, $2)`, []any{ids[1].Key(), oldTail(map[int64][]record.Point{1: {{Step: -3, Time: 2, Value: 1}}})}},
				} {
					if err := exec(row.sql, row.args...); err != nil {
						return fmt.Errorf("%s: %w", row.sql, err)
					}
				}
				return nil
			}))
			s, err := store.Open(t.Context(), database, store.Options{Partitions: e.Partitions})
			ok(t, err)
			packed := record.Run{ID: ids[0], Model: 8, Name: "packed", Status: record.Finished, Start: 5, End: 6, Created: 5, Given: record.GivenParams,
				Params: []record.Param{{Key: "p", Value: "7"}}, Metrics: []record.Metric{point("m", 1, 2, 0.5)}}
			same(t, *must(s.Run(t.Context(), ids[0]))(t), packed)
			got := *must(s.Run(t.Context(), ids[1]))(t)
			if len(got.Metrics) != 2 || !math.IsNaN(got.Metrics[1].Value) {
				t.Fatalf("the metrics are %+v", got.Metrics)
			}
			got.Metrics = got.Metrics[:1]
			rows := packed
			rows.ID, rows.Name, rows.Given = ids[1], "in rows", 7
			rows.Params = []record.Param{{Key: "q", Value: `"x"`}}
			rows.Metrics = []record.Metric{point("m", 3, 3, 1.5)}
			rows.Evaluations = []record.Evaluation{{Key: "e", Value: "[1]"}}
			rows.Artifacts = []record.ArtifactRef{{Key: "a", Value: `"b"`}}
			rows.Datasets = []record.DatasetUse{{Dataset: record.Dataset{Name: "d", Source: "d"}, Role: record.RoleTest, Context: "test"}}
			same(t, got, rows)
			points, _, err := s.History(t.Context(), ids[1], "m", nil, 0)
			ok(t, err)
			same(t, points, []record.Point{{Step: -3, Time: 2, Value: 1}, {Step: 3, Time: 3, Value: 1.5}})
			same(t, must(s.ModelByFullName(t.Context(), "p/m"))(t).Key, int64(8))
			same(t, must(s.ModelByFullName(t.Context(), "p/n"))(t).Key, int64(9))
			ok(t, s.Close())
			storetest.Check(t, database)
		})
	}
}
