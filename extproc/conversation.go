package extproc

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/mom-router/mom/pkg/pipeline"
)

// conversations are the headers by which clients name a conversation, the first that says something counts. HuggingChat sends the first with every turn,
// and empty with what is no turn, such as the request for a title.
var conversations = [...]string{"chatui-conversation-id", "x-session-id", "x-conversation-id"}

const longestConversation = 256 // bytes

// converse fills in what the headers say of the conversation. The value of a credential is only hashed.
func converse(c *pipeline.Caller, headers []field) {
	for _, name := range conversations {
		if id := only(headers, name); id != "" && len(id) <= longestConversation {
			c.Conversation, c.Named = id, true
			break
		}
	}
	for _, f := range headers {
		switch string(f.name) {
		case conversations[0]:
			c.Aside = len(f.value) == 0
		case "x-stainless-retry-count":
			c.Retry = string(f.value) != "0" && len(f.value) > 0
		}
	}
	if secret := only(headers, "authorization"); !c.Named && secret != "" {
		sum := sha256.Sum256([]byte(secret))
		c.Conversation = hex.EncodeToString(sum[:])
	}
}
