package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"modeldb/internal/api"
	"modeldb/internal/files"
	"modeldb/internal/mlflow"
	"modeldb/internal/pages"
	"modeldb/internal/server"
	"modeldb/internal/store"
	"modeldb/ui"
)

type serveCommand struct{}

// Run opens everything, serves until it is told to stop, and closes in reverse.
func (serveCommand) Run(ctx context.Context, c *Settings) (err error) {
	if err := c.checkOpen(); err != nil {
		return err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("MODELDB_DATA (--data): %w", err)
	}
	tune()
	log := c.logger(os.Stderr)
	metrics := server.NewMetrics()
	st, err := store.Open(ctx, c.database(), store.Options{Log: log, Around: metrics.Around, Group: metrics.Group})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()

	kept, err := files.OpenLocal(c.files())
	if err != nil {
		return fmt.Errorf("the folder of the files: %w", err)
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	keeper := files.NewKeeper(kept, st, c.KeepDeleted, log)
	defer keeper.Close()

	handler, err := newHandler(c, st, keeper, log, metrics)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", net.JoinHostPort(c.Host, strconv.Itoa(c.Port)))
	if err != nil {
		return fmt.Errorf("HOST and PORT (--host, --port): %w", err)
	}
	greet(c, l.Addr())
	return server.Serve(ctx, l, handler, log)
}

// tune sets what Go's runtime cannot know, unless the environment says
// otherwise.
func tune() {
	if os.Getenv("GOGC") == "" {
		// Most of the memory is the databases' caches, which the collector
		// does not see: at its default it would run a hundred times a second
		// over a small heap.
		debug.SetGCPercent(300)
	}
	if os.Getenv("GOMAXPROCS") == "" {
		// The committer waits for the disk again and again. When it comes
		// back it should not have to queue for a processor behind all those
		// who wait for its next commit.
		runtime.GOMAXPROCS(runtime.NumCPU() + 2)
	}
}

// newHandler puts the doors behind the server.
func newHandler(c *Settings, st *store.Store, keeper *files.Keeper, log *slog.Logger, metrics *server.Metrics) (http.Handler, error) {
	dist, err := fs.Sub(ui.Dist, "dist")
	if err != nil {
		return nil, err
	}
	docs, err := pages.New(dist)
	if err != nil {
		return nil, err
	}
	client := mlflow.New(mlflow.Options{Store: st, Files: keeper, Log: log})
	door := api.New(api.Options{Store: st, Files: keeper, Log: log, Title: c.APITitle, Description: c.APIDescription, Version: c.APIVersion})
	return server.New(server.Options{
		Routes:       slices.Concat(docs.Routes(), door.Routes(), client.Routes()),
		Log:          log,
		Metrics:      metrics,
		AllowedHosts: c.AllowedHosts,
		BodyLimit:    c.BodyLimit,
		Ready:        st.Ping,
	})
}

// greet says where everything is.
func greet(c *Settings, addr net.Addr) {
	at := "http://" + addr.String()
	fmt.Printf("Model DB serves at %s\n  documents  %s/docs\n  records    %s\n  files      %s\n",
		at, at, store.Redacted(c.database()), c.files())
}

type healthyCommand struct{}

// Run asks /readyz, so that a container without a shell or curl can be checked.
func (healthyCommand) Run(ctx context.Context, c *Settings) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(reachable(c.Host), strconv.Itoa(c.Port))+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server on port %d is not ready: %s", c.Port, resp.Status)
	}
	fmt.Println("ready")
	return nil
}

// reachable is the address at which a server that listens on host is found
// from the same machine.
func reachable(host string) string {
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		return "127.0.0.1"
	}
	return host
}
