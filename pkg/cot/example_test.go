package cot_test

import (
	"encoding/json"
	"fmt"

	"github.com/mom-router/mom/pkg/cot"
	"github.com/mom-router/mom/pkg/pipeline"
)

func Example() {
	plan := pipeline.Plan{
		Decision: "numbers", Domain: "math",
		Tiers: []pipeline.Tier{{Model: "large", Cluster: "large", Reasoning: pipeline.On}, {Model: "small", Cluster: "small"}},
	}
	fmt.Println(cot.FromPlan(plan, 0))
	fmt.Println(cot.FromPlan(plan, 1))
	// Output:
	// 🔀 vLLM Semantic Router - Chain-Of-Thought 🔀 → 🧠 ***Stage 3 - Smart Routing***: 📂 *math* → 🧠 *Reasoning On* → 🥷 *large* → 💯 ***Continue***
	// 🔀 vLLM Semantic Router - Chain-Of-Thought 🔀 → 🧠 ***Stage 3 - Smart Routing***: 📂 *math* → 🥷 *small* → 💯 ***Continue***
}

func ExampleTrail_String() {
	routed := cot.Trail{
		Guard: &cot.Guard{}, Memory: &cot.Memory{},
		Route: &cot.Route{Domain: "math", Reasoning: pipeline.On, Model: "deepseek-v3", Optimized: true},
	}
	fmt.Println(routed)
	fmt.Println(cot.Trail{Guard: &cot.Guard{}, Memory: &cot.Memory{Hit: true}})
	fmt.Println(cot.Trail{Guard: &cot.Guard{Jailbreak: true, Confidence: 0.95}})
	// Output:
	// 🔀 vLLM Semantic Router - Chain-Of-Thought 🔀 → 🛡️ ***Stage 1 - Prompt Guard***: ✅ *No Jailbreak* → ✅ *No PII* → 💯 ***Continue*** → 🔥 ***Stage 2 - Router Memory***: 🌊 *MISS* → 🧠 *Update Memory* → 💯 ***Continue*** → 🧠 ***Stage 3 - Smart Routing***: 📂 *math* → 🧠 *Reasoning On* → 🥷 *deepseek-v3* → 🎯 *Prompt Optimized* → 💯 ***Continue***
	// 🔀 vLLM Semantic Router - Chain-Of-Thought 🔀 → 🛡️ ***Stage 1 - Prompt Guard***: ✅ *No Jailbreak* → ✅ *No PII* → 💯 ***Continue*** → 🔥 ***Stage 2 - Router Memory***: 🔥 *HIT* → ⚡️ *Retrieve Memory* → 💯 ***Fast Response***
	// 🔀 vLLM Semantic Router - Chain-Of-Thought 🔀 → 🛡️ ***Stage 1 - Prompt Guard***: 🚨 *Jailbreak Detected, Confidence: 0.950* → ✅ *No PII* → ❌ ***BLOCKED***
}

func ExampleTrail_Display() {
	fmt.Println(cot.Trail{Guard: &cot.Guard{}, Route: &cot.Route{Domain: "law", Reasoning: pipeline.Off, Model: "large"}}.Display())
	// Output:
	// **🔀 vLLM Semantic Router - Chain-Of-Thought 🔀**
	//   → 🛡️ ***Stage 1 - Prompt Guard***: ✅ *No Jailbreak* → ✅ *No PII* → 💯 ***Continue***
	//   → 🧠 ***Stage 3 - Smart Routing***: 📂 *law* → ⚡ *Reasoning Off* → 🥷 *large* → 💯 ***Continue***
}

func ExampleTrail_MarshalJSON() {
	for _, t := range []cot.Trail{
		{Guard: &cot.Guard{}, Memory: &cot.Memory{}, Route: &cot.Route{Domain: "math", Reasoning: pipeline.On, Model: "large"}},
		{Guard: &cot.Guard{Jailbreak: true, Confidence: 0.95, PII: true}},
	} {
		b, err := json.Marshal(t)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(b))
	}
	// Output:
	// {"stage1":{"jailbreak":false,"pii":false,"result":"Continue"},"stage2":{"cacheStatus":"MISS","action":"Update Memory","result":"Continue"},"stage3":{"domain":"math","reasoning":true,"model":"large","optimized":false,"result":"Continue"}}
	// {"stage1":{"jailbreak":true,"jailbreakConfidence":0.95,"pii":true,"result":"BLOCKED"}}
}

func ExampleParse() {
	t := cot.Parse("🔀 vLLM Semantic Router - Chain-Of-Thought 🔀 → 🧠 ***Stage 3 - Smart Routing***: 📂 *math* → 🧠 *Reasoning On* → 🥷 *large* → 💯 ***Continue***")
	fmt.Println(t.Route.Domain, t.Route.Model, t.Guard == nil)
	// Output: math large true
}
