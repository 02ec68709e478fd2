package chat_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
)

// conversation returns a body of about n bytes: turns of about 500 bytes of English with a line break each, and some text in another script.
func conversation(n int) []byte {
	turn := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 10) + `Grüße, 世界.\nIt said \"no\".`
	messages := []string{`{"role":"system","content":"You are a careful assistant."}`}
	for size, i := 0, 0; size < n; i++ {
		m := fmt.Sprintf(`{"role":%q,"content":"%s"}`, []string{"user", "assistant"}[i%2], turn)
		messages = append(messages, m)
		size += len(m) + 1
	}
	return []byte(`{"messages":[` + strings.Join(messages, ",") + `],"temperature":0.7,"stream":true,"model":"MoM"}`)
}

var sizes = []struct {
	name  string
	bytes int
}{{"1KiB", 900}, {"16KiB", 16 << 10}, {"64KiB", 64 << 10}, {"1MiB", 1<<20 - 2048}}

func BenchmarkParse(b *testing.B) {
	p := &chat.Parser{Aliases: map[string]pipeline.Alias{"MoM": pipeline.MoM}}
	for _, size := range sizes {
		raw := conversation(size.bytes)
		b.Run("chat/"+size.name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, fault := p.Parse("", raw); fault != nil {
					b.Fatal(fault.Message)
				}
			}
		})
		// The plain way to read the same fields, which is neither strict nor complete.
		b.Run("encoding_json/"+size.name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				var req struct {
					Model    string `json:"model"`
					Stream   bool   `json:"stream"`
					Messages []struct {
						Role    string `json:"role"`
						Content any    `json:"content"`
					} `json:"messages"`
				}
				if err := json.Unmarshal(raw, &req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkApply(b *testing.B) {
	raw := conversation(64 << 10)
	body, fault := (&chat.Parser{}).Parse("", raw)
	if fault != nil {
		b.Fatal(fault.Message)
	}
	edits := []pipeline.Edit{chat.SetModel("a-larger-model")}
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		body.Apply(edits)
	}
}

func BenchmarkParseTools(b *testing.B) {
	raw := []byte(toolbox(20))
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, fault := (&chat.Parser{}).Parse("", raw); fault != nil {
			b.Fatal(fault.Message)
		}
	}
}
