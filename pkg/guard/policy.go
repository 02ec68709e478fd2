package guard

import (
	"fmt"
	"slices"
)

// Action is what becomes of a kind of personal data.
type Action string

// The actions.
const (
	Allow   Action = "allow" // not even reported
	Flag    Action = "flag"  // reported and let through
	BlockIt Action = "block" // the request is refused
)

// Policy is an action for each kind of personal data; a kind it does not name is flagged.
type Policy map[string]Action

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

// NewPolicy returns the policy of a name, standard or strict, with the actions of some kinds set apart.
func NewPolicy(name string, apart map[string]Action) (Policy, error) {
	p := Policy{}
	block, ok := map[string][]string{"standard": standard, "strict": strict}[name]
	if !ok {
		return nil, fmt.Errorf("policy %q is neither standard nor strict", name)
	}
	for _, kind := range block {
		p[kind] = BlockIt
	}
	if name == "standard" {
		for _, kind := range common {
			p[kind] = Allow
		}
	}
	for kind, a := range apart {
		if !slices.Contains([]Action{Allow, Flag, BlockIt}, a) {
			return nil, fmt.Errorf("action %q for %s is none of allow, flag and block", a, kind)
		}
		p[kind] = a
	}
	return p, nil
}

// Of returns the action for a kind.
func (p Policy) Of(kind string) Action {
	if a, ok := p[kind]; ok {
		return a
	}
	return Flag
}
