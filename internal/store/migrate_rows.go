package store

import (
	"context"
	"math"

	"modeldb/internal/metric"
	"modeldb/internal/record"
)

// In the first schema a run over 32 KiB was in rows, and points were bodies of
// metric_tail under the numbers of their metrics. foldRowsOfSchema1 packs such
// runs, and makes a block of each run's points. The default project and
// the default model, which that schema made at no time, are from now.
func foldRowsOfSchema1(ctx context.Context, s *Store, c conn) error {
	now := s.now()
	if _, err := c.exec(ctx, `update project set created = $1 where key = $2 and created = 0`, now, record.DefaultProject); err != nil {
		return err
	}
	if _, err := c.exec(ctx, `update model set created = $1, updated = $1 where key = $2 and created = 0`, now, record.DefaultModel); err != nil {
		return err
	}
	from := connReader{ctx, c}
	names := map[int64]string{}
	err := from.query(`select key, name from metric_key`, nil, func(r row) error {
		names[r.Int(0)] = r.Text(1)
		return nil
	})
	if err != nil {
		return err
	}
	after := int64(-1)
	for {
		type oldRun struct {
			key    int64
			packed bool
		}
		page, err := list(from, func(r row) oldRun { return oldRun{r.Int(0), !r.Null(1)} },
			`select key, packed from run where key > $1 order by key limit 500`, after)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, r := range page {
			after = r.key
			if !r.packed {
				if err := packRows(ctx, c, r.key); err != nil {
					return err
				}
			}
			if err := blockOfTails(ctx, c, r.key, names); err != nil {
				return err
			}
		}
	}
}

// packRows packs a run that is in rows.
func packRows(ctx context.Context, c conn, key int64) (err error) {
	from := connReader{ctx, c}
	var r record.Run
	if r.Params, err = list(from, scanParam, `select key, value from param where run = $1 order by key`, key); err != nil {
		return err
	}
	if r.Datasets, err = list(from, scanUse, usesSQL, key); err != nil {
		return err
	}
	if r.Metrics, err = list(from, scanLatest, latestSQL, key); err != nil {
		return err
	}
	if r.Evaluations, err = list(from, scanEvaluation, `select key, value from evaluation where run = $1 order by key`, key); err != nil {
		return err
	}
	if r.Artifacts, err = list(from, scanArtifact, `select key, value from artifact_ref where run = $1 order by key`, key); err != nil {
		return err
	}
	sortRun(&r)
	_, err = c.exec(ctx, `update run set packed = $2 where key = $1`, key, pack(&r))
	return err
}

func scanEvaluation(r row) record.Evaluation {
	return record.Evaluation{Key: r.Text(0), Value: r.Text(1)}
}

func scanArtifact(r row) record.ArtifactRef {
	return record.ArtifactRef{Key: r.Text(0), Value: r.Text(1)}
}

const usesSQL = `
	select u.role, u.context, d.name, d.digest, d.source_type, d.source, d.schema, d.profile
	from dataset_use u
	join dataset d on d.key = u.dataset
	where u.run = $1`

func scanUse(r row) record.DatasetUse {
	return record.DatasetUse{
		Role: record.Role(r.Text(0)), Context: r.Text(1),
		Dataset: record.Dataset{
			Name: r.Text(2), Digest: r.Text(3), SourceType: r.Text(4),
			Source: r.Text(5), Schema: r.Text(6), Profile: r.Text(7),
		},
	}
}

const latestSQL = `
	select k.name, l.step, l.time, l.value
	from latest_metric l
	join metric_key k on k.key = l.metric
	where l.run = $1
	order by k.name`

func scanLatest(r row) record.Metric {
	m := record.Metric{Key: r.Text(0), Point: record.Point{Step: r.Int(1), Time: r.Int(2), Value: math.NaN()}}
	if !r.Null(3) {
		m.Value = r.Float(3)
	}
	return m
}

// blockOfTails makes one block of all points of a run.
func blockOfTails(ctx context.Context, c conn, key int64, names map[int64]string) error {
	var points []record.Metric
	err := connReader{ctx, c}.query(`select body from metric_tail where run = $1 order by seq`, []any{key}, func(r row) error {
		return readOldTail(r.Bytes(0), func(name int64, p record.Point) {
			points = append(points, record.Metric{Key: names[name], Point: p})
		})
	})
	if err != nil || len(points) == 0 {
		return err
	}
	all := series(points)
	n := 0
	for i := range all {
		all[i].Points = metric.Compact(all[i].Points)
		n += len(all[i].Points)
	}
	_, err = c.exec(ctx, `insert into metric_chunk (run, key, seq, n, body) values ($1, '', 0, $2, $3)`, key, int64(n), metric.AppendBlock(nil, all))
	return err
}

// readOldTail reads a body of the first schema: a version byte, and then for
// each metric its number, the length of its points, and these.
func readOldTail(body []byte, add func(name int64, p record.Point)) error {
	if len(body) == 0 || body[0] != 1 {
		return metric.ErrCorrupt
	}
	s := unpacker{rest: string(body[1:])}
	for s.rest != "" && !s.bad {
		name := s.uvarint()
		group := unpacker{rest: s.text()}
		for group.rest != "" && !group.bad {
			p := record.Point{Step: group.varint(), Time: group.varint(), Value: math.Float64frombits(group.bits())}
			add(int64(name), p)
		}
		s.bad = s.bad || group.bad
	}
	if s.bad {
		return metric.ErrCorrupt
	}
	return nil
}
