package omni

import (
	"encoding/json"
	"regexp"
	"strings"
)

// casual is the route of chat-ui for what no route is for.
const casual = "casual_conversation"

// fallback is the name of what stands in where no route does.
const fallback = "fallback"

// route finds the route that was named. An answer that names none, or one that there is not, is the casual route; other is the configured one.
func (r *Router) route(answer said) (Route, error) {
	name, ok := named(answer.text)
	if !ok && answer.cut {
		name, ok = r.begins(answer.text)
	}
	switch {
	case ok && name == "other":
		name = r.c.Other
	case !ok:
		name = casual
	}
	// Whatever the user made the language model say: it is one of the configured routes, or none.
	for _, n := range [...]string{name, casual, "default"} {
		for _, known := range r.c.Routes {
			if known.Name == n {
				return known, nil
			}
		}
	}
	if len(r.c.Fallback) > 0 {
		return Route{Name: fallback, Models: r.c.Fallback}, nil
	}
	return Route{}, &Error{Reason: Lost}
}

var (
	pair  = regexp.MustCompile(`["']route["']\s*:\s*["']([^"']+)["']`)
	began = regexp.MustCompile(`["']route["']\s*:\s*["']([^"']+)$`)
)

// named reads the name out of an answer: as JSON, as something like it, and as JSON with the other kind of quotes.
func named(text string) (string, bool) {
	if name, ok := member(text); ok {
		return name, true
	}
	if m := pair.FindStringSubmatch(text); m != nil {
		return strings.TrimSpace(m[1]), true
	}
	return member(strings.ReplaceAll(text, "'", `"`))
}

// member returns the text of the member route of a JSON object.
func member(text string) (string, bool) {
	var object map[string]any // a struct would also take Route and ROUTE
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return "", false
	}
	name, _ := object["route"].(string)
	name = strings.TrimSpace(name)
	return name, name != ""
}

// begins returns the one route that an answer cut short can only have meant.
func (r *Router) begins(text string) (string, bool) {
	m := began.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	found := ""
	for _, known := range r.c.Routes {
		if !strings.HasPrefix(known.Name, m[1]) {
			continue
		}
		if found != "" {
			return "", false
		}
		found = known.Name
	}
	return found, found != ""
}
