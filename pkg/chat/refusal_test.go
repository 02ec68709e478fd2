package chat_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/ssestream"
)

func TestRefusalReply(t *testing.T) {
	const text = "I can't help with \"that\".\nSorry."
	whole := chat.RefusalReply(&pipeline.Request{ID: "r1", Model: "MoM"}, "jailbreak_detected", text)
	if whole.Status != 200 || whole.Details != "mom_jailbreak_detected" || whole.Headers["content-type"] != "application/json" {
		t.Errorf("%d %s %v", whole.Status, whole.Details, whole.Headers)
	}
	var c openai.ChatCompletion
	if err := json.Unmarshal(whole.Body, &c); err != nil || len(c.Choices) != 1 {
		t.Fatalf("%v: %s", err, whole.Body)
	}
	type said struct{ ID, Model, Role, Content, End string }
	want := said{"chatcmpl-r1", "MoM", "assistant", text, "content_filter"}
	if diff := cmp.Diff(want, said{c.ID, c.Model, string(c.Choices[0].Message.Role), c.Choices[0].Message.Content, c.Choices[0].FinishReason}); diff != "" || c.Created == 0 {
		t.Errorf("(-want +got)\n%s", diff)
	}

	// The stream is read by the official client's own decoder.
	events := chat.RefusalReply(&pipeline.Request{ID: "r1", Model: "MoM", Stream: true}, "pii_detected", text)
	if events.Status != 200 || events.Details != "mom_pii_detected" || !bytes.HasSuffix(events.Body, []byte("\n\ndata: [DONE]\n\n")) {
		t.Errorf("%d %s %q", events.Status, events.Details, events.Body)
	}
	got := said{}
	stream := ssestream.NewStream[openai.ChatCompletionChunk](ssestream.NewDecoder(&http.Response{
		Header: http.Header{"Content-Type": {events.Headers["content-type"]}}, Body: io.NopCloser(bytes.NewReader(events.Body)),
	}), nil)
	for stream.Next() {
		e := stream.Current()
		if len(e.Choices) != 1 || e.Created == 0 {
			t.Fatalf("%+v", e)
		}
		got.ID, got.Model = e.ID, e.Model
		got.Role += e.Choices[0].Delta.Role
		got.Content += e.Choices[0].Delta.Content
		got.End += e.Choices[0].FinishReason
	}
	if diff := cmp.Diff(want, got); diff != "" || stream.Err() != nil {
		t.Errorf("%v (-want +got)\n%s", stream.Err(), diff)
	}
}
