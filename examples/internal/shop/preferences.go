package shop

import (
	"net/http"
	"slices"
	"strings"
)

var (
	themes   = []string{"light", "dark"}
	switches = []string{"enabled", "disabled"}
)

func (v *visit) preferences() (Response, error) { return v.show("preferences") }

func (v *visit) setLanguage() (Response, error) {
	lang, err := v.choice("language", languages)
	if err != nil {
		return Response{}, err
	}
	// Update and not Set: the present language has been read already, and the later choice is to win all the same.
	chosenLanguage.Update(v.s, func(string) string { return lang })
	return v.done("/")
}

// setPreferences changes one of them or both.
func (v *visit) setPreferences() (Response, error) {
	_, hasTheme := v.fields["theme"]
	_, hasNotifications := v.fields["notifications"]
	if !hasTheme && !hasNotifications {
		return Response{}, Error{Status: http.StatusUnprocessableEntity, text: "error.preferences"}
	}
	chosenTheme, err := v.optionalChoice(hasTheme, "theme", themes)
	if err != nil {
		return Response{}, err
	}
	chosenSwitch, err := v.optionalChoice(hasNotifications, "notifications", switches)
	if err != nil {
		return Response{}, err
	}
	if hasTheme {
		theme.Set(v.s, chosenTheme)
	}
	if hasNotifications {
		notifications.Set(v.s, chosenSwitch)
		v.tell("flash.saved")
	}
	return v.done("/preferences")
}

// choice is a field that has to have one of a few values.
func (v *visit) choice(field string, from []string) (string, error) {
	value := v.fields[field]
	if !slices.Contains(from, value) {
		args := []any{field, strings.Join(from, ", ")}
		return "", Error{Status: http.StatusUnprocessableEntity, text: "error.choice", args: args}
	}
	return value, nil
}

func (v *visit) optionalChoice(present bool, field string, from []string) (string, error) {
	if !present {
		return "", nil
	}
	return v.choice(field, from)
}
