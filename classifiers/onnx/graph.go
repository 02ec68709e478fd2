package onnx

import (
	"errors"
	"fmt"
	"slices"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/mom-router/mom/classifiers/catalog"
)

// checkGraph compares the inputs and outputs of the graph with the manifest and returns all differences. ONNX Runtime itself would find a wrong
// name only at the first run, and a wrong order of labels never.
func checkGraph(graph []byte, m *catalog.Manifest) error {
	inputs, outputs, err := ort.GetInputOutputInfoWithONNXData(graph)
	if err != nil {
		return fmt.Errorf("graph: %w", err)
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
	at := slices.IndexFunc(outputs, func(out ort.InputOutputInfo) bool { return out.Name == m.Output })
	if at < 0 {
		fault("has no output %q", m.Output)
		return errors.Join(faults...)
	}
	switch out := outputs[at]; {
	case out.DataType != ort.TensorElementDataTypeFloat || len(out.Dimensions) != 2:
		fault("output %q is not float32 [batch, labels]", out.Name)
	case out.Dimensions[1] != int64(len(m.Labels)): // -1, an unknown number of classes, is wrong too
		fault("output %q has %d classes, the manifest %d labels", out.Name, out.Dimensions[1], len(m.Labels))
	}
	return errors.Join(faults...)
}

// openSession loads the graph for one thread a call. More threads in one call are slower than more calls at once, and spin on cores that Envoy
// wants. The memory arena and pattern grow to the longest text ever seen and keep it.
func openSession(graph []byte, m *catalog.Manifest) (_ *ort.DynamicAdvancedSession, err error) {
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
	s, err := ort.NewDynamicAdvancedSessionWithONNXData(graph, m.Inputs, []string{m.Output}, opts)
	if err != nil {
		return nil, fmt.Errorf("graph: %w", err)
	}
	return s, nil
}
