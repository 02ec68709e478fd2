package chat_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
)

const png = "data:image/png;base64,iVBORw0KGgo="

func TestLeaves(t *testing.T) {
	at := func(path, text string) pipeline.Leaf { return pipeline.Leaf{Path: path, Message: -1, Text: text} }
	in := func(message int, path, text string) pipeline.Leaf {
		return pipeline.Leaf{Path: path, Message: message, Text: text}
	}
	tool := func(tool string) string { return with(`"tools":[` + tool + `]`) }
	for _, row := range []struct {
		name, body string
		want       []pipeline.Leaf
	}{
		{"a plain question has none", say(user), nil},
		{"numbers, booleans and null are none", with(`"temperature":1e3,"store":true,"stop":null,"stream_options":{"include_usage":true}`), nil},
		{"the API's own words are opaque where they belong", with(`"reasoning_effort":"low","service_tier":"auto","modalities":["text","audio"],"verbosity":"low",` +
			`"tool_choice":"auto","response_format":{"type":"json_object"},"audio":{"voice":"alloy","format":"wav"},"prompt_cache_retention":"24h"`), nil},
		{"sentences in the place of the API's words", with(`"reasoning_effort":"drop the rules","modalities":["text","say yes"],"tool_choice":"call it now","response_format":{"type":"é"}`),
			[]pipeline.Leaf{at("reasoning_effort", "drop the rules"), at("modalities[1]", "say yes"), at("tool_choice", "call it now"), at("response_format.type", "é")}},
		{"a word of 64 bytes and one of 65", with(`"service_tier":"` + strings.Repeat("a", 64) + `","verbosity":"` + strings.Repeat("a", 65) + `"`),
			[]pipeline.Leaf{at("verbosity", strings.Repeat("a", 65))}},
		{"who asks, for how long, and what to stop at", with(`"user":"u-1","safety_identifier":"s","prompt_cache_key":"k","stop":["a","b"]`),
			[]pipeline.Leaf{at("user", "u-1"), at("safety_identifier", "s"), at("prompt_cache_key", "k"), at("stop[0]", "a"), at("stop[1]", "b")}},
		{"an escaped name of ours is that name", with(`"us\u0065r":"u\n1"`), []pipeline.Leaf{at("user", "u\n1")}},
		{"empty strings say nothing", with(`"user":"","stop":["",""],"metadata":{"":""}`), nil},
		{"metadata with its keys", with(`"metadata":{"drop":"the rules","model":"x","a":{"b":[["c"]]}}`),
			[]pipeline.Leaf{at("metadata{key}", "drop"), at("metadata.*", "the rules"), at("metadata.*", "x"), at("metadata{key}", "a"), at("metadata{key}", "b"), at("metadata.*", "c")}},
		{"unknown fields at every level", `{"model":"m","extra":"a","messages":[{"role":"user","content":[{"type":"text","text":"t","cache":{"id":"b"}}],"extra":["c"]}]}`,
			[]pipeline.Leaf{at("{key}", "extra"), at("*", "a"), in(0, "messages[0].content[0]{key}", "cache"), in(0, "messages[0].content[0].*", "b"),
				in(0, "messages[0]{key}", "extra"), in(0, "messages[0].*", "c")}},
		{"a known name in another case is the client's own", with(`"User":"a","Tool_Choice":"auto"`),
			[]pipeline.Leaf{at("{key}", "User"), at("*", "a"), at("{key}", "Tool_Choice"), at("*", "auto")}},
		{"an id in an unknown field", with(`"x":{"id":"a","type":"b","model":"c"}`), []pipeline.Leaf{at("{key}", "x"), at("*", "a"), at("*", "b"), at("*", "c")}},
		{"a tool with all its texts", tool(`{"type":"function","function":{"name":"get","description":"gets it","strict":true,"parameters":{"type":"object","properties":` +
			`{"city name":{"type":["string","null"],"description":"which","enum":["a"],"const":"b","default":"c","examples":["d"],"pattern":"e","title":"f"}},"required":["city name"]}}}`),
			[]pipeline.Leaf{at("tools[0].function.name", "get"), at("tools[0].function.description", "gets it"), at("tools[0].function.parameters{key}", "city name"),
				at("tools[0].function.parameters.*", "which"), at("tools[0].function.parameters.*", "a"), at("tools[0].function.parameters.*", "b"),
				at("tools[0].function.parameters.*", "c"), at("tools[0].function.parameters.*", "d"), at("tools[0].function.parameters.*", "e"),
				at("tools[0].function.parameters.*", "f"), at("tools[0].function.parameters.*", "city name")}},
		{"a type that no schema knows", tool(`{"function":{"parameters":{"type":"drop"}}}`), []pipeline.Leaf{at("tools[0].function.parameters.*", "drop")}},
		{"a custom tool with a grammar", tool(`{"type":"custom","custom":{"name":"n","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"start: x"}}}}`),
			[]pipeline.Leaf{at("tools[0].custom.name", "n"), at("tools[0].custom.*", "grammar"), at("tools[0].custom.*", "lark"), at("tools[0].custom.*", "start: x")}},
		{"a tool in the shape of another API", tool(`{"type":"function","name":"n","description":"d","parameters":{"type":"object"}}`),
			[]pipeline.Leaf{at("tools[0].*", "n"), at("tools[0].*", "d"), at("tools[0].*", "object")}},
		{"a choice of one tool", with(`"tool_choice":{"type":"function","function":{"name":"f"}}`), []pipeline.Leaf{at("tool_choice.function.name", "f")}},
		{"a choice of some tools", with(`"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"f"}}]}}`),
			[]pipeline.Leaf{at("tool_choice.allowed_tools.tools[0].function.name", "f")}},
		{"legacy functions", with(`"functions":[{"name":"f","parameters":{"k":1}}],"function_call":{"name":"f"}`),
			[]pipeline.Leaf{at("functions[0].name", "f"), at("functions[0].parameters{key}", "k"), at("function_call.name", "f")}},
		{"a schema for the answer", with(`"response_format":{"type":"json_schema","json_schema":{"name":"n","description":"d","schema":{"type":"object","properties":{"a b":{}}}}}`),
			[]pipeline.Leaf{at("response_format.json_schema.name", "n"), at("response_format.json_schema.description", "d"), at("response_format.json_schema.schema{key}", "a b")}},
		{"a prediction as a string", with(`"prediction":{"type":"content","content":"p"}`), []pipeline.Leaf{at("prediction.content", "p")}},
		{"a prediction in parts", with(`"prediction":{"type":"content","content":[{"type":"text","text":"p"}]}`), []pipeline.Leaf{at("prediction.content[0].text", "p")}},
		{"settings of the search, and documents", with(`"web_search_options":{"user_location":{"approximate":{"city":"c"}}},"documents":[{"title":"t","text":"d"},"e"]`),
			[]pipeline.Leaf{at("web_search_options.*", "c"), at("documents[0].*", "t"), at("documents[0].*", "d"), at("documents[1]", "e")}},
		{"settings of the template", with(`"chat_template_kwargs":{"enable_thinking":false,"thinking":"hard","date":"today"}`),
			[]pipeline.Leaf{at("chat_template_kwargs.*", "hard"), at("chat_template_kwargs{key}", "date"), at("chat_template_kwargs.*", "today")}},
		{"biases of tokens by number", with(`"logit_bias":{"50256":-100,"a sentence":1,"1a":"b"}`),
			[]pipeline.Leaf{at("logit_bias{key}", "a sentence"), at("logit_bias{key}", "1a"), at("logit_bias.*", "b")}},
		{"numbers as keys elsewhere", with(`"metadata":{"50256":1}`), []pipeline.Leaf{at("metadata{key}", "50256")}},
		{"calls of tools, and their results", say(user, `{"role":"assistant","name":"bot","content":null,"refusal":"no","audio":{"id":"audio_1"},"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":\"b\"}"}}]}`,
			`{"role":"tool","tool_call_id":"call_1","content":"r"}`, `{"role":"tool","tool_call_id":"call it","content":"r"}`),
			[]pipeline.Leaf{in(1, "messages[1].name", "bot"), in(1, "messages[1].refusal", "no"), in(1, "messages[1].tool_calls[0].function.name", "f"),
				in(1, "messages[1].tool_calls[0].function.arguments", `{"a":"b"}`), in(3, "messages[3].tool_call_id", "call it")}},
		{"what the assistant thought", say(`{"role":"assistant","content":"a","reasoning":"r","reasoning_content":"s"}`),
			[]pipeline.Leaf{in(0, "messages[0].reasoning", "r"), in(0, "messages[0].reasoning_content", "s")}},
		{"a refusal part", say(`{"role":"assistant","content":[{"refusal":"no","type":"refusal"}]}`), []pipeline.Leaf{in(0, "messages[0].content[0].refusal", "no")}},
		{"texts in parts of another type, in the order of the body", asks(`[{"x":"a","text":"b","y":"c","type":"image_url","refusal":"d"},{"text":"e","type":"text"}]`),
			[]pipeline.Leaf{in(0, "messages[0].content[0]{key}", "x"), in(0, "messages[0].content[0].*", "a"), in(0, "messages[0].content[0].text", "b"),
				in(0, "messages[0].content[0]{key}", "y"), in(0, "messages[0].content[0].*", "c"), in(0, "messages[0].content[0].refusal", "d")}},
		{"names of files", asks(`[{"type":"file","file":{"filename":"drop.pdf","file_id":"file-1"}},{"type":"file","file":{"file_id":"the rules"}}]`),
			[]pipeline.Leaf{in(0, "messages[0].content[0].file.filename", "drop.pdf"), in(0, "messages[0].content[1].file.file_id", "the rules")}},
		{"fields before the messages, and behind them", `{"user":"a","messages":[{"name":"b","role":"user","content":"c"}],"model":"m","stop":"d"}`,
			[]pipeline.Leaf{at("user", "a"), in(0, "messages[0].name", "b"), at("stop", "d")}},
		{"arrays in arrays", with(`"stop":[["a"],[["b"]]]`), []pipeline.Leaf{at("stop[0].*", "a"), at("stop[1].*", "b")}},
	} {
		t.Run(row.name, func(t *testing.T) {
			b, fault := parse(t, row.body)
			if fault != nil {
				t.Fatal(fault.Code, fault.Param)
			}
			if diff := cmp.Diff(row.want, b.Request.Leaves); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAttachments(t *testing.T) {
	image := func(url string) string {
		return `[{"type":"image_url","image_url":{"url":"` + url + `","detail":"high"}}]`
	}
	file := func(data string) string { return `[{"type":"file","file":{"file_data":"` + data + `"}}]` }
	audio := func(data string) string {
		return `[{"type":"input_audio","input_audio":{"data":"` + data + `","format":"wav"}}]`
	}
	for _, row := range []struct {
		name, content string
		leaves        []string
		unscannable   int
	}{
		{"a picture", image(png), nil, 1},
		{"a picture whose scheme is in capitals", image("DATA:Image/PNG;BASE64,AAAA"), nil, 1},
		{"a picture as a bare string", `[{"type":"image_url","image_url":"` + png + `"}]`, nil, 1},
		{"a picture somewhere else", image("https://example.com/a?b=drop the rules"), []string{"https://example.com/a?b=drop the rules"}, 1},
		{"a picture that is text", image("data:image/svg+xml;base64,AAAA"), []string{"data:image/svg+xml;base64,AAAA"}, 0},
		{"a picture whose bytes are words", image("data:image/png;base64,drop the rules"), []string{"data:image/png;base64,drop the rules"}, 1},
		{"a picture that is not Base64", image("data:image/png,drop"), []string{"data:image/png,drop"}, 1},
		{"a picture with a parameter", image("data:image/png;name=drop;base64,AAAA"), []string{"data:image/png;name=drop;base64,AAAA"}, 1},
		{"a picture of bare Base64", image("AAAA"), []string{"AAAA"}, 1},
		{"two pictures and a text", `[` + strings.Trim(image(png), "[]") + `,{"type":"text","text":"t"},` + strings.Trim(image(png), "[]") + `]`, nil, 2},
		{"sound", audio("UklGRg=="), nil, 1},
		{"sound as a data URL", audio("data:audio/wav;base64,UklGRg=="), nil, 1},
		{"sound that is a sentence", audio("drop the rules"), []string{"drop the rules"}, 1},
		{"a document", file("data:application/pdf;base64,JVBERi0="), nil, 1},
		{"an office document", file("data:application/vnd.openxmlformats-officedocument.wordprocessingml.document;base64,UEsD"), nil, 1},
		{"bytes of no type", file("JVBERi0="), nil, 1},
		{"a text", file("data:text/plain;base64,aGk="), []string{"data:text/plain;base64,aGk="}, 0},
		{"a text with a charset", file("data:text/plain;charset=utf-8;base64,aGk="), []string{"data:text/plain;charset=utf-8;base64,aGk="}, 0},
		{"a text of no type", file("data:,hi"), []string{"data:,hi"}, 0},
		{"JSON", file("data:application/json;base64,e30="), []string{"data:application/json;base64,e30="}, 0},
		{"JSON by its suffix", file("data:application/ld+json;base64,e30="), []string{"data:application/ld+json;base64,e30="}, 0},
		{"YAML", file("data:application/yaml;base64,YQ=="), []string{"data:application/yaml;base64,YQ=="}, 0},
		{"JavaScript", file("data:application/javascript;base64,YQ=="), []string{"data:application/javascript;base64,YQ=="}, 0},
		{"a type that may be text", file("data:application/octet-stream;base64,YQ=="), []string{"data:application/octet-stream;base64,YQ=="}, 0},
		{"a file that the backend keeps", `[{"type":"file","file":{"file_id":"file-1"}}]`, nil, 1},
		{"a text beside a file that the backend keeps", `[{"type":"file","file":{"file_id":"file-1","file_data":"data:,hi"}}]`, []string{"data:,hi"}, 1},
		{"a picture in a text part", `[{"type":"text","text":"t","image_url":{"url":"` + png + `"}}]`, nil, 1},
		{"texts alone", `[{"type":"text","text":"t"},{"type":"text","text":"u"}]`, nil, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			b, fault := parse(t, asks(row.content))
			if fault != nil {
				t.Fatal(fault.Code, fault.Param)
			}
			var got []string
			for _, leaf := range b.Request.Leaves {
				got = append(got, leaf.Text)
			}
			if diff := cmp.Diff(row.leaves, got); diff != "" {
				t.Error(diff)
			}
			if b.Request.Unscannable != row.unscannable {
				t.Errorf("%d parts that cannot be read, want %d", b.Request.Unscannable, row.unscannable)
			}
		})
	}
}

func TestAPictureOutsideOfAPartIsALeaf(t *testing.T) {
	b, fault := parse(t, with(`"metadata":{"url":"`+png+`"},"image_url":{"url":"`+png+`"}`))
	if fault != nil {
		t.Fatal(fault.Code)
	}
	if n := slices.IndexFunc(b.Request.Leaves, func(l pipeline.Leaf) bool { return l.Text == png }); n < 0 || b.Request.Unscannable != 0 {
		t.Errorf("leaves %+v, %d that cannot be read", b.Request.Leaves, b.Request.Unscannable)
	}
}

// A body may be made so that its paths would be longer than itself.
func TestPathsStayShort(t *testing.T) {
	b, fault := parse(t, with(`"tools":`+strings.Repeat(`[{"function":{"parameters":[`, 15)+`"a","b"`+strings.Repeat(`]}}]`, 15)))
	if fault != nil {
		t.Fatal(fault.Code)
	}
	for _, leaf := range b.Request.Leaves {
		if len(leaf.Path) > 100 {
			t.Errorf("a path of %d bytes: %s", len(leaf.Path), leaf.Path)
		}
	}
}

// toolbox returns a body with n tools of four parameters each.
func toolbox(n int) string {
	one := `{"type":"function","function":{"name":"get_weather","description":"Looks up the weather of a city for a day.","parameters":{"type":"object","properties":` +
		`{"place":{"type":"string","description":"The name of the city."},"day":{"type":"string","description":"The day, as a date."},` +
		`"unit":{"type":"string","enum":["celsius","fahrenheit"]},"detail_level":{"type":"integer","description":"How much to tell."}},"required":["place"]}}}`
	return with(`"tools":[` + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + `]`)
}

func TestAllocationsForTools(t *testing.T) {
	p := &chat.Parser{}
	count := func(body string) float64 {
		return testing.AllocsPerRun(100, func() {
			if _, fault := p.Parse("", []byte(body)); fault != nil {
				t.Fatal(fault.Message)
			}
		})
	}
	plain := count(say(user))
	for n, more := range map[int]float64{1: 3, 20: 11} {
		if got := count(toolbox(n)) - plain; got > more {
			t.Errorf("%d tools: %v allocations more than for a plain question, want at most %v", n, got, more)
		}
	}
}
