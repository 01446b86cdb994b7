package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// peerVersion is the MLflow that ours is measured beside.
const peerVersion = "3.17.2"

//go:embed fill.py
var fillScript string

// peer is MLflow's own server in a virtual environment.
type peer struct {
	venv string
}

// installPeer makes the environment, unless it is there.
func installPeer(ctx context.Context, venv string) (peer, error) {
	p := peer{venv}
	done := filepath.Join(venv, "mlflow-"+peerVersion)
	if _, err := os.Stat(done); err == nil {
		return p, nil
	}
	say("installing mlflow==%s, once", peerVersion)
	for _, args := range [][]string{
		{"python3", "-m", "venv", venv},
		{p.program("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "mlflow==" + peerVersion},
	} {
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return p, fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return p, os.WriteFile(done, nil, 0o644)
}

func (p peer) program(name string) string { return filepath.Join(p.venv, "bin", name) }

const peerFile = "mlflow.db"

// recipe is the server as its users start it, with its own default of four
// workers, without telemetry.
func (p peer) recipe() recipe {
	return recipe{
		name:  "MLflow",
		ready: "/health",
		file:  peerFile,
		fill:  p.fill,
		command: func(folder string, port int) *exec.Cmd {
			cmd := exec.Command(p.program("mlflow"), "server", "--host", "127.0.0.1", "--port", fmt.Sprint(port),
				"--backend-store-uri", "sqlite:///"+filepath.Join(folder, peerFile),
				"--artifacts-destination", filepath.Join(folder, "artifacts"))
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "MLFLOW_DISABLE_TELEMETRY=true", "DO_NOT_TRACK=true"}
			return cmd
		},
	}
}

// fill writes rows into the tables of the server's database, as the server
// itself would have.
func (p peer) fill(ctx context.Context, folder string, analyze bool, rows func(io.Writer) error) error {
	what := "fill"
	if analyze {
		what = "fill-and-analyze"
	}
	cmd := exec.CommandContext(ctx, p.program("python"), "-c", fillScript, what, filepath.Join(folder, peerFile))
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return err
	}
	err = rows(in)
	in.Close()
	if ended := cmd.Wait(); ended != nil {
		return fmt.Errorf("filling MLflow's database: %w\n%s", ended, said.String())
	}
	return err
}

// about says which version this is, and how durable its writes are: what
// MLflow's own engine says of its connections.
func (p peer) about(ctx context.Context, folder string) (string, error) {
	cmd := exec.CommandContext(ctx, p.program("python"), "-c", fillScript, "about", filepath.Join(folder, peerFile))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}
