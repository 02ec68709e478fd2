package extproc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
)

// Server answers Envoy. Until the first Use it refuses every request, and its health is NOT_SERVING.
type Server struct {
	extprocv3.UnimplementedExternalProcessorServer
	gateway atomic.Pointer[Gateway]
	health  *health.Server
	log     *zap.Logger
}

// NewServer returns a server that is not ready yet.
func NewServer(log *zap.Logger) *Server {
	s := &Server{health: health.NewServer(), log: log}
	s.setHealth(healthv1.HealthCheckResponse_NOT_SERVING)
	return s
}

// Use makes g the configuration of every stream that begins from now on, and the server ready.
func (s *Server) Use(g *Gateway) {
	s.gateway.Store(g)
	s.setHealth(healthv1.HealthCheckResponse_SERVING)
}

func (s *Server) setHealth(status healthv1.HealthCheckResponse_ServingStatus) {
	s.health.SetServingStatus("", status)
	s.health.SetServingStatus(extprocv3.ExternalProcessor_ServiceDesc.ServiceName, status)
}

// GCPercent is the garbage collector's setting that serving calls for. What lives on is a few megabytes, while every request leaves tens of
// kilobytes behind: at Go's 100 the collector runs hundreds of times a second under load and takes a quarter of the CPU.
const GCPercent = 400

// Shutdown says how a server ends: Drain is how long it still accepts requests after its health turned NOT_SERVING (longer than two of Envoy's
// health intervals), Grace how long requests in flight may then take before they are cut.
type Shutdown struct{ Drain, Grace time.Duration }

// Serve answers on lis until ctx ends, then shuts down as said by what shutdown returns. It returns nil after an orderly end.
func (s *Server) Serve(ctx context.Context, lis net.Listener, shutdown func() Shutdown) error {
	srv := newGRPC()
	extprocv3.RegisterExternalProcessorServer(srv, s)
	healthv1.RegisterHealthServer(srv, s.health)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(lis) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve %s: %w", lis.Addr(), err)
	case <-ctx.Done():
	}
	end := shutdown()
	s.log.Info("shutting down", zap.Duration("drain", end.Drain), zap.Duration("grace", end.Grace))
	s.setHealth(healthv1.HealthCheckResponse_NOT_SERVING)
	drained := time.NewTimer(end.Drain)
	defer drained.Stop()
	select {
	case <-drained.C:
	case err := <-served:
		return fmt.Errorf("serve %s: %w", lis.Addr(), err)
	}
	stopped := make(chan struct{})
	go func() { srv.GracefulStop(); close(stopped) }()
	graceful := time.NewTimer(end.Grace)
	defer graceful.Stop()
	select {
	case <-stopped:
	case <-graceful.C:
		// GracefulStop alone would wait for ever on one open stream.
		s.log.Warn("cutting the requests that are still in flight")
		srv.Stop()
		<-stopped
	}
	if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serve %s: %w", lis.Addr(), err)
	}
	return nil
}

// newGRPC is a gRPC server with Envoy's traffic in mind.
func newGRPC() *grpc.Server {
	return grpc.NewServer(
		// Far above Envoy's own buffer limit: past ours the answer is a 413 in JSON, past this one only a bare gRPC error.
		grpc.MaxRecvMsgSize(128<<20), grpc.MaxSendMsgSize(128<<20),
		grpc.MaxConcurrentStreams(math.MaxUint32), // a stream lives as long as its backend thinks: a cap here would shed load unseen
		grpc.InitialWindowSize(1<<20), grpc.InitialConnWindowSize(4<<20),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
	)
}

// Listen opens a listener in the words of net.Listen: "tcp" with host:port, or "unix" with a path, absolute or relative. A Unix socket gets mode
// 0660; one left behind by a process that died is replaced, one that is answered is an error.
func Listen(ctx context.Context, network, address string) (net.Listener, error) {
	var lc net.ListenConfig
	if network == "unix" {
		if err := clearSocket(ctx, address); err != nil {
			return nil, fmt.Errorf("listen: %w", err)
		}
	}
	lis, err := lc.Listen(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if network == "unix" {
		if err := os.Chmod(address, 0o660); err != nil {
			return nil, fmt.Errorf("listen: %w", errors.Join(err, lis.Close()))
		}
	}
	return lis, nil
}

// clearSocket makes room for a socket at path and never removes anything but a dead socket.
func clearSocket(ctx context.Context, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return nil //nolint:nilerr // nothing there, or the listener itself will say what is wrong
	}
	if info.Mode().Type() != os.ModeSocket {
		return fmt.Errorf("%s exists and is not a socket", path)
	}
	d := net.Dialer{Timeout: time.Second}
	if c, err := d.DialContext(ctx, "unix", path); err == nil {
		return errors.Join(fmt.Errorf("another process answers on %s", path), c.Close())
	}
	return os.Remove(path)
}
