package route

import "slices"

// Model is one line of the list of models that clients see.
type Model struct {
	ID      string
	Context int // tokens; 0 when not known, and then to be left out: some clients break on a 0
}

// Models returns the aliases, then the backends, each in the configured order. An alias holds what every backend it may lead to holds: the
// smallest of their contexts, not known when one of them is not.
func (r *Router) Models() []Model { return slices.Clone(r.models) }

func list(c Config) []Model {
	candidates := slices.Clone(c.Default.Models)
	for _, d := range c.Decisions {
		candidates = append(candidates, d.Models...)
	}
	if c.Omni != nil {
		for _, route := range c.Omni.Routes() {
			candidates = append(candidates, route.Models...)
		}
	}
	smallest := 0
	for _, b := range c.Backends {
		switch {
		case !slices.Contains(candidates, b.Name):
		case b.Context == 0:
			smallest, candidates = 0, nil
		case smallest == 0 || b.Context < smallest:
			smallest = b.Context
		}
	}
	var out []Model
	for _, a := range slices.Concat(c.Aliases, c.OmniAliases) {
		out = append(out, Model{ID: a, Context: smallest})
	}
	for _, b := range c.Backends {
		out = append(out, Model{ID: b.Name, Context: b.Context})
	}
	return out
}
