package chat_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
)

func TestLimits(t *testing.T) {
	body := say(user)
	limits := func(l chat.Limits, body string) string {
		_, f := (&chat.Parser{Limits: l}).Parse("", []byte(body))
		if f == nil {
			return "accepted"
		}
		return fmt.Sprint(f.Status, " ", f.Code)
	}
	for _, row := range []struct {
		name   string
		limits chat.Limits
		body   string
		want   string
	}{
		{"exactly as many bytes", chat.Limits{Bytes: len(body)}, body, "accepted"},
		{"one byte more", chat.Limits{Bytes: len(body) - 1}, body, "413 request_too_large"},
		{"exactly 1 MiB by default", chat.Limits{}, body + strings.Repeat(" ", 1<<20-len(body)), "accepted"},
		{"1 MiB and a byte by default", chat.Limits{}, body + strings.Repeat(" ", 1<<20-len(body)+1), "413 request_too_large"},
		{"64 levels by default", chat.Limits{}, with(`"x":` + nested(63)), "accepted"},
		{"exactly as deep", chat.Limits{Depth: 3}, body, "accepted"},
		{"one level too deep", chat.Limits{Depth: 2}, body, "400 nesting_too_deep"},
		{"1000 levels when more are configured", chat.Limits{Depth: 1 << 30}, with(`"x":` + nested(999)), "accepted"},
		{"1001 levels when more are configured", chat.Limits{Depth: 1 << 30}, with(`"x":` + nested(1000)), "400 nesting_too_deep"},
		{"exactly as many keys", chat.Limits{Keys: 4}, body, "accepted"},
		{"one key too many", chat.Limits{Keys: 3}, body, "400 too_many_keys"},
		{"100,000 keys by default", chat.Limits{Bytes: 2 << 20}, with(`"x":{` + keys(100_000-5) + `}`), "accepted"},
		{"exactly as many messages", chat.Limits{Messages: 2}, say(user, user), "accepted"},
		{"one message too many", chat.Limits{Messages: 2}, say(user, user, user), "400 too_many_messages"},
		{"a model of 256 bytes by default", chat.Limits{}, strings.Replace(body, "MoM", strings.Repeat("m", 256), 1), "accepted"},
		{"a model of too many bytes", chat.Limits{ModelBytes: 2}, body, "400 invalid_value"},
	} {
		if got := limits(row.limits, row.body); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}

// A quadratic duplicate check takes minutes here, a linear one milliseconds; the bound is loose for slow machines.
func TestManyKeysStayFast(t *testing.T) {
	for _, row := range []struct{ name, body string }{
		{"90,000 keys in one object", with(`"x":{` + keys(90_000) + `}`)},
		{"90,000 keys at the top", with(keys(90_000))},
		{"objects of 17 keys", with(`"x":[` + strings.TrimSuffix(strings.Repeat(`{`+keys(17)+`},`, 5000), ",") + `]`)},
		{"4096 messages without a role", say(strings.Split(strings.Repeat(`{};`, 4095)+`{}`, ";")...)},
		{"200,000 strings in one array", with(`"stop":[` + strings.Repeat(`"a",`, 200_000) + `"a"]`)},
		{"parts whose texts are leaves", asks(`[` + strings.Repeat(`{"text":"a","x":["b","c"],"type":"file"},`, 20_000) + `{"type":"file"}]`)},
		{"escapes only", asks(`"` + strings.Repeat(`\ud83d\ude00`, 80_000) + `"`)},
	} {
		start := time.Now()
		(&chat.Parser{Limits: chat.Limits{Bytes: 2 << 20}}).Parse("", []byte(row.body))
		took := time.Since(start)
		t.Logf("%s: %v", row.name, took)
		if took > 5*time.Second {
			t.Errorf("%s: %v for %d bytes", row.name, took, len(row.body))
		}
	}
}

// A body of 1 kB: seven turns, three of them with escapes.
var typical = `{"model":"MoM","messages":[{"role":"system","content":"You are a careful assistant.\nAnswer in the language of the question."},` +
	`{"role":"user","content":"What is the derivative of x^2?"},{"role":"assistant","content":"It is 2x."},` +
	`{"role":"user","content":"And the integral? Say \"done\" at the end."},{"role":"assistant","content":"x^3/3 + C. \"done\""},` +
	`{"role":"user","content":[{"type":"text","text":"` + strings.Repeat("Now prove it step by step. ", 20) + `"}]}],"stream":true,"temperature":0.7,"max_tokens":512,"user":"u-1"}`

func TestAllocations(t *testing.T) {
	p := &chat.Parser{Aliases: map[string]pipeline.Alias{"MoM": pipeline.MoM}}
	raw := []byte(typical)
	if n := len(raw); n < 950 || n > 1080 {
		t.Fatalf("the typical body has %d bytes, want about 1 kB", n)
	}
	got := testing.AllocsPerRun(100, func() {
		if _, fault := p.Parse("", raw); fault != nil {
			t.Fatal(fault.Message)
		}
	})
	if want := 11.0; got > want {
		t.Errorf("%v allocations, want at most %v", got, want)
	}
	t.Logf("%v allocations for %d bytes", got, len(raw))
}
