package memory_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/recall"
	"github.com/mom-router/mom/pkg/recall/memory"
)

var roomy = memory.Limits{Bytes: 4 << 20, TenantBytes: 4 << 20}

func snapshot(t testing.TB) memory.Snapshot {
	return memory.Snapshot{Path: filepath.Join(t.TempDir(), "memory"), Secret: bytes.Repeat([]byte("s"), 32), Revision: []byte("1")}
}

func restore(t testing.TB, f memory.Snapshot, want int) *memory.Store {
	t.Helper()
	s := open(t, roomy)
	if n, err := s.Restore(f, now); err != nil || n != want {
		t.Fatalf("%d entries, want %d: %v", n, want, err)
	}
	return s
}

func save(t testing.TB, s *memory.Store) {
	t.Helper()
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
}

// filled is a snapshot of ten entries, and they.
func filled(t testing.TB) (memory.Snapshot, map[recall.Key]recall.Entry) {
	t.Helper()
	f := snapshot(t)
	s := restore(t, f, 0)
	random, all := rand.New(rand.NewPCG(1, 1)), map[recall.Key]recall.Entry{}
	for i := range 10 {
		e := asked(random, recall.Key{1}, "It scatters.")
		e.Given = e.Given.Add(time.Duration(i) * time.Second)
		put(t, s, numbered('k', i), e)
		all[numbered('k', i)], _, _ = s.Get(context.Background(), numbered('k', i)) // with its vector as it is kept
	}
	save(t, s)
	return f, all
}

