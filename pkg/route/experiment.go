package route

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/mom-router/mom/pkg/pipeline"
)

// Experiment parts the conversations that are under one policy among arms, each with a policy of its own. A conversation stays in its arm.
type Experiment struct {
	ID   string
	Arms []Arm // their percents come to 100
}

// Arm is a share of the conversations, and the policy that decides about them.
type Arm struct {
	Name    string
	Percent int
	Policy  string // "" is that of no name
}

// arm returns the arm of a request; ok is false for one that is no turn of a conversation, such as a request for its title.
func (e *Experiment) arm(req *pipeline.Request) (a Arm, ok bool) {
	if req.Caller.Aside || strings.HasPrefix(strings.TrimSpace(first(req.LastUser())), "### Task:") { // as Open WebUI begins its own requests
		return a, false
	}
	share := e.Share(conversation(req))
	for _, a = range e.Arms {
		if share < a.Percent {
			return a, true
		}
		share -= a.Percent
	}
	return a, true
}

// Share is the place of a conversation's key within [0, 100): the same one for as long as the experiment has its ID, and of no bearing on others.
func (e *Experiment) Share(key string) int {
	sum := sha256.Sum256([]byte(e.ID + ":" + key))
	return int(binary.BigEndian.Uint32(sum[:4]) % 100)
}

// conversation is what a conversation's requests have in common: what the edge says, or else a hash of its first user turn.
func conversation(req *pipeline.Request) string {
	if req.Caller.Conversation != "" {
		return req.Caller.Conversation
	}
	for i := range req.Messages {
		if m := &req.Messages[i]; m.Role == "user" {
			sum := sha256.Sum256([]byte(strings.Join(m.Texts, "\n")))
			return fmt.Sprintf("%x", sum)
		}
	}
	return ""
}

func first(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	return texts[0]
}
