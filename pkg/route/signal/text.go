package signal

import (
	"unicode/utf8"

	"github.com/mom-router/mom/pkg/pipeline"
)

// part is how much of each end of a long turn is read, in bytes: together about one pass of the model.
const part = 2 << 10

// excerpt returns text, or its two ends when it is longer than both parts. A chat client puts the documents of a turn before the question, a
// person often pastes them after it: the question stands at one of the ends, and the middle would only cost passes. No rune is cut.
func excerpt(text string) string {
	if len(text) <= 2*part {
		return text
	}
	head, tail := part, len(text)-part
	for head > 0 && !utf8.RuneStart(text[head]) {
		head--
	}
	for tail < len(text) && !utf8.RuneStart(text[tail]) {
		tail++
	}
	return text[:head] + "\n" + text[tail:]
}

// What a message costs beside its text (its role and the marks around it), and an image, whose real price depends on its size: OpenAI's of 512 by 512.
const (
	tokensOfMessage = 4
	tokensOfImage   = 255
)

// estimate counts the tokens of a request by its letters: four ASCII characters make one on average, two of an alphabet of two bytes (Greek, Cyrillic,
// Arabic), and a character of three or four bytes (Han, kana, emoji) is one.
func estimate(req *pipeline.Request) int {
	quarters := 4 * (tokensOfMessage*len(req.Messages) + tokensOfImage*req.Needs.Images)
	for _, text := range req.All() {
		for i := 0; i < len(text.Text); i++ {
			switch b := text.Text[i]; {
			case b < utf8.RuneSelf:
				quarters++
			case b >= 0xE0: // begins a character of three bytes or four
				quarters += 4
			case b >= 0xC0: // of two
				quarters += 2
			}
		}
	}
	return (quarters + 3) / 4
}
