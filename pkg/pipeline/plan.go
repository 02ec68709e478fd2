package pipeline

// Plan is the finding of the stage that chooses: which backends to try, in order, and why. The edge turns it into what the proxy
// understands; the trail header tells it to people.
type Plan struct {
	Decision   string     // name of the decision that won: a configured name, "default" or "explicit"
	By         By         // what of the router came to it; ByClient in a plan of an explicit model
	Domain     string     // the label it rests on, "" when none was found
	Degraded   string     // why the choice is not the intended one: "" (it is), or a word from a closed set such as brain_error, brain_unsure
	Tiers      []Tier     // at least one; the first is the choice, the rest the fallbacks, tried in order
	Headers    []Header   // to be set on the request, for every tier
	Experiment Experiment // that decided by which rules; zero is none

	// Replacements are made in the body of every tier, the first's too: they are what the one that may see the least may not see. A later tier's
	// body is made from the first's by a filter that may fail, so nothing that protects may rest on it.
	Replacements []Replacement
}

// Experiment is the arm of an experiment that a request is in.
type Experiment struct{ ID, Arm string }

// By says what of the router made a plan. Where one cannot tell, the next one is asked.
type By string

// The makers of plans, as clients are told them.
const (
	ByClient   By = ""         // it named its model
	ByMoM      By = "mom"      // the decisions
	ByOmni     By = "omni"     // a language model
	ByFallback By = "fallback" // nobody could tell: the default
)

// Tier is one backend of a plan and how the request must read for it.
type Tier struct {
	Model     string    // the backend's name for itself: the value its model field gets; in a plan of an explicit model, the client's own
	Cluster   string    // the proxy's cluster that serves it
	Reasoning Reasoning // what this backend is asked for; AsAsked also when it cannot be told
	Edits     []Edit    // applied to the client's body for this tier; empty leaves every byte as it was
	Optimized bool      // one of them changes the system prompt
}

// Reasoning says whether a backend is asked to think before it answers.
type Reasoning uint8

// What may be asked of a backend's reasoning.
const (
	// AsAsked leaves the request's own setting alone.
	AsAsked Reasoning = iota
	// On asks for reasoning.
	On
	// Off asks for none.
	Off
	// Low asks for a little of it; a backend that knows no degrees is asked for it, as with the next two.
	Low
	// Medium asks for some.
	Medium
	// High asks for much.
	High
)

// Thinks says whether reasoning is asked for, in any degree.
func (r Reasoning) Thinks() bool { return r != AsAsked && r != Off }

// Edit changes one top-level field of the request body.
type Edit struct {
	How   How
	Field string
	Key   string // for SetField: the member of the field's object that is meant; "" is the field itself
	JSON  string // encoded and valid: a value, a number for CapField, a string for the three of the system prompt, nothing for StripField
}

// How says what an Edit does.
type How uint8

// What an Edit may do.
const (
	// SetField puts JSON there, whatever there was.
	SetField How = iota
	// DefaultField puts it there where there is nothing, or null.
	DefaultField
	// CapField puts it there in place of a larger number, and of what is no number. Nothing, and null, stay.
	CapField
	// StripField takes the field away.
	StripField
	// PrependSystem puts a text before the system prompt; the Field is messages.
	PrependSystem
	// AppendSystem puts it behind.
	AppendSystem
	// ReplaceSystem puts it in its place.
	ReplaceSystem
)

// Header is one header of a request.
type Header struct{ Name, Value string } // the name in lower case
