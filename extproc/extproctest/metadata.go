package extproctest

import (
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/types/known/structpb"
)

// merge takes over dynamic metadata: declared namespaces only, key by key.
func (p *play) merge(s *structpb.Struct) {
	for namespace, v := range s.GetFields() {
		content, isStruct := v.GetKind().(*structpb.Value_StructValue)
		switch {
		case !slices.Contains(p.set.Namespaces, namespace):
			p.violate("R10", "namespace %s is not among receiving_namespaces: dropped", namespace)
			continue
		case !isStruct:
			p.violate("R10", "namespace %s is not a struct: stored empty", namespace)
		}
		if p.res.Metadata == nil {
			p.res.Metadata = map[string]map[string]any{}
		}
		if p.res.Metadata[namespace] == nil {
			p.res.Metadata[namespace] = map[string]any{}
		}
		if isStruct {
			for key, value := range content.StructValue.AsMap() {
				p.res.Metadata[namespace][key] = value
			}
		}
	}
}

// splice replaces length bytes at offset by text.
type splice struct {
	offset, length int
	text           string
}

func (s splice) apply(body []byte) []byte {
	return slices.Concat(body[:s.offset], []byte(s.text), body[s.offset+s.length:])
}

// plan reads mom.route and mom.tiers: the clusters in order, and the splices of each. What Envoy would read otherwise than it was meant is a
// violation, and the plan then ends at the undecided cluster, as deploy/envoy/envoy.yaml configures it.
func (p *play) plan() (clusters []string, edits [][]splice) {
	var err error
	clusters, err = readPlan(p.res.Metadata["mom.route"])
	if err == nil {
		edits, err = readEdits(p.res.Metadata["mom.tiers"], len(clusters), len(p.body))
	} else {
		clusters = []string{"mom_undecided"}
	}
	if err != nil && !p.violated("R10") {
		p.violate("R10", "%v", err)
	}
	return clusters, edits
}

func readPlan(route map[string]any) ([]string, error) {
	groups, ok := route["priority_groups"].([]any)
	if !ok || len(groups) == 0 {
		return nil, fmt.Errorf("mom.route holds no list priority_groups, so that the configured groups are used")
	}
	clusters, seen := make([]string, 0, len(groups)), map[string]bool{}
	for i, g := range groups {
		group, _ := g.(map[string]any)
		name, _ := group["name"].(string)
		members, _ := group["clusters"].([]any)
		if name == "" || seen[name] || len(members) == 0 {
			return nil, fmt.Errorf("mom.route group %d has no name of its own or no clusters", i)
		}
		seen[name] = true
		// A group of several is a matter of weights; the play takes the first that has one.
		var chosen string
		for _, m := range members {
			member, _ := m.(map[string]any)
			cluster, _ := member["cluster_name"].(string)
			weight, _ := member["weight"].(float64)
			if cluster == "" || weight != math.Trunc(weight) || weight < 1 {
				return nil, fmt.Errorf("mom.route group %d has a cluster without a name or a whole weight", i)
			}
			if chosen == "" {
				chosen = cluster
			}
		}
		clusters = append(clusters, chosen)
	}
	return clusters, nil
}

// readEdits checks what the tier filter trusts: one list a group, the first empty, offsets descending and within the body of the first attempt.
func readEdits(tiers map[string]any, groups, size int) ([][]splice, error) {
	lists, ok := tiers["edits"].([]any)
	switch {
	case tiers == nil && groups == 1:
		return nil, nil
	case !ok:
		return nil, fmt.Errorf("mom.tiers holds no list edits for a plan of %d groups", groups)
	case len(lists) != groups:
		return nil, fmt.Errorf("mom.tiers has %d lists of splices for %d groups", len(lists), groups)
	}
	edits := make([][]splice, 0, len(lists))
	for i, l := range lists {
		list, ok := l.([]any)
		if !ok || i == 0 && len(list) > 0 {
			return nil, fmt.Errorf("mom.tiers list %d is no list, or is the first and not empty", i)
		}
		splices, before := make([]splice, 0, len(list)), size
		for _, e := range list {
			triple, _ := e.([]any)
			if len(triple) != 3 {
				return nil, fmt.Errorf("mom.tiers list %d has a splice that is not [offset, length, text]", i)
			}
			offset, okOffset := triple[0].(float64)
			length, okLength := triple[1].(float64)
			text, okText := triple[2].(string)
			s := splice{int(offset), int(length), text}
			if !okOffset || !okLength || !okText || float64(s.offset) != offset || float64(s.length) != length || s.offset < 0 || s.length < 0 || s.offset+s.length > before {
				return nil, fmt.Errorf("mom.tiers list %d has a splice outside the body, out of order or overlapping", i)
			}
			before = s.offset
			splices = append(splices, s)
		}
		edits = append(edits, splices)
	}
	return edits, nil
}
