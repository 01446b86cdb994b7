package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// about says in a line which server this is, and how durable its writes are.
func about(ctx context.Context, root string, t *target) (string, error) {
	switch {
	case t.recipe.null:
		return "null: " + runtime.Version() + " net/http, which reads no body's meaning and keeps nothing.", nil
	case t.recipe.fill != nil:
		text, err := peer{filepath.Join(root, "bench", ".venv")}.about(ctx, t.folder)
		return "MLflow " + text + ", as its connections say; its default of four workers, no telemetry.", err
	}
	out, err := exec.CommandContext(ctx, t.cmd.Path, "version").Output()
	line := strings.TrimSpace(strings.TrimPrefix(string(out), "modeldb ")) + "; "
	if t.recipe.file == "" {
		return fmt.Sprintf("%s %sthe database with its server's own settings.", t.recipe.name, line), err
	}
	return fmt.Sprintf("%s %sSQLite in journal_mode WAL, synchronous FULL.", t.recipe.name, line), err
}
