package onnx

import (
	"errors"
	"fmt"
	"slices"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/mom-router/mom/classifiers/catalog"
)

// readGraph compares the inputs of the graph with the manifest, returns all differences, and finds the outputs that views can be made of. ONNX
// Runtime itself would find a wrong name only at the first run.
func readGraph(graph []byte, m *catalog.Manifest) ([]output, error) {
	inputs, infos, err := ort.GetInputOutputInfoWithONNXData(graph)
	if err != nil {
		return nil, fmt.Errorf("graph: %w", err)
	}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("graph: "+format, args...)) }
	for _, in := range inputs {
		switch {
		case !slices.Contains(m.Inputs, in.Name):
			fault("needs an input %q, which the manifest does not have", in.Name)
		case in.DataType != ort.TensorElementDataTypeInt64 || len(in.Dimensions) != 2:
			fault("input %q is not int64 [batch, tokens]", in.Name)
		case in.Dimensions[0] > 1 || in.Dimensions[1] > 0:
			fault("input %q has the fixed shape %v", in.Name, in.Dimensions)
		}
	}
	for _, name := range m.Inputs {
		if !slices.ContainsFunc(inputs, func(in ort.InputOutputInfo) bool { return in.Name == name }) {
			fault("has no input %q", name)
		}
	}
	outputs := usable(infos)
	if len(outputs) == 0 {
		fault("has no output of one row")
	}
	return outputs, errors.Join(faults...)
}

// usable returns the outputs of one row: float32 [batch, n], and float32 or int64 [batch, tokens] or [batch, tokens, at most mostRanks]. What is not
// asked for, such as the vectors of all tokens, is not computed.
func usable(infos []ort.InputOutputInfo) []output {
	var outputs []output
	for _, out := range infos {
		shape := out.Dimensions
		ranked := len(shape) == 3 && shape[1] <= 0 && shape[2] > 0 && shape[2] <= mostRanks
		if out.OrtValueType != ort.ONNXTypeTensor || len(shape) != 2 && !ranked || shape[0] > 1 {
			continue
		}
		ints := out.DataType == ort.TensorElementDataTypeInt64
		if !ints && out.DataType != ort.TensorElementDataTypeFloat {
			continue
		}
		o := output{name: out.Name, ints: ints, width: perToken}
		switch {
		case ranked:
			o.depth = int(shape[2])
		case shape[1] > 0:
			o.width = int(shape[1])
		}
		outputs = append(outputs, o)
	}
	return outputs
}

// mostRanks is how many tags a graph may rank for each token.
const mostRanks = 8

// place returns where a view finds its output among those of the graph. A wrong order of labels nobody can find.
func (t *Trunk) place(name string, ints bool, width int, shape string) (int, error) {
	at := find(t.outputs, name)
	if at < 0 {
		return 0, fmt.Errorf("graph: has no output %q that is %s", name, shape)
	}
	switch out := t.outputs[at]; {
	case out.ints != ints || (width == perToken && out.width != perToken):
		return 0, fmt.Errorf("graph: output %q is not %s", name, shape)
	case out.width != width:
		return 0, fmt.Errorf("graph: output %q has %d classes, the manifest wants %d", name, out.width, width)
	}
	return at, nil
}

// openSession loads the graph for one thread a call. More threads in one call are slower than more calls at once, and spin on cores that Envoy
// wants. The memory arena and pattern grow to the longest text ever seen and keep it.
func openSession(graph []byte, inputs []string, outputs []output) (_ *ort.DynamicAdvancedSession, err error) {
	opts, err := ort.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("session options: %w", err)
	}
	defer func() { err = errors.Join(err, opts.Destroy()) }()
	if err := errors.Join(
		opts.SetIntraOpNumThreads(1),
		opts.SetInterOpNumThreads(1),
		opts.SetCpuMemArena(false),
		opts.SetMemPattern(false),
		opts.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
		opts.AddSessionConfigEntry("session.inter_op.allow_spinning", "0"),
	); err != nil {
		return nil, fmt.Errorf("session options: %w", err)
	}
	names := make([]string, len(outputs))
	for i, o := range outputs {
		names[i] = o.name
	}
	s, err := ort.NewDynamicAdvancedSessionWithONNXData(graph, inputs, names, opts)
	if err != nil {
		return nil, fmt.Errorf("graph: %w", err)
	}
	return s, nil
}
