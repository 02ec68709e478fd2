package extproc

import (
	"mime"
	"strings"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
)

// The paths we serve. Every other one is 404: a sibling API that passed would be an unguarded way to the models.
const (
	pathChat   = "/v1/chat/completions"
	pathModels = "/v1/models"
)

// head is what the door reads from the request headers.
type head struct {
	id, method, path   string
	contentType        []string
	contentEncoding    []string
	cacheControl       []string
	upgrade, endStream bool
}

func readHead(a *ask) head {
	h := head{endStream: a.end}
	for _, f := range a.headers {
		switch string(f.name) {
		case ":method":
			h.method = string(f.value)
		case ":path":
			h.path, _, _ = strings.Cut(string(f.value), "?")
		case "x-request-id":
			h.id = string(f.value)
		case "content-type":
			h.contentType = append(h.contentType, string(f.value))
		case "content-encoding":
			h.contentEncoding = append(h.contentEncoding, string(f.value))
		case "cache-control":
			h.cacheControl = append(h.cacheControl, string(f.value))
		case "upgrade":
			h.upgrade = true
		}
	}
	return h
}

// door answers what can be answered without the body, or returns nil: then a chat request's body is to follow. CONNECT, upgrades and empty
// bodies must end here, since no body message would ever come for them.
func (g *Gateway) door(h head) *pipeline.Reply {
	switch {
	case h.method == "CONNECT" || h.upgrade:
		return refuseMethod("POST")
	case h.path == pathModels || strings.HasPrefix(h.path, pathModels+"/"):
		switch h.method {
		case "GET", "HEAD":
			return g.models(strings.TrimPrefix(strings.TrimPrefix(h.path, pathModels), "/"))
		case "OPTIONS":
			return allow("GET, HEAD, OPTIONS")
		}
		return refuseMethod("GET, HEAD, OPTIONS")
	case h.path != pathChat && h.path != pathSelect:
		return refuse(404, "unknown_url", "", "This gateway serves POST /v1/chat/completions and GET /v1/models.", nil)
	case h.method == "OPTIONS":
		return allow("POST, OPTIONS")
	case h.method != "POST":
		return refuseMethod("POST, OPTIONS")
	}
	if r := refuseEncoding(h); r != nil {
		return r
	}
	if h.endStream {
		return refuse(400, "invalid_json", "", "The request body is empty; it must be a JSON object.", nil)
	}
	return nil
}

// refuseEncoding answers 415 to a body that would not be read as the UTF-8 JSON a backend reads.
func refuseEncoding(h head) *pipeline.Reply {
	for _, e := range h.contentEncoding {
		// gzip was inflated by Envoy, which then removed the header; what still carries one would be judged compressed.
		if !strings.EqualFold(strings.TrimSpace(e), "identity") {
			return refuse(415, "unsupported_content_encoding", "", "Send the body uncompressed or with content-encoding gzip.", map[string]string{"accept-encoding": "gzip, identity"})
		}
	}
	switch len(h.contentType) {
	case 0:
		return nil
	case 1:
	default:
		return refuse(415, "unsupported_media_type", "", "Send one content-type header, application/json.", nil)
	}
	media, params, err := mime.ParseMediaType(h.contentType[0])
	if err != nil || media != "application/json" {
		return refuse(415, "unsupported_media_type", "", "The content-type must be application/json.", nil)
	}
	if c, ok := params["charset"]; ok && !strings.EqualFold(c, "utf-8") && !strings.EqualFold(c, "utf8") {
		return refuse(415, "unsupported_charset", "", "The body must be UTF-8.", nil)
	}
	return nil
}

func refuse(status int, code, param, message string, headers map[string]string) *pipeline.Reply {
	return chat.ErrorReply(status, "invalid_request_error", code, param, message, headers)
}

func refuseMethod(allowed string) *pipeline.Reply {
	return refuse(405, "method_not_allowed", "", "This method is not allowed here.", map[string]string{"allow": allowed})
}

// allow answers a preflight; it carries no prompt.
func allow(methods string) *pipeline.Reply {
	return &pipeline.Reply{Status: 204, Headers: map[string]string{"allow": methods}, Details: "mom_options"}
}
