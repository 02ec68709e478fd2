package guard_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mom-router/mom/pkg/guard/text/hiding"
	"github.com/mom-router/mom/tests/stack"
)

// canary is a word that nobody else says, and the ways in which somebody might write it down.
type canary struct {
	word  string
	forms []string // in lower case
}

func newCanary() canary {
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails
	c := canary{word: "finch" + hex.EncodeToString(random)}
	c.forms = []string{c.word, hex.EncodeToString([]byte(c.word))}
	for before := range 3 { // base64 of a text differs by where in it the word stands; its ends depend on what is around it
		code := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", before) + c.word))
		c.forms = append(c.forms, strings.ToLower(code[4:len(code)-4]))
	}
	return c
}

// in returns the first line of a text that holds the word in any form, "" for none.
func (c canary) in(text string) string {
	for line := range strings.Lines(text) {
		if low := strings.ToLower(line); slices.ContainsFunc(c.forms, func(f string) bool { return strings.Contains(low, f) }) {
			return line
		}
	}
	return ""
}

// name is the word as a person's.
func (c canary) name() string { return "Mrs. Anna " + strings.ToUpper(c.word[:1]) + c.word[1:] }

// bodies have the word in every place of a request that a guard reads, and in requests that are none.
func (c canary) bodies() []string {
	w := c.word
	all := []string{
		say(w), say(w + "? " + pairs[0].attack), say("Charge " + w + " 4111 1111 1111 1111."),
		say("Write to " + w + "@example.org before noon."), say("My name is " + c.name() + " and I live in Boston."), say("password: " + w),
		strings.Replace(say(w), `"messages"`, `"stream":true,"messages"`, 1),
		say(w + strings.Repeat(" and", 40_000)), say(w + strings.Repeat("x", 2<<20)),
		bodyOf(tool("Reads one page.", schema(object{w: object{"type": "string", "description": w}}))),
		strings.Replace(bodyOf(tool("Reads "+w, schema(object{}))), "read_page", w, 1),
		// The name of a model is the client's own word too. Only the refusal of it may say which parameter is wrong, not its value.
		strings.Replace(say("hi"), `"model":"MoM"`, `"model":"`+w+`"`, 1), strings.Replace(say(w), `"model":"MoM"`, `"model":"larger-model"`, 1),
		// Requests that are none.
		say(w)[:len(say(w))-1], w, `"` + w + `"`, `["` + w + `"]`, say(w) + w, `{"` + w + `":1,"` + w + `":2,"messages":[]}`, `{"model":"MoM","messages":"` + w + `"}`,
		`{"model":"MoM","messages":[{"role":"` + w + `","content":"x"}]}`, `{"model":"MoM","messages":[{"role":"user","content":[{"type":"` + w + `"}]}]}`,
		`{"model":"MoM","messages":[{"role":"user","content":"` + w + "\xff" + `"}]}`, `{"model":"MoM","messages":[{"role":"user","content":"` + w + `\ud800"}]}`,
		`{"model":"MoM","chat_template":"` + w + `","messages":[{"role":"user","content":"x"}]}`, `{"Model":"` + w + `","model":"MoM","messages":[]}`,
		`{"model":"MoM","` + w + `":` + strings.Repeat("[", 80) + strings.Repeat("]", 80) + `,"messages":[]}`,
	}
	for _, p := range placements {
		all = append(all, bodyOf(p.put(w+" "+pairs[0].twin)))
	}
	for _, e := range hiding.Ways() {
		all = append(all, say(e.Hide(w+" "+pairs[0].attack)))
	}
	return all
}

