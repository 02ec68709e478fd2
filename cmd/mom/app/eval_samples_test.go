package app_test

import "testing"

// The shipped models on the samples of the recipes, which no training reads. A floor is under what was reached by what a change of the CPU may
// cost, not by what a worse model may; the samples are small and self-written, so a floor guards a model's files, not its worth.
func TestEvalHoldsTheFloors(t *testing.T) {
	needModel(t)
	const samples = "models/recipes/samples/"
	at := func(what string, got *float64, floor float64) {
		t.Helper()
		switch {
		case got == nil:
			t.Errorf("%s is undefined", what)
		case *got < floor:
			t.Errorf("%s %.3f, want at least %.2f", what, *got, floor)
		default:
			t.Logf("%s %.3f, floor %.2f", what, *got, floor)
		}
	}
	type share struct{ Value, High *float64 }

	var difficulty struct{ Forms []struct{ Spearman *float64 } }
	evalJSON(t, &difficulty, "models", "difficulty", "--data", samples+"difficulty.jsonl")
	at("difficulty, Spearman", difficulty.Forms[0].Spearman, 0.75)

	var routing struct {
		Orders []struct {
			Name   string
			Points []struct{ Share, Accuracy *float64 }
		}
	}
	evalJSON(t, &routing, "models", "routing", "--data", samples+"difficulty.jsonl")
	at("routing, accuracy with half of the questions at the strong model", routing.Orders[0].Points[5].Accuracy, 0.9)

	var jailbreak struct {
		Attacks struct {
			AUC     *float64
			MacroF1 *float64 `json:"macro_f1"`
		} `json:"attack_against_benign"`
	}
	evalJSON(t, &jailbreak, "models", "jailbreak", "--data", samples+"guard.jsonl")
	at("jailbreak, AUC", jailbreak.Attacks.AUC, 0.8)

	var pii struct {
		Readers []struct {
			Name string
			All  struct{ F1 *float64 }
		}
	}
	evalJSON(t, &pii, "models", "pii", "--data", samples+"pii.jsonl")
	var both *float64
	for _, r := range pii.Readers {
		if r.Name == "both" {
			both = r.All.F1
		}
	}
	at("pii, F1 of model and recognisers", both, 0.72)

	var similarity struct {
		Graded  []struct{ Spearman *float64 }
		Negated []struct {
			Cosine *float64 `json:"mean_cosine"`
		}
	}
	evalJSON(t, &similarity, "models", "similarity", "--data", samples+"similarity.jsonl")
	at("similarity, Spearman", similarity.Graded[0].Spearman, 0.8)
	if c := similarity.Negated[0].Cosine; c == nil || *c > 0.8 {
		t.Errorf("mean cosine of negated pairs %v, want at most 0.8", c)
	}

	var cache struct {
		Best struct{ Cosine share } `json:"hits_at_1_percent_wrong"`
	}
	evalJSON(t, &cache, "models", "cache", "--data", samples+"similarity.jsonl")
	at("cache, hits without a wrong one", cache.Best.Cosine.Value, 0.5)

	// The gate is what keeps a cache from wrong answers: nothing passes that says another thing, neither of the half it was written on nor of the
	// half that was written when it was done.
	for file, floor := range map[string]float64{"cache.jsonl": 0.8, "cache_held_out.jsonl": 0.65} {
		var gated struct {
			Best struct {
				Gate share `json:"cosine_and_gate"`
			} `json:"hits_at_1_percent_wrong"`
			Kinds []struct {
				Kind string
				Gate share
			}
		}
		evalJSON(t, &gated, "models", "cache", "--data", samples+file)
		at(file+", hits of cosine and gate", gated.Best.Gate.Value, floor)
		if len(gated.Kinds) != 16 {
			t.Errorf("%s: %d kinds of change", file, len(gated.Kinds))
		}
		for _, k := range gated.Kinds {
			if k.Gate.Value == nil || *k.Gate.Value > 0 {
				t.Errorf("%s: the gate lets changes of the kind %s pass", file, k.Kind)
			}
		}
	}

	// What learns from a sample of the answers must hardly ever take a wrong answer for a right one.
	var judged struct {
		Policies []struct {
			Name   string
			Shares struct {
				Hits  share
				Wrong share `json:"wrong_hits"`
			}
		}
		Answers struct {
			Same   struct{ Right, Wrong share }
			Differ struct{ Right, Wrong share } `json:"different"`
		}
	}
	evalJSON(t, &judged, "models", "cache", "--data", samples+"cache_held_out.jsonl", "--answers", samples+"answers.jsonl")
	served := judged.Policies[len(judged.Policies)-1]
	at(served.Name+", hits", served.Shares.Hits.Value, 0.5)
	if w := served.Shares.Wrong; w.Value == nil || *w.Value > 0 {
		t.Errorf("%s: wrong hits %v", served.Name, w)
	}
	at("answers that come to the same, said to agree", judged.Answers.Same.Right.Value, 0.15)
	at("answers that do not, said to differ", judged.Answers.Differ.Wrong.Value, 0.45)
	for what, wrong := range map[string]*float64{"agree": judged.Answers.Differ.Right.Value, "differ": judged.Answers.Same.Wrong.Value} {
		if wrong == nil || *wrong > 0.02 {
			t.Errorf("answers that are wrongly said to %s: %v", what, wrong)
		}
	}
}
