package app

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/classifiers/onnx"
)

// A benchView is a view of a trunk whose answer nobody reads.
type benchView struct {
	name  string
	judge func(ctx context.Context, text string) error
}

// graphFamily returns the named model, or the first in the folder, and after it all others with its graph.
func graphFamily(f *benchFlags) ([]*catalog.Entry, error) {
	dir, err := f.where.modelsDir()
	if err != nil {
		return nil, err
	}
	all, err := catalog.List(dir)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no model in %s", dir)
	}
	first := all[0]
	if f.model != "" {
		if first, err = catalog.Read(filepath.Join(dir, f.model)); err != nil {
			return nil, err
		}
	}
	family := []*catalog.Entry{first}
	for _, e := range all {
		if e.Name != first.Name && e.Graph.SHA256 == first.Graph.SHA256 {
			family = append(family, e)
		}
	}
	return family, nil
}

// openViews opens the graph of the first model for so many passes at once, and every view of it.
func openViews(f *benchFlags, family []*catalog.Entry, workers int) (_ *onnx.Trunk, views []benchView, err error) {
	library, err := f.where.onnxLib()
	if err != nil {
		return nil, nil, err
	}
	if err := onnx.Load(library); err != nil {
		return nil, nil, err
	}
	trunk, err := onnx.Open(family[0], onnx.Options{Workers: workers, Deadline: time.Minute})
	if err != nil {
		return nil, nil, err
	}
	for _, e := range family {
		more, err := viewsOf(trunk, e)
		if err != nil {
			return nil, nil, errors.Join(err, trunk.Close())
		}
		views = append(views, more...)
	}
	return trunk, views, nil
}

func viewsOf(t *onnx.Trunk, e *catalog.Entry) ([]benchView, error) {
	switch e.Task {
	case "pii":
		v, err := t.Tagger(e)
		return []benchView{{e.Task, func(ctx context.Context, text string) error { _, err := v.Tag(ctx, text); return err }}}, err
	case "similarity":
		v, err := t.Embedder(e)
		return []benchView{{e.Task, func(ctx context.Context, text string) error { _, err := v.Embed(ctx, text); return err }}}, err
	}
	heads := []string{""}
	if e.Task == "jailbreak" {
		heads = []string{catalog.RoleUser, catalog.RoleDocument}
	}
	var views []benchView
	for _, role := range heads {
		c, err := t.Classifier(e, role)
		if err != nil {
			return nil, err
		}
		judge := func(ctx context.Context, text string) error { _, err := c.Classify(ctx, text); return err }
		views = append(views, benchView{strings.TrimSpace(e.Task + " " + role), judge})
	}
	return views, nil
}

// textOf returns a text of so many tokens, special ones counted, or a few more. Its windows differ, so that none is remembered from another.
func textOf(t *onnx.Trunk, tokens int) (string, error) {
	words := strings.Fields("the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which one you")
	random := rand.New(rand.NewPCG(1, 2)) // the same text every time
	var text []string
	for {
		text = append(text, words[random.IntN(len(words))])
		n, err := t.Tokens(strings.Join(text, " "))
		if n >= tokens || err != nil {
			return strings.Join(text, " "), err
		}
	}
}
