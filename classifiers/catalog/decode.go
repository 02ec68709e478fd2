package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// decode fills m from the one YAML document in src and returns every unknown key, missing key and wrong type by key path. The library's own
// strict mode stops at the first of them, which costs whoever wrote the file one round each. Keys that are there twice, and what is no YAML,
// are found by the library.
func decode(src []byte, m *Manifest) []error {
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return []error{fmt.Errorf("not readable as YAML: %w", err)}
	}
	if err := dec.Decode(new(any)); !errors.Is(err, io.EOF) {
		return []error{errors.New("holds more than one document")}
	}
	return append(fill("", tree, reflect.ValueOf(m).Elem()), wanted(tree, m)...)
}

// wanted compares the keys that not all tasks have with those of the manifest's task. An unknown task is a fault of its own.
func wanted(tree any, m *Manifest) []error {
	if !slices.Contains(tasks, m.Task) {
		return nil
	}
	all := compare("", tree, reflect.TypeFor[Manifest](), m.Task, needs[m.Task], may[m.Task])
	for i := range m.SelfTest {
		sample := tree.(map[string]any)["self_test"].([]any)[i] // it was filled from there
		all = append(all, compare(fmt.Sprintf("self_test[%d].", i), sample, reflect.TypeFor[Sample](), m.Task, sampleNeeds[m.Task], nil)...)
	}
	return all
}

func compare(path string, v any, t reflect.Type, task string, need, may []string) []error {
	tree, ok := v.(map[string]any)
	if !ok {
		return nil // said already
	}
	var all []error
	for i := range t.NumField() {
		key, optional := tagOf(t.Field(i))
		_, there := tree[key]
		switch needed := slices.Contains(need, key); {
		case !optional || there == needed || slices.Contains(may, key):
		case needed:
			all = append(all, fmt.Errorf("%s%s: is missing", path, key))
		default:
			all = append(all, fmt.Errorf("%s%s: is not for the task %s", path, key, task))
		}
	}
	return all
}

// tagOf returns the key of a field and whether it may be missing.
func tagOf(f reflect.StructField) (key string, optional bool) {
	key, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return key, option == "omitempty"
}

// fill copies the decoded value v into dst, which is a struct, slice, map, string, integer or float of the manifest.
func fill(path string, v any, dst reflect.Value) []error {
	wrong := func(want string) []error { return []error{fmt.Errorf("%s: want %s", path, want)} }
	switch dst.Kind() {
	case reflect.Struct:
		tree, ok := v.(map[string]any)
		if !ok {
			return wrong("a mapping")
		}
		return fillStruct(path, tree, dst)
	case reflect.Slice:
		list, ok := v.([]any)
		if !ok {
			return wrong("a list")
		}
		var all []error
		dst.Set(reflect.MakeSlice(dst.Type(), len(list), len(list)))
		for i, item := range list {
			all = append(all, fill(fmt.Sprintf("%s[%d]", path, i), item, dst.Index(i))...)
		}
		return all
	case reflect.Map:
		tree, ok := v.(map[string]any)
		if !ok {
			return wrong("a mapping")
		}
		var all []error
		dst.Set(reflect.MakeMap(dst.Type()))
		for _, key := range slices.Sorted(maps.Keys(tree)) {
			value := reflect.New(dst.Type().Elem()).Elem()
			all = append(all, fill(path+"."+key, tree[key], value)...)
			dst.SetMapIndex(reflect.ValueOf(key), value)
		}
		return all
	case reflect.String:
		s, ok := v.(string)
		if !ok {
			return wrong("a string (in quotes if it looks like a number)")
		}
		dst.SetString(s)
	case reflect.Int, reflect.Int64:
		n, ok := integer(v)
		if !ok {
			return wrong("a whole number")
		}
		dst.SetInt(n)
	case reflect.Float64:
		n, whole := integer(v)
		f, ok := v.(float64)
		if whole {
			f, ok = float64(n), true
		}
		if !ok || math.IsNaN(f) || math.IsInf(f, 0) {
			return wrong("a number")
		}
		dst.SetFloat(f)
	default:
		panic("catalog: manifest has a field of kind " + dst.Kind().String())
	}
	return nil
}

func fillStruct(path string, tree map[string]any, dst reflect.Value) []error {
	var all []error
	at := func(key string) string {
		if path == "" {
			return key
		}
		return path + "." + key
	}
	known := make(map[string]bool)
	for i := range dst.NumField() {
		key, optional := tagOf(dst.Type().Field(i))
		known[key] = true
		v, ok := tree[key]
		if !ok {
			if !optional {
				all = append(all, fmt.Errorf("%s: is missing", at(key)))
			}
			continue
		}
		all = append(all, fill(at(key), v, dst.Field(i))...)
	}
	var unknown []string
	for key := range tree {
		if !known[key] {
			unknown = append(unknown, key)
		}
	}
	slices.Sort(unknown)
	for _, key := range unknown {
		all = append(all, fmt.Errorf("%s: unknown key", at(key)))
	}
	return all
}

func integer(v any) (int64, bool) {
	switch n := v.(type) {
	case int64:
		return n, true
	case uint64:
		return int64(n), n <= math.MaxInt64
	case int:
		return int64(n), true
	}
	return 0, false
}
