package gate

import "testing"

// An opposite that may be dropped would be exchanged unseen.
func TestNoPairOfOppositesIsGeneral(t *testing.T) {
	general := map[string]bool{}
	for _, e := range lexicon.words {
		general[e.concept] = general[e.concept] || e.kind <= loose
	}
	for pair := range lexicon.opposed {
		if general[pair[0]] && general[pair[1]] {
			t.Errorf("%s and %s are both general words", pair[0], pair[1])
		}
	}
	if n := len(lexicon.opposed) / 2; n < 300 {
		t.Errorf("%d pairs of opposites", n)
	}
}

func TestTheLexiconKnowsItsSections(t *testing.T) {
	for w, want := range map[string]kind{"the": silent, "advice": loose, "where": asked, "km": unit, "never": negation, "all": quantifier, "enable": opposite,
		"french": language, "json": format, "film": name} {
		if e := lexicon.words[w]; e.kind != want {
			t.Errorf("%s is %d, want %d", w, e.kind, want)
		}
	}
}
