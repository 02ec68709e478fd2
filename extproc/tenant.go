package extproc

import "google.golang.org/protobuf/encoding/protowire"

// Tenant says by what Envoy vouches for whose answers may be shared. One of Header, Namespace and Attribute is set, or none: then it vouches for nobody.
type Tenant struct {
	Header    string   // a request header, in lower case, that nobody but Envoy or what stands before it can set
	Namespace string   // dynamic metadata that another filter wrote, such as envoy.filters.http.jwt_authn,
	Path      []string // and where in it the tenant stands, as a text
	Attribute string   // an attribute of the connection, such as connection.uri_san_peer_certificate
}

// longestTenant is in bytes.
const longestTenant = 256

// of returns the tenant of a message with the request's headers, "" when there is none, or none that is sure.
func (t Tenant) of(a *ask) string {
	tenant := ""
	switch {
	case t.Header != "":
		tenant = only(a.headers, t.Header) // one of two may be the client's own word
	case t.Namespace != "":
		v := inMetadata(a.metadata, t.Namespace)
		for i, key := range t.Path {
			v = inStruct(v, key)
			if i < len(t.Path)-1 {
				v = structIn(v)
			}
		}
		tenant = textIn(v)
	case t.Attribute != "":
		tenant = textIn(inStruct(a.attributes, t.Attribute))
	}
	if len(tenant) > longestTenant {
		return ""
	}
	return tenant
}

// inMetadata returns the Struct of a namespace in a Metadata message. Here and below, what is not there or not readable is nil, and of two the last counts.
func inMetadata(b []byte, namespace string) []byte { return entryOf(b, metadataFilters, namespace) }

// inStruct returns the Value of a key in a Struct.
func inStruct(b []byte, key string) []byte { return entryOf(b, structFields, key) }

// entryOf returns the value of a key in the map that is the field of a message.
func entryOf(b []byte, field protowire.Number, key string) []byte {
	var found []byte
	if err := each(b, func(num protowire.Number, v []byte, _ uint64) error {
		if num != field {
			return nil
		}
		var name, value []byte
		err := each(v, func(num protowire.Number, v []byte, _ uint64) error {
			switch num {
			case entryKey:
				name = v
			case entryValue:
				value = v
			}
			return nil
		})
		if string(name) == key {
			found = value
		}
		return err
	}); err != nil {
		return nil
	}
	return found
}

// structIn returns the Struct that a Value is.
func structIn(b []byte) []byte { return kindIn(b, valueStruct) }

// textIn returns the text that a Value is. A number is none: two large ones may be the same to Envoy, which keeps them as a float.
func textIn(b []byte) string { return string(kindIn(b, valueString)) }

// kindIn returns what a Value holds, if that is of the field of this number.
func kindIn(b []byte, field protowire.Number) []byte {
	var held []byte
	if err := each(b, func(num protowire.Number, v []byte, _ uint64) error {
		held = nil
		if num == field {
			held = v
		}
		return nil
	}); err != nil {
		return nil
	}
	return held
}
