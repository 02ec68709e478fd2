// Package extproctest is a strict Envoy for tests. It serves an ext_proc server on an in-memory connection, plays the HTTP filter, the route
// table, the retries and the tier filter of deploy/envoy/envoy.yaml for one request at a time, and reports every breach of the contract
// that a real Envoy would punish with silence: a header that arrives empty, a plan that is dropped, a prompt that passes unguarded.
//
//	envoy := extproctest.Start(t, server)
//	res := envoy.Do(ctx, extproctest.Request{Body: []byte(`{"model":"MoM","messages":[]}`)}, func(u extproctest.Upstream) extproctest.Response {
//		return extproctest.Response{Body: []byte(`{"model":"` + u.Cluster + `"}`)}
//	})
//	// res.Outcome, res.Status, res.Headers, res.Attempts; every violation has already failed t
//
// Its clock is the wall clock and it never sleeps: it waits for messages with a deadline. It never repairs what a server sends, and a
// feature of ext_proc that it does not model is a violation too, so that nothing passes because nobody looked. It is not the proof that the
// real Envoy agrees; it is the cheap half of it, and the only half that sees a return of nil before the verdict for what it is.
//
// A violation begins with its rule:
//
//	R1  the reply is of the kind of the pending message
//	R2  one reply a message
//	R3  set_headers uses raw_value alone
//	R4  no append_action, no keep_empty_value
//	R5  header names are lower-case tokens, values hold no control byte but the tab
//	R6  only headers that Envoy lets the filter change are set or removed
//	R7  content-length, where there is one, is the length of the body
//	R8  clear_route_cache stands beside a header mutation of the request, and a decision comes with it
//	R9  mode_override stands in a header reply, resolves to an allowed mode, and buffers no response but JSON
//	R10 dynamic metadata are structs in declared namespaces; plan and splices are well formed
//	R11 a reply within message_timeout, extended once at most
//	R12 nothing follows an ImmediateResponse
//	R13 one message answers a request without a body; CONNECT and upgrades are refused in it
//	R14 a stream that begins with response_headers is answered CONTINUE
//	R15 a body with end_of_stream false is processed at once
//	R16 a cancelled stream returns promptly, with nil or Canceled
//	R17 a repeated end of stream changes nothing
//	R18 response_headers that arrive while the body is pending are answered
//	R19 a message without a known kind is ignored
//	R20 every chunk of a streamed response is answered, none by an ImmediateResponse
//	R21 at most 100 headers and 60 KiB after a mutation
//	R22 nil never before the verdict, and right after the last reply owed
//	R23 trailers are answered by a trailers reply
//	R24 1024 streams at once
//	R0  anything else that Envoy would ignore, rewrite or not know
package extproctest
