package extproctest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"net"
	"strconv"
	"testing"
	"time"

	extprocfilterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/mom-router/mom/extproc/extproctest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/durationpb"
)

func zipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestACorrectServerViolatesNothing(t *testing.T) {
	local := func(at extproctest.Point) extproctest.LocalReply { return extproctest.LocalReply{At: at, Status: 408} }
	for name, tt := range map[string]row{
		"a chat request":                         {req: plain, outcome: extproctest.Forwarded, status: 200},
		"a chunked client":                       {req: extproctest.Request{Body: chat, Chunked: true}, outcome: extproctest.Forwarded, status: 200},
		"trailers that the mode skips":           {req: extproctest.Request{Body: chat, Trailers: true}, outcome: extproctest.Forwarded, status: 200},
		"trailers that the mode sends":           {req: extproctest.Request{Body: chat, Trailers: true}, set: trailerMode, outcome: extproctest.Forwarded, status: 200},
		"a gzip body":                            {req: extproctest.Request{Body: zipped(t, chat), Headers: [][2]string{{"Content-Encoding", "gzip"}}}, outcome: extproctest.Forwarded, status: 200},
		"unknown messages":                       {req: extproctest.Request{Body: chat, Odd: extproctest.UnknownMessages}, outcome: extproctest.Forwarded, status: 200},
		"the end repeated while pending":         {req: extproctest.Request{Body: chat, Odd: extproctest.EndAgainPending}, outcome: extproctest.Forwarded, status: 200},
		"the end repeated afterwards":            {req: extproctest.Request{Body: chat, Odd: extproctest.EndAgain}, outcome: extproctest.Forwarded, status: 200},
		"the end repeated and ignored":           {req: extproctest.Request{Body: chat, Odd: extproctest.EndAgain}, outcome: extproctest.Forwarded, status: 200, server: router{before: second(isBody, silent)}},
		"an empty POST":                          {outcome: extproctest.Immediate, status: 400},
		"CONNECT":                                {req: extproctest.Request{Method: "CONNECT"}, outcome: extproctest.Immediate, status: 400},
		"an upgrade":                             {req: extproctest.Request{Method: "GET", Headers: [][2]string{{"Upgrade", "websocket"}}}, outcome: extproctest.Immediate, status: 400},
		"a local reply first":                    {req: extproctest.Request{LocalReply: local(extproctest.Opened)}, outcome: extproctest.Local, status: 408},
		"a local reply instead of the body":      {req: extproctest.Request{Body: chat, LocalReply: local(extproctest.HeadersAnswered)}, outcome: extproctest.Local, status: 408},
		"a local reply while the body pends":     {req: extproctest.Request{Body: chat, LocalReply: local(extproctest.BodySent)}, outcome: extproctest.Local, status: 408},
		"a body over Envoy's limit":              {req: plain, set: func(s *extproctest.Settings) { s.BodyLimit = 8 }, outcome: extproctest.Local, status: 413},
		"a streamed answer":                      {req: plain, answer: extproctest.Response{Body: []byte("data: [DONE]\n\n"), Cut: 3}, outcome: extproctest.Forwarded, status: 200, server: router{linger: true, tamper: streaming}},
		"a streamed answer that is empty":        {req: plain, outcome: extproctest.Forwarded, status: 204, answer: extproctest.Response{Status: 204}, server: router{linger: true, tamper: streaming}},
		"a streamed answer with trailers":        {req: plain, answer: extproctest.Response{Body: []byte("data: [DONE]\n\n"), Cut: 3, Trailers: true}, outcome: extproctest.Forwarded, status: 200, server: router{linger: true, tamper: streaming}},
		"a buffered answer":                      {req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200, server: router{linger: true, tamper: asks(extprocfilterv3.ProcessingMode_BUFFERED)}},
		"a buffered answer is replaced":          {req: plain, answer: answered, outcome: extproctest.Immediate, status: 400, server: router{linger: true, tamper: asks(extprocfilterv3.ProcessingMode_BUFFERED), before: at(isAnswer, func(s stream) (bool, error) { return true, errors.Join(s.Send(refusal()), errStop) })}},
		"a buffered answer over the limit":       {req: plain, set: func(s *extproctest.Settings) { s.BodyLimit = 100 }, answer: extproctest.Response{Body: bytes.Repeat([]byte("x"), 101)}, outcome: extproctest.Failed, status: 500, server: router{linger: true, tamper: asks(extprocfilterv3.ProcessingMode_BUFFERED)}},
		"the client leaves in the answer":        {req: extproctest.Request{Body: chat, CancelAt: extproctest.AnswerBegun}, answer: extproctest.Response{Body: []byte("data: [DONE]\n\n"), Cut: 3}, outcome: extproctest.Cancelled, status: 200, server: router{linger: true, tamper: streaming}},
		"more time is asked for":                 {req: plain, outcome: extproctest.Forwarded, status: 200, server: router{before: at(isBody, sends(&extprocv3.ProcessingResponse{OverrideMessageTimeout: durationpb.New(1e9)}))}},
		"no verdict, and a gRPC error":           {req: plain, outcome: extproctest.Failed, status: 503, server: router{before: at(isBody, func(stream) (bool, error) { return true, status.Error(codes.Internal, "x") })}},
		"a cluster that Envoy does not know":     {req: plain, set: func(s *extproctest.Settings) { s.Clusters = []string{"large"} }, outcome: extproctest.Forwarded, status: 503},
		"the client leaves after its headers":    {req: extproctest.Request{Body: chat, CancelAt: extproctest.HeadersSent}, outcome: extproctest.Cancelled},
		"the client leaves before its body":      {req: extproctest.Request{Body: chat, CancelAt: extproctest.HeadersAnswered}, outcome: extproctest.Cancelled},
		"the client leaves while the body pends": {req: extproctest.Request{Body: chat, CancelAt: extproctest.BodySent}, outcome: extproctest.Cancelled, server: router{before: at(isBody, waits)}},
		"the client leaves after the verdict":    {req: extproctest.Request{Body: chat, CancelAt: extproctest.BodyAnswered}, outcome: extproctest.Cancelled},
		"the client leaves at the response":      {req: extproctest.Request{Body: chat, CancelAt: extproctest.ResponseSent}, outcome: extproctest.Cancelled, status: 200},
	} {
		t.Run(name, func(t *testing.T) {
			envoy := extproctest.Start(t, &tt.server, func(s *extproctest.Settings) {
				if tt.set != nil {
					tt.set(s)
				}
			})
			res := envoy.Do(t.Context(), tt.req, func(extproctest.Upstream) extproctest.Response { return tt.answer })
			if res.Outcome != tt.outcome || res.Status != tt.status {
				t.Errorf("%v %d (%s), want %v %d", res.Outcome, res.Status, res.Details, tt.outcome, tt.status)
			}
		})
	}
}

