package chat

import "github.com/mom-router/mom/pkg/pipeline"

// RefusalReply answers req as a model that refuses: with status 200, a completion that says text and ends for content_filter, as server-sent events
// where the request asks for a stream. It carries the request's own model name, which the client knows. Details is mom_<code>.
func RefusalReply(req *pipeline.Request, code, text string) *pipeline.Reply {
	filtered, spoken := "content_filter", &ourText{Role: "assistant", Content: &text}
	out := saying(req, req.Model)
	reply := &pipeline.Reply{Status: 200, Headers: map[string]string{"content-type": "application/json"}, Details: "mom_" + code}
	if !req.Stream {
		out.Choices, out.Usage = []ourChoice{{Message: spoken, FinishReason: &filtered}}, &ourUsage{}
		reply.Body = out.bytes()
		return reply
	}
	reply.Headers = map[string]string{"content-type": "text/event-stream", "cache-control": "no-cache"}
	reply.Body = append(out.event([]ourChoice{{Delta: spoken}}, nil), out.event([]ourChoice{{Delta: &ourText{}, FinishReason: &filtered}}, nil)...)
	reply.Body = append(reply.Body, "data: [DONE]\n\n"...)
	return reply
}
