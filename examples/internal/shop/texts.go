package shop

import (
	"embed"
	"encoding/json"
	"fmt"

	"golang.org/x/text/language"
)

//go:embed texts
var textFiles embed.FS

// languages are the ones that the shop speaks, the default first.
var languages = []string{"en", "es", "fr", "ja"}

var matcher = language.NewMatcher([]language.Tag{language.English, language.Spanish, language.French,
	language.Japanese})

// preferred is the language for an Accept-Language header.
func preferred(accept string) string {
	_, i := language.MatchStrings(matcher, accept)
	return languages[i]
}

// texts are the shop's sentences by language and key.
type texts map[string]map[string]string

func loadTexts() (texts, error) {
	all := texts{}
	for _, lang := range languages {
		data, err := textFiles.ReadFile("texts/" + lang + ".json")
		if err != nil {
			return nil, err
		}
		var sentences map[string]string
		if err := json.Unmarshal(data, &sentences); err != nil {
			return nil, fmt.Errorf("%s: %w", lang, err)
		}
		all[lang] = sentences
	}
	return all, nil
}

// say returns a sentence. Without arguments it is not a format.
func (t texts) say(lang, key string, args ...any) string {
	sentence, ok := t[lang][key]
	if !ok {
		sentence = t[languages[0]][key]
	}
	if len(args) == 0 || sentence == "" {
		return sentence
	}
	return fmt.Sprintf(sentence, args...)
}

// count says how many there are of something, such as items.
func (t texts) count(lang, what string, n int) string {
	if n == 1 {
		return t.say(lang, what+".one")
	}
	return t.say(lang, what+".many", n)
}

// price is an amount of cents as it is written in that language.
func (t texts) price(lang string, cents int) string {
	return t.say(lang, "price", cents/100, cents%100)
}

// product is the name of something on the shelf, or the item itself.
func (t texts) product(lang, item string) string {
	if _, ok := prices[item]; !ok {
		return item
	}
	return t.say(lang, "product."+item)
}
