package milvus

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"github.com/mom-router/mom/pkg/recall"
)

// layout stands for what a row looks like: with another one, another collection.
const layout = "v1"

// The fields of a row. Keys are hex, so that they need no escapes in an expression; the backend is a hash of its name for the same reason.
const (
	fieldKey     = "id"
	fieldTenant  = "tenant"
	fieldFrame   = "frame"
	fieldSystem  = "system"
	fieldBackend = "backend"
	fieldGiven   = "given"   // microseconds since 1970
	fieldExpires = "expires" // microseconds since 1970
	fieldVector  = "vector"
	fieldEntry   = "entry" // Entry.MarshalBinary, deflated, in base64
)

const (
	hexKey    = 2 * sha256.Size
	mostEntry = 65535   // bytes of a field of the server
	mostPlain = 4 << 20 // bytes of an entry, far above an answer: what inflates to more is no entry
)

func schema(collection string, dimension int) *entity.Schema {
	text := func(name string, most int64) *entity.Field {
		return entity.NewField().WithName(name).WithDataType(entity.FieldTypeVarChar).WithMaxLength(most)
	}
	number := func(name string) *entity.Field {
		return entity.NewField().WithName(name).WithDataType(entity.FieldTypeInt64)
	}
	return entity.NewSchema().WithName(collection).WithDescription("answers that were given, by MoM").
		WithField(text(fieldKey, hexKey).WithIsPrimaryKey(true)).
		WithField(text(fieldTenant, hexKey)).WithField(text(fieldFrame, hexKey)).WithField(text(fieldSystem, hexKey)).WithField(text(fieldBackend, hexKey)).
		WithField(number(fieldGiven)).WithField(number(fieldExpires)).
		WithField(entity.NewField().WithName(fieldVector).WithDataType(entity.FieldTypeFloatVector).WithDim(int64(dimension))).
		WithField(text(fieldEntry, mostEntry))
}

// unit is a vector of length one: the server wants one in every row, and divides by its length.
func unit(dimension int) []float32 {
	v := make([]float32, dimension)
	v[0] = 1
	return v
}

// row encodes an entry; ok is false for one that is too large for a row.
func (s *Store) row(k recall.Key, e recall.Entry) (columns []entity.Column, ok bool, err error) {
	vector, frame := unit(s.dimension), "" // found by its key alone
	if len(e.Vector) > 0 {
		if len(e.Vector) != s.c.Dimension {
			return nil, false, fmt.Errorf("an entry's vector has %d dimensions, those of the store have %d", len(e.Vector), s.c.Dimension)
		}
		vector, frame = e.Vector, hexed(e.Frame)
	}
	plain, err := e.MarshalBinary()
	if err != nil {
		return nil, false, err
	}
	packed, err := pack(plain)
	if err != nil {
		return nil, false, err
	}
	if len(packed) > mostEntry {
		return nil, false, nil
	}
	text := func(name, value string) entity.Column { return entity.NewColumnVarChar(name, []string{value}) }
	return []entity.Column{
		text(fieldKey, hex.EncodeToString(k[:])), text(fieldTenant, hexed(e.Tenant)), text(fieldFrame, frame), text(fieldSystem, hexed(e.System)),
		text(fieldBackend, hashed(e.Backend)),
		entity.NewColumnInt64(fieldGiven, []int64{e.Given.UnixMicro()}), entity.NewColumnInt64(fieldExpires, []int64{e.Expires.UnixMicro()}),
		entity.NewColumnFloatVector(fieldVector, s.dimension, [][]float32{vector}), text(fieldEntry, packed),
	}, true, nil
}

// hexed is a key in hex, "" for the zero key.
func hexed(k recall.Key) string {
	if k == (recall.Key{}) {
		return ""
	}
	return hex.EncodeToString(k[:])
}

// hashed stands for the name of a model in an expression.
func hashed(backend string) string {
	h := sha256.Sum256([]byte(backend))
	return hex.EncodeToString(h[:])
}

func pack(plain []byte) (string, error) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		return "", fmt.Errorf("deflate: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return "", fmt.Errorf("deflate: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("deflate: %w", err)
	}
	return base64.RawStdEncoding.EncodeToString(b.Bytes()), nil
}

var errRow = errors.New("a row that is not ours")

// unpack decodes an entry. A row may be anything: whoever can write to the server has written it.
func unpack(packed string) (recall.Entry, error) {
	deflated, err := base64.RawStdEncoding.DecodeString(packed)
	if err != nil {
		return recall.Entry{}, errRow
	}
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(deflated)), mostPlain))
	if err != nil || len(plain) == mostPlain {
		return recall.Entry{}, errRow
	}
	var e recall.Entry
	if err := e.UnmarshalBinary(plain); err != nil {
		return recall.Entry{}, errRow
	}
	return e, nil
}

// is, starts, before and after are the only expressions there are. value is hex, from this file alone.
func is(field, value string) string     { return field + ` == "` + value + `"` }
func starts(field, value string) string { return field + ` like "` + value + `%"` }
func before(field string, t time.Time) string {
	return fmt.Sprintf("%s < %d", field, t.UnixMicro())
}
func after(field string, t time.Time) string { return fmt.Sprintf("%s > %d", field, t.UnixMicro()) }

// named is the expression of a filter.
func named(f recall.Filter) string {
	all := []string{fieldExpires + " > 0"} // the server wants one
	if f.Tenant != (recall.Key{}) {
		all = append(all, is(fieldTenant, hexed(f.Tenant)))
	}
	if f.Backend != "" {
		all = append(all, is(fieldBackend, hashed(f.Backend)))
	}
	if len(f.System) > 0 {
		all = append(all, starts(fieldSystem, hex.EncodeToString(f.System)))
	}
	if !f.Before.IsZero() {
		all = append(all, before(fieldGiven, f.Before))
	}
	return strings.Join(all, " && ")
}
