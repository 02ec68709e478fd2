package omni

import (
	"encoding/json"
	"errors"
	"fmt"
)

// ParseRoutes reads chat-ui's routes.json: a list of {name, description, primary_model, fallback_models}, the last of which may be missing. Members that
// it does not know are ignored, as chat-ui ignores them.
func ParseRoutes(raw []byte) ([]Route, error) {
	var list []struct {
		Name        string   `json:"name"`
		Description string   `json:"description"`
		Primary     string   `json:"primary_model"`
		Fallbacks   []string `json:"fallback_models"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("not a list of routes: %w", err)
	}
	routes := make([]Route, 0, len(list))
	seen := map[string]bool{}
	var faults []error
	for i, r := range list {
		switch {
		case r.Name == "" || r.Description == "" || r.Primary == "":
			faults = append(faults, fmt.Errorf("route %d needs name, description and primary_model", i+1))
			continue
		case seen[r.Name]:
			faults = append(faults, fmt.Errorf("a second route named %q", r.Name))
			continue
		}
		seen[r.Name] = true
		routes = append(routes, Route{Name: r.Name, Description: r.Description, Models: append([]string{r.Primary}, r.Fallbacks...)})
	}
	if len(list) == 0 {
		faults = append(faults, errors.New("there are no routes"))
	}
	return routes, errors.Join(faults...)
}
