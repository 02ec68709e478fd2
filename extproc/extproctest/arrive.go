package extproctest

import (
	"bytes"
	"compress/gzip"
	"io"
	"strconv"
	"strings"
)

// arrive is what happens to a request before the filter sees it. It reports whether the headers end the stream.
func (p *play) arrive() (endStream bool) {
	method, path := p.req.Method, p.req.Path
	if method == "" {
		method = "POST"
	}
	if path == "" {
		path = "/v1/chat/completions"
	}
	p.head = fields{{":method", method}, {":path", path}, {":scheme", "https"}}
	authority, typed := "mom.test", false
	for _, h := range p.req.Headers {
		name := strings.ToLower(h[0])
		switch {
		case name == "host":
			authority = h[1]
			continue
		case strings.HasPrefix(name, "x-envoy-"), name == "x-request-id": // use_remote_address: an edge believes no client
			continue
		case !p.set.Bare && oursEarly(name):
			continue
		}
		typed = typed || name == "content-type"
		p.head = append(p.head, field{name, h[1]})
	}
	p.head = append(p.head, field{":authority", authority}, field{"x-request-id", "play-" + p.id}, field{"x-forwarded-proto", "https"})
	if p.tunnel() {
		return false
	}
	p.body = p.req.Body
	if len(p.body) == 0 {
		if method == "POST" {
			p.head = append(p.head, field{"content-length", "0"})
		}
	} else {
		if !typed {
			p.head = append(p.head, field{"content-type", "application/json"})
		}
		if !p.req.Chunked && !p.req.Trailers {
			p.head = append(p.head, field{"content-length", strconv.Itoa(len(p.body))})
		}
		p.inflate()
	}
	p.decided = p.route() // before the filter: only headers that Envoy did not strip could make this true
	return len(p.body) == 0 && !p.req.Trailers
}

// tunnel reports a request whose stream no end of body ever ends.
func (p *play) tunnel() bool {
	_, upgrade := p.head.get("upgrade")
	method, _ := p.head.get(":method")
	return upgrade || method == "CONNECT"
}

// inflate is the decompressor, which stands before the filter.
func (p *play) inflate() {
	if e, _ := p.head.get("content-encoding"); e != "gzip" {
		return
	}
	z, err := gzip.NewReader(bytes.NewReader(p.body))
	if err != nil {
		return
	}
	// One byte over the limit is enough to be refused.
	plain, err := io.ReadAll(io.LimitReader(z, int64(p.set.BodyLimit)+1))
	if err == nil {
		p.body, p.head = plain, p.head.without("content-encoding").without("content-length")
	}
}
