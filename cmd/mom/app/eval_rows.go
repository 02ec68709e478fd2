package app

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// A dataset is a file of labelled texts, read and checked as a whole before the first one is judged.
type dataset struct {
	rows   []evalRow
	sha256 string // of the file as it lies there
}

// An evalRow is one line of a data set.
type evalRow struct {
	line    int
	text    string
	label   string
	options []string
	group   string
}

// at names the row in an error.
func (r evalRow) at(file string) string { return fmt.Sprintf("%s: line %d", file, r.line) }

// readRows reads the rows of a classifier; by is the field they are grouped by.
func readRows(file, by string) (dataset, error) {
	var d dataset
	var err error
	d.sha256, err = readLines(file, func(n int, line []byte) error {
		row, err := readRow(line, by)
		row.line = n
		d.rows = append(d.rows, row)
		return err
	})
	return d, err
}

// readLines hands each line of a file, gzip or not, to read with its number, and returns the SHA-256 of the file as it lies there. Empty lines are
// skipped, and the first faulty one ends it.
func readLines(file string, read func(n int, line []byte) error) (_ string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	digest := sha256.New()
	src := bufio.NewReader(io.TeeReader(f, digest))
	var in io.Reader = src
	if magic, _ := src.Peek(2); string(magic) == "\x1f\x8b" { // by content: a download may have lost its .gz
		if in, err = gzip.NewReader(src); err != nil {
			return "", fmt.Errorf("%s: %w", file, err)
		}
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	n := 0
	for lines.Scan() {
		n++
		if len(lines.Bytes()) == 0 {
			continue
		}
		err := errNotUTF8
		if utf8.Valid(lines.Bytes()) {
			err = read(n, lines.Bytes())
		}
		if err != nil {
			return "", fmt.Errorf("%s: line %d: %w", file, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("%s: after line %d: %w", file, n, err)
	}
	if _, err := io.Copy(io.Discard, src); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return hex.EncodeToString(digest.Sum(nil)), nil
}

// errNotUTF8: the decoder would put a replacement character where the bytes are wrong, and the figures would be of other texts.
var errNotUTF8 = errors.New("not UTF-8")

func readRow(line []byte, by string) (evalRow, error) {
	var r evalRow
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(line, &fields); err != nil {
		return r, errors.New("not a JSON object")
	}
	for name, to := range map[string]*string{"text": &r.text, "label": &r.label} {
		var s *string
		if err := json.Unmarshal(fields[name], &s); err != nil || s == nil {
			return r, fmt.Errorf("field %s must be a string", name)
		}
		*to = *s
	}
	if raw, ok := fields["options"]; ok {
		if err := json.Unmarshal(raw, &r.options); err != nil || len(r.options) > len(letters) {
			return r, fmt.Errorf("field options must be a list of at most %d strings", len(letters))
		}
	}
	if raw, ok := fields[by]; ok {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			s = string(raw) // a number or a flag groups rows just as well
		}
		r.group = s
	}
	return r, nil
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// withOptions is the question followed by its lettered options, one a line, as an exam has it.
func (r evalRow) withOptions() string {
	var b strings.Builder
	b.WriteString(r.text)
	for i, option := range r.options {
		fmt.Fprintf(&b, "\n%c. %s", letters[i], option)
	}
	return b.String()
}

// spread returns limit of the rows at even distances, or all of them for 0. Files are sorted by source more often than not: their first rows
// would stand for one of them.
func spread[T any](rows []T, limit int) []T {
	if limit == 0 || limit >= len(rows) {
		return rows
	}
	out := make([]T, limit)
	for i := range out {
		out[i] = rows[i*len(rows)/limit]
	}
	return out
}
