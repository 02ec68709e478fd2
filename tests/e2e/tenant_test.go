package e2e_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/pkg/config/bootstrap"
	"github.com/mom-router/mom/tests/stack"
)

// remembering is a configuration whose answers are told apart by a tenant, and whose guards find nothing in what these tests ask.
func remembering(tenant string) string {
	return strings.Replace(stack.Config, "guard: {enabled: false}\n", "recall: {scope: tenant, tenant: "+tenant+"}\ntimeouts: {guard: 3s}\n", 1)
}

// changed is an Envoy file in which each old text, which stands there once, gives way to a new one.
func changed(t *testing.T, yaml string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if n := strings.Count(yaml, pairs[i]); n != 1 {
			t.Fatalf("%q stands %d times in envoy.yaml", pairs[i], n)
		}
		yaml = strings.Replace(yaml, pairs[i], pairs[i+1], 1)
	}
	return yaml
}

const (
	metadataLine = "              metadata_options: {receiving_namespaces: {untyped: [\"mom.stats\", \"mom.route\", \"mom.tiers\"]}}\n"
	processing   = "          - name: mom.ext_proc\n            typed_config:\n"
)

// wantFits is what `mom check --envoy` says of a running stack.
func wantFits(t *testing.T, s *stack.Stack) {
	t.Helper()
	c, err := config.Load(filepath.Join(s.Dir, "mom.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := bootstrap.Load(filepath.Join(s.Dir, "envoy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if faults := b.Compare(c); len(faults) > 0 {
		t.Error(faults)
	}
}

// issuer signs tokens.
type issuer struct{ key *rsa.PrivateKey }

func newIssuer(t *testing.T) issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return issuer{key}
}

var b64 = base64.RawURLEncoding

// jwks is the public key as Envoy reads it.
func (i issuer) jwks() string {
	return fmt.Sprintf(`{"keys":[{"kty":"RSA","alg":"RS256","use":"sig","kid":"1","n":%q,"e":"AQAB"}]}`, b64.EncodeToString(i.key.N.Bytes()))
}

// token is a JSON Web Token about a subject.
func (i issuer) token(t *testing.T, subject string) string {
	t.Helper()
	claims, err := json.Marshal(map[string]any{"iss": "https://issuer.test", "sub": subject, "exp": 4_000_000_000})
	if err != nil {
		t.Fatal(err)
	}
	text := b64.EncodeToString([]byte(`{"alg":"RS256","kid":"1"}`)) + "." + b64.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + b64.EncodeToString(signature)
}

func TestTenantsByToken(t *testing.T) {
	trusted, stranger := newIssuer(t), newIssuer(t)
	verifier := "          - name: envoy.filters.http.jwt_authn\n            typed_config:\n" +
		"              \"@type\": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication\n" +
		"              providers:\n                one:\n                  issuer: https://issuer.test\n                  payload_in_metadata: jwt_payload\n" +
		"                  local_jwks: {inline_string: '" + trusted.jwks() + "'}\n" +
		"              rules: [{match: {prefix: /v1/}, requires: {requires_any: {requirements: [{provider_name: one}, {allow_missing: {}}]}}}]\n"
	s := stack.Start(t, stack.Options{
		Config: remembering("{metadata: {namespace: envoy.filters.http.jwt_authn, path: [jwt_payload, sub]}}"),
		Envoy: func(yaml string) string {
			return impatient(changed(t, yaml, processing, verifier+processing, metadataLine, strings.Replace(metadataLine, "{receiving",
				"{forwarding_namespaces: {untyped: [envoy.filters.http.jwt_authn]}, receiving", 1)))
		},
	})
	wantFits(t, s)
	s.Small.Play(raw("application/json", completion("for the first")), raw("application/json", completion("for the second")), raw("application/json", completion("for nobody")))
	bearer := func(i issuer, subject string) func(*http.Request) {
		return with("authorization", "Bearer "+i.token(t, subject))
	}
	for _, c := range []struct {
		who         string
		edit        []func(*http.Request)
		status      int
		cache, text string
	}{
		{"a", []func(*http.Request){bearer(trusted, "a")}, 200, "miss", "for the first"},
		{"a again", []func(*http.Request){bearer(trusted, "a")}, 200, "hit", "for the first"},
		{"b", []func(*http.Request){bearer(trusted, "b")}, 200, "miss", "for the second"},
		{"b, who says to be a in headers", []func(*http.Request){bearer(trusted, "b"), with("x-tenant", "a"), with("x-jwt-payload", "a")}, 200, "hit", "for the second"},
		{"a once more", []func(*http.Request){bearer(trusted, "a")}, 200, "hit", "for the first"},
		{"a by a stranger's word", []func(*http.Request){bearer(stranger, "a")}, 401, "", ""},
		{"a by nobody's word", []func(*http.Request){with("authorization", "Bearer "+b64.EncodeToString([]byte(`{"alg":"none"}`))+"."+
			b64.EncodeToString([]byte(`{"iss":"https://issuer.test","sub":"a"}`))+".")}, 401, "", ""},
		{"nobody", nil, 200, "bypass", "for nobody"},
	} {
		a := chat(t, s, body("MoM", "What does a lighthouse keeper do?"), c.edit...)
		if a.status != c.status || a.header.Get("x-mom-cache") != c.cache || !strings.Contains(a.body, c.text) {
			t.Errorf("%s: %d, cache %q, %s; want %d, %q, %q", c.who, a.status, a.header.Get("x-mom-cache"), a.body, c.status, c.cache, c.text)
		}
	}
	wantNothingOdd(t, s)
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	a := authority{}
	made := a.certificate(t, &x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	var err error
	if a.cert, err = x509.ParseCertificate(made.Certificate[0]); err != nil {
		t.Fatal(err)
	}
	a.key = made.PrivateKey.(*ecdsa.PrivateKey)
	return a
}

// certificate makes one after a template; the zero authority's is signed by itself.
func (a authority) certificate(t *testing.T, template *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := template, key
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// client is the certificate of a workload of this name.
func (a authority) client(t *testing.T, name string) tls.Certificate {
	t.Helper()
	uri, err := url.Parse("spiffe://test/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return a.certificate(t, &x509.Certificate{URIs: []*url.URL{uri}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
}

func TestTenantsByCertificate(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	server := ca.certificate(t, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	dir := t.TempDir()
	file := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key, err := x509.MarshalPKCS8PrivateKey(server.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	socket := "    filter_chains:\n    - transport_socket:\n        name: tls\n        typed_config:\n" +
		"          \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext\n" +
		"          common_tls_context:\n" +
		"            tls_certificates: [{certificate_chain: {filename: " + file("cert.pem", "CERTIFICATE", server.Certificate[0]) + "}, private_key: {filename: " + file("key.pem", "PRIVATE KEY", key) + "}}]\n" +
		"            validation_context: {trusted_ca: {filename: " + file("ca.pem", "CERTIFICATE", ca.cert.Raw) + "}}\n      filters:\n"
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	s := stack.Start(t, stack.Options{
		Config: remembering("{san: uri}"),
		Envoy: func(yaml string) string {
			return impatient(changed(t, yaml, "    filter_chains:\n    - filters:\n", socket, metadataLine,
				"              request_attributes: [connection.uri_san_peer_certificate]\n"+metadataLine))
		},
		TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
	})
	wantFits(t, s)
	by := func(certs ...tls.Certificate) *http.Transport {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: certs, MinVersion: tls.VersionTLS12}}
		t.Cleanup(tr.CloseIdleConnections)
		return tr
	}
	s.Small.Play(raw("application/json", completion("for the first")), raw("application/json", completion("for the second")), raw("application/json", completion("for nobody")))
	a, b := by(ca.client(t, "a")), by(ca.client(t, "b"))
	for _, c := range []struct {
		who         string
		by          http.RoundTripper
		cache, text string
	}{
		{"a", a, "miss", "for the first"},
		{"a again", a, "hit", "for the first"},
		{"b", b, "miss", "for the second"},
		{"b again", b, "hit", "for the second"},
		{"a by another connection", by(ca.client(t, "a")), "hit", "for the first"},
		{"nobody", by(), "bypass", "for nobody"},
		{"one whose certificate says nothing", by(ca.certificate(t, &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})), "bypass", "for nobody"},
	} {
		got := sendBy(t, c.by, s, http.MethodPost, "/v1/chat/completions", strings.NewReader(body("MoM", "What does a lighthouse keeper do?")),
			with("x-tenant", "spiffe://test/a"), with("x-forwarded-client-cert", "URI=spiffe://test/a"))
		if got.status != 200 || got.header.Get("x-mom-cache") != c.cache || !strings.Contains(got.body, c.text) {
			t.Errorf("%s: %d, cache %q, %s; want %q, %q", c.who, got.status, got.header.Get("x-mom-cache"), got.body, c.cache, c.text)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/chat/completions", strings.NewReader(body("MoM", "What does a lighthouse keeper do?")))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := by(stranger.client(t, "a")).RoundTrip(req); err == nil {
		_ = resp.Body.Close()
		t.Errorf("a by a stranger's word: %s", resp.Status)
	}
	wantNothingOdd(t, s)
}
