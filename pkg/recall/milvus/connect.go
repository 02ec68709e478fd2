package milvus

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	retry "github.com/grpc-ecosystem/go-grpc-middleware/retry"
	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"github.com/mom-router/mom/pkg/recall"
)

const (
	connectIn  = 20 * time.Second // for a connection and its collection: the first replica creates and loads it
	probeIn    = 5 * time.Second  // for a look whether a connection still serves
	leastPause = 500 * time.Millisecond
	mostPause  = 5 * time.Second
	sweepEvery = 10 * time.Minute
)

// keep connects, watches over the connection, and connects again when it no longer serves.
func (s *Store) keep(ctx context.Context) {
	defer close(s.ended)
	pause := leastPause
	for ctx.Err() == nil {
		c, err := s.connect(ctx)
		if err == nil {
			s.ready.Store(c)
			err = s.watch(ctx, c)
			s.lost(err)
			s.ready.Store(nil)
			_ = c.Close()
			pause = leastPause
			continue // at once: a server that was restarted serves as soon as its collection is loaded
		}
		s.lost(err)
		select {
		case <-ctx.Done():
		case <-time.After(pause/2 + rand.N(pause)): // replicas that lost one server do not come back all at once
		}
		pause = min(2*pause, mostPause)
	}
	s.lost(errors.New("closed"))
}

// lost notes why there is no connection.
func (s *Store) lost(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.why = err
}

// watch returns why the connection no longer serves. It looks when a call has failed, once a second at most, and removes what has expired now and then.
func (s *Store) watch(ctx context.Context, c *connection) error {
	sweep := time.NewTimer(time.Minute + rand.N(sweepEvery)) // each replica sweeps; not all at once
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return errors.New("closed")
		case <-sweep.C:
			_, _ = s.sweep(ctx, c) // what stays goes the next time
			sweep.Reset(sweepEvery/2 + rand.N(sweepEvery))
			continue
		case <-s.doubt:
		}
		look, cancel := context.WithTimeout(ctx, probeIn)
		err := s.probe(look, c)
		cancel()
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.New("closed")
		case <-time.After(time.Second):
		}
	}
}

// connect returns a connection whose collection is in order and loaded.
func (s *Store) connect(ctx context.Context) (_ *connection, err error) {
	ctx, cancel := context.WithTimeout(ctx, connectIn)
	defer cancel()
	user, password, err := s.c.Credentials()
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	options := []grpc.DialOption{
		// A server that is stopped keeps its connections open and answers nothing.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 3 * time.Second}, MinConnectTimeout: 3 * time.Second,
		}),
		// The client would try again on its own, after pauses of up to fifteen seconds: who waits for a call decides that, and keep does.
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20), retry.Disable()),
	}
	if s.c.TLS != nil {
		options = append(options, grpc.WithTransportCredentials(credentials.NewTLS(s.c.TLS)))
	}
	// Without DisableConn a server that does not answer leaves a connection behind that nobody can close.
	open, err := client.NewClient(ctx, client.Config{
		Address: s.c.Address, DBName: s.c.Database, Username: user, Password: password, EnableTLSAuth: s.c.TLS != nil, DialOptions: options, DisableConn: true,
	})
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	c := &connection{open}
	defer func() {
		if err != nil {
			_ = c.Close()
		}
	}()
	if err := s.prepare(ctx, c); err != nil {
		return nil, err
	}
	return c, s.probe(ctx, c)
}

// prepare creates the collection where it is missing, looks whether it is the right one, and has it loaded. Several replicas may do so at once.
func (s *Store) prepare(ctx context.Context, c *connection) error {
	has, err := c.HasCollection(ctx, s.collection)
	if err != nil {
		return fmt.Errorf("look for the collection: %w", err)
	}
	if !has {
		if err := c.CreateCollection(ctx, schema(s.collection, s.dimension), 1, client.WithConsistencyLevel(entity.ClBounded)); err != nil {
			return fmt.Errorf("create the collection: %w", err)
		}
	}
	is, err := c.DescribeCollection(ctx, s.collection)
	if err != nil {
		return fmt.Errorf("describe the collection: %w", err)
	}
	if err := s.fits(is.Schema); err != nil {
		return err
	}
	if err := s.index(ctx, c); err != nil {
		return err
	}
	if err := c.LoadCollection(ctx, s.collection, false); err != nil {
		return fmt.Errorf("load the collection: %w", err)
	}
	return nil
}

// index creates the vectors' index where it is missing: milvus-lite refuses a second one, though it be the same.
func (s *Store) index(ctx context.Context, c *connection) error {
	if there, err := c.DescribeIndex(ctx, s.collection, fieldVector); err == nil && len(there) > 0 {
		return nil
	}
	index, err := entity.NewIndexHNSW(entity.COSINE, 16, 200)
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	if err := c.CreateIndex(ctx, s.collection, fieldVector, index, true); err != nil {
		return fmt.Errorf("create the index: %w", err)
	}
	return nil
}

// fits compares a collection with the one we would have made.
func (s *Store) fits(is *entity.Schema) error {
	there := map[string]*entity.Field{}
	for _, f := range is.Fields {
		there[f.Name] = f
	}
	for _, want := range schema(s.collection, s.dimension).Fields {
		f := there[want.Name]
		if f == nil || f.DataType != want.DataType || f.PrimaryKey != want.PrimaryKey {
			return fmt.Errorf("the collection %s has not the field %s of ours: another program's?", s.collection, want.Name)
		}
	}
	if d := there[fieldVector].TypeParams[entity.TypeParamDim]; d != strconv.Itoa(s.dimension) {
		return fmt.Errorf("the vectors of the collection %s have %s dimensions, not %d", s.collection, d, s.dimension)
	}
	return nil
}

// probe looks whether the server answers a search, since its own word that it is healthy comes too early.
func (s *Store) probe(ctx context.Context, c *connection) error {
	if _, err := c.search(ctx, s, recall.Query{Frame: recall.Key{1}, Vector: unit(s.dimension), Top: 1, Now: s.c.Now()}); err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	return nil
}
