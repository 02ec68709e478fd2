package extproc

import (
	"errors"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of ProcessingRequest and what it embeds.
const (
	askRequestHeaders, askResponseHeaders, askRequestBody, askResponseBody = 2, 3, 4, 5
	askRequestTrailers, askResponseTrailers                                = 6, 7
	askMetadata, askAttributes, askObservability, askProtocol              = 8, 9, 10, 11

	headersMap, headersEnd            = 1, 3 // of HttpHeaders
	headerMapHeaders                  = 1
	headerValue                       = 2 // of HeaderValue; headerKey and headerRaw are its others
	httpBodyBytes, httpBodyEnd        = 1, 2
	metadataFilters                   = 1 // of Metadata
	protocolRequestBodyMode           = 1
	bodyModeStreamed                  = 1 // ProcessingMode.STREAMED
	bodyModeBuffered                  = 2 // ProcessingMode.BUFFERED
	attributeAttempts          string = "upstream.request_attempt_count"
)

// ask is what we need of a ProcessingRequest. Its slices stand in the message's own bytes. It is read by hand for the same reason that a reply is
// written by hand; a test compares it with the generated types.
type ask struct {
	kind     protowire.Number // the field of the oneof, 0 when there is none that we know
	headers  []field          // of a headers message
	end      bool             // the headers, or this chunk of the body, end the stream
	body     []byte           // of a body message
	observed bool             // observability_mode
	mode     uint64           // request_body_mode; 0 (NONE) also when it is not stated
	stated   bool             // protocol_config was there
	attempts int              // upstream attempts so far; 0 when not stated

	metadata   []byte // a Metadata: what other filters wrote in the namespaces that Envoy forwards
	attributes []byte // a Struct: what Envoy says of the connection, the request or the response
}

// field is one header as Envoy sent it, the name in lower case.
type field struct{ name, value []byte }

var errWire = errors.New("not a ProcessingRequest")

// each calls f with every field of a message: v for a nested one, n for a number.
func each(b []byte, f func(num protowire.Number, v []byte, n uint64) error) error {
	for len(b) > 0 {
		num, typ, used := protowire.ConsumeTag(b)
		if used < 0 {
			return errWire
		}
		b = b[used:]
		var v []byte
		var n uint64
		switch typ {
		case protowire.BytesType:
			v, used = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			n, used = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			n, used = protowire.ConsumeFixed64(b)
		default:
			used = protowire.ConsumeFieldValue(num, typ, b)
		}
		if used < 0 {
			return errWire
		}
		if err := f(num, v, n); err != nil {
			return err
		}
		b = b[used:]
	}
	return nil
}

// read reads a ProcessingRequest.
func read(raw []byte) (a ask, err error) {
	err = each(raw, func(num protowire.Number, v []byte, n uint64) error {
		switch num {
		case askRequestHeaders, askResponseHeaders:
			a.kind = num
			return a.readHeaders(v)
		case askRequestBody, askResponseBody:
			a.kind = num
			return each(v, func(num protowire.Number, v []byte, n uint64) error {
				switch num {
				case httpBodyBytes:
					a.body = v
				case httpBodyEnd:
					a.end = n != 0
				}
				return nil
			})
		case askRequestTrailers, askResponseTrailers:
			a.kind = num
		case askObservability:
			a.observed = n != 0
		case askProtocol:
			a.stated = true
			return each(v, func(num protowire.Number, _ []byte, n uint64) error {
				if num == protocolRequestBodyMode {
					a.mode = n
				}
				return nil
			})
		case askMetadata:
			a.metadata = v
		case askAttributes:
			return a.readAttributes(v)
		}
		return nil
	})
	return a, err
}

func (a *ask) readHeaders(b []byte) error {
	a.headers = make([]field, 0, 24)
	return each(b, func(num protowire.Number, v []byte, n uint64) error {
		switch num {
		case headersMap:
			return each(v, func(num protowire.Number, v []byte, _ uint64) error {
				if num != headerMapHeaders {
					return nil
				}
				var h field
				err := each(v, func(num protowire.Number, v []byte, _ uint64) error {
					switch num {
					case headerKey:
						h.name = v
					case headerValue, headerRaw: // Envoy fills one of them
						if len(v) > 0 || h.value == nil {
							h.value = v
						}
					}
					return nil
				})
				a.headers = append(a.headers, h)
				return err
			})
		case headersEnd:
			a.end = n != 0
		}
		return nil
	})
}

// readAttributes reads one entry of the attributes: a filter's name and a Struct, of which one number matters at once.
func (a *ask) readAttributes(b []byte) error {
	return each(b, func(num protowire.Number, v []byte, _ uint64) error {
		if num != entryValue {
			return nil
		}
		a.attributes = v
		return each(v, func(num protowire.Number, v []byte, _ uint64) error {
			if num != structFields {
				return nil
			}
			var key []byte
			var number float64
			err := each(v, func(num protowire.Number, v []byte, _ uint64) error {
				switch num {
				case entryKey:
					key = v
				case entryValue:
					return each(v, func(num protowire.Number, _ []byte, n uint64) error {
						if num == valueNumber {
							number = math.Float64frombits(n)
						}
						return nil
					})
				}
				return nil
			})
			if string(key) == attributeAttempts && number >= 1 && number < math.MaxInt32 {
				a.attempts = int(number)
			}
			return err
		})
	})
}
