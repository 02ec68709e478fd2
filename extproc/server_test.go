package extproc_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"github.com/mom-router/mom/extproc"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// running is a server on a Unix socket of its own, and a connection to it.
type running struct {
	*extproc.Server
	conn *grpc.ClientConn
	stop context.CancelFunc
	done chan error
}

func start(t *testing.T, end extproc.Shutdown) *running {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.sock")
	lis, err := extproc.Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{Server: extproc.NewServer(zap.NewNop()), stop: stop, done: make(chan error, 1)}
	go func() { r.done <- r.Serve(ctx, lis, func() extproc.Shutdown { return end }) }()
	r.conn, err = grpc.NewClient("unix:"+path, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.conn.Close() })
	return r
}

func (r *running) health(t *testing.T) healthv1.HealthCheckResponse_ServingStatus {
	t.Helper()
	// By the name that Envoy's health check asks for.
	res, err := healthv1.NewHealthClient(r.conn).Check(t.Context(), &healthv1.HealthCheckRequest{Service: "envoy.service.ext_proc.v3.ExternalProcessor"})
	if err != nil {
		t.Fatal(err)
	}
	return res.GetStatus()
}

func TestTheServerIsNotReadyBeforeItHasAConfiguration(t *testing.T) {
	defer goleak.VerifyNone(t)
	r := start(t, extproc.Shutdown{Grace: 5 * time.Second})
	if got := r.health(t); got != healthv1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("health %v before Use, want NOT_SERVING", got)
	}
	stream, err := extprocv3.NewExternalProcessorClient(r.conn).Process(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("a stream before Use ended with %v, want Unavailable: nil would let the request pass", err)
	}
	r.Use(&extproc.Gateway{})
	if got := r.health(t); got != healthv1.HealthCheckResponse_SERVING {
		t.Errorf("health %v after Use, want SERVING", got)
	}
	r.stop()
	if err := <-r.done; err != nil {
		t.Errorf("an orderly end returned %v", err)
	}
	_ = r.conn.Close()
}

func TestShutdownDoesNotWaitForEverOnAnOpenStream(t *testing.T) {
	r := start(t, extproc.Shutdown{Drain: time.Millisecond, Grace: 10 * time.Millisecond})
	r.Use(&extproc.Gateway{})
	stream, err := extprocv3.NewExternalProcessorClient(r.conn).Process(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// A preflight would be answered, but it ends the stream; so announce a body and never send it.
	if err := stream.Send(requestHeaders(":method", "POST", ":path", "/v1/chat/completions")); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	r.stop()
	select {
	case err := <-r.done:
		if err != nil {
			t.Errorf("the end returned %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the server waits for a stream that never ends")
	}
	if _, err := stream.Recv(); err == nil || status.Code(err) == codes.OK {
		t.Errorf("the cut stream ended with %v, want an error: it had no verdict", err)
	}
}

func TestListen(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(path("file"), []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path("dead"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	alive, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path("alive"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = alive.Close() }()
	for name, tt := range map[string]struct{ network, address, err string }{
		"a new socket in a new folder":              {"unix", path("new/folder/s.sock"), ""},
		"a socket left behind by a dead process":    {"unix", path("dead"), ""},
		"a socket that another process answers":     {"unix", path("alive"), "another process answers"},
		"a file that is no socket is never removed": {"unix", path("file"), "not a socket"},
		"a TCP port":         {"tcp", "127.0.0.1:0", ""},
		"an impossible port": {"tcp", "127.0.0.1:99999", "invalid port"},
	} {
		t.Run(name, func(t *testing.T) {
			lis, err := extproc.Listen(t.Context(), tt.network, tt.address)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if tt.network == "unix" {
				info, err := os.Stat(tt.address)
				if err != nil {
					t.Fatal(err)
				}
				if got := info.Mode().Perm(); got != 0o660 {
					t.Errorf("mode %o, want 660", got)
				}
			}
			if err := lis.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	if b, err := os.ReadFile(path("file")); err != nil || string(b) != "precious" {
		t.Error("the file is gone")
	}
}