func TestThePlanIsFollowed(t *testing.T) {
	envoy := extproctest.Start(t, &router{})
	busy, reset := extproctest.Response{Status: 503}, extproctest.Response{Reset: true}
	for name, tt := range map[string]struct {
		answers []extproctest.Response
		status  int
		tried   []string
	}{
		"the first answers":                {[]extproctest.Response{answered}, 200, []string{"small"}},
		"the second answers after a 503":   {[]extproctest.Response{busy, answered}, 200, []string{"small", "large"}},
		"the last repeats":                 {[]extproctest.Response{busy, reset, answered}, 200, []string{"small", "large", "large"}},
		"all are reset":                    {[]extproctest.Response{reset, reset, reset}, 503, []string{"small", "large", "large"}},
		"a 400 is the client's to see":     {[]extproctest.Response{{Status: 400}}, 400, []string{"small"}},
		"a 429 is tried elsewhere":         {[]extproctest.Response{{Status: 429}, answered}, 200, []string{"small", "large"}},
		"the last failure is passed on":    {[]extproctest.Response{busy, busy, {Status: 502}}, 502, []string{"small", "large", "large"}},
		"a reset after a 503 is Envoy's":   {[]extproctest.Response{busy, busy, reset}, 503, []string{"small", "large", "large"}},
		"a redirect is nothing to retry":   {[]extproctest.Response{{Status: 302}}, 302, []string{"small"}},
		"an answer without a body is fine": {[]extproctest.Response{{}}, 200, []string{"small"}},
	} {
		t.Run(name, func(t *testing.T) {
			res := envoy.Do(t.Context(), plain, func(u extproctest.Upstream) extproctest.Response { return tt.answers[u.Attempt-1] })
			var tried []string
			for _, u := range res.Attempts {
				tried = append(tried, u.Cluster)
				want := map[string]string{"small": `{"model":"small-model","messages":[{"role":"user","content":"2+2?"}]}`, "large": `{"model":"large","messages":[{"role":"user","content":"2+2?"}]}`}[u.Cluster]
				if string(u.Body) != want || u.Headers.Get("content-length") != strconv.Itoa(len(want)) {
					t.Errorf("attempt %d at %s got %q with content-length %s", u.Attempt, u.Cluster, u.Body, u.Headers.Get("content-length"))
				}
			}
			if res.Status != tt.status || !cmp.Equal(tried, tt.tried) {
				t.Errorf("%d after %v, want %d after %v", res.Status, tried, tt.status, tt.tried)
			}
			if res.Headers.Get("x-mom-model") != "small-model" {
				t.Errorf("headers %v, want the server's x-mom-model", res.Headers)
			}
		})
	}
}

