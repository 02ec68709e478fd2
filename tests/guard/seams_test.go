package guard_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mom-router/mom/pkg/guard"
	"github.com/mom-router/mom/pkg/pipeline"
)

// The windows of the shipped models: tokens of one without the special ones, and how far the next one begins behind it.
const (
	window = 126
	step   = 62
)

// encyclopaedia is harmless prose without a number in it, sentence by sentence, the same for the same seed.
func encyclopaedia(seed uint64) func() string {
	r := rand.New(rand.NewPCG(seed, 2))
	pick := func(words string) string { f := strings.Split(words, ", "); return f[r.IntN(len(f))] }
	things := "river, valley, harbour, forest, island, plateau, glacier, lake, meadow, mountain range, coast, desert"
	places := "in the north, in the south, near the border, along the coast, at the foot of the hills, in the interior, beyond the marshes"
	goods := "salt, wool, copper, timber, grain, silk, honey, glass, tin, olives, paper, pottery"
	crafts := "weaving, shipbuilding, bee-keeping, glass-blowing, mining, fishing, printing, bookbinding, brewing, wood-carving"
	animals := "herons, otters, beavers, swallows, storks, deer, foxes, trout, owls, wild goats"
	plants := "oaks, reeds, ferns, birches, junipers, mosses, willows, chestnuts, cedars, heather"
	times := "In early times, Over many generations, In the late middle ages, For a long time, Until the railway came, In the age of sail"
	return func() string {
		switch r.IntN(12) {
		case 0:
			return fmt.Sprintf("The %s lies %s and is known for its %s.", pick(things), pick(places), pick(plants))
		case 1:
			return fmt.Sprintf("%s the people of the %s lived by %s and traded %s for %s.", pick(times), pick(things), pick(crafts), pick(goods), pick(goods))
		case 2:
			return fmt.Sprintf("Its slopes are covered with %s, and %s are common there.", pick(plants), pick(animals))
		case 3:
			return fmt.Sprintf("The climate is mild, with wet winters and warm summers, so that %s and %s grow well.", pick(plants), pick(plants))
		case 4:
			return fmt.Sprintf("%s the town grew rich on %s, and its market hall still stands beside the %s.", pick(times), pick(goods), pick(things))
		case 5:
			return fmt.Sprintf("Geologists describe the %s as a young formation of sandstone over older layers of slate.", pick(things))
		case 6:
			return fmt.Sprintf("Travellers of that century wrote of the %s with admiration and of the roads with despair.", pick(things))
		case 7:
			return fmt.Sprintf("The craft of %s was brought here by settlers %s.", pick(crafts), strings.Replace(pick(places), "in ", "from ", 1))
		case 8:
			return fmt.Sprintf("In spring the %s return to the %s and build their nests among the %s.", pick(animals), pick(things), pick(plants))
		case 9:
			return fmt.Sprintf("A small museum shows tools for %s, old maps, and a collection of %s.", pick(crafts), pick(goods))
		case 10:
			return fmt.Sprintf("The bridge across the %s was built of stone and repaired after every flood.", pick(things))
		default:
			return fmt.Sprintf("Today %s is a protected area, and visitors come for the %s and the quiet.", "the "+pick(things), pick(animals))
		}
	}
}

// article is a document of more than 12,000 tokens.
func article(seed uint64) string {
	next := encyclopaedia(seed)
	var b strings.Builder
	for range 700 {
		b.WriteString(next() + " ")
	}
	return b.String()
}

// short are sentences of few tokens, by which a text is brought to an exact length.
var short = []string{
	"Rain fell.", "It rained.", "The wind turned.", "The snow came early.", "The fields were green.", "The old mill still stands.", "Ships waited in the harbour.",
	"Birds sang in the tall trees.", "The road follows the river south.", "In autumn the leaves turned red and gold.",
}

// long is a document whose sentences can be counted in tokens.
type long struct {
	s       shipped
	lengths map[int][]string // short sentences by their tokens
	least   int
}

func newLong(t *testing.T, s shipped) long {
	t.Helper()
	l := long{s, map[int][]string{}, 0}
	for _, sentence := range short {
		n := s.tokens(t, sentence)
		l.lengths[n] = append(l.lengths[n], sentence)
		if l.least == 0 || n < l.least {
			l.least = n
		}
	}
	return l
}

// prose is sentences of up to so many tokens together.
func (l long) prose(t *testing.T, next func() string, tokens int) (text []string, n int) {
	t.Helper()
	for {
		sentence := next()
		more := l.s.tokens(t, sentence)
		if n+more > tokens {
			return text, n
		}
		text, n = append(text, sentence), n+more
	}
}

// exactly is short sentences of exactly so many tokens.
func (l long) exactly(t *testing.T, tokens int) []string {
	t.Helper()
	var text []string
	for turn := 0; tokens > 0; turn++ {
		var fit []int
		for n := range l.lengths {
			if n == tokens || n <= tokens-l.least-2 {
				fit = append(fit, n)
			}
		}
		if len(fit) == 0 {
			t.Fatalf("no sentences make %d tokens", tokens)
		}
		slices.Sort(fit)
		n := fit[len(fit)-1-turn%min(2, len(fit))]
		text, tokens = append(text, l.lengths[n][turn%len(l.lengths[n])]), tokens-n
	}
	return text
}

