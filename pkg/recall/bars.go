package recall

import (
	"regexp"
	"strings"

	"github.com/mom-router/mom/pkg/pipeline"
)

// Why a request is neither answered from memory nor remembered, beside the words of pipeline.Asked.Unlike.
const (
	noTenant  = "tenant"  // nobody vouches for who asks
	noStore   = "asked"   // the caller asked for it
	unguarded = "guard"   // not all guards have read it, or they found something
	timely    = "time"    // the answer may be another one by now
	task      = "task"    // a chat client's own request, for a title or tags
	long      = "long"    // too long to be asked twice
	personal  = "private" // it holds personal data
)

// most is how many bytes all texts of a request may have, some 2,000 tokens of English.
const most = 8 << 10

// bars says by which word a request goes past the memory, "" when it does not.
func (r *Recall) bars(req *pipeline.Request, trail pipeline.Trail) string {
	found, _ := pipeline.Find[pipeline.Guarded](trail)
	switch {
	case !r.c.Shared && req.Caller.Tenant == "":
		return noTenant
	case req.Caller.NoStore:
		return noStore
	case req.Asked.Unlike != "":
		return req.Asked.Unlike
	case req.Asked.Whole == [32]byte{}: // nobody looked
		return "field"
	case len(found.PII) > 0:
		return personal
	case pipeline.GuardState(trail, r.c.Guards) != pipeline.GuardOK:
		return unguarded
	}
	bytes := 0
	for _, t := range req.All() {
		bytes += len(t.Text)
		switch {
		case bytes > most:
			return long
		case isTask(t):
			return task
		case t.Role == "user" && timeSensitive.MatchString(t.Text):
			return timely
		}
	}
	return ""
}

// isTask finds the requests that chat clients make for themselves, for a title or for tags: they repeat what a user said. The words are those of Open
// WebUI and chat-ui.
func isTask(t pipeline.Text) bool {
	switch t.Role {
	case "user":
		return strings.HasPrefix(strings.TrimSpace(t.Text), "### Task:")
	case "system":
		return strings.HasPrefix(t.Text, "You are a chat thread titling assistant")
	}
	return false
}

// timeSensitive finds words by which an answer depends on when it is given. One too many costs a miss.
var timeSensitive = regexp.MustCompile(`(?i)\b(?:now|nowadays|today|tonight|tomorrow|yesterday|current(?:ly)?|latest|newest|recent(?:ly)?|up[- ]to[- ]date|` +
	`live|breaking|news|weather|forecast|stock|share price|price of|exchange rate|score|standings|so far|as of|still|upcoming|` +
	`this (?:morning|afternoon|evening|week|weekend|month|quarter|year|season)|(?:last|next) (?:night|week|weekend|month|quarter|year|season)|` +
	`(?:what|which) (?:time|date|day|year|month)|at the moment|these days|how long ago|how many days|` +
	`heute|jetzt|gerade|aktuell\w*|momentan|morgen|gestern|neueste\w*|wetter|nachrichten|kurs|` +
	`aujourd'hui|maintenant|actuel\w*|demain|hier|météo|actualités|hoy|ahora|actual\w*|mañana|ayer|noticias|tiempo hace|` +
	`oggi|adesso|attuale|domani|ieri|notizie|hoje|agora|atual\w*|amanhã|ontem|notícias|vandaag|nu|actueel|morgen|gisteren|nieuws|` +
	`dziś|dzisiaj|teraz|aktualn\w*|jutro|wczoraj|pogoda)\b|今天|现在|目前|最新|明天|昨天|今日|現在|сегодня|сейчас|завтра|вчера|погода|новости|اليوم|الآن|आज|अभी|오늘|지금`)
