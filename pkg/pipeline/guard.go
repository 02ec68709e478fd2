package pipeline

import "slices"

// Guarded is the finding of the stages that guard: what they saw so far, each adding to what those before it left. It holds kinds, places
// and numbers, never text.
type Guarded struct {
	Jailbreak  bool     // a text tries to override the model's instructions
	Harmful    bool     // a text asks for what does harm; reported apart, since it is no attack on the model
	Confidence float64  // of the jailbreak, (0, 1]; 0 without one
	PII        []string // the kinds of personal data found, sorted and distinct; shared, so read and never changed
	Blocked    bool     // the request was refused, for what is named here or, where nothing is, because it could not be read whole

	// Redactions are the personal data that not every backend may see, by text and place. It is shared, so read and never changed.
	Redactions []Redaction
}

// Redaction is one find of personal data that only some backends may see: those that may get it as it is, and where one may not, Replacement is made
// for all. With is a placeholder such as [EMAIL_ADDRESS_1], the same for the same value of a request (in JSON within a text: without its escapes).
// Redactions are in the order of their texts and places. Two of them are either apart or, where finds of two kinds overlap, of the same bytes and With.
type Redaction struct {
	Replacement
	Kind string // of the policy, such as EMAIL_ADDRESS
	// Barred says that a backend which may not see the kind may not have the request at all. Only then the place may be unknown: Ref is below 0, and
	// the Replacement does nothing.
	Barred bool
}

// Flagged says whether anything was found.
func (g Guarded) Flagged() bool { return g.Jailbreak || g.Harmful || len(g.PII) > 0 }

// The states of a guarded request, for headers and counters.
const (
	GuardOff      = "off"      // no stage guards
	GuardOK       = "ok"       // all of them ran and found nothing
	GuardFlagged  = "flagged"  // something was found and let through
	GuardBlocked  = "blocked"  // the request was refused
	GuardDegraded = "degraded" // a stage failed and was passed over, as its Step says
	GuardError    = "error"    // a stage failed and ended the request, or never came to run
)

// GuardState says what came of the stages of these names in a run that was decided: a run that ended in an error tells by it which stage failed.
func GuardState(t Trail, stages []string) string {
	found, _ := Find[Guarded](t)
	ran, failed := 0, false
	for _, e := range t.entries {
		if slices.Contains(stages, e.Stage) {
			ran++
			failed = failed || e.Err != nil
		}
	}
	switch {
	case len(stages) == 0:
		return GuardOff
	case found.Blocked:
		return GuardBlocked
	case ran < len(stages):
		return GuardError
	case failed:
		return GuardDegraded
	case found.Flagged():
		return GuardFlagged
	}
	return GuardOK
}
