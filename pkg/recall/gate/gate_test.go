package gate_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/mom-router/mom/pkg/recall/gate"
)

const same gate.Reason = ""

func TestSame(t *testing.T) {
	for name, tt := range map[string]struct {
		a, b string
		want gate.Reason
	}{
		"the same text":                      {"How do I boil an egg?", "How do I boil an egg?", same},
		"two empty texts":                    {"", " ", same},
		"politeness and quotes":              {"what is “entropy”", "Please explain what is entropy!", same},
		"a number in words":                  {"Name three rivers in Peru.", "Name 3 rivers in Peru.", same},
		"a number with separators":           {"What is 1,000 divided by 8?", "What is 1000 divided by 8?", same},
		"a decimal that is whole":            {"Is 3.0 km far?", "Is 3 km far?", same},
		"thousands with a letter":            {"Can I live on 2k a month?", "Can I live on 2,000 per month?", same},
		"millions in words":                  {"What is 2.5 million times 4?", "What is 2,500,000 times 4?", same},
		"a long number in words":             {"Spell two hundred and fifty-six.", "Spell 256.", same},
		"a year in words":                    {"What happened in nineteen eighty-four?", "What happened in 1984?", same},
		"half":                               {"Is half a litre enough?", "Is 0.5 litres enough?", same},
		"a fraction":                         {"How much is 3/4 of a cup?", "How much is 0.75 of a cup?", same},
		"percent":                            {"What is 15% of 80?", "What is 15 percent of 80?", same},
		"an ordinal":                         {"Who was the 3rd president of Chile?", "Who was the third president of Chile?", same},
		"a Roman numeral in a name":          {"Who directed Rocky IV?", "Who directed Rocky 4?", same},
		"a date in four spellings":           {"What happened on March 3, 2024?", "What happened on 2024-03-03?", same},
		"a date with the day first":          {"What happened on 3rd of March 2024?", "What happened on March 3, 2024?", same},
		"a time of day":                      {"Is 10pm too late to call?", "Is 22:00 too late to call?", same},
		"a unit in letters":                  {"How far is 5km?", "How far is 5 kilometres?", same},
		"a currency":                         {"What can I do with $50?", "What can I do with 50 dollars?", same},
		"a range":                            {"Name rivers of 10-20 km.", "Name rivers of 10 to 20 km.", same},
		"a minus in words":                   {"Is minus 5 degrees cold?", "Is -5 degrees cold?", same},
		"full-width and Arabic digits":       {"Is １２ km or ١٢ km far?", "Is 12 km or 12 km far?", same},
		"a typographic apostrophe":           {"What’s the capital of Peru?", "What's the capital of Peru?", same},
		"another ending":                     {"How do I freeze tomatoes?", "How do I go about freezing a tomato?", same},
		"a passive":                          {"Did the committee approve the budget?", "Was the budget approved by the committee?", same},
		"the month moved to the front":       {"What is the weather like in Oslo in May?", "In May, what's the weather like in Oslo?", same},
		"another number":                     {"Name three rivers in Peru.", "Name four rivers in Peru.", gate.Number},
		"another number of the same value":   {"Is 0.50 a fraction?", "Is 0.5 a fraction?", gate.Number},
		"a version that looks like another":  {"Is Python 3.1 out?", "Is Python 3.10 out?", gate.Number},
		"a version behind a name":            {"Is Python 3.0 out?", "Is Python 3 out?", gate.Number},
		"the same number twice":              {"What is 5 and 5 more?", "What is 5 more?", gate.Number},
		"a raised digit is no digit":         {"What is 10²?", "What is 102?", gate.Number},
		"a fraction is no number":            {"What is 1½ times 4?", "What is 11/2 times 4?", gate.Number},
		"a sign":                             {"Is -5 a root?", "Is 5 a root?", gate.Number},
		"a date that nobody can read":        {"What was on 03/04/2024?", "What was on 04/03/2024?", gate.Date},
		"a day":                              {"Is it open on Monday?", "Is it open on Sunday?", gate.Date},
		"another unit of the same value":     {"Is 1 km far?", "Is 1000 m far?", gate.Number},
		"another unit":                       {"Is 5 mg a lot?", "Is 5 g a lot?", gate.Unit},
		"another currency":                   {"What can I buy for £5?", "What can I buy for €5?", gate.Unit},
		"an operator":                        {"Solve x + 3 = 10", "Solve x - 3 = 10", gate.Symbol},
		"brackets":                           {"Evaluate (3 + 4) * 2", "Evaluate 3 + (4 * 2)", gate.Symbol},
		"a negation":                         {"Why does it compile?", "Why doesn't it compile?", gate.Negation},
		"a negation without its apostrophe":  {"why does it compile", "why doesnt it compile", gate.Negation},
		"without":                            {"Can I bake with eggs?", "Can I bake without eggs?", gate.Negation},
		"no longer":                          {"Is it supported?", "Is it no longer supported?", gate.Negation},
		"a negative prefix":                  {"Is it a rooted phone?", "Is it an unrooted phone?", gate.Negation},
		"what the negation stands before":    {"Why do cats like milk and not water?", "Why do cats like water and not milk?", gate.Order},
		"a quantifier":                       {"Do all cats purr?", "Do some cats purr?", gate.Quantifier},
		"an opposite":                        {"How do I enable Wi-Fi?", "How do I disable Wi-Fi?", gate.Antonym},
		"an extreme":                         {"What is the highest peak in Asia?", "What is the lowest peak in Asia?", gate.Antonym},
		"a language":                         {"Say hello in French.", "Say hello in Spanish.", gate.Language},
		"a programming language":             {"Sort a slice in Go", "Sort a slice in Rust", gate.Format},
		"C is not C++":                       {"Show a list in C++.", "Show a list in C.", gate.Format},
		"a format":                           {"List the planets as JSON.", "List the planets as a table.", gate.Format},
		"a length":                           {"Explain tides in two sentences.", "Explain tides in two paragraphs.", gate.Format},
		"a name":                             {"Who was Ada Lovelace?", "Who was Ada Byron?", gate.Name},
		"names two letters apart":            {"What is the capital of Slovakia?", "What is the capital of Slovenia?", gate.Name},
		"a name that looks like a plural":    {"Who was John Adams?", "Who was John Adam?", gate.Name},
		"an acronym that looks like a word":  {"What does IT do?", "What does it do?", gate.Name},
		"a letter that only looks Latin":     {"Is soda good?", "Is sоda good?", gate.Name},
		"an identifier":                      {"What is CVE-2021-44228?", "What is CVE-2021-45046?", gate.Name},
		"who against when":                   {"Who discovered Uranus?", "When discovered Uranus?", gate.Question},
		"what it is against how one does it": {"What is a screenshot?", "How do I screenshot?", gate.Question},
		"may against must":                   {"Can I resign by email?", "Must I resign by email?", gate.Question},
		"is against was":                     {"Who is the king of Spain?", "Who was the king of Spain?", gate.Tense},
		"from here to there":                 {"How do I get from Rome to Bari?", "How do I get from Bari to Rome?", gate.Order},
		"to against from":                    {"What do flights to Oslo cost?", "What do flights from Oslo cost?", gate.Order},
		"than":                               {"Is gold heavier than lead?", "Is lead heavier than gold?", gate.Order},
		"who does it to whom":                {"Did the dog bite the man?", "Did the man bite the dog?", gate.Order},
		"a passive in the same order":        {"Did mansions replace slums?", "Were mansions replaced by slums?", gate.Order},
		"a passive that turns it around":     {"Did the dog bite the man?", "Did the dog get bitten, or bite, by the man?", gate.Name},
		"one general word for another":       {"How do I choose a name for my cat?", "How do I express a name for my cat?", gate.Word},
		"nothing but general words":          {"Who are you?", "Who am I?", gate.Word},
		"code, of which a sign counts":       {"Fix it: if (a && b) return", "Fix it: if (a || b) return", gate.Unread},
		"to write to and about someone":      {"How do I write to the mayor?", "How do I write about the mayor?", gate.Order},
		"what is it and where is it":         {"What is Rome?", "Where is Rome?", gate.Question},
		"what happened and what will":        {"What happened to the Maya?", "What will happen to the Maya?", gate.Tense},
		"another language, other words":      {"Wie koche ich ein Ei in der Mikrowelle?", "Wie koche ich ein Ei auf dem Herd?", gate.Unread},
		"another script, other words":        {"如何煮鸡蛋", "如何煮土豆", gate.Unread},
		"another language, the same words":   {"Wie koche ich ein Ei?", "wie koche ich ein Ei", same},
	} {
		x, y := gate.Read(tt.a), gate.Read(tt.b)
		for range 2 {
			if ok, got := gate.Same(&x, &y); got != tt.want || ok != (tt.want == same) {
				t.Errorf("%s: %v %q, want %q\n%+v\n%+v", name, ok, got, tt.want, x, y)
			}
			x, y = y, x
		}
	}
}

