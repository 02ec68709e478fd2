package extproc

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/mom-router/mom/pkg/cot"
	"github.com/mom-router/mom/pkg/pipeline"
	"go.uber.org/zap"
)

// rememberIn bounds the keeping of an answer, which the end of the client's answer waits for.
const rememberIn = 100 * time.Millisecond

// caller is who sends a request, by what Envoy vouches for, and what else it says of itself that a decision asks for.
func (g *Gateway) caller(h head, a *ask) pipeline.Caller {
	var c pipeline.Caller
	for _, v := range h.cacheControl {
		for directive := range strings.SplitSeq(v, ",") {
			name, _, _ := strings.Cut(strings.TrimSpace(directive), "=")
			c.NoStore = c.NoStore || strings.EqualFold(name, "no-store") || strings.EqualFold(name, "no-cache")
		}
	}
	c.Tenant = g.Tenant.of(a)
	converse(&c, a.headers)
	for _, name := range g.Headers {
		if v := only(a.headers, name); v != "" {
			if c.Headers == nil {
				c.Headers = make(map[string]string, len(g.Headers))
			}
			c.Headers[name] = v
		}
	}
	return c
}

// only returns the value of the header of this name, "" when there is none, or more than one: which of two counts is not for us to say.
func only(headers []field, name string) string {
	value, seen := "", 0
	for _, f := range headers {
		if string(f.name) == name {
			value = string(f.value)
			seen++
		}
	}
	if seen != 1 {
		return ""
	}
	return value
}

// remembered are the headers of an answer from memory.
func (g *Gateway) remembered(s guarded, found pipeline.Recalled) []header {
	if g.Expose == ExposeNone {
		return nil
	}
	sets := []header{{headerCOT, cot.Trail{Guard: s.cot(), Memory: &cot.Memory{Hit: true, Similarity: found.Cosine}}.String()}}
	if g.Expose == ExposeCOT {
		return sets
	}
	if found.Cosine > 0 {
		sets = append(sets, header{headerSimilar, strconv.FormatFloat(found.Cosine, 'f', 3, 64)})
	}
	model := ascii(found.Model)
	return append(append(sets, s.headers()...), header{headerCache, found.State}, header{"x-vsr-cache-hit", "true"},
		header{"age", strconv.Itoa(int(found.Age / time.Second))},
		header{headerModel, model}, header{"x-router-model", model}, header{"x-vsr-selected-model", model})
}

// statSimilar counts an answer to a question in other words.
const statSimilar = "similar"

// hit describes an answer from memory to the counters.
func (g *Gateway) hit(s guarded, found pipeline.Recalled) stats {
	state := found.State
	if found.Cosine > 0 {
		state = statSimilar
	}
	saved := cacheStats{state: state, tokens: found.Tokens, microUSD: int64(math.Round(found.USD * 1e6))}
	return stats{decision: statAnswer, domain: "none", model: g.backend(found.Model), requested: "mom", guard: s.stat(), cache: saved}
}

// recalled describes what the memory came to, where it gave no answer.
func recalled(found pipeline.Recalled) cacheStats {
	return cacheStats{state: found.State, why: found.Why}
}

// passOver goes past the memory where the decision keeps no answers.
func (x *exchange) passOver(plan *pipeline.Plan) {
	if x.memory.State == pipeline.RecallMiss && !x.gateway.Memory.Keeps(x.caller.Policy, plan.Decision) {
		x.release()
		x.memory = pipeline.Recalled{State: pipeline.RecallBypass, Why: "decision"}
	}
}

// release lets those go on who wait for the answer to this request.
func (x *exchange) release() {
	if x.memory.Lease != 0 {
		x.gateway.Memory.Release(x.memory)
	}
}

// remember keeps the answer that has passed, if it is one that may be given again.
func (x *exchange) remember(ctx context.Context) {
	w := &x.answer
	if w.gathered == nil {
		return
	}
	c, ok := w.gathered.Completion()
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, rememberIn)
	defer cancel()
	if err := x.gateway.Memory.Remember(ctx, w.keep, x.memory, x.plan, c); err != nil {
		x.log.Warn("an answer was not remembered", zap.String("request_id", x.id), zap.Error(err))
	}
}
