package memory

import (
	"bufio"
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/mom-router/mom/pkg/recall"
)

// Snapshot is the file in which a Store outlives its process, and what that is bound to: without the secret nobody reads it or writes one that is taken,
// and of another revision it means nothing.
type Snapshot struct {
	Path             string
	Secret, Revision []byte
}

var (
	// ErrOther is a snapshot of another revision, another secret, or another version of this program.
	ErrOther = errors.New("the snapshot is of another configuration, another secret or another version")
	// ErrDamaged is one that is not as it was written.
	ErrDamaged = errors.New("the snapshot is damaged")
)

// kept is the snapshot of a store, if it has one.
type kept struct {
	mu    sync.Mutex // held while the file is read, written or removed
	file  Snapshot
	saved uint64 // the store's changes, when it was written
}

// A snapshot begins with its version, a salt, and a mark that tells whether secret and revision are the reader's. Then come records, each a length in four
// bytes and that many of AES-256-GCM, whose nonces count from 0: a key and an entry's encoding. The last record is empty. The key of the cipher hangs on
// the salt, so that no two files share one.
const version = "mom recall snapshot 1\n"

const saltBytes = 32

// sealer returns the mark and the cipher of a file.
func (f *Snapshot) sealer(salt []byte) (mark []byte, seal cipher.AEAD, err error) {
	derive := func(purpose string) []byte {
		key, e := hkdf.Key(sha256.New, f.Secret, salt, purpose+string(f.Revision), sha256.Size)
		err = errors.Join(err, e)
		return key
	}
	mark = derive("mark\x00")
	block, e := aes.NewCipher(derive("seal\x00"))
	if err = errors.Join(err, e); err != nil {
		return nil, nil, err
	}
	seal, err = cipher.NewGCM(block)
	return mark, seal, err
}

func nonce(record uint64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 4, 12), record) }

// Restore reads what a store has kept there and returns how many entries it put. From now on Save writes there. No file is no error. After any other fault
// nothing of the file is left in the store, which was empty before. What expired by now stays out.
func (s *Store) Restore(f Snapshot, now time.Time) (int, error) {
	s.kept.mu.Lock()
	defer s.kept.mu.Unlock()
	s.kept.file = f
	file, err := os.Open(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("restore: %w", err)
	}
	defer func() { _ = file.Close() }()
	n, err := s.read(file, &f, now)
	if err != nil {
		s.entries.InvalidateAll()
		s.kept.saved = math.MaxUint64 // what nobody can read any more goes with the next Save
		return 0, fmt.Errorf("restore %s: %w", f.Path, err)
	}
	s.kept.saved = s.changes.Load()
	return n, nil
}

func (s *Store) read(file *os.File, f *Snapshot, now time.Time) (int, error) {
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	r := bufio.NewReaderSize(file, 1<<16)
	head := make([]byte, len(version)+saltBytes+sha256.Size)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, ended(err)
	}
	if string(head[:len(version)]) != version {
		return 0, ErrOther
	}
	head = head[len(version):]
	mark, seal, err := f.sealer(head[:saltBytes])
	if err != nil {
		return 0, err
	}
	if !bytes.Equal(head[saltBytes:], mark) {
		return 0, ErrOther
	}
	var buf []byte
	n := 0
	for record := uint64(0); ; record++ {
		var size [4]byte
		if _, err := io.ReadFull(r, size[:]); err != nil {
			return 0, ended(err)
		}
		length := int64(binary.BigEndian.Uint32(size[:]))
		if length > info.Size() { // so that a wrong length takes no memory
			return 0, ErrDamaged
		}
		buf = slices.Grow(buf[:0], int(length))[:length]
		if _, err := io.ReadFull(r, buf); err != nil {
			return 0, ended(err)
		}
		plain, err := seal.Open(buf[:0], nonce(record), buf, size[:])
		if err != nil {
			return 0, ErrDamaged
		}
		if len(plain) == 0 {
			break
		}
		var k recall.Key
		var e recall.Entry
		if copy(k[:], plain) < len(k) || e.UnmarshalBinary(plain[len(k):]) != nil {
			return 0, ErrDamaged
		}
		if now.Before(e.Expires) {
			_ = s.Put(context.Background(), k, e) // never fails
			n++
		}
	}
	if _, err := r.ReadByte(); err != io.EOF {
		return 0, ErrDamaged
	}
	return n, nil
}

// ended is a damage where a file ends too early; other errors are the disk's.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrDamaged
	}
	return err
}

// Save writes the store to the file that Restore named, which until the new one is whole stays as it is; nothing where there is none, or where nothing
// came or went since. Others may put and drop meanwhile.
func (s *Store) Save() error {
	s.kept.mu.Lock()
	defer s.kept.mu.Unlock()
	f, changes := &s.kept.file, s.changes.Load()
	if f.Path == "" || changes == s.kept.saved {
		return nil
	}
	if err := s.replace(f); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	s.kept.saved = changes
	return nil
}

// replace writes the file beside the old one, has it reach the disk, and then gives it the old one's name.
func (s *Store) replace(f *Snapshot) (err error) {
	beside := f.Path + ".tmp" // one name, so that processes that were killed leave one file and not many
	if err := os.Remove(beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(beside)
		}
	}()
	if err := errors.Join(s.write(file, f), file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(beside, f.Path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(f.Path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close()) // the name, too
}

func (s *Store) write(file io.Writer, f *Snapshot) error {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	mark, seal, err := f.sealer(salt)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(file, 1<<16)
	_, _ = w.WriteString(version) // the writer keeps the first error until Flush
	_, _ = w.Write(salt)
	_, _ = w.Write(mark)
	record, buf := uint64(0), []byte(nil)
	put := func(plain []byte) {
		size := binary.BigEndian.AppendUint32(nil, uint32(len(plain)+seal.Overhead())) //nolint:gosec // an entry fits a tenant's share
		buf = seal.Seal(buf[:0], nonce(record), plain, size)
		_, _ = w.Write(size)
		_, _ = w.Write(buf)
		record++
	}
	for _, it := range s.oldestFirst() {
		e := s.whole(it)
		b, err := e.MarshalBinary()
		if err != nil {
			continue // what cannot be written down is forgotten with the process
		}
		put(append(it.key[:], b...))
	}
	put(nil)
	return w.Flush()
}

// oldestFirst is the order in which a tenant's entries are to be pushed out by the next process, too.
func (s *Store) oldestFirst() []*item {
	var all []*item
	for _, it := range s.entries.All() {
		all = append(all, it)
	}
	slices.SortFunc(all, func(a, b *item) int { return a.entry.Given.Compare(b.entry.Given) })
	return all
}

// unkeep removes the snapshot, which holds what was dropped, until the next Save.
func (s *Store) unkeep() error {
	s.kept.mu.Lock()
	defer s.kept.mu.Unlock()
	if s.kept.file.Path == "" {
		return nil
	}
	if err := os.Remove(s.kept.file.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("drop from the snapshot: %w", err)
	}
	return nil
}
