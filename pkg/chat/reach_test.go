package chat_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/mom-router/mom/pkg/pipeline"
)

// The list of what no guard reads, said a second time and in another way: by the path of names, arrays left out.
var (
	opaqueWords = setOf("messages.tool_call_id messages.call_id messages.tool_calls.id messages.tool_calls.call_id messages.tool_calls.type " +
		"messages.audio.id messages.audio.voice messages.audio.format " +
		"messages.content.image_url.detail messages.content.image_url.format messages.content.image_url.file_id " +
		"messages.content.input_audio.detail messages.content.input_audio.format messages.content.input_audio.file_id " +
		"messages.content.file.detail messages.content.file.format messages.content.file.file_id " +
		"tools.id tools.call_id tools.type tool_choice tool_choice.type tool_choice.allowed_tools.mode " +
		"tool_choice.allowed_tools.tools.id tool_choice.allowed_tools.tools.call_id tool_choice.allowed_tools.tools.type " +
		"function_call modalities reasoning_effort reasoning.effort reasoning.summary verbosity service_tier prompt_cache_retention " +
		"response_format.type audio.id audio.voice audio.format prediction.type prediction.content.type")
	payloads = regexp.MustCompile(`^messages\.content\.((image_url|input_audio|file)\.(url|data|file_data)|image_url)$`)
	bare     = regexp.MustCompile(`^messages\.content\.(image_url|input_audio|file)\.(data|file_data)$`)
	schemas  = regexp.MustCompile(`^(((messages\.tool_calls|tools|tool_choice|tool_choice\.allowed_tools\.tools)\.(function|custom)|functions|(messages\.)?function_call)\.parameters|` +
		`response_format\.json_schema\.schema|guided_json)(\..*)?\.type$`)

	looksLikeNumber = regexp.MustCompile(`^[0-9]{1,64}$`)
	looksLikeWord   = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)
	looksLikeType   = regexp.MustCompile(`^(object|array|string|number|integer|boolean|null)$`)
	looksLikeBase64 = regexp.MustCompile(`^[A-Za-z0-9+/_-]*={0,2}$`)
	binaryURL       = regexp.MustCompile(`^(?i:data:((image|audio|video)/[a-z0-9_.:+-]{0,64}|application/(pdf|zip|msword|(vnd\.openxmlformats-officedocument|vnd\.oasis\.opendocument|vnd\.ms-)[a-z0-9_.:+-]{0,64}));base64),[A-Za-z0-9+/_-]*={0,2}$`)
	textInDisguise  = regexp.MustCompile(`^(?i:data:([a-z]+/[^;]*(svg[^;]*|xml|json)));`)
	looksLikePath   = regexp.MustCompile(`^[A-Za-z0-9_.*\[\]]*(\{key\})?$`)

	// Keys that say nothing.
	wordKeys = setOf("$anchor $comment $defs $dynamicAnchor $dynamicRef $id $ref $schema $vocabulary additionalItems additionalProperties allOf " +
		"allowed_tools anyOf approximate arguments audio cache_control call_id chat_template chat_template_kwargs city const contains " +
		"content contentEncoding contentMediaType contentSchema country custom data default definition definitions dependencies " +
		"dependentRequired dependentSchemas deprecated description detail documents effort else enable_thinking enabled enum examples " +
		"exclude exclusiveMaximum exclusiveMinimum extra_body file file_data file_id filename format frequency_penalty function " +
		"function_call functions grammar guided_json guided_regex id if image_url include_obfuscation include_usage index input " +
		"input_audio items json_schema logit_bias logprobs maxContains maxItems maxLength maxProperties max_completion_tokens max_tokens " +
		"maximum messages metadata minContains minItems minLength minProperties min_p minimum modalities mode model moderation multipleOf " +
		"n name not nullable oneOf parallel_tool_calls parameters pattern patternProperties prediction prefixItems presence_penalty prompt " +
		"prompt_cache_key prompt_cache_options prompt_cache_retention properties propertyNames readOnly reasoning reasoning_content " +
		"reasoning_effort refusal region repetition_penalty required response_format role safety_identifier schema search_context_size " +
		"seed service_tier stop store stream stream_options strict summary syntax temperature text then thinking timezone title " +
		"tool_call_id tool_calls tool_choice tools top_k top_logprobs top_p type unevaluatedItems unevaluatedProperties uniqueItems url " +
		"user user_location verbosity voice web_search_options writeOnly ")
)

func setOf(names string) map[string]bool {
	all := make(map[string]bool)
	for _, name := range strings.Fields(names) {
		all[name] = true
	}
	return all
}

// reach lists every string and key of top, which encoding/json has read, that is neither in the Texts nor opaque: message, then text, sorted.
func reach(top map[string]any) []string {
	var all []string
	var walk func(v any, path string, message int, texts bool)
	add := func(message int, text string) {
		if text != "" {
			all = append(all, fmt.Sprintf("%d %q", message, text))
		}
	}
	walk = func(v any, path string, message int, text bool) {
		switch v := v.(type) {
		case string:
			switch {
			case text, path == "model", path == "messages.role", path == "messages.content.type",
				opaqueWords[path] && looksLikeWord.MatchString(v),
				schemas.MatchString(path) && looksLikeType.MatchString(v),
				payloads.MatchString(path) && binaryURL.MatchString(v) && !textInDisguise.MatchString(v),
				bare.MatchString(path) && looksLikeBase64.MatchString(v):
			default:
				add(message, v)
			}
		case []any:
			for i, e := range v {
				if path == "messages" && message < 0 {
					walk(e, path, i, false)
				} else {
					walk(e, path, message, false)
				}
			}
		case map[string]any:
			for key, e := range v {
				if token := path == "logit_bias" && looksLikeNumber.MatchString(key); !token && !wordKeys[key] {
					add(message, key)
				}
				below := strings.TrimPrefix(path+"."+strings.ReplaceAll(key, ".", "?"), ".")
				_, whole := e.(string)
				walk(e, below, message, whole && (below == "messages.content" || below == "messages.content.text" && v["type"] == "text"))
			}
		}
	}
	walk(top, "", -1, false)
	slices.Sort(all)
	return all
}

// handed lists the leaves as reach does.
func handed(leaves []pipeline.Leaf) []string {
	var all []string
	for _, leaf := range leaves {
		all = append(all, fmt.Sprintf("%d %q", leaf.Message, leaf.Text))
	}
	slices.Sort(all)
	return all
}

// loggable says whether a path holds names of the API alone, and is short.
func loggable(path string) bool {
	if !looksLikePath.MatchString(path) || len(path) > 150 {
		return false
	}
	for _, name := range regexp.MustCompile(`[A-Za-z_]+`).FindAllString(strings.TrimSuffix(path, "{key}"), -1) {
		if !wordKeys[name] {
			return false
		}
	}
	return true
}