// TestCanary says one word wherever a client can say something, with everything that MoM can do switched on, and looks for it wherever anybody writes
// something down: in the logs of MoM and of Envoy, in Envoy's statistics, in the headers of answers, and in the answers that MoM gives itself.
func TestCanary(t *testing.T) {
	stack.Need(t, "MOM_ONNX_LIB", ".build/lib/libonnxruntime.so", "MOM_REQUIRE_ONNX")
	c := newCanary()
	written := func(guard, times string) string {
		shipped := strings.Replace(fmt.Sprintf(config, guard), "timeouts: {guard: 50s, request: 55s}\nbrain: off\n", "timeouts: "+times+"\nbrain: mom-brain-flash\nlog: {level: debug}\n", 1)
		return shipped + "  decisions:\n  - {name: sciences, when: 'domain in [\"math\", \"physics\"]', models: [larger-model, small-model]}\n"
	}
	long := "{guard: 20s, brain: 10s, request: 50s}"
	first := written("{jailbreak: flag, pii: {policy: standard, types: {PERSON: flag, PASSWORD: flag}}, max_windows: 400}", long)
	g := startWith(t, first)
	bodies, seen, answers := c.bodies(), map[string]int{}, 0
	for i, file := range []string{
		first,
		written("{harmful: block, unscannable: block, pii: {policy: strict, types: {PERSON: block}}, max_windows: 400}", long),
		written("{pii: {policy: strict, types: {PERSON: block}}, block: {as: refusal}, max_windows: 400}", long),
		strings.Replace(written("{jailbreak: flag, pii: {policy: strict, types: {EMAIL_ADDRESS: redact, PERSON: redact}, restore: true}, output: flag, max_windows: 400}", long),
			"cluster: large}", "cluster: large, pii: [PERSON]}", 1),
		written("{jailbreak: {action: block, fail_mode: open}, pii: {policy: strict, fail_mode: open}, max_windows: 400}", "{guard: 1ms, brain: 1ms, request: 50s}"),
		written("{max_windows: 8}", "{guard: 1ms, brain: 1ms, request: 50s}"),
		strings.Replace(written("{jailbreak: flag, pii: off, max_windows: 400}", long), "guard:", "unknown_models: {passthrough: small}\nguard:", 1),
	} {
		if i > 0 {
			g.reload(t, file)
		}
		for n, body := range bodies {
			if strings.Contains(file, "guard: 1ms") {
				// What was read before is remembered and in time; two windows that nobody has read are not.
				news := strings.Repeat(fmt.Sprintf("Ship %d of fleet %d sails. ", n, i), 30)
				body = strings.Replace(body, `"messages":[`, `"messages":[{"role":"user","content":"`+news+`"},`, 1)
			}
			g.Small.Play(stack.Answer(c.word))
			g.Large.Play(stack.Answer(c.word))
			status, header, answer := g.overheard(t, c, http.MethodPost, "/v1/chat/completions", body)
			answers++
			seen[fmt.Sprint(status)]++
			// Where unknown models are proxied, the client is told the name that it asked for.
			named := status == http.StatusOK && strings.Contains(body, `"model":"`+c.word)
			for name, values := range header {
				says := strings.Contains(strings.ToLower(name), "model") || strings.EqualFold(name, "x-vllm-semantic-router-cot")
				if line := c.in(name + ": " + strings.Join(values, " ")); line != "" && (!named || !says) {
					t.Errorf("a header of the answer: %s", line)
				}
			}
			if own := status != http.StatusOK || header.Get("x-mom-guard") == "blocked"; own && c.in(answer) != "" {
				t.Errorf("MoM's own answer: %s", answer)
			}
		}
		g.overheard(t, c, http.MethodGet, "/v1/"+c.word+"?q="+c.word, "")
		g.overheard(t, c, http.MethodGet, "/v1/models/"+c.word, "")
		answers += 2
	}
	g.MoM.Kill(t)
	if status, _, _ := g.overheard(t, c, http.MethodPost, "/v1/chat/completions", bodies[0]); status < 500 {
		t.Errorf("without MoM: status %d", status)
	}
	answers++

	places := map[string]string{}
	for _, path := range []string{"/stats", "/stats/prometheus", "/clusters", "/listeners", "/runtime", "/server_info"} {
		places["Envoy's "+path] = g.page(t, path)
	}
	g.Envoy.Signal(t, syscall.SIGTERM) // it keeps its access log in memory for seconds, but not past its end
	if !g.Envoy.Ends(30 * time.Second) {
		t.Fatal("Envoy did not end")
	}
	places["mom.log"], places["envoy.log"] = g.MoM.Log(t), g.Envoy.Log(t)
	bytes := 0
	for place, text := range places {
		bytes += len(text)
		if line := c.in(text); line != "" {
			t.Errorf("%s overheard it: %s", place, line)
		}
	}
	logged := strings.Count(places["envoy.log"], `"details"`) - strings.Count(places["envoy.log"], `"route":"healthz"`)
	if logged != answers || !strings.Contains(places["mom.log"], `"level":"debug"`) || !strings.Contains(places["mom.log"], "stage passed over") {
		t.Errorf("Envoy logged %d of %d requests, and mom must have logged decisions and failures: else this test proves nothing", logged, answers)
	}
	for _, status := range []string{"200", "400", "403", "404", "413", "503"} {
		if seen[status] == 0 {
			t.Errorf("no request was answered %s", status)
		}
	}
	t.Logf("%d requests, answered %v; the word stands in none of %d bytes in %d places", answers, seen, bytes, len(places))
}

// overheard sends a request whose headers say the word too.
func (g *gateway) overheard(t *testing.T, c canary, method, path, body string) (status int, header http.Header, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, g.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("content-type", "application/json")
	req.Header.Set("authorization", "Bearer "+c.word)
	for _, name := range []string{"x-user", "user-agent", "x-request-id", "cookie", "referer", "x-forwarded-for", "x-mom-guard", "traceparent", "x-" + c.word} {
		req.Header.Set(name, c.word)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if status = resp.StatusCode; status != http.StatusOK && !json.Valid(text) {
		t.Errorf("status %d without JSON", status)
	}
	return status, resp.Header, string(text)
}

// reload makes mom read a new file.
func (g *gateway) reload(t *testing.T, file string) {
	t.Helper()
	const line = "configuration reloaded"
	before := bytes.Count([]byte(g.MoM.Log(t)), []byte(line))
	g.Write(t, "mom.yaml", file)
	stack.Until(t, 30*time.Second, "mom has read the file", func() error {
		if bytes.Count([]byte(g.MoM.Log(t)), []byte(line)) == before {
			return fmt.Errorf("not yet")
		}
		return nil
	})
}

// page is a page of Envoy's admin.
func (g *gateway) page(t *testing.T, path string) string {
	t.Helper()
	resp, err := http.Get(g.Admin + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
