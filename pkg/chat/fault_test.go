package chat_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
)

func TestErrorReply(t *testing.T) {
	f := &chat.Fault{Status: 400, Code: "invalid_type", Param: `messages[0]."`, Message: `a "quoted" message`}
	for _, row := range []struct {
		name  string
		reply *pipeline.Reply
		want  pipeline.Reply
	}{
		{"a fault", f.Reply(), pipeline.Reply{Status: 400, Details: "mom_invalid_type",
			Headers: map[string]string{"content-type": "application/json", "x-should-retry": "false"},
			Body:    []byte(`{"error":{"message":"a \"quoted\" message","type":"invalid_request_error","param":"messages[0].\"","code":"invalid_type"}}`)}},
		{"an empty param is null", chat.ErrorReply(405, "invalid_request_error", "method_not_allowed", "", "m", map[string]string{"allow": "POST"}), pipeline.Reply{Status: 405, Details: "mom_method_not_allowed",
			Headers: map[string]string{"content-type": "application/json", "x-should-retry": "false", "allow": "POST"},
			Body:    []byte(`{"error":{"message":"m","type":"invalid_request_error","param":null,"code":"method_not_allowed"}}`)}},
		{"a 503 says when to come back", chat.ErrorReply(503, "server_error", "overloaded", "", "m", nil), pipeline.Reply{Status: 503, Details: "mom_overloaded",
			Headers: map[string]string{"content-type": "application/json", "x-should-retry": "false", "retry-after": "1"},
			Body:    []byte(`{"error":{"message":"m","type":"server_error","param":null,"code":"overloaded"}}`)}},
		{"a caller's header wins", chat.ErrorReply(503, "server_error", "", "", "m", map[string]string{"retry-after": "5"}), pipeline.Reply{Status: 503, Details: "mom_error",
			Headers: map[string]string{"content-type": "application/json", "x-should-retry": "false", "retry-after": "5"},
			Body:    []byte(`{"error":{"message":"m","type":"server_error","param":null,"code":null}}`)}},
	} {
		if diff := cmp.Diff(&row.want, row.reply, cmp.Comparer(bytes.Equal)); diff != "" {
			t.Errorf("%s: %s", row.name, diff)
		}
		if !json.Valid(row.reply.Body) {
			t.Errorf("%s: the body is not JSON: %s", row.name, row.reply.Body)
		}
	}
}
