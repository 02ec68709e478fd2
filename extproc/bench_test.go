package extproc_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"
	"testing"
	"time"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"github.com/mom-router/mom/extproc"
	"github.com/mom-router/mom/extproc/extproctest"
	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// BenchmarkRoundTrip times one request's exchange (headers, body, response headers) with the real server, model off, against a processor that does
// nothing, over Unix sockets in the same run, in turns of one block each. cpu is the time of the whole process, the client's part included: it neither
// encodes nor decodes, since in life that is Envoy's work. The garbage collector is set as serve sets it.
func BenchmarkRoundTrip(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(extproc.GCPercent))
	for _, size := range []int{600, 16 << 10, 256 << 10} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			real, none := dial(b, realServer(b)), dial(b, extproctest.NoOp{})
			exchange := extproctest.NewRoundtrip(chatBody(size))
			const block = 200
			var a, z sample
			for _, warm := range []*grpc.ClientConn{real, none} {
				(&sample{}).run(b, exchange, warm, block)
			}
			b.ResetTimer()
			for left := b.N; left > 0; left -= block {
				a.run(b, exchange, real, min(block, left))
				z.run(b, exchange, none, min(block, left))
			}
			b.StopTimer()
			b.ReportMetric(a.cpu.Seconds()/z.cpu.Seconds(), "cpu-ratio")
			b.ReportMetric(a.p50().Seconds()/z.p50().Seconds(), "p50-ratio")
			b.ReportMetric(float64(a.allocs)/float64(len(a.took)), "allocs")
			b.ReportMetric(float64(z.allocs)/float64(len(z.took)), "noop-allocs")
			b.ReportMetric(float64(a.cpu.Microseconds())/float64(len(a.took)), "cpu-µs")
			b.ReportMetric(float64(z.cpu.Microseconds())/float64(len(z.took)), "noop-cpu-µs")
			b.ReportMetric(float64(a.p50().Nanoseconds())/1000, "p50-µs")
			b.ReportMetric(float64(z.p50().Nanoseconds())/1000, "noop-p50-µs")
		})
	}
}

type sample struct {
	took   []time.Duration
	cpu    time.Duration
	allocs uint64
}

func (s *sample) run(b *testing.B, exchange *extproctest.Roundtrip, conn *grpc.ClientConn, n int) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	allocs, before := m.Mallocs, cpuTime(b)
	for range n {
		start := time.Now()
		if err := exchange.Do(context.Background(), conn); err != nil {
			b.Fatal(err)
		}
		s.took = append(s.took, time.Since(start))
	}
	s.cpu += cpuTime(b) - before
	runtime.ReadMemStats(&m)
	s.allocs += m.Mallocs - allocs
}

func (s *sample) p50() time.Duration {
	slices.Sort(s.took)
	return s.took[len(s.took)/2]
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func realServer(b *testing.B) *extproc.Server {
	tiers := []route.Backend{{Name: "small", Cluster: "small"}, {Name: "large", Cluster: "large"}}
	router, err := route.New(route.Config{Backends: tiers, Default: route.Choice{Models: []string{"small", "large"}}})
	if err != nil {
		b.Fatal(err)
	}
	run, err := pipeline.New(pipeline.Step{Stage: router})
	if err != nil {
		b.Fatal(err)
	}
	s := extproc.NewServer(zap.NewNop())
	s.Use(&extproc.Gateway{Parser: &chat.Parser{Aliases: map[string]pipeline.Alias{"MoM": pipeline.MoM}}, Runner: run,
		Backends: map[string]bool{"small": true, "large": true}})
	return s
}

func dial(b *testing.B, p extprocv3.ExternalProcessorServer) *grpc.ClientConn {
	path := filepath.Join(b.TempDir(), "s.sock")
	lis, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", path)
	if err != nil {
		b.Fatal(err)
	}
	srv := extproc.NewGRPC()
	extprocv3.RegisterExternalProcessorServer(srv, p)
	go func() { _ = srv.Serve(lis) }()
	conn, err := grpc.NewClient("unix:"+path, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close(); srv.Stop() })
	return conn
}

// chatBody is a request of about n bytes.
func chatBody(n int) []byte {
	const head = `{"model":"MoM","stream":true,"messages":[{"role":"system","content":"You are brief."},{"role":"user","content":"`
	const tail = `"}],"temperature":0.2}`
	text := bytes.Repeat([]byte("How many ways are there to tile a floor? "), n/41+1)
	return append(append([]byte(head), text[:max(n-len(head)-len(tail), 1)]...), tail...)
}
