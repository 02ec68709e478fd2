package guard_test

import (
	"path/filepath"
	"testing"

	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/classifiers/onnx"
	"github.com/mom-router/mom/classifiers/pattern"
	"github.com/mom-router/mom/cmd/mom/app"
	"github.com/mom-router/mom/pkg/guard"
	"github.com/mom-router/mom/tests/stack"
)

// shipped is the shipped models and both stages over them, in this process: what counts forward passes, or asks a hundred times about one document.
type shipped struct {
	trunk     *onnx.Trunk
	user      *onnx.Classifier
	jailbreak *guard.Jailbreak
	pii       *guard.PII
}

// inProcess opens the shipped models. Nothing of them or of the stages is remembered from another test.
func inProcess(t *testing.T, windows int) shipped {
	t.Helper()
	library := stack.Need(t, "MOM_ONNX_LIB", ".build/lib/libonnxruntime.so", "MOM_REQUIRE_ONNX")
	shelf := app.NewShelf(app.Places{Models: filepath.Join(stack.Root(t), "models"), Library: library})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := shelf.Close(); err != nil {
			t.Error(err)
		}
	})
	trunk, entry, err := shelf.Tried(t.Context(), "mom-jailbreak-flash")
	must(err)
	tags, tagged, err := shelf.Tried(t.Context(), "mom-pii-flash")
	must(err)
	if tags != trunk {
		t.Fatal("the guards do not share their forward passes")
	}
	s := shipped{trunk: trunk}
	s.user, err = trunk.Classifier(entry, catalog.RoleUser)
	must(err)
	document, err := trunk.Classifier(entry, catalog.RoleDocument)
	must(err)
	tagger, err := trunk.Tagger(tagged)
	must(err)
	from := guard.Thresholds{User: entry.Thresholds[catalog.RoleUser], Document: entry.Thresholds[catalog.RoleDocument]}
	from.Instructions = guard.InstructionsFrom(from.User)
	limits := guard.Limits{Counter: trunk, MaxWindows: windows}
	s.jailbreak, err = guard.NewJailbreak(guard.JailbreakConfig{User: s.user, Document: document, Thresholds: from, Block: true, Limits: limits})
	must(err)
	policy, err := guard.NewPolicy("standard", nil, nil)
	must(err)
	s.pii, err = guard.NewPII(guard.PIIConfig{Tagger: pattern.Beside(tagger), Policy: policy, FlagFrom: tagged.Threshold, BlockFrom: 0.8, Limits: limits})
	must(err)
	return s
}

// tokens is how many tokens a text has, without those that the model puts around it.
func (s shipped) tokens(t *testing.T, text string) int {
	t.Helper()
	n, err := s.trunk.Tokens(text)
	if err != nil {
		t.Fatal(err)
	}
	none, err := s.trunk.Tokens("")
	if err != nil {
		t.Fatal(err)
	}
	return n - none
}