func empty(t testing.TB, s *memory.Store) bool {
	t.Helper()
	size, err := s.Size(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return size.Entries == 0
}

func TestASnapshotBringsBackWhatWasThere(t *testing.T) {
	f, all := filled(t)
	s := restore(t, f, len(all))
	for k, want := range all {
		got, ok, err := s.Get(context.Background(), k)
		if diff := cmp.Diff(want, got); err != nil || !ok || diff != "" {
			t.Errorf("%v %v %s", ok, err, diff)
		}
		found, err := s.Near(context.Background(), recall.Query{Frame: want.Frame, Vector: want.Vector, Floor: 0.99, Top: 1, Now: now})
		if err != nil || len(found) != 1 || found[0].Key != k {
			t.Errorf("near: %v %v", found, err)
		}
	}
	info, err := os.Stat(f.Path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v: others may read it", info.Mode(), err)
	}
	b, _ := os.ReadFile(f.Path)
	for _, word := range []string{"scatters", "sky", "small"} {
		if bytes.Contains(b, []byte(word)) {
			t.Errorf("%q can be read in it", word)
		}
	}
}

func TestWhatASnapshotLeavesOut(t *testing.T) {
	f := snapshot(t)
	s := restore(t, f, 0)
	random := rand.New(rand.NewPCG(1, 1))
	for i, left := range []time.Duration{-time.Hour, 0, time.Second} {
		e := asked(random, recall.Key{1}, left.String())
		e.Expires = now.Add(left)
		put(t, s, numbered('k', i), e)
	}
	save(t, s)
	s = restore(t, f, 1)
	e, ok, _ := s.Get(context.Background(), numbered('k', 2))
	if want := now.Add(time.Second); !ok || !e.Expires.Equal(want) {
		t.Errorf("%v, expires %v, want %v", ok, e.Expires, want)
	}
}

func TestTheOldestGoWhereThereIsLessRoom(t *testing.T) {
	f, all := filled(t)
	s := open(t, memory.Limits{Bytes: 64 << 10, TenantBytes: 6 << 10})
	if _, err := s.Restore(f, now); err != nil {
		t.Fatal(err)
	}
	for i := range len(all) {
		if _, ok, _ := s.Get(context.Background(), numbered('k', i)); ok && i < 5 || !ok && i == len(all)-1 {
			t.Errorf("entry %d, the oldest being 0: there %v", i, ok)
		}
	}
}

// Whatever happened to a file, the memory begins empty and says why, and the next snapshot is whole again.
func TestASnapshotThatIsNotAsItWas(t *testing.T) {
	f, all := filled(t)
	good, err := os.ReadFile(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	const head = 22 + 32 + 32
	second := head + 4 + int(binary.BigEndian.Uint32(good[head:]))
	third := second + 4 + int(binary.BigEndian.Uint32(good[second:]))
	type row struct {
		b    []byte
		f    memory.Snapshot
		want error
	}
	rows := map[string]row{
		"empty":                     {nil, f, memory.ErrDamaged},
		"of another version":        {bytes.Replace(good, []byte("snapshot 1"), []byte("snapshot 2"), 1), f, memory.ErrOther},
		"some other file":           {bytes.Repeat([]byte("x"), 1<<16), f, memory.ErrOther},
		"of another revision":       {good, memory.Snapshot{Path: f.Path, Secret: f.Secret, Revision: []byte("2")}, memory.ErrOther},
		"of another secret":         {good, memory.Snapshot{Path: f.Path, Secret: bytes.Repeat([]byte("t"), 32), Revision: f.Revision}, memory.ErrOther},
		"with something behind it":  {append(slices.Clone(good), 0), f, memory.ErrDamaged},
		"without its first record":  {slices.Concat(good[:head], good[second:]), f, memory.ErrDamaged},
		"without its second record": {slices.Concat(good[:second], good[third:]), f, memory.ErrDamaged},
		"with a record twice":       {slices.Concat(good[:second], good[head:]), f, memory.ErrDamaged},
		"without its last record":   {good[:len(good)-20], f, memory.ErrDamaged},
	}
	for _, at := range []int{0, 10, head - 1, head, head + 4, second - 1, second + 100, len(good) - 1} {
		rows[fmt.Sprint("cut off at ", at)] = row{good[:at], f, memory.ErrDamaged}
	}
	for at := len("mom recall snapshot 1\n"); at < len(good); at += 1 + len(good)/200 {
		b := slices.Clone(good)
		b[at] ^= 0x10
		want := memory.ErrDamaged
		if at < head {
			want = memory.ErrOther
		}
		rows[fmt.Sprint("with another byte at ", at)] = row{b, f, want}
	}
	for name, c := range rows {
		if err := os.WriteFile(f.Path, c.b, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, roomy)
		if n, err := s.Restore(c.f, now); !errors.Is(err, c.want) || n != 0 || !empty(t, s) {
			t.Errorf("%s: %d entries, %v, want %v", name, n, err, c.want)
		}
		if strings.Contains(name, " at ") {
			continue
		}
		save(t, s)
		s = restore(t, c.f, 0)
		for k, e := range all {
			put(t, s, k, e)
		}
		save(t, s)
		restore(t, c.f, len(all))
	}
}

// Killed while it wrote, a process leaves the old file and a piece of the new one.
func TestAPieceOfASnapshotIsNone(t *testing.T) {
	f, all := filled(t)
	if err := os.WriteFile(f.Path+".tmp", []byte("mom recall snap"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := restore(t, f, len(all))
	put(t, s, recall.Key{9}, all[numbered('k', 0)])
	save(t, s)
	restore(t, f, len(all)+1)
	if left, _ := filepath.Glob(f.Path + "?*"); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	if info, err := os.Stat(f.Path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}

func TestASnapshotThatCannotBeWrittenLeavesTheOld(t *testing.T) {
	f, all := filled(t)
	if err := os.MkdirAll(filepath.Join(f.Path+".tmp", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := restore(t, f, len(all))
	put(t, s, recall.Key{9}, all[numbered('k', 0)])
	if err := s.Save(); err == nil || strings.Contains(err.Error(), "scatters") {
		t.Errorf("%v", err)
	}
	restore(t, f, len(all))
	if err := os.RemoveAll(f.Path + ".tmp"); err != nil {
		t.Fatal(err)
	}
	save(t, s) // what could not be saved is saved the next time
	restore(t, f, len(all)+1)
}

func TestASnapshotIsWrittenWhenSomethingChanged(t *testing.T) {
	f, all := filled(t)
	s := restore(t, f, len(all))
	before, _ := os.Stat(f.Path)
	save(t, s)
	if after, err := os.Stat(f.Path); err != nil || !os.SameFile(before, after) {
		t.Errorf("it was written without a change: %v", err)
	}
	without := open(t, roomy) // one that never had a file
	put(t, without, recall.Key{1}, all[numbered('k', 0)])
	save(t, without)
}

// What an operator drops must not come back with the next process, however this one ends.
func TestWhatIsDroppedDoesNotComeBack(t *testing.T) {
	f, all := filled(t)
	s := restore(t, f, len(all))
	if n, err := s.Drop(context.Background(), recall.Filter{Before: all[numbered('k', 3)].Given}); err != nil || n != 3 {
		t.Fatalf("%d: %v", n, err)
	}
	if _, err := os.Stat(f.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
	save(t, s)
	restore(t, f, len(all)-3)
}

// Either all is taken or nothing.
func FuzzRestore(f *testing.F) {
	file, _ := filled(f)
	good, err := os.ReadFile(file.Path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:100])
	f.Fuzz(func(t *testing.T, b []byte) {
		of := snapshot(t)
		if err := os.WriteFile(of.Path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, roomy)
		if n, err := s.Restore(of, now); err == nil && n != 10 || err != nil && (n != 0 || !empty(t, s)) {
			t.Errorf("%d entries: %v", n, err)
		}
	})
}
