// Command bench measures Model DB beside MLflow's own server, and writes what
// it found to docs/benchmarks.md. It builds the one and installs the other,
// starts both with their records on the same disk, and drives them in turn.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == "null" {
		say("%v", serveNull(os.Args[2], strings.Join(os.Args[3:], ""))) // it returns only errors
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		say("%v", err)
		stop()
		os.Exit(1)
	}
}

// say tells the one who waits how far it is.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
}

// options are what the command line chooses.
type options struct {
	plan
	sizes
	only, skip     string
	peer, null     bool
	postgres, file string
}

func (o *options) flags() *flag.FlagSet {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&o.only, "only", "", "measure only the scenarios whose names match this `expression`")
	f.StringVar(&o.skip, "skip", "^$", "leave out the scenarios whose names match this `expression`")
	f.IntVar(&o.rounds, "rounds", 3, "rounds of each scenario")
	f.DurationVar(&o.time, "time", 5*time.Second, "time of a round")
	f.BoolVar(&o.peer, "peer", true, "measure MLflow's server too; it is installed into bench/.venv")
	f.BoolVar(&o.null, "null", true, "measure the server that keeps nothing too")
	f.StringVar(&o.postgres, "postgres", "", "measure Model DB on the empty PostgreSQL database at this `address` too")
	f.StringVar(&o.file, "out", "", "write the report to this `file`; default docs/benchmarks.md for all scenarios, else the standard output")
	f.IntVar(&o.runs, "runs", 2000, "runs of the model that is searched and walked")
	f.IntVar(&o.many, "many", 200_000, "runs of the big model")
	f.IntVar(&o.points, "points", 100_000, "points of the history that is read")
	f.IntVar(&o.line, "line", 1_000_000, "points of the key that is down-sampled")
	f.IntVar(&o.stored, "stored", 10_000_000, "points logged to see what they take on disk, in steps of 100,000")
	return f
}

// command measures what the arguments ask for, and writes the report.
func command(ctx context.Context, args []string) (err error) {
	o := options{plan: plan{look: 500 * time.Millisecond}}
	if err := o.flags().Parse(args); err != nil {
		return err
	}
	chosen, err := o.scenarios()
	if err != nil {
		return err
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	parent := filepath.Join(root, "bench", ".data") // on the disk that the project is on, not in a memory's /tmp
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	folder, err := os.MkdirTemp(parent, "")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	rep := &report{command: commandLine(args), date: time.Now().UTC().Format("2006-01-02 15:04 MST"), plan: o.plan, sizes: o.sizes}
	if rep.machine, err = machine(folder); err != nil {
		return err
	}
	var targets []*target
	defer func() {
		for _, t := range targets {
			t.stop()
		}
	}()
	recipes, err := o.recipes(ctx, root, folder)
	if err != nil {
		return err
	}
	for i, r := range recipes {
		t, err := newTarget(ctx, r, filepath.Join(folder, fmt.Sprint(i)), o.sizes)
		if err != nil {
			return err
		}
		targets = append(targets, t)
		version, err := about(ctx, root, t)
		if err != nil {
			return err
		}
		rep.versions = append(rep.versions, version)
	}
	for _, s := range chosen {
		if err := ctx.Err(); err != nil {
			return err
		}
		rep.rows = append(rep.rows, row{s, measure(ctx, s, targets, o.plan)})
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return o.write(rep, root)
}

// scenarios are those that the command line leaves.
func (o *options) scenarios() (chosen []scenario, err error) {
	only, err := regexp.Compile(o.only)
	if err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	skip, err := regexp.Compile(o.skip)
	if err != nil {
		return nil, fmt.Errorf("-skip: %w", err)
	}
	for _, s := range scenarios() {
		if only.MatchString(s.name) && !skip.MatchString(s.name) {
			chosen = append(chosen, s)
		}
	}
	return chosen, nil
}

// recipes are those of the servers to measure, MLflow's first.
func (o *options) recipes(ctx context.Context, root, folder string) (all []recipe, err error) {
	if o.peer {
		p, err := installPeer(ctx, filepath.Join(root, "bench", ".venv"))
		if err != nil {
			return nil, err
		}
		all = append(all, p.recipe())
	}
	binary := filepath.Join(folder, "modeldb")
	if err := build(ctx, root, binary); err != nil {
		return nil, err
	}
	all = append(all, ours(binary, ""))
	if o.postgres != "" {
		all = append(all, ours(binary, o.postgres))
	}
	if o.null {
		for _, synced := range []bool{false, true} {
			r, err := canned(synced)
			if err != nil {
				return nil, err
			}
			all = append(all, r)
		}
	}
	return all, nil
}

// build builds the program as a release is built.
func build(ctx context.Context, root, binary string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./cmd/modeldb")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build ./cmd/modeldb: %w\n%s", err, out)
	}
	return nil
}

// write writes the report to where it belongs, and fails if a figure cannot
// be trusted.
func (o *options) write(rep *report, root string) error {
	name := o.file
	if name == "" && o.only == "" && o.skip == "^$" {
		name = filepath.Join(root, "docs", "benchmarks.md")
	}
	var text strings.Builder
	rep.markdown(&text)
	if name == "" {
		fmt.Print(text.String())
	} else if err := os.WriteFile(name, []byte(text.String()), 0o644); err != nil {
		return err
	}
	return rep.wrong()
}

// wrong is an error if ours answered anything wrong.
func (rep *report) wrong() error {
	for _, r := range rep.rows {
		for _, o := range r.outcomes {
			if strings.HasPrefix(o.target, "Model DB") && (o.wrong != "" || o.errors > 0) {
				return fmt.Errorf("%s, %s: %d errors; %s", r.name, o.target, o.errors, o.remark())
			}
		}
	}
	return nil
}

// commandLine is how to run this again, without the address of a database.
func commandLine(args []string) string {
	line := "go run ./bench"
	hide := false
	for _, arg := range args {
		name, _, given := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		switch {
		case hide:
			arg, hide = "ADDRESS", false
		case name == "postgres" && given:
			arg = "-postgres=ADDRESS"
		case name == "postgres":
			hide = true
		}
		line += " " + arg
	}
	return line
}

// moduleRoot is the folder of go.mod, here or above.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, e := os.Stat(filepath.Join(dir, "go.mod")); e == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("there is no go.mod here or above")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}
