package store_test

import (
	"fmt"
	"testing"

	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

func file(path string, digest byte) record.File {
	return record.File{Path: path, Object: record.Object{Key: fmt.Sprint(path, "~", digest)}, Size: 1, SHA256: [32]byte{digest}}
}

func putFile(t *testing.T, s *store.Store, path string) {
	t.Helper()
	_, _, err := s.PutFile(t.Context(), file(path, 1), "a")
	ok(t, err)
}

func TestAFileThatGoesLeavesItsDigest(t *testing.T) {
	eachTicking(t, func(t *testing.T, s *store.Store, database string) {
		ctx := t.Context()
		put := func(f record.File, want bool) {
			t.Helper()
			_, replaced, err := s.PutFile(ctx, f, "a")
			ok(t, err)
			same(t, replaced, want)
		}
		put(file("d/a", 1), false)
		put(file("d/a", 2), true)
		again := file("d/a", 2)
		again.Object.Key = "the same bytes at another place"
		put(again, true)
		put(file("d/b", 3), false)
		same(t, must(s.DeleteFiles(ctx, "d", "b"))(t), 2)
		same(t, must(s.DeleteFiles(ctx, "d", "b"))(t), 0)
		side := func(path string, digest byte) string {
			return fmt.Sprintf(`{"path":"%s","sha256":"%064x"}`, path, [32]byte{digest})
		}
		same(t, events(t, database), []string{
			"a replaced file 0 " + side("d/a", 1) + " " + side("d/a", 2),
			"b deleted file 0 " + side("d/a", 2) + " ",
			"b deleted file 0 " + side("d/b", 3) + " ",
		})
		garbage := must(s.Garbage(ctx, 1<<60, record.Object{}, 10))(t)
		same(t, garbage, []record.Object{{Key: "d/a~1"}, {Key: "d/a~2"}, {Key: "d/b~3"}, {Key: "the same bytes at another place"}})
		ok(t, s.Removed(ctx, garbage[1:]))
		same(t, must(s.Garbage(ctx, 1<<60, record.Object{}, 10))(t), garbage[:1])
	})
}

// A page of a listing begins where the last one ended, also when the entry that
// it ended with is gone.
func TestAListingGoesOnAfterAnyEntry(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		var want []record.FileEntry
		for i := range 40 {
			path := fmt.Sprintf("d/%02d", i)
			e := record.FileEntry{Path: path, Size: 1}
			if i%3 == 0 {
				e = record.FileEntry{Path: path, Folder: true}
				putFile(t, s, path+"/x/y")
				path += "/z"
			}
			putFile(t, s, path)
			want = append(want, e)
		}
		for _, limit := range []int{1, 2, 7, 39, 40, 41} {
			var got []record.FileEntry
			var last record.FileEntry
			for more := true; more; {
				var page []record.FileEntry
				var err error
				page, more, err = s.FilesIn(ctx, "d", last, limit)
				ok(t, err)
				if len(page) > limit {
					t.Fatalf("%d entries in a page of %d", len(page), limit)
				}
				got = append(got, page...)
				if len(page) > 0 {
					last = page[len(page)-1]
				}
			}
			same(t, got, want)
		}
		for _, i := range []int{1, 3} { // a file and a folder
			must(s.DeleteFiles(ctx, want[i].Path, "a"))(t)
			page, _, err := s.FilesIn(ctx, "d", want[i], 1)
			ok(t, err)
			same(t, page, want[i+1:i+2])
		}
	})
}
