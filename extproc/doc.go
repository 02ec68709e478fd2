// Package extproc is the door to Envoy: it serves envoy.service.ext_proc.v3, turns Envoy's messages into a pipeline.Request and a
// pipeline.Decision back into Envoy's messages. It is the only package that knows Envoy's types.
//
// It never decides anything about a prompt, never reads a configuration file, never loads a model, never logs text of users or models, and never
// ends a stream with nil before the verdict was sent: to Envoy that means "go on without the processor".
//
// Reading order: stream.go (the state machine), door.go (what is refused by its headers), translate.go (a decision as a reply), server.go.
package extproc
