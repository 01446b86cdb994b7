// Command modeldb keeps a team's machine learning: projects, models,
// experiments, and how they did.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands are what the program does.
type commands struct {
	Settings `embed:""`

	Serve   serveCommand   `cmd:"" default:"withargs" help:"Serve the records (the default)."`
	Check   checkCommand   `cmd:"" help:"Look for faults in the database and the files: schema, integrity, references, bytes. Exit 1 if there are any."`
	Healthy healthyCommand `cmd:"" help:"Ask a running server on this machine whether it is ready. Exit 1 if not."`
	Version versionCommand `cmd:"" help:"Say which version this is."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c commands
	parsed := kong.Parse(&c,
		kong.Name("modeldb"),
		kong.Description("Model DB keeps a team's machine learning: which project, which model, which experiment, with which parameters, on which data, how good, in which files."),
		kong.ShortUsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err := parsed.Run(&c.Settings); err != nil {
		if !errors.Is(err, errReported) {
			fmt.Fprintln(os.Stderr, "modeldb:", err)
		}
		stop()
		os.Exit(1)
	}
}

// errReported ends the program with 1 when all has been said already.
var errReported = errors.New("reported")

// version is set by the build of a release.
var version = "development"

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run() error {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " (" + s.Value[:min(12, len(s.Value))] + ")"
			}
		}
	}
	fmt.Printf("modeldb %s%s %s %s/%s\n", version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
