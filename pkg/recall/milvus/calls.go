package milvus

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"github.com/mom-router/mom/pkg/recall"
)

// page is how many rows are named in one call.
const page = 1000

// Get returns the entry of a key. Errors are the server's, or of a row that is none of ours.
func (s *Store) Get(ctx context.Context, k recall.Key) (e recall.Entry, ok bool, err error) {
	err = s.use(ctx, "get", func(c *connection) error {
		rows, err := c.Query(ctx, s.collection, nil, is(fieldKey, hex.EncodeToString(k[:]))+" && "+after(fieldExpires, s.c.Now()), []string{fieldKey, fieldEntry}, s.level(), client.WithLimit(1))
		if err != nil || rows.Len() == 0 {
			return err
		}
		key, packed, err := texts(rows, 0)
		if err != nil {
			return err
		}
		if key != hex.EncodeToString(k[:]) {
			return errRow
		}
		e, err = unpack(packed)
		ok = err == nil
		return err
	})
	return e, ok, err
}

// Put keeps an entry under a key. One that is too large for a row, some 45 KiB after compression, is not kept.
func (s *Store) Put(ctx context.Context, k recall.Key, e recall.Entry) error {
	columns, ok, err := s.row(k, e)
	if err != nil {
		return fmt.Errorf("milvus: put: %w", err)
	}
	if !ok {
		return nil
	}
	return s.use(ctx, "put", func(c *connection) error {
		_, err := c.Upsert(ctx, s.collection, "", columns...)
		return err
	})
}

// Near returns entries of the query's frame, the nearest first. A row that is none of ours is passed over.
func (s *Store) Near(ctx context.Context, q recall.Query) (out []recall.Neighbor, err error) {
	if len(q.Vector) != s.c.Dimension || s.c.Dimension == 0 {
		// milvus-lite finds nothing then and says nothing.
		return nil, fmt.Errorf("milvus: near: a vector of %d dimensions in a store of %d", len(q.Vector), s.c.Dimension)
	}
	err = s.use(ctx, "near", func(c *connection) error {
		found, err := c.search(ctx, s, q)
		if err != nil {
			return err
		}
		for _, n := range found {
			if n.Entry.Frame == q.Frame && q.Now.Before(n.Entry.Expires) && len(n.Entry.Vector) == len(q.Vector) {
				n.Cosine = dot(n.Entry.Vector, q.Vector)
				if n.Cosine >= q.Floor { // false for what is no number
					out = append(out, n)
				}
			}
		}
		slices.SortStableFunc(out, func(a, b recall.Neighbor) int { return cmp.Compare(b.Cosine, a.Cosine) })
		return nil
	})
	return out, err
}

func dot(a, b []float32) (sum float32) {
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}

// search returns what the server finds in a frame. The rows are decoded, not yet compared with what was asked.
func (c *connection) search(ctx context.Context, s *Store, q recall.Query) ([]recall.Neighbor, error) {
	how, err := entity.NewIndexHNSWSearchParam(max(64, q.Top))
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	results, err := c.Search(ctx, s.collection, nil, is(fieldFrame, hexed(q.Frame))+" && "+after(fieldExpires, q.Now), []string{fieldKey, fieldEntry},
		[]entity.Vector{entity.FloatVector(q.Vector)}, fieldVector, entity.COSINE, q.Top, how, s.level())
	if err != nil {
		return nil, err
	}
	var out []recall.Neighbor
	for _, r := range results {
		if r.ResultCount == 0 { // first: the client calls it an error that a search without hits has no columns
			continue
		}
		if r.Err != nil {
			return nil, r.Err
		}
		for i := range r.ResultCount {
			key, packed, err := texts(r.Fields, i)
			if err != nil {
				return nil, err
			}
			n := recall.Neighbor{}
			if b, err := hex.DecodeString(key); err != nil || copy(n.Key[:], b) != len(n.Key) || len(b) != len(n.Key) {
				continue
			}
			if n.Entry, err = unpack(packed); err != nil {
				continue
			}
			out = append(out, n)
		}
	}
	return out, nil
}

// texts are the key and the entry of a row.
func texts(rows client.ResultSet, i int) (key, packed string, err error) {
	for _, f := range []struct {
		name string
		into *string
	}{{fieldKey, &key}, {fieldEntry, &packed}} {
		column := rows.GetColumn(f.name)
		if column == nil {
			return "", "", errRow
		}
		if *f.into, err = column.GetAsString(i); err != nil {
			return "", "", errRow
		}
	}
	return key, packed, nil
}

// level is the consistency of reads that requests wait for.
func (s *Store) level() client.SearchQueryOptionFunc {
	return client.WithSearchQueryConsistencyLevel(s.c.Consistency.level())
}

// Drop forgets the entries that a filter names. It sees all that was put before, which takes it some tenths of a second for each thousand.
func (s *Store) Drop(ctx context.Context, f recall.Filter) (n int, err error) {
	err = s.use(ctx, "drop", func(c *connection) error {
		n, err = s.remove(ctx, c, named(f))
		return err
	})
	return n, err
}

// sweep removes what has expired.
func (s *Store) sweep(ctx context.Context, c *connection) (int, error) {
	return s.remove(ctx, c, before(fieldExpires, s.c.Now()))
}

// remove looks for rows and deletes them by their keys: not all servers delete by another expression.
func (s *Store) remove(ctx context.Context, c *connection, expression string) (int, error) {
	n := 0
	for {
		rows, err := c.Query(ctx, s.collection, nil, expression, []string{fieldKey}, client.WithSearchQueryConsistencyLevel(entity.ClStrong), client.WithLimit(page))
		if err != nil {
			return n, err
		}
		column := rows.GetColumn(fieldKey)
		if column == nil || column.Len() == 0 {
			return n, nil
		}
		keys := make([]string, column.Len())
		for i := range keys {
			if keys[i], err = column.GetAsString(i); err != nil {
				return n, errRow
			}
			if b, err := hex.DecodeString(keys[i]); err != nil || len(b) != len(recall.Key{}) {
				return n, errRow // it would stand in an expression
			}
		}
		if err := c.DeleteByPks(ctx, s.collection, "", entity.NewColumnVarChar(fieldKey, keys)); err != nil {
			return n, err
		}
		n += len(keys)
	}
}

// Size counts the rows. The server does not say how many bytes they are.
func (s *Store) Size(ctx context.Context) (size recall.Size, err error) {
	const count = "count(*)"
	err = s.use(ctx, "size", func(c *connection) error {
		rows, err := c.Query(ctx, s.collection, nil, "", []string{count}, s.level())
		if err != nil {
			return err
		}
		column := rows.GetColumn(count)
		if column == nil || column.Len() != 1 {
			return errRow
		}
		n, err := column.GetAsInt64(0)
		size.Entries = int(n)
		return err
	})
	return size, err
}
