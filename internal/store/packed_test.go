package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"reflect"
	"strings"
	"testing"

	"modeldb/internal/record"
)

// packedSample has something in each list, and unlike texts everywhere.
func packedSample() record.Run {
	d := record.Dataset{Name: "name", Digest: "digest", SourceType: "type", Source: "source", Schema: "schema", Profile: "profile"}
	return record.Run{
		Params:   []record.Param{{Key: "", Value: ""}, {Key: "p", Value: strings.Repeat("v", 300)}},
		Datasets: []record.DatasetUse{{Dataset: d, Role: record.RoleTest, Context: "context", Tags: []record.Tag{{Key: "x", Value: "y"}}}, {}},
		Metrics: []record.Metric{
			{Key: "m", Point: record.Point{Step: math.MinInt64, Time: math.MaxInt64, Value: math.SmallestNonzeroFloat64}},
			{Key: "n", Point: record.Point{Step: -1, Time: 1, Value: math.Inf(-1)}},
		},
		Evaluations: []record.Evaluation{{Key: "e", Value: "[\x00]"}},
		Artifacts:   []record.ArtifactRef{{Key: "a", Value: "\xff"}},

		Tags:         []record.Tag{{Key: "t", Value: "u"}, {}},
		ModelInputs:  []string{"m-1", ""},
		ModelOutputs: []record.ModelOutput{{Model: "m-2", Step: math.MinInt64}},
	}
}

func TestUnpackGivesBackWhatWasPacked(t *testing.T) {
	want := packedSample()
	var got record.Run
	if err := unpackSealed(string(pack(&want)), &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	// Into a run that was used before, as a page of runs does.
	var empty record.Run
	if err := unpackSealed(string(pack(&empty)), &got); err != nil {
		t.Fatal(err)
	}
	if n := len(got.Params) + len(got.Datasets) + len(got.Metrics) + len(got.Evaluations) + len(got.Artifacts); n != 0 {
		t.Errorf("%d elements of another run are left: %+v", n, got)
	}
}

func TestUnpackKeepsNaN(t *testing.T) {
	var got record.Run
	if err := unpackSealed(string(pack(&record.Run{Metrics: []record.Metric{{Point: record.Point{Value: math.NaN()}}}})), &got); err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(got.Metrics[0].Value) {
		t.Errorf("got %v, want NaN", got.Metrics[0].Value)
	}
}

// sealed is a body with the checksum that belongs to it.
func sealed(body string) string {
	return string(binary.LittleEndian.AppendUint32([]byte(body), crc32.Checksum([]byte(body), castagnoli)))
}

func TestPackedRunThatIsCutOrLongerOrOfAnotherVersionIsCorrupt(t *testing.T) {
	r := packedSample()
	body := string(appendLists(nil, &r))
	if err := unpackSealed(sealed(body), new(record.Run)); err != nil {
		t.Fatal(err)
	}
	for n := range body {
		if err := unpackSealed(sealed(body[:n]), new(record.Run)); err == nil {
			t.Errorf("its first %d bytes of %d are taken for the whole", n, len(body))
		}
	}
	for name, bad := range map[string]string{"longer": body + "\x00", "of another version": "\x03" + body[1:]} {
		if err := unpackSealed(sealed(bad), new(record.Run)); err == nil {
			t.Errorf("one that is %s is taken for good", name)
		}
	}
}

func TestPackedRunThatTheDiskChangedIsCorrupt(t *testing.T) {
	r := packedSample()
	packed := pack(&r)
	for i := range packed {
		packed[i] ^= 1 << (i % 8)
		if err := unpackSealed(string(packed), new(record.Run)); err == nil {
			t.Errorf("a bit of byte %d is another one, and that was not noticed", i)
		}
		packed[i] ^= 1 << (i % 8)
	}
}

// FuzzUnpack shows that no body, however corrupt, makes unpack panic or hold
// more than so many times its size, and that a good one is packed again the
// same, but for the lengths that were written longer than need be.
func FuzzUnpack(f *testing.F) {
	r := packedSample()
	f.Add(string(appendLists(nil, &r)))
	f.Add("")
	f.Add("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
	f.Add("\x01\x00\x20" + strings.Repeat("\x00", 32))
	f.Fuzz(func(t *testing.T, body string) {
		_ = unpack(body, new(record.Run))
		var got, again record.Run
		err := unpackSealed(sealed(body), &got)
		if n := len(got.Params) + len(got.Datasets) + len(got.Metrics) + len(got.Evaluations) + len(got.Artifacts); n > len(body) {
			t.Fatalf("%d elements in %d bytes", n, len(body))
		}
		if err != nil {
			return
		}
		if err := unpackSealed(sealed(string(appendLists(nil, &got))), &again); err != nil {
			t.Fatal(err)
		}
		if a, b := fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", again); a != b { // NaN is not equal to itself
			t.Errorf("\n got %s\nthen %s", a, b)
		}
	})
}

// unpackSealed is the way of a reader: first the checksum, then the lists.
func unpackSealed(packed string, r *record.Run) error { return unpack(unseal([]byte(packed)), r) }
