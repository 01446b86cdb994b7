package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func rounds(n int) int {
	if testing.Short() {
		return max(n/8, 2)
	}
	return n
}

// The server is killed at a random moment under load, again and again.
func TestKilledServerLosesNothingAcknowledged(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		j := newJournal()
		port := freePort(t)
		s := start(t, p, port)
		var slowest time.Duration
		for round := range rounds(25) {
			name := fmt.Sprint(round)
			shared := share(t, s, j, name)
			killed := make(chan struct{})
			time.AfterFunc(50*time.Millisecond+rand.N(250*time.Millisecond), func() {
				defer close(killed)
				s.kill()
			})
			n := load(t.Context(), t, s, j, shared, name, 8, rules{cut: true})
			<-killed
			if n == 0 {
				t.Fatal("nothing was written")
			}
			left := backends(t, p)
			began := time.Now()
			s = start(t, p, port)
			slowest = max(slowest, time.Since(began))
			gone(t, p, left)
			j.verify(t, s)
			if round%5 == 0 {
				sound(t, p)
			}
		}
		if code := s.stop(t); code != 0 {
			t.Errorf("exit code %d after SIGTERM\n%s", code, s.tail())
		}
		sound(t, p)
		t.Logf("%d writes acknowledged, %d unknown; slowest start %v", j.acked, j.unknown, slowest.Round(time.Millisecond))
	})
}

// backends are the processes of PostgreSQL that serve the program.
func backends(t *testing.T, p place) (pids []int32) {
	t.Helper()
	if p.database == "" {
		return nil
	}
	ctx := context.Background()
	c := connect(t, p.database)
	defer c.Close(ctx)
	const sql = `
		select coalesce(array_agg(pid), '{}')
		from pg_stat_activity
		where datname = current_database()
		  and pid <> pg_backend_pid()`
	if err := c.QueryRow(ctx, sql).Scan(&pids); err != nil {
		t.Fatal(err)
	}
	return pids
}

// gone waits until PostgreSQL has noticed that the killed server's
// connections are dead: a commit that was under way is done, or is not.
func gone(t *testing.T, p place, pids []int32) {
	t.Helper()
	if len(pids) == 0 {
		return
	}
	ctx := context.Background()
	c := connect(t, p.database)
	defer c.Close(ctx)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var n int
		if err := c.QueryRow(ctx, `select count(*) from pg_stat_activity where pid = any($1)`, pids).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections of the killed server are still there", n)
		}
	}
}
