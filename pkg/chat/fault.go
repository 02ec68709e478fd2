package chat

import (
	"encoding/json"
	"fmt"

	"github.com/mom-router/mom/pkg/pipeline"
)

// Fault is the client's fault and what to answer. None of its fields ever holds text of the body: a key is named in Param or Message only when
// it is one of the API's own, so all of them may be logged.
type Fault struct {
	Status  int    // 400 or 413
	Code    string // from a closed set, such as duplicate_key
	Param   string // the path of the field, such as messages[0].content[1].type; "" is null
	Message string // one sentence for people
}

// Reply returns the fault as an OpenAI-shaped answer, details mom_<code>.
func (f *Fault) Reply() *pipeline.Reply {
	return ErrorReply(f.Status, "invalid_request_error", f.Code, f.Param, f.Message, nil)
}

// The codes of faults. The first group says that the body is not strict JSON, the second that it is not a chat completion.
const (
	tooLargeCode   = "request_too_large"
	invalidJSON    = "invalid_json"
	invalidUTF8    = "invalid_utf8"
	invalidUnicode = "invalid_unicode"
	duplicateKey   = "duplicate_key"
	ambiguousKey   = "ambiguous_key"
	nestingTooDeep = "nesting_too_deep"
	tooManyKeys    = "too_many_keys"

	missingParameter     = "missing_required_parameter"
	invalidType          = "invalid_type"
	invalidValue         = "invalid_value"
	unsupportedParameter = "unsupported_parameter"
	tooManyMessages      = "too_many_messages"
)

func tooLarge(limit int) *Fault {
	return &Fault{Status: 413, Code: tooLargeCode, Message: fmt.Sprintf("The request body is larger than %d bytes.", limit)}
}

// ErrorReply builds an OpenAI-shaped error, {"error":{"message","type","param","code"}}; an empty param or code is null. Details is mom_<code>.
// A reply made here is final, so it carries x-should-retry: false, which keeps OpenAI's client libraries from asking twice more; a 503 also
// carries retry-after: 1. Headers, with lower-case names, are added and win over these.
func ErrorReply(status int, typ, code, param, message string, headers map[string]string) *pipeline.Reply {
	type inner struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	}
	orNull := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	body, err := json.Marshal(map[string]inner{"error": {message, typ, orNull(param), orNull(code)}})
	if err != nil {
		panic(err) // strings always encode: this is a bug
	}
	all := map[string]string{"content-type": "application/json", "x-should-retry": "false"}
	if status == 503 {
		all["retry-after"] = "1"
	}
	for name, value := range headers {
		all[name] = value
	}
	details := "mom_error"
	if code != "" {
		details = "mom_" + code
	}
	return &pipeline.Reply{Status: status, Headers: all, Body: body, Details: details}
}
