package extproc

import (
	"encoding/json"
	"net/url"

	"github.com/mom-router/mom/pkg/pipeline"
)

// created is the value of every model's created field (2025-10-10): chat clients refuse null and 0, and a moving value would defeat caches.
const created = 1760054400

type modelJSON struct {
	ID          string         `json:"id"`
	Object      string         `json:"object"`
	Created     int64          `json:"created"`
	OwnedBy     string         `json:"owned_by"`
	Description string         `json:"description,omitempty"`
	Providers   []providerJSON `json:"providers,omitempty"`
}

type providerJSON struct {
	Provider      string `json:"provider"`
	ContextLength int    `json:"context_length,omitempty"`
}

// models answers GET /v1/models (id empty) and GET /v1/models/{id}. It is answered here, so that a chat client can start while backends are down.
func (g *Gateway) models(id string) *pipeline.Reply {
	list := make([]modelJSON, 0, len(g.Models))
	for _, m := range g.Models {
		j := modelJSON{ID: m.ID, Object: "model", Created: created, OwnedBy: "mom", Description: m.Description}
		if m.Context > 0 {
			j.Providers = []providerJSON{{Provider: "mom", ContextLength: m.Context}}
		}
		list = append(list, j)
	}
	if id == "" {
		return jsonReply("mom_models", struct {
			Object string      `json:"object"`
			Data   []modelJSON `json:"data"`
		}{"list", list})
	}
	if name, err := url.PathUnescape(id); err == nil {
		for _, m := range list {
			if m.ID == name {
				return jsonReply("mom_models", m)
			}
		}
	}
	return refuse(404, "model_not_found", "model", "No model of this name is served here; GET /v1/models lists them.", nil)
}

func jsonReply(details string, v any) *pipeline.Reply {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // structs of strings and integers always marshal
	}
	return &pipeline.Reply{Status: 200, Headers: map[string]string{"content-type": "application/json"}, Body: body, Details: details}
}
