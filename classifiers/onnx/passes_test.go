package onnx_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/onnx"
)

func TestPassesAreWhatATextCosts(t *testing.T) {
	m := open(t, tiny(t, "good.onnx", nil), onnx.Options{})
	for name, text := range map[string]string{
		"nothing": "", "a word": "integral", "just one window": words(14), "one token more": words(15), "many windows": words(200), "no word at all": strings.Repeat("\x00", 40),
	} {
		n, err := m.Passes(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		before := m.Stats()
		if n < 1 || before.Passes != m.Stats().Passes {
			t.Errorf("%s: %d passes, and counting them cost some", name, n)
		}
		classify(t, m, text)
		if after := m.Stats(); int(after.Passes+after.Shared-before.Passes-before.Shared) != n {
			t.Errorf("%s: counted %d passes, read %d windows", name, n, after.Passes+after.Shared-before.Passes-before.Shared)
		}
	}
}

func TestPassesOfWhatNoViewWouldRead(t *testing.T) {
	m := open(t, tiny(t, "good.onnx", nil), onnx.Options{MaxWindows: 3, MaxBytes: 1000})
	if n, err := m.Passes(words(34)); err != nil || n != 3 {
		t.Errorf("as long as may be: %d, %v", n, err)
	}
	for name, text := range map[string]string{"a window too many": words(35), "too many bytes": strings.Repeat(" ", 1001)} {
		if _, err := m.Passes(text); !errors.Is(err, classifiers.ErrTooLong) {
			t.Errorf("%s: %v, want ErrTooLong", name, err)
		}
	}
	if _, err := m.Passes("half \xe2\x82"); err == nil {
		t.Error("invalid UTF-8 was counted")
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Passes("a"); !errors.Is(err, onnx.ErrClosed) {
		t.Errorf("once closed: %v", err)
	}
}

func TestPassTimeLeavesNothingBehind(t *testing.T) {
	m := open(t, tiny(t, "good.onnx", nil), onnx.Options{Workers: 1})
	took, err := m.PassTime(context.Background(), 3)
	if err != nil || took <= 0 {
		t.Errorf("%v, %v", took, err)
	}
	if s := m.Stats(); s.Passes != 0 || s.Memo != 0 || m.Workers() != 1 {
		t.Errorf("%+v", s)
	}
	classify(t, m, "a word") // the worker is back
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.PassTime(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
