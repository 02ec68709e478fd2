package chat_test

import (
	"strings"
	"testing"

	"github.com/mom-router/mom/pkg/chat"
)

func TestRefusesWhatIsNotStrictJSON(t *testing.T) {
	utf16 := func(s string) string {
		var b []byte
		for _, c := range []byte(s) {
			b = append(b, c, 0)
		}
		return string(b)
	}
	for _, row := range []struct{ name, body, code, param string }{
		{"an empty body", "", "invalid_json", ""},
		{"white space only", " \n\t\r ", "invalid_json", ""},
		{"a body cut in a string", `{"model":"Mo`, "invalid_json", ""},
		{"a body cut in an escape", `{"model":"Mo\`, "invalid_json", ""},
		{"a body cut behind a key", `{"model"`, "invalid_json", ""},
		{"a body cut in an array", `{"model":"MoM","messages":[`, "invalid_json", ""},
		{"a body cut in a literal", `{"stream":tru`, "invalid_json", ""},
		{"a body without its last brace", strings.TrimSuffix(say(user), "}"), "invalid_json", ""},
		{"a trailing comma in an object", with(`"a":1,`), "invalid_json", ""},
		{"a trailing comma in an array", say(user, ""), "invalid_json", ""},
		{"a leading comma in an array", with(`"a":[,1]`), "invalid_json", ""},
		{"two commas", with(`"a":[1,,2]`), "invalid_json", ""},
		{"a missing comma", with(`"a":[1 2]`), "invalid_json", ""},
		{"a missing colon", with(`"a" 1`), "invalid_json", ""},
		{"a missing value", with(`"a":`), "invalid_json", ""},
		{"a bracket closed by a brace", with(`"a":[1}`), "invalid_json", ""},
		{"a line comment", "// hello\n" + say(user), "invalid_json", ""},
		{"a block comment", with(`"a":/* hello */1`), "invalid_json", ""},
		{"single quotes", `{'model':'MoM'}`, "invalid_json", ""},
		{"a bare key", `{model:"MoM"}`, "invalid_json", ""},
		{"NaN", with(`"temperature":NaN`), "invalid_json", ""},
		{"Infinity", with(`"temperature":Infinity`), "invalid_json", ""},
		{"minus Infinity", with(`"temperature":-Infinity`), "invalid_json", ""},
		{"a leading zero", with(`"n":01`), "invalid_json", ""},
		{"a leading plus", with(`"n":+1`), "invalid_json", ""},
		{"a leading point", with(`"n":.5`), "invalid_json", ""},
		{"a trailing point", with(`"n":5.`), "invalid_json", ""},
		{"an empty exponent", with(`"n":5e+`), "invalid_json", ""},
		{"a hexadecimal number", with(`"n":0x10`), "invalid_json", ""},
		{"a lonely minus", with(`"n":-`), "invalid_json", ""},
		{"True in Python's spelling", with(`"stream":True`), "invalid_json", ""},
		{"a word that begins like true", with(`"stream":truer`), "invalid_json", ""},
		{"a raw newline in a string", asks("\"a\nb\""), "invalid_json", ""},
		{"a raw tab far into a string", asks("\"" + strings.Repeat("a", 21) + "\tb\""), "invalid_json", ""},
		{"a raw NUL in a string", asks("\"a\x00b\""), "invalid_json", ""},
		{"a NUL behind the body", say(user) + "\x00", "invalid_json", ""},
		{"an unknown escape", asks(`"\x41"`), "invalid_json", ""},
		{"a short unicode escape", asks(`"\u12"`), "invalid_json", ""},
		{"a unicode escape with a wrong digit", asks(`"\u12g4"`), "invalid_json", ""},
		{"an upper-case U escape", asks(`"\U0041"`), "invalid_json", ""},
		{"a second value", say(user) + "{}", "invalid_json", ""},
		{"a second line of JSON", say(user) + "\n" + say(user), "invalid_json", ""},
		{"a no-break space behind the body", say(user) + "\u00a0", "invalid_json", ""},
		{"a form feed between values", with("\"a\":\f1"), "invalid_json", ""},
		{"a UTF-8 byte order mark", "\ufeff" + say(user), "invalid_json", ""},
		{"UTF-16", utf16(say(user)), "invalid_json", ""},
		{"UTF-16 with a byte order mark", "\xff\xfe" + utf16(say(user)), "invalid_json", ""},
		{"big-endian UTF-16 with a byte order mark", "\xfe\xff\x00{", "invalid_json", ""},
		{"UTF-32", "{\x00\x00\x00\"\x00\x00\x00", "invalid_json", ""},
		{"gzip bytes without a header", "\x1f\x8b\x08\x00\x00", "invalid_json", ""},
		{"zstd bytes without a header", "\x28\xb5\x2f\xfd\x04", "invalid_json", ""},

		{"byte 0xff in a string", asks("\"a\xffb\""), "invalid_utf8", ""},
		{"byte 0xff far into a string", asks("\"" + strings.Repeat("a", 64) + "\xff\""), "invalid_utf8", ""},
		{"byte 0xff in a field we ignore", with("\"x\":\"\xff\""), "invalid_utf8", ""},
		{"byte 0xff in a key", with("\"\xff\":1"), "invalid_utf8", ""},
		{"byte 0xff between values", with("\"a\":\xff1"), "invalid_utf8", ""},
		{"an overlong slash", asks("\"\xc0\xaf\""), "invalid_utf8", ""},
		{"an overlong quote of three bytes", asks("\"\xe0\x80\xa2\""), "invalid_utf8", ""},
		{"a surrogate written as UTF-8", asks("\"\xed\xa0\x80\""), "invalid_utf8", ""},
		{"a surrogate pair written as UTF-8", asks("\"\xed\xa0\xbd\xed\xb8\x80\""), "invalid_utf8", ""},
		{"a rune beyond U+10FFFF", asks("\"\xf4\x90\x80\x80\""), "invalid_utf8", ""},
		{"a rune cut by the quote", asks("\"\xe2\x82\""), "invalid_utf8", ""},
		{"a rune cut by the end", "{\"model\":\"\xe2\x82", "invalid_utf8", ""},
		{"a stray continuation byte", asks("\"é\x80\""), "invalid_utf8", ""},

		{"a lone high surrogate", asks(`"\ud83d"`), "invalid_unicode", ""},
		{"a lone low surrogate", asks(`"\ude00"`), "invalid_unicode", ""},
		{"a high surrogate and a letter", asks(`"\ud83dx"`), "invalid_unicode", ""},
		{"a high surrogate and another escape", asks(`"\ud83d\u0041"`), "invalid_unicode", ""},
		{"two high surrogates", asks(`"\ud83d\ud83d"`), "invalid_unicode", ""},
		{"surrogates in the wrong order", asks(`"\ude00\ud83d"`), "invalid_unicode", ""},
		{"a lone surrogate in a key", with(`"\ud83d":1`), "invalid_unicode", ""},
		{"a lone surrogate in a field we ignore", with(`"x":["\uDC00"]`), "invalid_unicode", ""},

		{"model twice", with(`"model":"other"`), "duplicate_key", "model"},
		{"model twice, once by an escape", with(`"mod\u0065l":"other"`), "duplicate_key", "model"},
		{"model twice, first by an escape", `{"\u006dodel":"a","model":"b","messages":[` + user + `]}`, "duplicate_key", "model"},
		{"a key of ours twice with the same value", with(`"n":1,"n":1`), "duplicate_key", "n"},
		{"an unknown key twice", with(`"secret":1,"secret":1`), "duplicate_key", ""},
		{"an unknown key twice, once by a pair of surrogates", with(`"😀":1,"\ud83d\ude00":1`), "duplicate_key", ""},
		{"an empty key twice", with(`"":1,"":1`), "duplicate_key", ""},
		{"a slash key twice, once escaped", with(`"a/b":1,"a\/b":1`), "duplicate_key", ""},
		{"role twice", say(user, `{"role":"user","content":"a","role":"system"}`), "duplicate_key", "messages[1].role"},
		{"text twice in a part", asks(`[{"type":"text","text":"a"},{"type":"text","text":"b","\u0074ext":"c"}]`), "duplicate_key", "messages[0].content[1].text"},
		{"a key twice in the schema of a tool", with(`"tools":[{"function":{"parameters":{"properties":{"secret":{"type":"a","type":"b"}}}}}]`), "duplicate_key", "tools[0].function.parameters"},
		{"a key twice below an unknown field", with(`"secret":{"a":[{"b":1,"b":2}]}`), "duplicate_key", ""},
		{"a key twice in an object of many", with(`"x":{` + keys(100) + `,"k7":1}`), "duplicate_key", ""},
		{"the sixteenth key again as the seventeenth", with(`"x":{` + keys(16) + `,"k15":1}`), "duplicate_key", ""},
		{"the seventeenth key again as the eighteenth", with(`"x":{` + keys(17) + `,"k16":1}`), "duplicate_key", ""},
		{"the first of many keys again after objects between", with(`"x":{"a":{` + keys(20) + `},"b":{` + keys(20) + `},"a":1}`), "duplicate_key", ""},

		{"Model beside model", with(`"Model":"other"`), "ambiguous_key", "model"},
		{"MODEL before model", `{"MODEL":"b","model":"MoM","messages":[` + user + `]}`, "ambiguous_key", "model"},
		{"Model by an escape beside model", with(`"\u004dodel":"other"`), "ambiguous_key", "model"},
		{"messages with a long s beside it", with(`"meſſages":[]`), "ambiguous_key", "messages"},
		{"messages with an escaped long s beside it", with(`"me\u017fsages":[]`), "ambiguous_key", "messages"},
		{"tokens with a Kelvin sign beside it", with(`"max_tokens":1,"max_to` + "\u212a" + `ens":2`), "ambiguous_key", "max_tokens"},
		{"a dotted I as Java folds it", with(`"min_p":1,"mİn_p":2`), "ambiguous_key", "min_p"},
		{"Content beside content", say(`{"role":"user","content":"a","Content":"b"}`), "ambiguous_key", "messages[0].content"},
		{"Text beside text in a part", asks(`[{"type":"text","TEXT":"b","text":"a"}]`), "ambiguous_key", "messages[0].content[0].text"},
		{"Arguments beside arguments in a call", say(`{"role":"assistant","tool_calls":[{"function":{"arguments":"","Arguments":""}}]}`), "ambiguous_key", "messages[0].tool_calls[0].function.arguments"},
		{"Parameters beside parameters in a tool", with(`"tools":[{},{"function":{"parameters":{},"Parameters":{}}}]`), "ambiguous_key", "tools[1].function.parameters"},

		{"65 levels where we look", asks(nested(62)), "nesting_too_deep", ""},
		{"65 levels in a field we ignore", with(`"x":` + nested(64)), "nesting_too_deep", ""},
		{"65 levels of objects", strings.Repeat(`{"a":`, 64) + "{}" + strings.Repeat("}", 64), "nesting_too_deep", ""},
		{"a body of opening brackets", strings.Repeat("[", 1<<20), "nesting_too_deep", ""},
		{"a body of opening braces", strings.Repeat(`{"a":`, 200_000), "nesting_too_deep", ""},
		{"100,001 keys in one object", `{` + keys(100_001) + `}`, "too_many_keys", ""},
		{"100,001 keys in many objects", `[` + strings.Repeat(`{"a":0},`, 100_000) + `{"a":0}]`, "too_many_keys", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := &chat.Parser{Limits: chat.Limits{Bytes: 2 << 20}}
			_, fault := p.Parse("id-1", []byte(row.body))
			check(t, fault, 400, row.code, row.param)
		})
	}
}