func TestAVeryLongTextIsTheSameOnlyToTheByte(t *testing.T) {
	long := strings.Repeat("Is this the same? ", 1000)
	x, y, z := gate.Read(long), gate.Read(long), gate.Read(long+" ")
	if ok, _ := gate.Same(&x, &y); !ok {
		t.Error("a long text is not itself")
	}
	for _, pair := range [][2]*gate.Features{{&x, &z}, {&z, &x}} {
		if ok, why := gate.Same(pair[0], pair[1]); ok || why != gate.Size {
			t.Errorf("a long text and another: %v %q", ok, why)
		}
	}
}

// pieces are what the gate has rules for; any order of them must be read without harm.
var pieces = strings.Fields(`how do I what is not never 5 -5 3.10 3.0 1,000 2k 10pm 10:30 am March may 2024 2024-03-03 3rd third half a an one two
	hundred and million dozen once minus degrees C °F km £5 5% % + - * / = ( ) x^2 can't isn't US it IT War II from to by than Paris Rome best worst
	all some in French JSON C++ 如何 нет é “ ’ ½ ² 😀 ... !? - -- "`)

func TestSameIsSymmetricAndTrueOfItself(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	text := func() string {
		var b strings.Builder
		for range random.IntN(9) {
			b.WriteString(pieces[random.IntN(len(pieces))] + " ")
		}
		return b.String()
	}
	for range 20000 {
		one := text()
		other := one + pieces[random.IntN(len(pieces))]
		if random.IntN(2) == 0 {
			other = text()
		}
		hold(t, one, other)
	}
}

