package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// outcome is what one scenario was on one target.
type outcome struct {
	target  string
	quick   bool   // with quick acknowledgements: for comparison only
	missing string // why there is no figure
	wrong   string // what was not as it must be
	figure  float64
	figures []float64 // of each round
	p50     float64   // ms
	p99     float64   // ms
	ops     int
	errors  int
	first   error   // the first of them
	cpu     float64 // the server's, ms an operation
	did     traffic
	note    string
	times   []time.Duration
	besides []time.Duration
	busy    time.Duration // the server's processor time
	settled time.Duration // what it went on working after its rounds
}

// plan is how long everything is measured.
type plan struct {
	time   time.Duration // of a round
	look   time.Duration // how long a server must be idle to be done with its work
	rounds int
}

// lane is one scenario on one target: its rounds alternate with those of the
// other lanes.
type lane struct {
	*target
	load *load
	out  *outcome
}

// measure measures one scenario on all targets.
func measure(ctx context.Context, s scenario, targets []*target, p plan) []*outcome {
	var lanes []lane
	for _, t := range targets {
		if t.recipe.null && !s.null || t.recipe.synced && !s.settle {
			continue
		}
		lanes = append(lanes, prepare(ctx, s, t)...)
	}
	if s.probe != nil {
		probe(ctx, s, lanes, p.rounds)
	} else {
		loops(ctx, s, lanes, p)
	}
	var all []*outcome
	for _, l := range lanes {
		l.out.finish(s)
		if l.load != nil && l.load.check != nil && !l.recipe.null && !l.out.quick {
			l.out.fault(l.load.check(l.c))
		}
		say("%s", l.out.line(s))
		all = append(all, l.out)
	}
	return all
}

// remember adds a note.
func (o *outcome) remember(note string) {
	if o.note != "" {
		o.note += "; "
	}
	o.note += note
}

// fault keeps the first thing that was wrong.
func (o *outcome) fault(err error) {
	if err != nil && o.wrong == "" {
		o.wrong = err.Error()
	}
}

// quickPeer is MLflow's server as clients see it that acknowledge packets at
// once, see acknowledge.
const quickPeer = "MLflow, quick ACK"

// prepare puts into a target what the scenario needs. MLflow's server is
// measured twice: as its users have it, and with quick acknowledgements.
func prepare(ctx context.Context, s scenario, t *target) []lane {
	l := lane{target: t, out: &outcome{target: t.recipe.name}}
	if s.loop == nil {
		return []lane{l}
	}
	began := time.Now()
	load, err := s.loop(ctx, t)
	if took := time.Since(began); took > time.Second {
		say("%s, %s: prepared in %.1f s", s.name, t.recipe.name, took.Seconds())
	}
	if err != nil {
		l.out.fault(fmt.Errorf("preparing: %w", err))
		return []lane{l}
	}
	l.load = load
	if t.recipe.fill == nil {
		return []lane{l}
	}
	quick := l
	quick.out = &outcome{target: quickPeer, quick: true}
	return []lane{l, quick}
}

// probe measures each lane once a round.
func probe(ctx context.Context, s scenario, lanes []lane, rounds int) {
	if s.once {
		rounds = 1
	}
	for range rounds {
		for _, l := range lanes {
			if ctx.Err() != nil || l.out.missing != "" || l.out.wrong != "" {
				continue
			}
			v, note, err := s.probe(ctx, l.target)
			var not errNotMeasured
			if errors.As(err, &not) {
				l.out.missing = string(not)
				continue
			}
			l.out.fault(err)
			if err == nil {
				l.out.figures, l.out.note = append(l.out.figures, v), note
			}
		}
	}
}

// loops runs the rounds, after one that warms up. Every other round goes
// through the lanes backwards, so that a slow drift of the machine meets all alike.
func loops(ctx context.Context, s scenario, lanes []lane, p plan) {
	lanes = slices.DeleteFunc(slices.Clone(lanes), func(l lane) bool { return l.load == nil })
	for round := -1; round < p.rounds; round++ {
		for _, l := range lanes {
			if ctx.Err() != nil {
				return
			}
			if round < 0 {
				l.round(ctx, s, min(p.time/4, time.Second), p.look)
			} else {
				l.out.add(l.round(ctx, s, p.time, p.look), s)
			}
		}
		slices.Reverse(lanes)
	}
}

// round runs a lane's loop once. What the server still has to do afterwards
// belongs to its processor time, and is not left to the lane that comes next.
func (l lane) round(ctx context.Context, s scenario, d, look time.Duration) result {
	pid := l.cmd.Process.Pid
	before := cpuTime(pid)
	r := loop{base: l.base, quick: l.out.quick, ops: l.load.ops, beside: l.load.beside}.run(ctx, d)
	if s.settle && !l.recipe.null {
		l.out.settled += l.quiet(look)
	}
	r.cpu = cpuTime(pid) - before
	return r
}

func (o *outcome) add(r result, s scenario) {
	o.times = append(o.times, r.times...)
	o.besides = append(o.besides, r.beside...)
	slices.Sort(r.times)
	switch s.figure {
	case p50:
		o.figures = append(o.figures, ms(quantile(r.times, 0.5)))
	case p99:
		o.figures = append(o.figures, ms(quantile(r.times, 0.99)))
	default:
		o.figures = append(o.figures, r.rate()*float64(max(s.times, 1)))
	}
	o.errors += r.errors
	o.did.add(r.did)
	o.busy += r.cpu
	if o.first == nil {
		o.first = r.first
	}
}

// finish makes the figures of the rounds.
func (o *outcome) finish(s scenario) {
	slices.Sort(o.times)
	o.ops = len(o.times)
	o.p50, o.p99 = ms(quantile(o.times, 0.5)), ms(quantile(o.times, 0.99))
	if o.ops > 0 {
		o.cpu = ms(o.busy) / float64(o.ops)
	}
	if o.first != nil {
		o.remember("first error: " + o.first.Error())
	}
	if len(o.besides) > 0 {
		slices.Sort(o.besides)
		o.remember(fmt.Sprintf("beside: %d searches, p50 %s ms", len(o.besides), number3(ms(quantile(o.besides, 0.5)))))
	}
	switch s.figure {
	case p50:
		o.figure = o.p50
	case p99:
		o.figure = o.p99
	default:
		o.figure = median(o.figures)
	}
	if o.figure == 0 && o.missing == "" && o.wrong == "" {
		o.wrong = "no operation succeeded"
	}
	o.times, o.besides = nil, nil
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// line says an outcome in one line.
func (o *outcome) line(s scenario) string {
	text := fmt.Sprintf("%s, %s: ", s.name, o.target)
	switch {
	case o.wrong != "":
		return text + "WRONG: " + o.wrong
	case o.missing != "":
		return text + o.missing
	}
	text += number3(o.figure) + " " + s.unit
	if o.ops > 0 {
		text += fmt.Sprintf(", p50 %s ms, p99 %s ms, %d operations, %d errors", number3(o.p50), number3(o.p99), o.ops, o.errors)
	}
	if o.note != "" {
		text += " (" + o.note + ")"
	}
	return text
}
