package guard

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Action is what becomes of a kind of personal data.
type Action string

// The actions.
const (
	Allow   Action = "allow"  // not even reported
	Flag    Action = "flag"   // reported and let through
	Redact  Action = "redact" // reported, and a placeholder stands for it towards a backend that may not see it
	BlockIt Action = "block"  // the request is refused, where no backend may see it
)

// Policy is what becomes of each kind of personal data. Build it with NewPolicy.
type Policy struct {
	kinds map[string]Action            // a kind that is not there is flagged
	roles map[string]map[string]Action // by role, before kinds
}

// The kinds that a policy blocks. They are those whose finds have a form of their own, so that few of them are mistakes. A driver's licence or a
// passport number has none, and yet is what nobody means to send. ID_NUMBER stands in neither: orders, invoices and tickets look like it.
var (
	standard = []string{
		"API_KEY", "CREDIT_CARD", "IBAN_CODE", "PASSWORD", "US_BANK_NUMBER", "US_DRIVER_LICENSE", "US_PASSPORT", "US_SSN",
	}
	// Whether a date is one of birth, and a name that of a private person, no model here can tell: both are flagged.
	strict = append([]string{"EMAIL_ADDRESS", "IP_ADDRESS", "MAC_ADDRESS", "PHONE_NUMBER", "STREET_ADDRESS"}, standard...)
	// Kinds that stand in every other prompt and by themselves are nobody's: the number in a sum may be an age. The standard policy does not report
	// them, for a report of everything is one of nothing.
	common = []string{"AGE", "DATE_TIME", "DOMAIN_NAME", "LOCATION", "NRP", "ORGANIZATION", "TITLE", "ZIP_CODE"}
)

// roles are those of messages; what a function says is what a tool says.
var roles = []string{"user", "assistant", "tool", "system", "developer"}

// NewPolicy returns the policy of a name, standard or strict, with the actions of some kinds set apart, and by role those of some kinds in what is said
// in that role.
func NewPolicy(name string, apart map[string]Action, byRole map[string]map[string]Action) (Policy, error) {
	p := Policy{kinds: map[string]Action{}, roles: map[string]map[string]Action{}}
	block, ok := map[string][]string{"standard": standard, "strict": strict}[name]
	if !ok {
		return Policy{}, fmt.Errorf("policy %q is neither standard nor strict", name)
	}
	for _, kind := range block {
		p.kinds[kind] = BlockIt
	}
	if name == "standard" {
		for _, kind := range common {
			p.kinds[kind] = Allow
		}
	}
	for role, apart := range byRole {
		if !slices.Contains(roles, role) {
			return Policy{}, fmt.Errorf("role %q is none of %s", role, strings.Join(roles, ", "))
		}
		p.roles[role] = map[string]Action{}
		if err := set(p.roles[role], apart); err != nil {
			return Policy{}, err
		}
	}
	return p, set(p.kinds, apart)
}

func set(into, apart map[string]Action) error {
	for kind, a := range apart {
		if !slices.Contains([]Action{Allow, Flag, Redact, BlockIt}, a) {
			return fmt.Errorf("action %q for %s is none of allow, flag, redact and block", a, kind)
		}
		into[kind] = a
	}
	return nil
}

// Of returns the action for a kind in what is said in a role, "" outside of messages, and whether it is that role's own.
func (p Policy) Of(kind, role string) (a Action, own bool) {
	if role == "function" {
		role = "tool"
	}
	if a, ok := p.roles[role][kind]; ok {
		return a, true
	}
	if a, ok := p.kinds[kind]; ok {
		return a, false
	}
	return Flag, false
}

// redacts says whether any kind may be redacted.
func (p Policy) redacts() bool {
	for _, apart := range append(slices.Collect(maps.Values(p.roles)), p.kinds) {
		for _, a := range apart {
			if a == Redact {
				return true
			}
		}
	}
	return false
}
