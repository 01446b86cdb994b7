package store_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

func TestNoMessageShowsAPassword(t *testing.T) {
	for _, address := range []string{
		"postgres://u:hunter2@127.0.0.1:1/x",
		"postgres://127.0.0.1:1/x?user=u&password=hunter2",
		"postgresql://127.0.0.1:1/x?sslpassword=hunter2",
		"postgres://u:hunter2%zz@127.0.0.1:1/x",
		"host=127.0.0.1 port=1 user=u password=hunter2",
		"mysql://u:hunter2@127.0.0.1:1/x",
	} {
		if text := store.Redacted(address); strings.Contains(text, "hunter2") {
			t.Errorf("Redacted gives %s", text)
		}
		s, err := store.Open(t.Context(), address, store.Options{})
		if err == nil {
			t.Fatal("opened", address, s.Close())
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error shows it: %v", err)
		}
	}
}

func TestWhatIsNoDatabaseIsNotMadeAFile(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, address := range []string{"mysql://db/x", "postgress://db/x", "host=db dbname=x"} {
		if _, err := store.Open(t.Context(), address, store.Options{}); err == nil || !strings.Contains(err.Error(), "postgres://") {
			t.Errorf("%s: %v does not say what is right", address, err)
		}
	}
	if found, _ := filepath.Glob("*"); found != nil {
		t.Errorf("made %s", found)
	}
}

func TestRunThatGrowsTooLargeIsRefused(t *testing.T) {
	s, _ := storetest.Open(t, storetest.Engines()[0], store.Options{})
	r := storetest.Run(t, s, storetest.Model(t, s, "m").Key, "r")
	large := `"` + strings.Repeat("x", 30<<20) + `"`
	for i, want := range []record.Kind{record.Internal, record.Internal, record.TooLarge} {
		_, err := s.AddArtifacts(t.Context(), r.ID, []record.ArtifactRef{{Key: string(rune('a' + i)), Value: large}})
		if record.KindOf(err) != want || (err != nil) != (want == record.TooLarge) {
			t.Errorf("merge %d: %v", i, err)
		}
	}
	if r, err := s.Run(t.Context(), r.ID); err != nil || len(r.Artifacts) != 3 {
		t.Errorf("%d artifacts, %v", len(r.Artifacts), err)
	}
}

// A lock that another program holds for too long is no fault of ours, and the
// writes that wait are all answered at once.
func TestLockedFileIsUnavailable(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a lock")
	}
	t.Parallel()
	s, file := storetest.Open(t, storetest.Engines()[0], store.Options{})
	other, err := sqlite.OpenConn(file, sqlite.OpenReadWrite)
	ok(t, err)
	defer other.Close()
	ok(t, sqlitex.ExecuteTransient(other, "begin immediate", nil))
	answers := make(chan error)
	for i := range 3 {
		go func() {
			_, err := s.CreateProject(context.Background(), record.Project{Name: strings.Repeat("p", i+1)}, storetest.By)
			answers <- err
		}()
	}
	for range 3 {
		refused(t, record.Unavailable, <-answers)
	}
	ok(t, sqlitex.ExecuteTransient(other, "rollback", nil))
	storetest.Project(t, s, "after")
}