func hold(t *testing.T, one, other string) {
	t.Helper()
	x, y := gate.Read(one), gate.Read(other)
	again := gate.Read(one)
	if ok, why := gate.Same(&x, &again); !ok || why != "" {
		t.Fatalf("%q is not itself: %s", one, why)
	}
	ok, why := gate.Same(&x, &y)
	back, whyBack := gate.Same(&y, &x)
	if ok != back || why != whyBack || ok != (why == "") {
		t.Fatalf("%q and %q: %v %q, and back %v %q", one, other, ok, why, back, whyBack)
	}
}

func FuzzSame(f *testing.F) {
	for i := range pieces {
		f.Add(strings.Join(pieces[i:min(i+8, len(pieces))], " "), strings.Join(pieces[max(0, i-4):i], " "))
	}
	f.Fuzz(func(t *testing.T, one, other string) { hold(t, one, other) })
}

func BenchmarkSame(b *testing.B) {
	one := gate.Read("What is the best way to get from the airport in Lisbon to the city centre before 10pm with two children?")
	two := "How can I get from Lisbon airport into the centre of the city before 22:00 with 2 kids?"
	b.ReportAllocs()
	b.Run("read and compare", func(b *testing.B) {
		for b.Loop() {
			other := gate.Read(two)
			gate.Same(&one, &other)
		}
	})
	other := gate.Read(two)
	b.Run("compare", func(b *testing.B) {
		for b.Loop() {
			gate.Same(&one, &other)
		}
	})
}
