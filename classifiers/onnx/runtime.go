// Package onnx runs encoder models with ONNX Runtime and Hugging Face tokenizers. It is the only room that touches native code. A Trunk is one
// graph; Classifier, Tagger and Embedder are views of its outputs, which share its forward passes.
//
// It reads the whole of a text, by windows, or says that it is too long; it never cuts a text, never pads one, never puts any of it into an error
// and remembers none of it, only what the graph made of it. It reads no files but the shared library: a model comes from the catalog as bytes that
// were checked.
package onnx

import (
	"fmt"
	"path/filepath"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// library is the ONNX Runtime of this process. The binding keeps its environment in globals, so there can be only one, and it is never
// unloaded: a reload has the old and the new models open at the same time, and their threads may still be inside the library at the end.
var library struct {
	sync.Mutex
	path string
}

// Load opens the shared library of ONNX Runtime (libonnxruntime.so) for the whole process. It must have succeeded before Open. Loading the same
// path again does nothing; another path is an error. Safe for concurrent use.
func Load(path string) error {
	abs, err := filepath.Abs(path) // a bare file name would be searched for in the system's folders
	if err != nil {
		return fmt.Errorf("path of ONNX Runtime: %w", err)
	}
	library.Lock()
	defer library.Unlock()
	switch library.path {
	case abs:
		return nil
	case "":
	default:
		return fmt.Errorf("ONNX Runtime is already loaded from %s, cannot also be loaded from %s", library.path, abs)
	}
	ort.SetSharedLibraryPath(abs)
	// Warnings are about how a graph was exported. A failed run is an error of its own and needs no second line on stderr.
	if err := ort.InitializeEnvironment(ort.WithLogLevelFatal()); err != nil {
		return fmt.Errorf("load ONNX Runtime: %w", err)
	}
	library.path = abs
	return nil
}

func loaded() bool {
	library.Lock()
	defer library.Unlock()
	return library.path != ""
}
