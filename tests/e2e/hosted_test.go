package e2e_test

import (
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mom-router/mom/tests/stack"
)

// TestHostedBackend follows the instructions that envoy.yaml gives for a backend with TLS and a key, and sees that the key goes there and
// nowhere else.
func TestHostedBackend(t *testing.T) {
	const key = "sk-of-large"
	var asked atomic.Int64
	hosted := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if got := r.Header.Values("authorization"); len(got) != 1 || got[0] != "Bearer "+key {
			t.Errorf("the hosted backend got authorization %q, want its own key", got)
		}
		if r.TLS.ServerName != "example.com" || r.Host != "example.com" {
			t.Errorf("server name %q, host %q, want example.com", r.TLS.ServerName, r.Host)
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(hosted.Close)
	dir := t.TempDir()
	ca, secret := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "key")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: hosted.Certificate().Raw})
	for file, text := range map[string][]byte{ca: certificate, secret: []byte(key)} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := stack.Start(t, stack.Options{
		Config: strings.Replace(stack.Config, "models: [small-model, larger-model]", "models: [larger-model, small-model]", 1),
		Envoy:  func(yaml string) string { return hostLarge(t, yaml, hosted.Listener.Addr(), ca, secret) },
	})
	s.Small.Play(stack.Status(500), stack.Answer("s"))
	a := chat(t, s, good, with("authorization", "Bearer sk-of-the-client"))
	if a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	wantTrail(t, a.header, "small-model", "3")
	small := s.Small.Received()
	if asked.Load() != 1 || len(small) != 2 {
		t.Fatalf("the hosted backend got %d requests, small %d; want 1, 2", asked.Load(), len(small))
	}
	for _, got := range small {
		wantClean(t, got, "small-model") // neither the hosted backend's key nor the client's
	}
	wantNothingOdd(t, s)
}

// hostLarge does to the block of large what the comment in the file says.
func hostLarge(t testing.TB, yaml string, address net.Addr, ca, secret string) string {
	t.Helper()
	from := strings.Index(yaml, "  #   transport_socket:")
	to := strings.Index(yaml, "  - name: small\n")
	if from < 0 || to < from {
		t.Fatal("envoy.yaml no longer says how to add a hosted backend")
	}
	text := strings.ReplaceAll("\n"+yaml[from:to], "\n  # ", "\n  ")[1:]
	text = strings.NewReplacer("NAME", "large", "/etc/ssl/certs/ca-certificates.crt", ca).Replace(text)
	const head = "  - name: large\n"
	at := strings.Index(yaml, head) + len(head)
	block := yaml[at:]
	first := strings.Index(block, "- {priority: 0")
	end := first + strings.Index(block[first:], "\n")
	// The certificate is for example.com; the address is this machine, so that no resolver is asked.
	host := fmt.Sprintf("- {priority: 0, lb_endpoints: [{endpoint: {hostname: example.com, address: {socket_address: {address: 127.0.0.1, port_value: %d}}}}]}",
		address.(*net.TCPAddr).Port)
	yaml = yaml[:at] + text + block[:first] + host + block[end:]
	secrets := fmt.Sprintf("  secrets: [{name: large_key, generic_secret: {secret: {filename: %s}}}]\n", secret)
	return strings.Replace(yaml, "static_resources:\n", "static_resources:\n"+secrets, 1)
}