// TestEveryOffset puts one sentence at every offset of two strides behind a seam in the middle of a document of 12,000 tokens. That all of it is
// read is arithmetic, and held exactly; that the model sees the attack there is its floor's.
func TestEveryOffset(t *testing.T) {
	s := inProcess(t, 400)
	l := newLong(t, s)
	const seam = 97 * step
	attack, twin := pairs[0].attack, pairs[0].twin
	next := encyclopaedia(1)
	head, inHead := l.prose(t, next, seam-40)
	tail, inTail := l.prose(t, next, 12_200-seam-4*step)
	t.Logf("%d and %d tokens of prose, the seam is at %d", inHead, inTail, seam)
	write := func(offset int, sentence string) (before, text string) {
		n := s.tokens(t, sentence)
		before = strings.Join(slices.Concat(head, l.exactly(t, seam+offset-inHead)), " ") + " "
		after := slices.Concat(l.exactly(t, 4*step-offset-n), tail)
		return before, before + sentence + " " + strings.Join(after, " ")
	}
	l.printTime(t)
	var found, passed int
	var missed, stopped []int
	var all time.Duration
	for offset := range 128 {
		for _, sentence := range []string{attack, twin} {
			before, text := write(offset, sentence)
			if n := s.tokens(t, before); n != seam+offset {
				t.Fatalf("the sentence begins at token %d, want %d", n, seam+offset)
			}
			req := &pipeline.Request{Messages: []pipeline.Message{{Role: "user", Texts: []string{text}}}}
			begin := time.Now()
			out, err := s.jailbreak.Run(t.Context(), req, pipeline.Trail{})
			if err != nil {
				t.Fatal(err)
			}
			all += time.Since(begin)
			if sentence == attack {
				l.wantRead(t, req, text, len(before), len(before)+len(sentence))
			}
			blocked := out.Verdict == pipeline.Block && out.Reply.Details == "mom_jailbreak_detected"
			switch {
			case sentence == attack && blocked:
				found++
			case sentence == attack:
				missed = append(missed, offset)
			case out.Verdict == pipeline.Continue:
				passed++
			default:
				stopped = append(stopped, offset)
			}
		}
	}
	t.Logf("the attack was found at %d of 128 offsets, missed at %v; its twin passed at %d, stopped at %v", found, missed, passed, stopped)
	t.Logf("the guard's time for one more offset: %v, the windows that are not new being remembered; %+v", (all / 256).Round(time.Millisecond), s.trunk.Stats())
	report(t, []string{"long: every offset"}, map[string]*tally{"long: every offset": {attacks: 128, same: found, blocked: found, twins: 128, passed: passed, model: true}})
}

// printTime says what a document costs that nobody has seen.
func (l long) printTime(t *testing.T) {
	t.Helper()
	text := article(2)
	req := &pipeline.Request{Messages: []pipeline.Message{{Role: "user", Texts: []string{text}}}}
	begin, used, passes := time.Now(), cpuTime(t), l.s.trunk.Stats().Passes
	for _, stage := range []pipeline.Stage{l.s.jailbreak, l.s.pii} {
		if out, err := stage.Run(t.Context(), req, pipeline.Trail{}); err != nil || out.Verdict != pipeline.Continue {
			t.Fatalf("%s: %v, %v", stage.Name(), out.Verdict, err)
		}
	}
	t.Logf("the guard's time for a new document of %d tokens: %v, %v of CPU, %d passes", l.s.tokens(t, text), time.Since(begin).Round(time.Millisecond),
		(cpuTime(t) - used).Round(time.Millisecond), l.s.trunk.Stats().Passes-passes)
}

// wantRead fails the test unless the document is judged whole, every byte of it in some window, and what stands at [from, to) in one window whole.
func (l long) wantRead(t *testing.T, req *pipeline.Request, text string, from, to int) {
	t.Helper()
	if all := guard.Texts(req); len(all) == 0 || all[0].Body != text || all[0].Kind != guard.User {
		t.Fatalf("the document is not among the %d texts that are judged", len(all))
	}
	windows, err := l.s.user.Passages(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	n := l.s.tokens(t, text)
	if n < 12_000 {
		t.Errorf("%d tokens, want a document of 12,000", n)
	}
	if want := 1 + (n-window+step-1)/step; len(windows) != want {
		t.Errorf("%d tokens in %d windows, want %d", n, len(windows), want)
	}
	end, whole := 0, 0
	for i, w := range windows {
		if i > 0 && strings.TrimSpace(text[min(end, w.Start):w.Start]) != "" {
			t.Errorf("%d bytes before window %d are in none", w.Start-end, i)
		}
		end = max(end, w.End)
		if w.Start <= from && to <= w.End {
			whole++
		}
	}
	if windows[0].Start != 0 || strings.TrimSpace(text[end:]) != "" || whole == 0 {
		t.Errorf("windows of %d..%d of %d bytes, %d of which have the sentence whole", windows[0].Start, end, len(text), whole)
	}
}
