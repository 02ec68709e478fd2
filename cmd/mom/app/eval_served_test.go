package app_test

import (
	"math"
	"strings"
	"testing"
)

// TestEvalRoutingAsksTheServedStrategy: of questions about two domains one alone is worth the strong model, and the other file alone says which.
func TestEvalRoutingAsksTheServedStrategy(t *testing.T) {
	needModel(t)
	models := tinyFamily(t)
	row := func(text, label, weak string) string {
		return `{"text":"` + text + `","label":"` + label + `","models":{"a":{"correct":1,"output_len":400},"b":{"correct":` + weak + `,"output_len":200}}}` + "\n"
	}
	train := write(t, strings.Repeat(row("the integral", "math", "0")+row("the court", "law", "1"), 10))
	data := write(t, strings.Repeat(row("integral the", "", "0")+row("court the", "", "1"), 2))
	var got struct {
		Train  struct{ Rows, Judged int }
		Cost   string
		Orders []struct {
			Name   string
			APGR   struct{ Value float64 }
			Cost95 struct{ Value float64 } `json:"cost95"`
			Points []struct{ Accuracy, Cost float64 }
		}
		Settings []struct {
			Quality, Share, Cost float64
			Accuracy             struct{ Hits, N int }
		}
		Strong map[string]float64 `json:"quality_strong"`
		Weak   map[string]float64 `json:"quality_weak"`
	}
	args := []string{"--data", data, "--train", train, "--strong", "a", "--weak", "b"}
	evalJSON(t, &got, models, "routing", append(args, "--price-strong", "2/10", "--price-weak", "0.2/1")...)
	names := ""
	for _, o := range got.Orders {
		names += o.Name + " "
		if o.Name == "domain" && (o.Points[5].Accuracy != 1 || o.APGR.Value < 0.7) {
			t.Errorf("half of the questions are worth it, and the domain tells which: %+v", o)
		}
		// The questions have 10.5 characters on the mean, the answers 400 and 200, and four are a token: (2.625*2 + 100*10) USD for a million.
		if o.Name == "both" && (math.Abs(o.Points[10].Cost-1.00525) > 1e-9 || math.Abs(o.Points[0].Cost-0.050525) > 1e-9) {
			t.Errorf("costs %+v", o.Points)
		}
	}
	if names != "model random length domain difficulty both oracle " || got.Train.Judged != 20 || !strings.Contains(got.Cost, "USD") {
		t.Errorf("orders %s, %+v, cost in %s", names, got.Train, got.Cost)
	}
	if !(got.Weak["math"] < got.Weak["law"] && got.Weak[""] > 0 && got.Strong["math"] > got.Weak["math"]) {
		t.Errorf("qualities %v and %v", got.Strong, got.Weak)
	}
	share := 0.0
	for _, s := range got.Settings {
		if s.Share < share || s.Accuracy.N != 4 {
			t.Errorf("more quality asked for sends fewer: %+v", got.Settings)
		}
		share = s.Share
	}
	if len(got.Settings) == 0 || share == 0 {
		t.Errorf("settings %+v", got.Settings)
	}
	evalText(t, models, append([]string{"routing"}, args...), "calibrated on 20 rows", "quality: {law: ", ", default: ", "characters")
	for name, tt := range map[string][]string{
		"one price alone":              {"--price-strong", "1/1"},
		"a price of one number":        {"--price-strong", "1", "--price-weak", "1/1"},
		"a price below nothing":        {"--price-strong", "-1/1", "--price-weak", "1/1"},
		"a strong model that is cheap": {"--price-strong", "1/1", "--price-weak", "2/2"},
	} {
		if code, _, errs := mom(t, "", append(append([]string{"eval", "routing", "--models", models}, args...), tt...)...); code != 2 {
			t.Errorf("%s: %d %s", name, code, errs)
		}
	}
}
