package pipeline

import "time"

// Trail is what the stages have said so far, in order. It is a value: a stage reads it and cannot change it.
type Trail struct{ entries []Entry }

// Entry is one stage's line in the trail.
type Entry struct {
	Stage   string
	Outcome Outcome
	Err     error // why the stage failed and was passed over, nil when it did not
	Took    time.Duration
}

// Entries returns a copy of the trail's lines, in the order the stages ran.
func (t Trail) Entries() []Entry { return append([]Entry(nil), t.entries...) }

// Failed returns the error of the named stage, nil when it succeeded or did not run.
func (t Trail) Failed(stage string) error {
	for _, e := range t.entries {
		if e.Stage == stage {
			return e.Err
		}
	}
	return nil
}

// Find returns the latest finding of type T. That a stage needs another's finding is thereby an import of the type, seen by the compiler.
func Find[T any](t Trail) (T, bool) {
	for i := len(t.entries) - 1; i >= 0; i-- {
		if f, ok := t.entries[i].Outcome.Finding.(T); ok {
			return f, true
		}
	}
	var zero T
	return zero, false
}
