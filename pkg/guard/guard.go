// Package guard is the two stages that look for what must not reach a model, Jailbreak and PII. They read everything a request says, whatever
// model it names: every message, tool, schema and unknown field, each as it was written, as it reads once nothing hides it, and what is written
// in it as code. What they cannot read whole they refuse.
//
// A stage finds, blocks, flags and says what is to be redacted. It never edits a request, loads no model, and keeps no text: findings, notes, errors
// and what is remembered between requests hold kinds and numbers alone. It is a filter and no boundary: a small model misses what it was not taught.
package guard

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"golang.org/x/sync/errgroup"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/guard/text"
	"github.com/mom-router/mom/pkg/pipeline"
)

// StageJailbreak and StagePII are the names of the two stages in the trail.
const (
	StageJailbreak = "jailbreak"
	StagePII       = "pii"
)

// Limits are what both stages refuse beside what they look for, and how they say so.
type Limits struct {
	// Counter tells what a text costs; nil counts nothing.
	Counter classifiers.Counter
	// MaxWindows bounds the forward passes of one request that are not yet paid for; over it the request is 413. 0 is no bound.
	MaxWindows int
	// BlockUnscannable refuses images, audio and files, which nobody here can read.
	BlockUnscannable bool
	// Refusal answers a block as the model itself would refuse, with status 200, instead of an error.
	Refusal bool
}

// refused is a request that is not let through, said in one word and to the client.
type refused struct {
	status          int
	code, say, note string
}

var (
	tooLong     = refused{413, "prompt_too_long", "The request holds more text than can be checked before it is answered.", "too long to be read whole"}
	unscannable = refused{403, "unscannable_content", "The request holds an image, audio or a file, which cannot be checked here.", "holds what cannot be read"}
	jailbroken  = refused{403, "jailbreak_detected", "The request was blocked: it looks like an attempt to override the model's instructions.", ""}
	harmful     = refused{403, "harmful_request", "The request was blocked: it looks like a request for something harmful.", ""}
)

// block is the outcome of a request that is not let through. What is too long is an error in every form: a client must send less.
func (l Limits) block(req *pipeline.Request, r refused, found pipeline.Guarded, note string) pipeline.Outcome {
	found.Blocked = true
	out := pipeline.Outcome{Verdict: pipeline.Block, Finding: found, Note: note}
	switch {
	case r.status == 413:
		out.Reply = chat.ErrorReply(413, "invalid_request_error", r.code, "messages", r.say, nil)
	case l.Refusal:
		out.Reply = chat.RefusalReply(req, r.code, r.say)
	default:
		out.Reply = chat.ErrorReply(r.status, "content_policy_violation", r.code, "messages", r.say, nil)
	}
	return out
}

// fewBytes is how much text a pass reads at the least: a token is a byte or more, and no model's window goes on by fewer than 16.
const fewBytes = 16

// manyBytes is how much text a pass reads at the most, by far: only a text without words, such as base64, has windows that long. Beyond it the views
// are not even made, which take a second of a core for every megabyte.
const manyBytes = 2 << 10

// maxFile is the longest data URL with text in it, in bytes: of more, package text would decode only the beginning.
const maxFile = 64 << 10

// admitSources refuses, before any work is done, a request with content that nobody here can read, where it is to be refused, and one whose texts are
// too long whatever they say.
func (l Limits) admitSources(req *pipeline.Request, todo []pending) pipeline.Outcome {
	if l.BlockUnscannable && req.Unscannable > 0 {
		return l.block(req, unscannable, pipeline.Guarded{}, unscannable.note)
	}
	for i := range req.Leaves {
		if leaf := req.Leaves[i].Text; len(leaf) > maxFile {
			if _, is := text.DataURL(leaf); is == text.Text {
				return l.block(req, tooLong, pipeline.Guarded{}, tooLong.note)
			}
		}
	}
	bytes := 0
	for _, t := range todo {
		bytes += len(t.Body)
	}
	if l.MaxWindows > 0 && bytes > l.MaxWindows*manyBytes {
		return l.block(req, tooLong, pipeline.Guarded{}, tooLong.note)
	}
	return pipeline.Outcome{}
}

// admit refuses a request whose texts need more passes together than MaxWindows. A short request is not counted, which would cost a tenth of reading
// it.
func (l Limits) admit(req *pipeline.Request, todo []pending) (pipeline.Outcome, error) {
	most := 0
	for _, t := range todo {
		most += 1 + len(t.Body)/fewBytes
	}
	if l.Counter == nil || l.MaxWindows == 0 || most <= l.MaxWindows {
		return pipeline.Outcome{}, nil
	}
	passes := 0
	for _, t := range todo {
		n, err := l.Counter.Passes(t.Body)
		if err != nil && !errors.Is(err, classifiers.ErrTooLong) {
			return pipeline.Outcome{}, fmt.Errorf("count the passes of %s: %w", t.Where, err)
		}
		if passes += n; err != nil || passes > l.MaxWindows {
			return l.block(req, tooLong, pipeline.Guarded{}, tooLong.note), nil
		}
	}
	return pipeline.Outcome{}, nil
}

// errStop ends the reading of the other texts once one of them has decided. It never leaves this package.
var errStop = errors.New("decided")

// each calls read for the numbers below n, on all cores but on no more: a request that queued all its texts at once would keep others from the
// models. The first error ends the others. A panic is an error, since in a goroutine it would end the process.
func each(ctx context.Context, n int, read func(ctx context.Context, i int) error) error {
	safely := func(ctx context.Context, i int) (err error) {
		defer func() {
			if recover() != nil { // its value may hold text
				err = &pipeline.PanicError{Stack: debug.Stack()}
			}
		}()
		return read(ctx, i)
	}
	switch n {
	case 0:
		return nil
	case 1:
		return safely(ctx, 0)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(min(8, runtime.GOMAXPROCS(0)))
	for i := range n {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return safely(ctx, i)
		})
	}
	return group.Wait()
}
