package extproc

import (
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Field numbers of envoy.service.ext_proc.v3 and what it embeds (go-control-plane v1.40.0). A test decodes every reply with the generated types.
const (
	replyRequestHeaders, replyResponseHeaders, replyRequestBody = 1, 2, 3
	replyResponseBody, replyRequestTrailers                     = 4, 5
	replyResponseTrailers, replyImmediate, replyMetadata        = 6, 7, 8
	replyMode                                                   = 9

	responseCommon                                               = 1 // of HeadersResponse and BodyResponse
	commonHeaders, commonBody, commonClearRoute                  = 2, 3, 5
	bodyBytes, bodyClear                                         = 1, 2
	mutationSet, mutationRemove                                  = 1, 2
	optionHeader, headerKey, headerRaw                           = 1, 1, 3
	immediateStatus, immediateHeaders, immediateBody, immediateD = 1, 2, 3, 5
	statusCode                                                   = 1
	modeRequestHeaders, modeResponseHeaders, modeResponseBody    = 1, 2, 4 // of ProcessingMode; request_body_mode 3 stays 0, NONE
	modeRequestTrailers, modeResponseTrailers                    = 5, 6
	headerModeSend, headerModeSkip                               = 1, 2

	structFields, entryKey, entryValue             = 1, 1, 2
	valueNumber, valueString, valueStruct, valueOf = 2, 3, 5, 6
	listValues                                     = 1
)

// reply is a ProcessingResponse in its wire form; empty means that none is sent. Replies are written by hand, not marshalled: the generated code walks the Structs of the
// metadata by reflection, and that was about half of what the server did for a request (docs/performance.md).
type reply struct{ b []byte }

// lengthBytes is the width of every length that is filled in later: a varint may be padded, and 28 bits hold more than any message.
const lengthBytes = 4

// open begins the nested message of a field; close ends it.
func (r *reply) open(field protowire.Number) int {
	r.b = protowire.AppendTag(r.b, field, protowire.BytesType)
	r.b = append(r.b, 0, 0, 0, 0)
	return len(r.b)
}

func (r *reply) close(at int) {
	n := len(r.b) - at
	for i := range lengthBytes {
		c := byte(n>>(7*i)) & 0x7f
		if i < lengthBytes-1 {
			c |= 0x80
		}
		r.b[at-lengthBytes+i] = c
	}
}

func (r *reply) text(field protowire.Number, s string) {
	r.b = protowire.AppendString(protowire.AppendTag(r.b, field, protowire.BytesType), s)
}

func (r *reply) bytes(field protowire.Number, v []byte) {
	r.b = protowire.AppendBytes(protowire.AppendTag(r.b, field, protowire.BytesType), v)
}

func (r *reply) integer(field protowire.Number, v uint64) {
	r.b = protowire.AppendVarint(protowire.AppendTag(r.b, field, protowire.VarintType), v)
}

// headers writes a HeaderMutation, or nothing when there is nothing to change. RawValue is the one form of a value that Envoy takes: Value alone
// arrives empty (envoy#31555), both are an error; the absent Append overwrites, and AppendAction would be ignored (envoy#36982).
func (r *reply) headers(field protowire.Number, sets []header, removes []string) { //nolint:unparam // that both messages number it alike is chance
	if len(sets) == 0 && len(removes) == 0 {
		return
	}
	mutation := r.open(field)
	for _, s := range sets {
		option := r.open(mutationSet)
		h := r.open(optionHeader)
		r.text(headerKey, s.name)
		r.text(headerRaw, s.value)
		r.close(h)
		r.close(option)
	}
	for _, name := range removes {
		r.text(mutationRemove, name)
	}
	r.close(mutation)
}

// entry begins the entry of a map of Values under key; the Value's own fields follow.
func (r *reply) entry(key string) (outer, inner int) {
	outer = r.open(structFields)
	r.text(entryKey, key)
	return outer, r.open(entryValue)
}

func (r *reply) end(outer, inner int) {
	r.close(inner)
	r.close(outer)
}

// object begins an entry whose value is a Struct; endObject ends it.
func (r *reply) object(key string) [3]int {
	outer, inner := r.entry(key)
	return [3]int{outer, inner, r.open(valueStruct)}
}

func (r *reply) endObject(at [3]int) {
	r.close(at[2])
	r.end(at[0], at[1])
}

// list begins an entry whose value is a list; endObject ends it.
func (r *reply) list(key string) [3]int {
	outer, inner := r.entry(key)
	return [3]int{outer, inner, r.open(valueOf)}
}

func (r *reply) textEntry(key, v string) {
	outer, inner := r.entry(key)
	r.text(valueString, v)
	r.end(outer, inner)
}

func (r *reply) numberEntry(key string, v float64) {
	outer, inner := r.entry(key)
	r.number(v)
	r.end(outer, inner)
}

// number is the content of a Value that is a number.
func (r *reply) number(v float64) {
	r.b = protowire.AppendFixed64(protowire.AppendTag(r.b, valueNumber, protowire.Fixed64Type), math.Float64bits(v))
}

// grow makes room for n more bytes, so that a body is not copied again and again while the reply around it is written.
func (r *reply) grow(n int) { r.b = slices.Grow(r.b, n) }

// message is the reply for sending: a message without fields hands the bytes on as they are. They may be used again once it is sent.
func (r *reply) message() *emptypb.Empty {
	m := &emptypb.Empty{}
	m.ProtoReflect().SetUnknown(r.b)
	return m
}
