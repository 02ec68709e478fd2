package text

import "strings"

// frequent are the common English words, and those of attacks, by which rot13, leetspeak and letters of other scripts are told from chance. Words
// that rot13 turns into each other (be, or) are left out.
const frequent = " a about above access account act admin after again all also always am an and another answer any anything are as ask assistant at " +
	"attack away bank because been before begin behave being between bomb both bypass by can cannot card change code command computer content " +
	"could credit data day debug delete describe developer did disable disregard do does document dont down each enable end erase even every " +
	"everything execute explain file filter filters find first follow following for forget from full get give go good great guide guidelines had " +
	"has hate have he hello help her here hidden him his how i if ignore in information initial inside instruction instructions into is it its " +
	"jailbreak just key keys know last leak let like list little long look made mail make malware many may me message messages mode model more " +
	"most much must my name need never new next no not nothing now of off old on one only open other our out output over override own part " +
	"password passwords people please policy pretend previous print prior private prompt prompts real remove repeat reply request response " +
	"restriction restrictions reveal right role root rule rules run safety said same say secret secrets secure security see send she should show " +
	"so some something state stop such system take tell than that the their them then there these they thing things think this those thought " +
	"three time to today token tokens told too translate true turn two under unrestricted until up us use user very virus want was way we weapon " +
	"well were what when where which while who why will with without word words work world would write year you your yours yourself "

// words is the list, to look a word up.
var words = func() map[string]struct{} {
	set := map[string]struct{}{}
	for w := range strings.FieldsSeq(frequent) {
		set[w] = struct{}{}
	}
	return set
}()

// english reports whether a lower-case word is one of the frequent ones.
func english(w string) bool {
	_, ok := words[w]
	return ok
}