func TestOurHeadersAreKeptApart(t *testing.T) {
	req := extproctest.Request{Body: chat, Headers: [][2]string{{"X-Mom-Decision", "route"}, {"X-Custom", "kept"}, {"authorization", "Bearer c"}, {"x-envoy-max-retries", "9"}}}
	reply := extproctest.Response{Headers: [][2]string{{"x-mom-model", "liar"}, {"X-Vsr-Cache-Hit", "true"}}}
	say := func(extproctest.Upstream) extproctest.Response { return reply }
	t.Run("by an Envoy that strips them", func(t *testing.T) {
		res := extproctest.Start(t, &router{}).Do(t.Context(), req, say)
		up := res.Attempts[0].Headers
		if up.Get("x-custom") != "kept" || up.Get("x-mom-decision") != "" || up.Get("authorization") != "" || up.Get("x-envoy-max-retries") != "" || res.Headers.Get("x-vsr-cache-hit") != "" {
			t.Errorf("upstream %v, client %v", up, res.Headers)
		}
	})
	t.Run("not by a bare one", func(t *testing.T) {
		envoy := extproctest.Start(t, &router{tamper: onBody(func(r *extprocv3.ProcessingResponse, c *extprocv3.CommonResponse) {
			c.ClearRouteCache, c.HeaderMutation.SetHeaders = false, c.HeaderMutation.SetHeaders[1:]
		})}, func(s *extproctest.Settings) { s.Bare = true })
		res := envoy.Do(t.Context(), req, say)
		// The client's own decision was believed: the play shows what a server would be up against.
		if res.Outcome != extproctest.Forwarded || res.Attempts[0].Headers.Get("x-mom-decision") != "route" || res.Headers.Get("x-vsr-cache-hit") != "true" {
			t.Errorf("%v, client %v", res.Outcome, res.Headers)
		}
	})
}

func TestTheClientsContextIsTheClient(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	envoy := extproctest.Start(t, &router{before: at(isBody, func(s stream) (bool, error) {
		cancel()
		return waits(s)
	})})
	if res := envoy.Do(ctx, plain, nil); res.Outcome != extproctest.Cancelled || !errors.Is(res.HandlerErr, context.Canceled) {
		t.Errorf("%v, Process returned %v, want cancelled by its context", res.Outcome, res.HandlerErr)
	}
}

func TestManyStreamsAtOnce(t *testing.T) {
	// The rule is about streams that wait for each other, not about a busy machine: hence the patience.
	envoy := extproctest.Start(t, &router{}, func(s *extproctest.Settings) { s.MessageTimeout = time.Minute })
	for i, res := range envoy.Together(t.Context(), 1024, func(int) extproctest.Request { return plain }, nil) {
		if res.Outcome != extproctest.Forwarded || res.Status != 200 {
			t.Fatalf("stream %d: %v %d", i, res.Outcome, res.Status)
		}
	}
}

func TestNoOpKeepsTheContractAndDecidesNothing(t *testing.T) {
	if res := extproctest.Start(t, extproctest.NoOp{}).Do(t.Context(), plain, nil); res.Outcome != extproctest.Undecided {
		t.Errorf("%v, want undecided", res.Outcome)
	}
}

// dial serves s in memory without the play.
func dial(tb testing.TB, s extprocv3.ExternalProcessorServer) *grpc.ClientConn {
	tb.Helper()
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	extprocv3.RegisterExternalProcessorServer(server, s)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:///r", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			tb.Error("server:", err)
		}
	})
	return conn
}

func TestRoundtrip(t *testing.T) {
	trip := extproctest.NewRoundtrip(chat)
	for name, tt := range map[string]struct {
		server extprocv3.ExternalProcessorServer
		fails  bool
	}{
		"the baseline":              {server: extproctest.NoOp{}},
		"a router":                  {server: &router{}},
		"a refusal is no exchange":  {server: &router{before: at(isBody, func(s stream) (bool, error) { return true, errors.Join(s.Send(refusal()), errStop) })}, fails: true},
		"nil before the verdict":    {server: &router{before: at(isBody, stops)}, fails: true},
		"an error after the answer": {server: &router{before: at(isResponse, func(s stream) (bool, error) { return true, errors.Join(s.Send(responseReply()), errors.New("x")) })}, fails: true},
	} {
		if err := trip.Do(t.Context(), dial(t, tt.server)); (err != nil) != tt.fails {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkNoOp(b *testing.B) {
	conn, trip := dial(b, extproctest.NoOp{}), extproctest.NewRoundtrip(chat)
	b.ReportAllocs()
	for b.Loop() {
		if err := trip.Do(b.Context(), conn); err != nil {
			b.Fatal(err)
		}
	}
}
